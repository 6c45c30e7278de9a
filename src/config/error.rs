//! What can be wrong with a configuration, in sentences.

use std::path::PathBuf;

use crate::system::output::printable_within_line;

/// Why a configuration, or one of its values, was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key that does not exist.
    #[error("There is no configuration key `{key}`; the nearest known one is `{nearest}`.")]
    UnknownKey {
        /// What was asked for, shortened and with control characters escaped.
        key: String,
        /// The known key that is spelled most alike.
        nearest: &'static str,
    },
    /// A value that the key does not take.
    #[error("`{key}` cannot be {value}: it takes {allowed}.")]
    Value {
        /// The key.
        key: &'static str,
        /// What was given, shortened and with control characters escaped.
        value: String,
        /// What the key takes, in words.
        allowed: String,
    },
    /// A key that is fixed once a run has begun.
    #[error("`{key}` cannot change during a run; these keys can: {}.", live.join(", "))]
    NotLive {
        /// The key.
        key: &'static str,
        /// The keys that can.
        live: &'static [&'static str],
    },
    /// A `--set` argument that is not `key=value`.
    #[error("`{given}` is not a setting; write it as key=value, for example `learning_rate=0.0002`.")]
    NotASetting {
        /// What was given, shortened and with control characters escaped.
        given: String,
    },
    /// A file that cannot be read or is not a configuration at all.
    #[error("The configuration {} cannot be used: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why, as a sentence.
        reason: String,
    },
    /// One of the above, inside a file.
    #[error("The configuration {} cannot be used: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<ConfigError>,
    },
}

/// A piece of foreign text for use in a message: quoted, escaped, and at most 60 characters of it.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", shortened(text))
}

/// Like [`quoted`], without the quotes.
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
