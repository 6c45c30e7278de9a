//! Runs as sources of events, whichever engine wrote them. A format is one file here and one line in [`FORMATS`].

mod completions;
mod derived;
mod past;
mod rereading;
mod run_directory;
mod telling;

use std::path::Path;

pub use self::{past::before, run_directory::base_reference, telling::recorded_events};
use super::RunError;
use crate::protocol::{Capabilities, RunSource};

/// How one engine stores its runs.
pub(crate) trait RunFormat: Sync {
    /// What it is called in messages.
    fn name(&self) -> &'static str;

    /// Whether there is a run of this format at `path`. Looks at names and first bytes only.
    fn recognises(&self, path: &Path) -> bool;

    /// What is known of every run of this format.
    fn capabilities(&self) -> Capabilities;

    /// Opens a run; a thread of its own reads it, and a record that cannot be read becomes a warning.
    ///
    /// # Errors
    /// If none of it can be read.
    fn open(&self, path: &Path) -> Result<RunSource, RunError>;
}

/// All formats. The first that recognises a run reads it.
pub(crate) static FORMATS: &[&dyn RunFormat] =
    &[&run_directory::RunDirectoryFormat, &completions::Completions];

/// Opens a run with the first format that recognises it.
///
/// # Errors
/// If no format recognises it, or it cannot be read.
pub fn open(path: &Path) -> Result<RunSource, RunError> {
    match FORMATS.iter().find(|format| format.recognises(path)) {
        Some(format) => format.open(path),
        None => Err(RunError::UnknownFormat {
            path: path.to_path_buf(),
            known: FORMATS.iter().map(|format| format.name()).collect(),
        }),
    }
}
