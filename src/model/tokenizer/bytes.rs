//! The bytes of a token that is only part of a character.

/// The bytes that a token of a vocabulary stands for: vocabularies of bytes write each as one letter, or as `<0xE2>`.
pub fn of_token(written: &str) -> Vec<u8> {
    let code = written.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    if let Some(byte) = code.filter(|code| code.len() == 2).and_then(|code| u8::from_str_radix(code, 16).ok())
    {
        return vec![byte];
    }
    let bytes: Option<Vec<u8>> = written.chars().map(byte_of).collect();
    bytes.unwrap_or_else(|| written.as_bytes().to_vec())
}

/// The byte that GPT-2 writes as this letter: itself where it can be seen, else the next of those from U+0100.
fn byte_of(letter: char) -> Option<u8> {
    let seen = |byte: &u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    let unseen = u32::from(letter).checked_sub(0x100);
    match unseen {
        None => u8::try_from(u32::from(letter)).ok().filter(seen),
        Some(number) => (0..=u8::MAX).filter(|byte| !seen(byte)).nth(number as usize),
    }
}

/// Bytes as they are shown: `\xE2\x82`.
pub fn in_hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_one_letter() {
        // The first two bytes of a euro sign, and a space before them.
        assert_eq!(of_token("Ġâ\u{201a}"), [0xc4, 0xa0, 0xc3, 0xa2, 0xe2, 0x80, 0x9a], "no letter of a byte");
        assert_eq!(of_token("Ġâ\u{0124}"), [b' ', 0xe2, 0x82]);
        assert_eq!(of_token("Ċ"), b"\n");
        assert_eq!(of_token("<0xE2>"), [0xe2]);
        assert_eq!(of_token("<0xE>"), b"<0xE>");
        assert_eq!(in_hexadecimal(&of_token("<0xe2>")), "\\xE2");
        let mut all: Vec<u8> = (0..0x150).filter_map(char::from_u32).filter_map(byte_of).collect();
        all.sort_unstable();
        assert_eq!(all, (0..=u8::MAX).collect::<Vec<u8>>());
    }
}
