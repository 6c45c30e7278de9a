//! The time that the steps took together.

use super::series::Series;
use crate::{metrics::registry, record::Step};

/// Seconds up to each step. From a step on whose time is unknown, so is the sum.
#[derive(Debug, Clone, Default)]
pub(super) struct Spent {
    seconds: f64,
    series: Series,
}

impl Spent {
    /// Adds the time of the next step.
    pub fn push(&mut self, step: &Step) {
        self.seconds += step.get(&registry::STEP_TIME);
        self.series.push(step.step, self.seconds);
    }

    /// Forgets the steps from this one on.
    pub fn keep_before(&mut self, step: u64) {
        self.series.keep_before(step);
        self.seconds = self.series.points().last().map_or(0.0, |(_, seconds)| seconds);
    }

    /// Step and seconds.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> + use<'_> {
        self.series.points()
    }
}
