//! What is known of each open run, whichever screen shows it: it is told what the engine (or the journal being read)
//! tells, and screens read it. Nothing here knows where a person is.

pub mod changes;
pub mod completions;
pub mod counts;
pub mod desk;
pub mod filter;
pub mod groups;
pub(crate) mod history;
pub mod measurements;
pub(crate) mod pane;
pub mod pins;
pub mod rescoring;
mod runs;
pub mod shelf;
pub mod streams;
pub(crate) mod telling;
mod thinning;
pub mod watch;

use std::{path::PathBuf, time::Duration};

pub use self::runs::RunStore;
pub(in crate::tui) use self::runs::{begun, without_time};
use self::{
    changes::Changes, completions::Completions, counts::Counted, desk::Desk, groups::Groups,
    history::History, measurements::Measurements, pins::Pins, rescoring::Rescoring, streams::Streams,
    watch::Watch,
};
use crate::{
    config::Config,
    eval::BaseReference,
    protocol::{Capability, ForkPoint, Phase, Playing, RunFacts, SourceKind, Started, Temporality},
    task,
};

/// How the engine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// As asked.
    Finished,
    /// For this reason.
    Failed(String),
}

/// The last reported state of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The step.
    pub step: u64,
    /// The phase.
    pub phase: Phase,
    /// Units done.
    pub done: usize,
    /// Units in all; 0 when unknown.
    pub total: usize,
}

/// The result of a held-out evaluation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluated {
    /// After this many steps.
    pub step: u64,
    /// Share of completions that are right.
    pub accuracy: f64,
    /// pass@k, `k` beside it.
    pub pass_at_k: Option<(usize, f64)>,
}

/// One run.
#[derive(Debug)]
pub struct Run {
    /// Who tells of it, and what can be done with it.
    pub facts: RunFacts,
    /// What the engine is; `None` until it has reported.
    pub started: Option<Started>,
    /// How often an engine has begun.
    pub begun: u64,
    /// How often the configuration was changed since.
    pub edits: u64,
    /// What was changed during the run.
    pub changes: Changes,
    /// The phase it is in.
    pub progress: Option<Progress>,
    /// Whether time passes in it.
    pub temporality: Temporality,
    /// How it ended.
    pub ended: Option<Ended>,
    /// How its record is being played; `None` for any other run.
    pub playing: Option<Playing>,
    /// Whether an engine was restarted and has not yet reported its step.
    restarting: bool,
    /// Streamed tokens that were dropped on the way to the screen.
    pub tokens_dropped: u64,
    /// Held-out evaluations.
    pub evaluations: Vec<Evaluated>,
    /// The steps.
    pub history: History,
    /// The completions of the current step.
    pub streams: Streams,
    /// All completions.
    pub completions: Completions,
    /// What the checks are worth, step by step.
    pub counts: Counted,
    /// The answers to pinned puzzles.
    pub pins: Pins,
    /// The groups of the last steps, token by token.
    pub groups: Groups,
    /// What accuracy thinking buys.
    pub measurements: Measurements,
    /// What could go wrong, and what did.
    pub watch: Watch,
    /// What the completions would earn under other rules.
    pub rescoring: Rescoring,
    /// The requests to the side engine.
    pub desk: Desk,
    /// Dollars an hour.
    pub price_per_hour: f64,
    /// Time since the screen was opened.
    pub now: Duration,
    /// Time in which the engine was at work since then.
    worked: Duration,
    /// Seconds of the steps that were finished before we watched.
    worked_before: f64,
}

impl Run {
    /// Nothing told yet.
    pub fn new(facts: RunFacts) -> Self {
        Self {
            facts,
            started: None,
            begun: 0,
            edits: 0,
            changes: Changes::default(),
            progress: None,
            temporality: Temporality::Live,
            ended: None,
            playing: None,
            restarting: false,
            tokens_dropped: 0,
            evaluations: Vec::new(),
            history: History::default(),
            streams: Streams::default(),
            completions: Completions::default(),
            counts: Counted::default(),
            pins: Pins::default(),
            groups: Groups::default(),
            measurements: Measurements::default(),
            watch: Watch::default(),
            rescoring: Rescoring::default(),
            desk: Desk::default(),
            price_per_hour: Config::default().watch.price_per_hour,
            now: Duration::ZERO,
            worked: Duration::ZERO,
            worked_before: 0.0,
        }
    }

    /// The current configuration, once known. Of another engine's run, only what [`Run::told`] is known.
    pub fn config(&self) -> Option<&Config> {
        self.started.as_ref().filter(|_| self.has(Capability::Config)).map(|started| &started.config)
    }

    /// Whether the run's engine says what this key is. Ours says all of them; so does a run that is still to begin.
    pub fn told(&self, key: &str) -> bool {
        let Some(started) = &self.started else { return true };
        let engine = started.engine.as_ref();
        self.has(Capability::Config) && engine.is_none_or(|engine| engine.told.iter().any(|told| told == key))
    }

    /// Another engine's name and, while the run takes commands, how soon it pauses.
    pub(crate) fn other_engine(&self) -> Option<String> {
        self.started.as_ref()?.engine.as_ref()?;
        let RunFacts { engine, pauses_within, .. } = self.facts;
        Some(match self.can(Capability::Pause) {
            true => format!("{engine} pauses within a {}", pauses_within.words()),
            false => engine.to_owned(),
        })
    }

    /// The name of the run's task; the first one's until a run is known.
    pub fn task(&self) -> &'static str {
        self.config().map_or(task::FAMILIES[0], |config| config.puzzles.task).name
    }

    /// Whether its engine is one of this process, and ends with the screen.
    pub(crate) fn is_ours(&self) -> bool {
        self.facts.kind == SourceKind::Engine
    }

    /// Whether this is the record of a finished run that is being played.
    pub(crate) fn is_playback(&self) -> bool {
        self.facts.kind == SourceKind::Playback
    }

    /// Whether its events come as they happen, or happened, so that they are news.
    pub(crate) fn unfolds(&self) -> bool {
        self.is_ours() || self.is_playback()
    }

    /// Whether its record has been played to the end.
    pub(crate) fn is_played_out(&self) -> bool {
        self.playing.is_some_and(|playing| playing.over)
    }

    /// Whether this can be done with the run, now or at another time.
    pub fn has(&self, capability: Capability) -> bool {
        self.facts.capabilities.can(capability)
    }

    /// Whether this can be done with the run now.
    pub fn can(&self, capability: Capability) -> bool {
        self.refusal(capability).is_none()
    }

    /// Whether the run takes commands now.
    pub(crate) fn in_control(&self) -> bool {
        self.facts.capabilities.take_commands() && self.ended.is_none()
    }

    /// Why the run does not support this now; `None` if it does.
    pub fn refusal(&self, capability: Capability) -> Option<&'static str> {
        match &self.ended {
            Some(Ended::Failed(_)) => Some("the engine has failed; everything journalled can still be read"),
            Some(Ended::Finished) if self.is_ours() => Some("the engine has ended"),
            _ if self.over() => Some("read-only: this run is over"),
            _ if !self.in_control() => Some("read-only: this run belongs to another process"),
            _ if !self.has(capability) && self.is_playback() => {
                Some("this is a playback: nothing of the run can be changed")
            }
            _ if !self.has(capability) => Some("this run's engine does not support that"),
            _ => None,
        }
    }

    /// Whether nothing more will come.
    pub fn over(&self) -> bool {
        self.ended.is_some() || !self.has(Capability::Live)
    }

    /// Whether the engine is at work, so that the clock runs.
    pub(crate) fn working(&self) -> bool {
        self.is_ours()
            && self.ended.is_none()
            && self.started.is_some()
            && self.temporality != Temporality::Paused
    }

    /// The current step, or the last finished one.
    pub fn step(&self) -> u64 {
        let done = self.history.last().map_or(0, |step| step.step);
        let told = self.started.as_ref().map_or(0, |started| started.step);
        let at = self.progress.map_or(0, |progress| progress.step);
        done.max(told).max(at)
    }

    /// Time the run has taken so far, without pauses.
    pub fn elapsed(&self) -> Duration {
        if let Some(playing) = self.playing {
            return Duration::try_from_secs_f64(playing.seconds).unwrap_or_default();
        }
        let before = if self.worked_before.is_finite() { self.worked_before.max(0.0) } else { 0.0 };
        self.worked + Duration::try_from_secs_f64(before).unwrap_or_default()
    }

    /// The cost of the run so far at the hourly price, dollars.
    pub fn cost(&self) -> f64 {
        self.elapsed().as_secs_f64() / 3600.0 * self.price_per_hour
    }

    /// The run and step it was forked from, if any.
    pub fn fork(&self) -> Option<&ForkPoint> {
        self.started.as_ref()?.forks.first()
    }

    /// Whether a step belongs to the run from which this one was forked.
    pub(crate) fn is_inherited(&self, step: u64) -> bool {
        self.fork().is_some_and(|fork| step <= fork.step)
    }

    /// The base's values, if measured beforehand.
    fn measured_base(&self) -> Option<&BaseReference> {
        self.started.as_ref().and_then(|started| started.base.as_ref())
    }

    /// The base's values as far as known, with its reward under the current settings.
    pub fn base(&self) -> Option<BaseReference> {
        let base = self.history.reference(self.measured_base())?;
        let reward = self.config().map_or(base.reward, |config| base.reward_under(config));
        Some(BaseReference { reward, ..base })
    }

    /// The aha step.
    pub fn aha(&self) -> Option<u64> {
        self.history.aha(self.measured_base())
    }

    /// Its directory or file, once it is known.
    pub fn path(&self) -> Option<PathBuf> {
        self.started.as_ref().map(|started| started.run.clone())
    }

    /// The name of its directory or file.
    fn name(&self) -> Option<String> {
        Some(self.path()?.file_name()?.to_string_lossy().into_owned())
    }

    /// The phase that a paused run would finish next: the current one if unfinished, else the next.
    pub fn next_phase(&self) -> Phase {
        let Some(now) = self.progress else { return Phase::Sample };
        let over = match now.phase {
            Phase::Sample | Phase::Update => now.done >= now.total,
            // These two are never stopped midway.
            Phase::Score | Phase::Advantage => true,
            Phase::Evaluate => self.history.last().is_some_and(|step| step.step >= now.step),
        };
        let at = now.phase as usize;
        Phase::ALL[if over { (at + 1) % Phase::ALL.len() } else { at }]
    }

    /// When something changes without an event: the clock's next second, a light going out, a recorded run judged
    /// again.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        let clock = self.working().then(|| Duration::from_secs(self.now.as_secs() + 1));
        let light = self.streams.next_light(self.now);
        let slice = self.rescoring.is_behind().then_some(self.now);
        [clock, light, self.watch.looks_again_at(), slice].into_iter().flatten().min()
    }
}
