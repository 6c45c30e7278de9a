//! Prepares foreign text for quoting in a message: short, on one line, and without anything that moves the
//! cursor.

use super::output::printable_within_line;

/// At most 60 characters of a text, in backticks.
pub fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// Like [`quoted`], without the backticks.
pub(crate) fn shortened(text: &str) -> String {
    shortened_to(60, text)
}

/// At most 300 characters of a library's error, which may quote any amount of a foreign file.
pub(crate) fn quoting(error: &impl std::fmt::Display) -> String {
    shortened_to(300, &error.to_string())
}

fn shortened_to(most: usize, text: &str) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => printable_within_line(&text[..end]) + "…",
        None => printable_within_line(text),
    }
}
