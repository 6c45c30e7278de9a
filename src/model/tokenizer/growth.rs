//! Bounds how much longer a `tokenizer.json` can make a text. A few replacements in a row, each ten times as
//! long as what it replaces, would use up all memory, and nothing could catch that; so the growth is bounded
//! before any text is encoded.

use serde_json::Value;

/// The largest growth factor of a text. Tokenizers in use reach 3: a symbol for a space.
const MOST: f64 = 64.0;
/// Largest table of a `Precompiled` normalizer. Those in use have 0.3 MB; a single letter could be replaced
/// by a whole table.
const MOST_TABLE: usize = 2 << 20;

/// Refuses a tokenizer whose normalizers or decoders could make a text much longer.
///
/// # Errors
/// What is wrong, as part of a sentence.
pub fn check(tokenizer: &[u8]) -> Result<(), String> {
    // The parser refuses invalid JSON with its own message.
    let Ok(whole) = serde_json::from_slice::<Value>(tokenizer) else { return Ok(()) };
    for part in ["normalizer", "decoder"] {
        let growth = growth(&whole[part])?;
        if growth > MOST {
            return Err(format!(
                "its {part} can make a text {growth:.0} times as long; at most {MOST} times is allowed"
            ));
        }
    }
    Ok(())
}

/// The largest growth factor of a text of one or more letters. Steps are recognised by their fields: files of
/// older versions omit the type.
fn growth(step: &Value) -> Result<f64, String> {
    let bytes = |field: &str| step[field].as_str().map_or(0, str::len);
    if let Some(steps) = step["normalizers"].as_array().or(step["decoders"].as_array()) {
        return steps.iter().try_fold(1.0, |all, step| Ok(all * growth(step)?));
    }
    if bytes("precompiled_charsmap") > MOST_TABLE {
        return Err("its normalizer has an implausibly large table".into());
    }
    let content = bytes("content") as f64;
    let replaced = match step["pattern"]["String"].as_str() {
        Some(pattern) if !pattern.is_empty() => (content / pattern.len() as f64).max(1.0),
        // An expression may match one letter, or the empty string before each.
        _ => 1.0 + 2.0 * content,
    };
    Ok(replaced + bytes("prepend") as f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(normalizer: Value) -> String {
        check(json!({ "normalizer": normalizer }).to_string().as_bytes()).err().unwrap_or_default()
    }

    fn replace(pattern: Value, content: &str) -> Value {
        json!({"type": "Replace", "pattern": pattern, "content": content})
    }

    #[test]
    fn replacements_in_a_row_are_multiplied() {
        let ten = replace(json!({"String": "a"}), "aaaaaaaaaa");
        let eight = json!({"type": "Sequence", "normalizers": vec![ten.clone(); 8]});
        assert!(said(eight.clone()).contains("100000000 times"), "{}", said(eight.clone()));
        assert!(check(json!({ "decoder": eight }).to_string().as_bytes()).is_err(), "decoders too");
        let nested = json!({"type": "Sequence", "normalizers": [ten, {"type": "Sequence", "normalizers":
            vec![replace(json!({"Regex": "."}), "bbbb"); 2]}]});
        assert!(said(nested).contains("810 times"));
        let table = json!({"type": "Precompiled", "precompiled_charsmap": "A".repeat(3 << 20)});
        assert!(said(table).contains("implausibly large"));
    }

    #[test]
    fn what_is_in_use_is_allowed() {
        let llama = json!({"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u{2581}"}, replace(json!({"String": " "}), "\u{2581}")]});
        let t5 = json!({"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": "A".repeat(320_000)},
            {"type": "Strip", "strip_left": false, "strip_right": true},
            replace(json!({"Regex": " {2,}"}), "\u{2581}")]});
        for normalizer in [json!(null), json!({"type": "NFC"}), llama, t5] {
            assert_eq!(said(normalizer), "");
        }
    }
}
