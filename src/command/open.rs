//! `aha-lab open`: a run that is read from its directory, finished or still being written. One that serves a socket
//! is commanded through it as well.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use crossbeam_channel::Sender;

use super::Failure;
use crate::{
    control_socket,
    engine::{
        protocol::{BaseReference, EngineHandle, Event, Started, Temporality},
        side,
    },
    model::embedded,
    run::{Follower, FrontierWatch, Reader, RunDirectory, rollout_index::RolloutIndex},
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
    let started = started(&run)?;
    let live = run.is_live();
    let (feed, events) = crossbeam_channel::unbounded();
    let _ = feed.send(Event::Started(Box::new(started)));
    let (asked, commands) = crossbeam_channel::bounded(64);
    let attached = live && control_socket::has_socket(run.path()) && {
        match control_socket::attach(run.path(), commands, feed.clone()) {
            Ok(()) => true,
            Err(error) => {
                let _ = feed.send(Event::Warning(format!("{error} It is shown read-only.")));
                false
            }
        }
    };
    let side = Some(side::spawn(side::Source::Recorded(run.clone()))?);
    let reader = std::thread::Builder::new().name("reader".into()).spawn(move || {
        if let Err(error) = if live { follow(&run, &feed) } else { read(&run, &feed) } {
            let _ = feed.send(Event::Warning(error.to_string()));
        }
    })?;
    let mut options = TuiOptions { mouse: !args.no_mouse, ..TuiOptions::default() };
    options.theme.ascii |= args.ascii;
    if attached {
        tui::attach(EngineHandle { commands: asked, events, side }, options)?;
    } else {
        tui::open(events, if live { Mode::Following } else { Mode::Finished }, side, options)?;
    }
    // The reader ends when nobody listens; a process that ends does not wait for it.
    drop(reader);
    Ok(0)
}

fn started(run: &RunDirectory) -> Result<Started, Failure> {
    let file = run.config()?;
    let provenance = file.provenance;
    let shipped = provenance.as_ref().and_then(|p| embedded::family_of(&p.model_hash));
    let base: Option<BaseReference> = shipped.and_then(|family| embedded::reference(&family.base));
    Ok(Started {
        run: run.path().to_owned(),
        config: file.config,
        step: 0,
        backend: provenance.map_or_else(|| "unknown".into(), |p| p.backend),
        backend_reason: "as the run's config.toml says".into(),
        parameters: 0,
        base,
    })
}

/// A finished run, at once.
fn read(run: &RunDirectory, feed: &Sender<Event>) -> Result<(), Failure> {
    let reader = Reader::new(run);
    // The charts at once; completions are many more, and come as they are read.
    let metrics = reader.metrics()?;
    for event in recorded_events(metrics.records, []) {
        let _ = feed.send(event);
    }
    tell_measured(&mut FrontierWatch::new(run), feed)?;
    let (passed_over, bad) = reader.newest_rollouts(CAPACITY, |record| {
        let _ = feed.send(Event::RolloutScored(Box::new(record)));
    })?;
    for bad in metrics.bad.iter().chain(&bad) {
        let _ = feed.send(Event::Warning(bad.to_string()));
    }
    let pinned = run.pinned()?;
    for answer in pinned.records {
        let _ = feed.send(Event::PinnedAnswered(Box::new(answer)));
    }
    for bad in &pinned.bad {
        let _ = feed.send(Event::Warning(bad.to_string()));
    }
    tell_passed_over(passed_over, run, feed);
    Ok(())
}

/// Tells the measurements that are new.
fn tell_measured(watch: &mut FrontierWatch, feed: &Sender<Event>) -> Result<(), Failure> {
    let (measured, bad) = watch.poll()?;
    let told = measured.into_iter().map(|found| Event::Measured(Box::new(found)));
    for event in told.chain(bad.into_iter().map(Event::Warning)) {
        let _ = feed.send(event);
    }
    Ok(())
}

/// Says that there are older completions than those shown.
fn tell_passed_over(bytes: u64, run: &RunDirectory, feed: &Sender<Event>) {
    if bytes > 0 {
        let _ = feed.send(Event::Warning(format!(
            "The newest {CAPACITY} completions are here; older ones ({} MB) are left in {}.",
            bytes.div_ceil(1_000_000),
            run.rollouts_path().display()
        )));
    }
}

/// A run that another process writes, as it grows.
fn follow(run: &RunDirectory, feed: &Sender<Event>) -> Result<(), Failure> {
    let (mut follower, passed_over) = Follower::of_newest(run, CAPACITY)?;
    tell_passed_over(passed_over, run, feed);
    let mut frontier = FrontierWatch::new(run);
    loop {
        tell_measured(&mut frontier, feed)?;
        let fresh = follower.poll()?;
        for bad in &fresh.bad {
            let _ = feed.send(Event::Warning(bad.to_string()));
        }
        let index: &RolloutIndex = follower.rollouts();
        let summaries = index.summaries().get(fresh.rollouts.clone()).unwrap_or_default();
        let rollouts = summaries.iter().filter_map(|summary| index.load(summary).ok()).collect::<Vec<_>>();
        let pinned = fresh.pinned.into_iter().map(|answer| Event::PinnedAnswered(Box::new(answer)));
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
