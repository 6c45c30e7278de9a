//! The terminal's clipboard.

use crate::system::base64::base64;

/// The message after a copy. Terminals and multiplexers may silently discard the request, so it claims no more.
pub(crate) const SENT_TO_CLIPBOARD: &str = "sent to the terminal's clipboard";

/// The escape sequence that asks the terminal to put `text` on the clipboard.
pub(crate) fn osc52(text: &str) -> String {
    format!("\u{1b}]52;c;{}\u{7}", base64(text.as_bytes()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn clipboard_requests_are_base64() {
        // The vectors of RFC 4648.
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(osc52(plain), format!("\u{1b}]52;c;{encoded}\u{7}"));
        }
        assert_eq!(base64("→".as_bytes()), "4oaS");
    }
}
