//! What the checks of the completions are worth, counted step by step.

use crate::{metrics::Meter, record::Rollout, task::LastBlind};

/// The counts.
#[derive(Debug, Default)]
pub struct Counted {
    /// The counts, step by step.
    pub meter: Meter,
    /// What blind search has to draw from in the puzzle counted last.
    blind: LastBlind,
}

impl Counted {
    pub(super) fn push(&mut self, record: &Rollout) {
        let place = (record.step, record.group, record.index);
        let blind = self.blind.of(&record.problem.task, &record.problem.puzzle);
        self.meter.push(place, record.correct, &record.analysis, blind);
    }

    pub(super) fn cut_back(&mut self, step: u64) {
        self.meter.cut_back(step);
    }
}
