//! What was recorded of a run, by step.

use std::collections::BTreeMap;

use crossbeam_channel::Receiver;

use super::schedule::{self, Cue};
use crate::{
    metrics::registry,
    protocol::{Event, Started},
    record::{Rollout, Step},
};

/// What was recorded of one step.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorded {
    /// Its completions, as the journal has them.
    pub rollouts: Vec<Rollout>,
    /// Its evaluation.
    pub evaluated: Option<Event>,
    /// Its metrics; `None` if it was never finished.
    pub metrics: Option<Step>,
    /// What came with its end: answers to pinned puzzles, measurements, edits that apply from the next step on.
    pub after: Vec<Event>,
}

/// The record of a finished run, of any format that can be opened. It is held in memory.
#[derive(Debug)]
pub struct Recording {
    started: Started,
    /// Step 0 holds what was there before the first one.
    steps: BTreeMap<u64, Recorded>,
    /// What was wrong with the record.
    warnings: Vec<String>,
}

impl Recording {
    /// Takes in everything that a source tells of a finished run, until its end. `None` if it tells nothing.
    pub fn read(record: &Receiver<Event>) -> Option<Self> {
        let Some(Event::Started(started)) = record.iter().next() else { return None };
        // Which puzzles were pinned in the end says nothing of the steps before.
        let started = Started { step: 0, pins: None, ..*started };
        let mut read = Self { started, steps: BTreeMap::new(), warnings: Vec::new() };
        record.iter().for_each(|event| read.take_in(event));
        Some(read)
    }

    fn take_in(&mut self, event: Event) {
        let step = match &event {
            Event::RolloutScored(rollout) => rollout.step,
            Event::StepDone(metrics) | Event::StepAmended(metrics) => metrics.step,
            Event::PinnedAnswered(answer) => answer.step,
            Event::Measured(measurement) => measurement.step,
            Event::EvalDone { step, .. } | Event::Edited { step, .. } => *step,
            Event::Warning(sentence) => return self.warnings.push(sentence.clone()),
            _ => return,
        };
        let recorded = self.steps.entry(step).or_default();
        match event {
            Event::RolloutScored(rollout) => recorded.rollouts.push(*rollout),
            Event::StepDone(metrics) => recorded.metrics = Some(*metrics),
            Event::StepAmended(more) => {
                recorded.metrics.get_or_insert_with(|| Step::new(more.step)).amend(&more);
            }
            Event::EvalDone { .. } => recorded.evaluated = Some(event),
            _ => recorded.after.push(event),
        }
    }

    /// What was wrong with the record, in sentences.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The steps that can be played, in order.
    pub fn steps(&self) -> impl DoubleEndedIterator<Item = u64> {
        let has_some = |recorded: &Recorded| recorded.metrics.is_some() || !recorded.rollouts.is_empty();
        self.steps.iter().filter(move |(_, recorded)| has_some(recorded)).map(|(step, _)| *step)
    }

    /// The first and the last of them; `None` if there are none.
    pub fn ends(&self) -> Option<(u64, u64)> {
        Some((self.steps().next()?, self.steps().next_back()?))
    }

    /// What the run was after this step: how it began, with the edits up to then.
    pub fn started_after(&self, step: u64) -> Started {
        let mut started = Started { step, ..self.started.clone() };
        for edited in self.steps.range(..=step).flat_map(|(_, recorded)| &recorded.after) {
            if let Event::Edited { key, value, .. } = edited {
                // One that this version does not know was not applied either.
                let _ = started.config.set_live(key, value);
            }
        }
        started
    }

    /// Seconds of the run up to the end of this step, without pauses.
    pub fn seconds_until(&self, step: u64) -> f64 {
        let times = self.steps.range(..=step).filter_map(|(_, recorded)| recorded.metrics.as_ref());
        times.filter_map(|metrics| metrics.known(&registry::STEP_TIME)).map(|time| time.max(0.0)).sum()
    }

    /// How many completions of these steps there are.
    pub(super) fn completions(&self, steps: std::ops::RangeInclusive<u64>) -> usize {
        self.steps.range(steps).map(|(_, recorded)| recorded.rollouts.len()).sum()
    }

    /// Everything that is known of the steps after the first number up to the second, at once.
    pub fn told(&self, after: u64, until: u64) -> impl Iterator<Item = Event> {
        // What was there before the first step comes with it.
        let from = if after == 0 { 0 } else { after.saturating_add(1) };
        let steps = if from <= until { self.steps.range(from..=until) } else { self.steps.range(0..0) };
        steps.flat_map(|(_, recorded)| {
            let rollouts = recorded.rollouts.iter().cloned();
            rollouts.map(|rollout| Event::RolloutScored(Box::new(rollout))).chain(recorded.ending())
        })
    }

    /// One step as it went: what it told, and when, counted from its beginning.
    pub fn cues(&self, step: u64) -> Vec<Cue> {
        self.steps.get(&step).map(|recorded| schedule::cues(step, recorded)).unwrap_or_default()
    }
}

impl Recorded {
    /// What the end of the step tells.
    pub(super) fn ending(&self) -> impl Iterator<Item = Event> + use<'_> {
        let metrics = self.metrics.iter().map(|metrics| Event::StepDone(Box::new(metrics.clone())));
        self.evaluated.iter().cloned().chain(metrics).chain(self.after.iter().cloned())
    }
}
