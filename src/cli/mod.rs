//! The command line's subcommands, one per file: arguments in, exit code out.

pub mod analyze;
mod base;
pub mod bench;
pub mod cast;
pub mod compare;
pub mod config;
mod detached;
pub mod doctor;
pub mod eval;
pub mod export;
mod farewell;
mod first_start;
pub mod jsonl;
pub mod metrics;
pub mod open;
pub mod play;
pub mod pretrain;
pub mod prime;
pub mod puzzles;
mod remembered;
pub mod replay;
pub mod report;
pub mod run;
pub mod runs;
pub mod scale;
pub mod score;
mod serve;
mod settings;
mod summary;
pub mod sweep;
mod table;

use std::{fmt, io::IsTerminal};

pub use crate::system::output::printable;

/// Exit code of a command that was ended by a signal.
pub(crate) const INTERRUPTED: i32 = 130;

/// Why a command failed, in a sentence.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// Whether a progress bar would be visible.
pub(crate) fn progress_visible() -> bool {
    std::io::stderr().is_terminal()
}

/// Refuses to draw into a file or a pipe, before anything starts.
///
/// # Errors
/// A sentence that says what to do instead.
pub(crate) fn require_terminal() -> Result<(), Failure> {
    if std::io::stdout().is_terminal() && std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure(
        "The lab needs a terminal on standard input and output; without one, use `aha-lab run --headless`."
            .into(),
    ))
}
