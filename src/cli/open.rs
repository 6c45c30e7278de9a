//! `aha-lab open`: shows runs from their directories, finished or still being written. If one serves a socket, it
//! takes commands too.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure,
    farewell::{self, Leaving},
};
use crate::{
    engine::side,
    protocol::{Capability, OUR_ENGINE, RunSource},
    runs::{
        RunDirectory,
        source::{self, Columns, Reading},
    },
    socket,
    system::output,
    tui::{self, TuiOptions},
};

/// See finished and live runs on screen, several at once; a run in the background can be commanded
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  aha-lab open runs/first-aha          the run that ships with the source
  aha-lab open seed1                   the one run whose name has `seed1` in it
  aha-lab open seed1 seed2 seed3       three runs: < and > go from one to the next, R lists them, O overlays curves
  aha-lab open seed1 elsewhere.jsonl   a run beside completions of another program
  aha-lab open trainer_output          a run of TRL by its own files, also while it trains
  aha-lab open log.jsonl --columns completion=response,reward=score,step=iteration")]
pub struct OpenArgs {
    /// Run directories, unique parts of their names, folders that TRL, verl and others write, or .jsonl files of
    /// completions
    #[arg(required = true)]
    pub run: Vec<String>,
    /// What the fields of a .jsonl file mean: step, prompt, completion, reward, advantage, group, index, task, correct,
    /// truncated; what is not named has its own name
    #[arg(long, value_name = "MEANING=FIELD,...", default_value = "", hide_default_value = true, value_parser = columns)]
    pub columns: Columns,
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

/// What `--columns` says; nothing without it.
pub(super) fn columns(text: &str) -> Result<Columns, String> {
    if text.is_empty() { Ok(Columns::default()) } else { text.parse() }
}

/// Opens the runs and returns the exit code. One that cannot be opened is reported; the others open.
///
/// # Errors
/// If none of them is a run, or there is no terminal.
pub fn run(args: &OpenArgs) -> Result<i32, Failure> {
    super::require_terminal()?;
    let Opened { places, sources, mut refused } = open_all(args);
    let mut sources = sources.into_iter();
    let Some(first) = sources.next() else {
        let last = refused.pop();
        refused.iter().for_each(output::say);
        return Err(last.unwrap_or_else(|| Failure("There is no run to open.".into())));
    };
    refused.iter().for_each(output::say);
    let mut options = TuiOptions { mouse: !args.no_mouse, ..TuiOptions::default() };
    options.theme.ascii |= args.ascii;
    options.warning = refused.first().map(|why| format!("{} not opened: {why}", refused.len()));
    let outcome = tui::run(first, sources.collect(), options, None)?;
    // The reading threads end when nobody listens; the process does not wait for them.
    match (&places[..], &outcome.runs[..]) {
        ([place], [seen]) => {
            let price_per_hour = Some(seen.price_per_hour);
            farewell::say(place, Leaving { price_per_hour, accuracy_is_told: false, engine_is_ours: false });
        }
        _ => {
            let steps = outcome.runs.iter().map(|seen| seen.steps);
            farewell::say_several(&places.into_iter().zip(steps).collect::<Vec<_>>());
        }
    }
    Ok(0)
}

/// The runs that could be opened, and why the others could not.
#[derive(Default)]
struct Opened {
    places: Vec<PathBuf>,
    /// As many as there are places.
    sources: Vec<RunSource>,
    refused: Vec<Failure>,
}

/// Opens each run once, however often it is named.
fn open_all(args: &OpenArgs) -> Opened {
    let mut opened = Opened::default();
    let mut known = BTreeSet::new();
    for name in &args.run {
        let found = find(&args.runs, name).and_then(|place| {
            let is_new = known.insert(place.canonicalize().unwrap_or_else(|_| place.clone()));
            is_new.then(|| Ok((open(&place, &args.columns)?, place))).transpose()
        });
        match found {
            Ok(Some((source, place))) => {
                opened.sources.push(source);
                opened.places.push(place);
            }
            Ok(None) => {}
            Err(failure) => opened.refused.push(failure),
        }
    }
    opened
}

/// Where a run is: at a path, or under this name among the run directories.
pub(super) fn find(runs: &Path, name: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path.is_file() {
        return Ok(path.to_owned());
    }
    match RunDirectory::find(runs, name) {
        Ok(run) => Ok(run.path().to_owned()),
        Err(_) if source::recognises(path) => Ok(path.to_owned()),
        Err(_) if source::recognises(&runs.join(name)) => Ok(runs.join(name)),
        Err(error) => Err(error.into()),
    }
}

/// A run to watch. One of ours also gets a side engine for the Playground, and takes commands while it serves
/// a socket.
fn open(place: &Path, columns: &Columns) -> Result<RunSource, Failure> {
    // Only a file has columns to name.
    let columns = if place.is_file() { columns.clone() } else { Columns::default() };
    let mut source = source::open(place, &Reading { follows: true, columns })?;
    if let Ok(run) = RunDirectory::open(place) {
        let live = source.facts.capabilities.can(Capability::Live);
        if live && socket::has_socket(place) {
            source = socket::joined(source, place)?;
        }
        // The models of another engine's run are not in its directory.
        if source.facts.engine == OUR_ENGINE {
            source.side = Some(side::spawn(side::Source::Recorded(run))?);
        }
    }
    Ok(source)
}
