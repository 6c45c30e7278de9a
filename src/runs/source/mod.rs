//! Runs as sources of events, whichever engine wrote them. A format is one file here and one line in [`FORMATS`].

mod areal;
mod columns;
mod completions;
mod derived;
mod dumps;
mod folders;
mod logs;
mod nano_aha;
mod nemo_rl;
mod open_instruct;
pub mod parquet;
mod past;
mod prime_rl;
mod rereading;
mod run_directory;
mod skyrl;
mod streams;
mod telling;
pub mod tfevents;
mod trl;
mod varint;
mod verl;
mod watched;
mod weights;
mod written;

use std::path::Path;

pub use self::{columns::Columns, past::before, run_directory::base_reference, telling::recorded_events};
use super::RunError;
use crate::protocol::RunSource;

/// How a run is read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Whether what comes later is told too, if the run may go on. Otherwise reading ends with what is there now.
    pub follows: bool,
    /// What the fields of a file of completions mean.
    pub columns: Columns,
}

impl Reading {
    /// With all that comes.
    pub fn following() -> Self {
        Self { follows: true, ..Self::default() }
    }
}

/// How one engine stores its runs.
pub(crate) trait RunFormat: Sync {
    /// What it is called in messages.
    fn name(&self) -> &'static str;

    /// Whether there is a run of this format at `path`. Looks at names and first bytes only.
    fn recognises(&self, path: &Path) -> bool;

    /// Opens a run; a thread of its own reads it, and a record that cannot be read becomes a warning.
    ///
    /// # Errors
    /// If none of it can be read.
    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError>;
}

/// All formats. The first that recognises a run reads it.
pub(crate) static FORMATS: &[&dyn RunFormat] = &[
    &run_directory::RunDirectoryFormat,
    &trl::Trl,
    &nano_aha::NanoAha,
    &prime_rl::PrimeRl,
    &nemo_rl::NemoRl,
    &areal::Areal,
    &open_instruct::OpenInstruct,
    &skyrl::SkyRl,
    &verl::Verl,
    &completions::Completions,
];

/// Whether some format recognises a run at this path.
pub fn recognises(path: &Path) -> bool {
    FORMATS.iter().any(|format| format.recognises(path))
}

/// Opens a run with the first format that recognises it.
///
/// # Errors
/// If no format recognises it, or it cannot be read.
pub fn open(path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
    if reading.columns != Columns::default() {
        return completions::Completions.open(path, reading);
    }
    match FORMATS.iter().find(|format| format.recognises(path)) {
        Some(format) => format.open(path, reading),
        None => Err(RunError::UnknownFormat {
            path: path.to_path_buf(),
            known: FORMATS.iter().map(|format| format.name()).collect(),
        }),
    }
}
