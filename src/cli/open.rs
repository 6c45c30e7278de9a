//! `aha-lab open`: shows runs from their directories, finished or still being written. If one serves a socket, it
//! takes commands too.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    Failure, detached,
    farewell::{self, Leaving},
    first_start, remembered,
};
use crate::{
    engine::side,
    protocol::{Capability, OUR_ENGINE, RunSource, Speed},
    runs::{
        RunDirectory, playback,
        source::{self, Columns, Reading},
    },
    socket,
    system::output,
    tui::{self, Helpers, TuiOptions},
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
  aha-lab open log.jsonl --columns completion=response,reward=score,step=iteration
  aha-lab open seed1 --play 10x        the finished run again from its first step, ten times as fast")]
pub struct OpenArgs {
    /// Run directories, unique parts of their names, folders that TRL, verl and others write, or .jsonl files of
    /// completions
    #[arg(required = true)]
    pub run: Vec<String>,
    /// What the fields of a .jsonl file mean: step, prompt, completion, reward, advantage, group, index, task, correct,
    /// truncated; what is not named has its own name
    #[arg(long, value_name = "MEANING=FIELD,...", default_value = "", hide_default_value = true, value_parser = columns)]
    pub columns: Columns,
    /// Play finished runs from their records as if they were live, so many times as fast as they were
    #[arg(long, value_name = "SPEED")]
    pub play: Option<Speed>,
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
    let welcome = first_start::is_first();
    let mut options = TuiOptions { mouse: !args.no_mouse, welcome, ..TuiOptions::default() };
    options.theme.ascii |= args.ascii;
    options.warning = refused.first().map(|why| format!("{} not opened: {why}", refused.len()));
    remembered::recall(&mut options);
    options.runs.clone_from(&args.runs);
    let helpers = Helpers {
        engine: None,
        open: &mut |run| watch(run, &Reading::following()).map_err(|failure| failure.to_string()),
        fork: &mut |fork| detached::fork(&args.runs, fork),
    };
    let outcome = tui::run(first, sources.collect(), options, helpers)?;
    remembered::keep(&outcome.remembered);
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
            is_new.then(|| Ok((open(&place, args)?, place))).transpose()
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

/// A run to watch. With a speed, it is played from its record.
fn open(place: &Path, args: &OpenArgs) -> Result<RunSource, Failure> {
    // What is played is read to its end first.
    let follows = args.play.is_none();
    if !follows {
        refuse_one_that_trains(place)?;
    }
    // Only a file has columns to name.
    let columns = if place.is_file() { args.columns.clone() } else { Columns::default() };
    let source = watch(place, &Reading { follows, columns })?;
    Ok(match args.play {
        Some(speed) => playback::start(source, speed)?,
        None => source,
    })
}

/// A run to watch. One of ours also gets a side engine for the Playground, and takes commands while it serves a socket.
pub(super) fn watch(place: &Path, reading: &Reading) -> Result<RunSource, Failure> {
    let mut source = source::open(place, reading)?;
    if let Ok(run) = RunDirectory::open(place) {
        let live = source.facts.capabilities.can(Capability::Live);
        if live && socket::has_socket(place) {
            source = socket::joined(source, place)?;
        }
        // Another engine may keep its models where they are not found.
        if source.facts.engine == OUR_ENGINE || !run.models().is_empty() {
            source.side = Some(side::spawn(side::Source::Recorded(run))?);
        }
    }
    Ok(source)
}

/// Refuses to play a run that is still being written.
///
/// # Errors
/// If it is.
pub(super) fn refuse_one_that_trains(place: &Path) -> Result<(), Failure> {
    match RunDirectory::open(place).is_ok_and(|run| run.is_live()) {
        true => Err(Failure(format!(
            "{} is still training; a run can be played when it is over, and watched now with `aha-lab open`.",
            place.display()
        ))),
        false => Ok(()),
    }
}
