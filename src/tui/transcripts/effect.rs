//! What the screen asks of the application loop: it touches neither files nor the terminal itself.

use std::fmt::Write as _;

use super::filter::underived;
use crate::{record::RolloutRecord, runs::place::Place};

/// Something to be done outside the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write [`osc52`] of this text to the terminal, then say [`SENT_TO_CLIPBOARD`].
    Copy {
        /// The prompt and the completion, word for word.
        text: String,
    },
    /// Write a file into the current directory, then say where it is or why not.
    Export {
        /// The file's name, without a folder.
        file_name: String,
        /// What to write.
        text: String,
    },
}

/// What may be said after a copy. Terminals and multiplexers may discard the request without a word, so
/// nothing more is known.
pub const SENT_TO_CLIPBOARD: &str = "sent to the terminal's clipboard";

impl Effect {
    /// Copies a transcript.
    pub fn copy(record: &RolloutRecord) -> Self {
        Self::Copy { text: format!("{}{}", record.prompt, record.completion) }
    }

    /// Exports a transcript of so many tokens with its figures.
    pub fn export(record: &RolloutRecord, length: usize) -> Self {
        let RolloutRecord { step, analysis, .. } = record;
        let place = Place::of(record);
        let mut text = String::new();
        let numbers: Vec<String> = record.puzzle.numbers.iter().map(i64::to_string).collect();
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "step {step}, {place}\n\
             task: {}, numbers {}, target {}\n\
             answer: {}{}{}\n\
             reward: {}\nadvantage: {}\nlength: {length} tokens\n\
             checks: {} true, {} misled, {} false, {} superficial\n\
             self-corrections: {}\n\n{}{}\n",
            record.task,
            numbers.join(" "),
            record.puzzle.target,
            if record.correct { "right" } else { "wrong" },
            if underived(record) { ", not derived by the thought" } else { "" },
            if record.truncated { ", cut off" } else { "" },
            record.reward,
            record.advantage,
            analysis.true_checks,
            analysis.misled_checks,
            analysis.false_checks,
            analysis.superficial_checks,
            analysis.self_corrections,
            record.prompt,
            record.completion,
        );
        Self::Export {
            file_name: format!("aha-transcript-{step}-{}-{}.txt", place.group(), place.completion()),
            text,
        }
    }
}

/// The escape sequence that asks the terminal to put `text` on the clipboard.
pub fn osc52(text: &str) -> String {
    format!("\u{1b}]52;c;{}\u{7}", base64(text.as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (group >> (18 - 6 * digit)) & 0x3f;
            encoded.push(if digit <= chunk.len() { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    encoded
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
