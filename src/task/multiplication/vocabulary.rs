//! The words of the multiplication model's language and the `tokenizer.json` they form.
//!
//! There are too many products to give each a word, so numbers are written digit by digit. A word carries the
//! space before it (`▁split`), and so does the first digit of a number (`▁1`); later digits (`1`) do not.
//! Text therefore converts to tokens and back without loss.

use serde_json::json;

use crate::task::lessons::{END, PAD, UNKNOWN};

/// Stands for the space before a word.
const SPACE: char = '▁';

const SPECIAL: [&str; 3] = [PAD, END, UNKNOWN];

const WORDS: [&str; 60] = [
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "+",
    "-",
    "*",
    "=",
    ".",
    ",",
    ":",
    "(",
    ")",
    "multiply",
    "by",
    "split",
    "round",
    "step",
    "parts",
    "check",
    "verify",
    "last",
    "digit",
    "ends",
    "in",
    "yes",
    "no",
    "not",
    "right",
    "wrong",
    "wait",
    "hmm",
    "that",
    "is",
    "so",
    "try",
    "again",
    "another",
    "way",
    "instead",
    "maybe",
    "i",
    "guess",
    "about",
    "let",
    "me",
    "see",
    "it",
    "the",
    "and",
    "then",
    "now",
    "carry",
    "works",
    "too",
    "high",
    "low",
    "to",
    "a",
    "first",
];

/// All tokens in order of their ids: special ones, first digits, later digits, words.
pub fn tokens() -> Vec<String> {
    let first = (0..10).map(|digit| format!("{SPACE}{digit}"));
    let later = (0..10).map(|digit: u32| digit.to_string());
    let words = WORDS.iter().map(|word| format!("{SPACE}{word}"));
    SPECIAL.iter().map(|&s| s.to_string()).chain(first).chain(later).chain(words).collect()
}

/// The ids of the twenty digit tokens, with their values.
pub fn digits() -> Vec<(usize, u32)> {
    (0..20).map(|i| (SPECIAL.len() + i as usize, i % 10)).collect()
}

/// The tokens of words separated by white space.
pub(crate) fn tokens_of(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            let spaced = |(i, digit)| if i == 0 { format!("{SPACE}{digit}") } else { String::from(digit) };
            tokens.extend(word.chars().enumerate().map(spaced));
        } else {
            tokens.push(format!("{SPACE}{word}"));
        }
    }
    tokens
}

/// A `tokenizer.json` of these tokens, for the `tokenizers` crate and transformers.
pub(crate) fn tokenizer_json() -> String {
    let vocab: serde_json::Map<String, serde_json::Value> =
        tokens().into_iter().enumerate().map(|(id, token)| (token, json!(id))).collect();
    let special = |(id, content): (usize, &&str)| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    };
    let added: Vec<serde_json::Value> = SPECIAL.iter().enumerate().map(special).collect();
    let whole = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        // Split into words, each with the space before it, then into digits; the first digit keeps the space.
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": true},
            {"type": "Split", "pattern": {"Regex": format!("{SPACE}?[0-9]")}, "behavior": "Isolated", "invert": false},
        ]},
        "post_processor": null,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
            {"type": "Fuse"},
        ]},
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": UNKNOWN}
    });
    // Serialising a value that we built cannot fail; an empty file would be refused when read.
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::tokenizer::{StreamingDecoder, Tokenizer};

    #[test]
    fn text_and_tokens_give_each_other_back() {
        let tokenizer =
            Tokenizer::from_bytes(tokenizer_json().as_bytes(), Path::new("tokenizer.json")).unwrap();
        assert_eq!(tokenizer.size(), tokens().len());
        let text = " split 47 = 40 + 7 : 23 * 40 = 920 , 920 + 161 = 1081 . </think> <answer> 1081 </answer>";
        let ids = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&ids), text);
        let all = tokens();
        let named: Vec<&str> = ids.iter().map(|&id| all[id as usize].as_str()).collect();
        assert_eq!(named, tokens_of(text));
        let mut stream = StreamingDecoder::new();
        let streamed: String = ids.iter().map(|&id| stream.push(&tokenizer, id)).collect();
        assert_eq!(streamed, text);
        assert_eq!(tokenizer.encode("multiply 23").unwrap(), tokenizer.encode(" multiply 23").unwrap());
    }

    #[test]
    fn no_token_is_there_twice() {
        let all: std::collections::HashSet<String> = tokens().into_iter().collect();
        assert_eq!(all.len(), tokens().len());
    }
}
