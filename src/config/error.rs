//! Errors of a configuration, as sentences.

use std::path::PathBuf;

use super::Config;
use crate::settings::Refused;

/// Why a configuration, or one of its values, was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key that does not exist.
    #[error("There is no configuration key `{key}`; the nearest known one is `{nearest}`.")]
    UnknownKey {
        /// The requested key, shortened and with control characters escaped.
        key: String,
        /// The known key with the most similar spelling.
        nearest: &'static str,
    },
    /// A value that the key does not accept.
    #[error(transparent)]
    Value(#[from] Refused),
    /// A key that is fixed once a run has begun.
    #[error("`{key}` cannot change during a run; these keys can: {}.", live())]
    NotLive {
        /// The key.
        key: &'static str,
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
    /// A value that an environment variable gives.
    #[error("The environment variable {name} cannot be used: {source}")]
    InVariable {
        /// The variable.
        name: String,
        /// What is wrong with its value.
        source: Box<ConfigError>,
    },
}

fn live() -> String {
    Config::live_keys().collect::<Vec<_>>().join(", ")
}
