//! Why a model could not be had from the hub.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why a model could not be had from the hub.
#[derive(Debug, Error)]
#[allow(missing_docs, reason = "each says what it is, in a sentence of its own")]
pub enum HubError {
    #[error("{0}")]
    Setting(String),
    #[error(
        "{name} is not in the cache ({cache}), and HF_HUB_OFFLINE forbids to ask the hub. Unset it, or give a folder."
    )]
    Offline { name: String, cache: String },
    #[error(
        "{name} is only partly in the cache ({cache}), and HF_HUB_OFFLINE forbids to fetch the rest. Unset it, or give a \
         folder."
    )]
    OfflineAndPartly { name: String, cache: String },
    #[error("There is no {what} on the hub. Check its name.")]
    NotFound { what: String },
    #[error(
        "The hub gives {name} to nobody unknown: it is gated or private, or its name is wrong. Accept its terms on its \
         page, and set HF_TOKEN to a token of yours."
    )]
    NeedsToken { name: String },
    #[error(
        "The hub does not give {name} to the owner of the token in HF_TOKEN (or of a login): it is gated or private, or \
         its name is wrong. Accept its terms on its page, or use another token."
    )]
    Forbidden { name: String },
    #[error(
        "The hub ({endpoint}) cannot be reached: {reason}. Check the network, HF_ENDPOINT and HTTPS_PROXY."
    )]
    Unreachable { endpoint: String, reason: String },
    #[error("The hub ({endpoint}) answered {what} with {status}. Try again later.")]
    Status { endpoint: String, what: String, status: u16 },
    #[error("The hub ({endpoint}) gave an answer that cannot be used: {reason}.")]
    Answer { endpoint: String, reason: String },
    #[error("{name} cannot be used: {reason}")]
    Unusable { name: String, reason: String },
    #[error(
        "{name} needs {needed} more on the disk of {cache}, but {free} are free. Free some, or set HF_HOME to a folder \
         on a larger disk."
    )]
    DiskFull { name: String, needed: String, free: String, cache: String },
    #[error(
        "The connection broke off ({reason}) when {come} of {size} of {file} had come. They are kept: the same command \
         goes on from there."
    )]
    BrokenOff { file: String, come: String, size: String, reason: String },
    #[error(
        "{file} did not come as the hub says it is ({reason}); what came was thrown away. Run the same command again."
    )]
    Damaged { file: String, reason: String },
    #[error("Another program is fetching {file}. Wait for it, and run the same command again.")]
    Busy { file: String },
    #[error(
        "{path}: {source}. Check that you may write there and that its disk is not full, or set HF_HOME to another folder."
    )]
    Io { path: PathBuf, source: io::Error },
}

impl HubError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// A size for a person.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}
