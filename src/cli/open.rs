//! `aha-lab open`: shows a run from its directory, finished or still being written. If it serves a socket, it
//! takes commands too.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Failure,
    farewell::{self, Leaving},
};
use crate::{
    engine::side,
    protocol::{Capability, RunSource},
    runs::{RunDirectory, source},
    socket,
    tui::{self, TuiOptions},
};

/// Show a finished or live run on screen; a run in the background takes commands
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  aha-lab open runs/first-aha      the run that ships with the source
  aha-lab open seed1               the one run whose name has `seed1` in it")]
pub struct OpenArgs {
    /// A run directory, or a unique part of its name
    pub run: String,
    /// The folder of run directories
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs: PathBuf,
    /// Draw with ASCII only
    #[arg(long)]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub no_mouse: bool,
}

/// Opens the run and returns the exit code.
///
/// # Errors
/// If it is not a run, or there is no terminal.
pub fn run(args: &OpenArgs) -> Result<i32, Failure> {
    super::require_terminal()?;
    let place = find(&args.runs, &args.run)?;
    let source = open(&place)?;
    let mut options = TuiOptions { mouse: !args.no_mouse, ..TuiOptions::default() };
    options.theme.ascii |= args.ascii;
    let outcome = tui::run(source, options, None)?;
    let price_per_hour = Some(outcome.price_per_hour);
    // The reading thread ends when nobody listens; the process does not wait for it.
    farewell::say(&place, Leaving { price_per_hour, accuracy_is_told: false, engine_is_ours: false });
    Ok(0)
}

/// Where a run is: at a path, or under this name among the run directories.
fn find(runs: &Path, name: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    Ok(RunDirectory::find(runs, name)?.path().to_owned())
}

/// A run to watch. One of ours also gets a side engine for the Playground, and takes commands while it serves
/// a socket.
fn open(place: &Path) -> Result<RunSource, Failure> {
    let mut source = source::open(place)?;
    if let Ok(run) = RunDirectory::open(place) {
        let live = source.facts.capabilities.can(Capability::Live);
        if live && socket::has_socket(place) {
            source = socket::joined(source, place)?;
        }
        source.side = Some(side::spawn(side::Source::Recorded(run))?);
    }
    Ok(source)
}
