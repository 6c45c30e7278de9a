//! Pieces of foreign text as a message may quote them: short, on one line, and without anything that moves the cursor.

use super::output::printable_within_line;

/// At most 60 characters of a text, in backticks.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// Like [`quoted`], without the backticks.
pub(crate) fn shortened(text: &str) -> String {
    shortened_to(60, text)
}

/// What a library says of a stranger's file, of which it may quote as much as it likes.
pub(crate) fn quoting(error: &impl std::fmt::Display) -> String {
    shortened_to(300, &error.to_string())
}

fn shortened_to(most: usize, text: &str) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => printable_within_line(&text[..end]) + "…",
        None => printable_within_line(text),
    }
}
