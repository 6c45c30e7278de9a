//! Our own run directories, finished or still being written.

use std::{path::Path, time::Duration};

use crossbeam_channel::Sender;

use super::{
    Reading, RunFormat,
    past::{tell, tell_edits, tell_measured, tell_missing, tell_passed_over},
    rereading::Rereading,
    telling::recorded_events,
};
use crate::{
    config::ConfigFile,
    eval::{BaseReference, base},
    model::source::embedded_of,
    protocol::{Event, MOST_COMPLETIONS, RunFacts, RunSource, Started, Temporality},
    runs::{
        Ancestor, Follower, FrontierWatch, Reader, RunDirectory, RunError, TrainingState, ancestors,
        checkpoint, fork_points, rollout_index::RolloutIndex, segments,
    },
    task::Puzzle,
};

/// How often a live run is polled.
const POLL: Duration = Duration::from_millis(200);

/// See the module.
pub(super) struct RunDirectoryFormat;

impl RunFormat for RunDirectoryFormat {
    fn name(&self) -> &'static str {
        "a run directory of this program"
    }

    fn recognises(&self, path: &Path) -> bool {
        RunDirectory::open(path).is_ok()
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        let run = RunDirectory::open(path)?;
        let ancestors = ancestors(&run);
        let live = reading.follows && run.is_live();
        let started = started(&run, &ancestors, live)?;
        let facts = match &started.engine {
            Some(engine) => RunFacts::of_other_engine(engine, live),
            None => RunFacts::of_our_files(live),
        };
        let (feed, events) = crossbeam_channel::unbounded();
        let _ = feed.send(Event::Started(Box::new(started)));
        std::thread::Builder::new()
            .name("reader".into())
            .spawn(move || {
                let told = match live {
                    true => follow(&run, &ancestors, &feed),
                    false => read(&run, &ancestors, &feed),
                };
                if let Err(error) = told {
                    let _ = feed.send(Event::Warning(error.to_string()));
                }
                tell_missing(&ancestors, &feed);
            })
            .map_err(RunError::io("start a thread that reads", path))?;
        Ok(RunSource { facts, events, commands: None, side: None })
    }
}

/// The base's reference values, if it was measured with this run's sampling settings.
pub fn base_reference(file: &ConfigFile) -> Option<BaseReference> {
    let embedded = embedded_of(&file.provenance.as_ref()?.model_hash)?;
    base::reference_for(embedded, &file.config)
}

fn started(run: &RunDirectory, ancestors: &[Ancestor], live: bool) -> Result<Started, RunError> {
    let file = run.config()?;
    let base = base_reference(&file);
    Ok(Started {
        run: run.path().to_owned(),
        config: file.config,
        engine: file.provenance.as_ref().and_then(|info| info.engine.clone()),
        step: 0,
        backend: file.provenance.map_or_else(|| "unknown".into(), |p| p.backend),
        backend_reason: "as the run's config.toml says".into(),
        parameters: 0,
        base,
        forks: fork_points(ancestors),
        pins: if live { None } else { last_pins(run) },
    })
}

/// The puzzles pinned in the newest checkpoint.
fn last_pins(run: &RunDirectory) -> Option<Vec<Puzzle>> {
    let (_, newest) = checkpoint::list(&run.checkpoints_path()).pop()?;
    TrainingState::load(&newest).ok()?.pins
}

/// Reads a finished run.
fn read(run: &RunDirectory, ancestors: &[Ancestor], feed: &Sender<Event>) -> Result<(), RunError> {
    tell_edits(&Reader::new(run).events()?.records, feed);
    tell(&segments(run, ancestors, None), None, feed)
}

/// Follows a run that another process is writing.
fn follow(run: &RunDirectory, ancestors: &[Ancestor], feed: &Sender<Event>) -> Result<(), RunError> {
    let mut before = segments(run, ancestors, None);
    // Its own part grows.
    before.pop();
    tell(&before, None, feed)?;
    let (mut follower, passed_over) = Follower::of_newest(run, MOST_COMPLETIONS)?;
    tell_passed_over(passed_over, run, feed);
    let (mut frontier, reading) = (FrontierWatch::new(run), Rereading::of(run));
    loop {
        tell_measured(&mut frontier, None, feed)?;
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
