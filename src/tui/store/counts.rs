//! The counts behind the Meter, step by step.

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
    /// Counts it, if its answer was judged.
    pub(super) fn push(&mut self, record: &Rollout) {
        let Some(correct) = record.correct else { return };
        let place = (record.step, record.group, record.index);
        let blind = self.blind.of(&record.problem.task, &record.problem.puzzle);
        self.meter.push(place, correct, &record.analysis, blind);
    }

    pub(super) fn cut_back(&mut self, step: u64) {
        self.meter.cut_back(step);
    }
}
