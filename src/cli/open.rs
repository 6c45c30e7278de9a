//! `aha-lab open`: a run that is read from its directory, finished or still being written. One that serves a socket
//! is commanded through it as well.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use crossbeam_channel::Sender;

use super::{
    Failure,
    farewell::{self, Leaving},
    past,
    rereading::Rereading,
};
use crate::{
    config::ConfigFile,
    engine::{edits::Edit, side},
    model::embedded,
    protocol::{BaseReference, EngineHandle, Event, Started, Temporality},
    record::EventRecord,
    runs::{
        Ancestor, Follower, FrontierWatch, Reader, RunDirectory, TrainingState, ancestors, checkpoint,
        fork_points, rollout_index::RolloutIndex, segments,
    },
    socket,
    task::Puzzle,
    tui::{self, TuiOptions, app::Mode, source::recorded_events, transcripts::CAPACITY},
};

/// See a finished or a live run on screen; a run in the background can be commanded
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

/// How often a live run is looked at.
const POLL: Duration = Duration::from_millis(200);

/// Opens it; the exit code.
///
/// # Errors
/// When it is no run, or the terminal is none.
pub fn run(args: &OpenArgs) -> Result<i32, Failure> {
    super::require_terminal()?;
    let run = RunDirectory::find(&args.runs, &args.run)?;
    let ancestors = ancestors(&run);
    let live = run.is_live();
    let started = started(&run, &ancestors, live)?;
    let place = run.path().to_owned();
    let (feed, events) = crossbeam_channel::unbounded();
    let _ = feed.send(Event::Started(Box::new(started)));
    let (asked, commands) = crossbeam_channel::bounded(64);
    let attached = live && socket::has_socket(run.path()) && {
        match socket::attach(run.path(), commands, feed.clone()) {
            Ok(()) => true,
            Err(error) => {
                let _ = feed.send(Event::Warning(format!("{error} It is shown read-only.")));
                false
            }
        }
    };
    let side = Some(side::spawn(side::Source::Recorded(run.clone()))?);
    let reader = std::thread::Builder::new().name("reader".into()).spawn(move || {
        let read = || {
            tell_edits(&Reader::new(&run).events()?.records, &feed);
            past::tell(&segments(&run, &ancestors, None), None, &feed)
        };
        if let Err(error) = if live { follow(&run, &ancestors, &feed) } else { read() } {
            let _ = feed.send(Event::Warning(error.to_string()));
        }
        past::tell_missing(&ancestors, &feed);
    })?;
    let mut options = TuiOptions { mouse: !args.no_mouse, ..TuiOptions::default() };
    options.theme.ascii |= args.ascii;
    let outcome = if attached {
        tui::attach(EngineHandle { commands: asked, events, side }, options)?
    } else {
        tui::open(events, if live { Mode::Following } else { Mode::Finished }, side, options)?
    };
    let price_per_hour = Some(outcome.price_per_hour);
    farewell::say(&place, Leaving { price_per_hour, accuracy_is_told: false, engine_is_ours: false });
    // The reader ends when nobody listens; a process that ends does not wait for it.
    drop(reader);
    Ok(0)
}

/// What the base of a run showed, where it was measured as the run samples.
pub(super) fn reference(file: &ConfigFile) -> Option<BaseReference> {
    let family = embedded::family_of(&file.provenance.as_ref()?.model_hash)?;
    embedded::reference_for(family, &file.config)
}

fn started(run: &RunDirectory, ancestors: &[Ancestor], live: bool) -> Result<Started, Failure> {
    let file = run.config()?;
    let base = reference(&file);
    Ok(Started {
        run: run.path().to_owned(),
        config: file.config,
        step: 0,
        backend: file.provenance.map_or_else(|| "unknown".into(), |p| p.backend),
        backend_reason: "as the run's config.toml says".into(),
        parameters: 0,
        base,
        forks: fork_points(ancestors),
        pins: if live { None } else { last_pins(run) },
    })
}

/// The puzzles that were pinned in the end, as the newest checkpoint has it.
fn last_pins(run: &RunDirectory) -> Option<Vec<Puzzle>> {
    let (_, newest) = checkpoint::list(&run.checkpoints_path()).pop()?;
    TrainingState::load(&newest).ok()?.pins
}

/// Tells what was changed while the run went on: its `config.toml` says how it began.
fn tell_edits(events: &[EventRecord], feed: &Sender<Event>) {
    for edited in events.iter().filter_map(Edit::told) {
        let _ = feed.send(edited);
    }
}

/// A run that another process writes, as it grows.
fn follow(run: &RunDirectory, ancestors: &[Ancestor], feed: &Sender<Event>) -> Result<(), Failure> {
    let mut before = segments(run, ancestors, None);
    // Its own part grows.
    before.pop();
    past::tell(&before, None, feed)?;
    let (mut follower, passed_over) = Follower::of_newest(run, CAPACITY)?;
    past::tell_passed_over(passed_over, run, feed);
    let (mut frontier, reading) = (FrontierWatch::new(run), Rereading::of(run));
    loop {
        past::tell_measured(&mut frontier, None, feed)?;
        let fresh = follower.poll()?;
        for bad in &fresh.bad {
            let _ = feed.send(Event::Warning(bad.to_string()));
        }
        tell_edits(&fresh.events, feed);
        let index: &RolloutIndex = follower.rollouts();
        let summaries = index.summaries().get(fresh.rollouts.clone()).unwrap_or_default();
        let rollouts = summaries.iter().filter_map(|summary| index.load(summary).ok());
        let rollouts = rollouts.map(|record| reading.rollout(record)).collect::<Vec<_>>();
        let pinned = fresh.pinned.into_iter().map(|answer| reading.pinned(answer));
        let pinned = pinned.map(|answer| Event::PinnedAnswered(Box::new(answer)));
        for event in recorded_events(fresh.metrics, rollouts).chain(pinned) {
            if feed.send(event).is_err() {
                return Ok(());
            }
        }
        if !fresh.behind {
            if !follower.is_live() {
                let _ = feed.send(Event::Temporality(Temporality::Paused));
                let _ = feed.send(Event::Warning("The process that wrote this run has ended.".into()));
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
    }
}
