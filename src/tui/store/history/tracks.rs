//! The curves of all metrics.

use std::sync::Arc;

use super::{Smoothing, series::Series};
use crate::{
    metrics::{Ema, Metric, registry},
    record::Step,
};

/// One curve, smoothed in one way; a step whose value is not finite gives NaN, a gap.
#[derive(Debug, Clone)]
struct Track {
    average: Ema,
    series: Series,
    /// The newest value; NaN before the first.
    last: f64,
}

impl Track {
    fn new(smoothing: Smoothing) -> Self {
        Self { average: Ema::new(smoothing.beta()), series: Series::default(), last: f64::NAN }
    }

    fn push(&mut self, step: u64, value: f64) {
        self.last = self.average.push(value).unwrap_or(f64::NAN);
        self.series.push(step, self.last);
    }
}

/// A metric's curves.
#[derive(Debug, Clone)]
struct Tracked {
    metric: &'static Metric,
    /// Beside [`Smoothing::ALL`].
    tracks: [Track; Smoothing::ALL.len()],
    /// Whether any step has a value.
    has_value: bool,
}

impl Tracked {
    fn new(metric: &'static Metric) -> Self {
        Self { metric, tracks: Smoothing::ALL.map(Track::new), has_value: false }
    }

    fn push(&mut self, step: &Step) {
        self.has_value |= has_value(step, self.metric);
        let value = step.get(self.metric);
        // What is measured in some steps only is no gap in the others.
        if value.is_finite() || !self.metric.now_and_then {
            self.tracks.iter_mut().for_each(|track| track.push(step.step, value));
        }
    }
}

/// Whether a step has a value of a metric; one that is left out where it is zero is not there.
fn has_value(step: &Step, metric: &Metric) -> bool {
    step.has(metric) && step.get(metric).is_finite()
}

/// The curves of every metric that a run has, and of those that a chart always draws.
#[derive(Debug, Clone)]
pub(super) struct Tracks(Vec<Tracked>);

impl Default for Tracks {
    fn default() -> Self {
        Self(registry::charted().map(Tracked::new).collect())
    }
}

impl Tracks {
    /// Adds the next step. A metric that no step had until now begins with the steps `before` it.
    pub fn push(&mut self, step: &Step, before: &[Arc<Step>]) {
        self.0.iter_mut().for_each(|tracked| tracked.push(step));
        for metric in registry::ALL {
            if self.find(metric).is_none() && has_value(step, metric) {
                let mut tracked = Tracked::new(metric);
                before.iter().for_each(|step| tracked.push(step));
                tracked.push(step);
                self.0.push(tracked);
            }
        }
    }

    /// Whether any step has a value of this metric.
    pub fn has(&self, metric: &Metric) -> bool {
        self.find(metric).is_some_and(|tracked| tracked.has_value)
    }

    /// Step and value.
    pub fn points(
        &self,
        metric: &Metric,
        smoothing: Smoothing,
    ) -> impl Iterator<Item = (f64, f64)> + use<'_> {
        self.track(metric, smoothing).into_iter().flat_map(|track| track.series.points())
    }

    /// The last value.
    pub fn current(&self, metric: &Metric, smoothing: Smoothing) -> Option<f64> {
        Some(self.track(metric, smoothing)?.last).filter(|value| value.is_finite())
    }

    /// Forgets the steps from this one on; the averages go on from where they were.
    pub fn keep_before(&mut self, step: u64) {
        let tracks = self.0.iter_mut().flat_map(|tracked| &mut tracked.tracks);
        tracks.for_each(|track| track.series.keep_before(step));
    }

    fn find(&self, metric: &Metric) -> Option<&Tracked> {
        self.0.iter().find(|tracked| tracked.metric.name == metric.name)
    }

    fn track(&self, metric: &Metric, smoothing: Smoothing) -> Option<&Track> {
        Some(&self.find(metric)?.tracks[smoothing as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::store::history::History;

    fn points(history: &History, metric: &Metric) -> Vec<(f64, f64)> {
        history.raw(metric).collect()
    }

    #[test]
    fn every_metric_that_any_step_has_is_a_curve_from_the_first_step_on() {
        let mut history = History::default();
        history.push(Step::new(1));
        history.push(Step::new(2).with(&registry::KL, f64::NAN));
        assert!(
            !history.has(&registry::KL) && !history.has(&registry::REWARD),
            "a name without a value is none"
        );
        history.push(Step::new(3).with(&registry::KL, 0.2).with(&registry::DECOMPOSING_SHARE, 0.5));
        history.push(Step::new(4));
        assert!(history.has(&registry::KL));
        let kl = points(&history, &registry::KL);
        assert_eq!((kl.len(), kl[2]), (4, (3.0, 0.2)));
        assert!(kl[1].1.is_nan() && kl[3].1.is_nan(), "gaps stay gaps: {kl:?}");
        // What a line leaves out at zero was zero.
        let shares = [(1.0, 0.0), (2.0, 0.0), (3.0, 0.5), (4.0, 0.0)];
        assert_eq!(points(&history, &registry::DECOMPOSING_SHARE), shares);
        history.cut_back(2);
        assert!(!history.has(&registry::KL), "it goes with its steps");
    }

    #[test]
    fn what_is_measured_now_and_then_goes_straight_from_one_to_the_next() {
        let mut history = History::default();
        for n in 1..=20 {
            let held_out = (n % 5 == 0).then_some(n as f64 / 20.0);
            history.push(Step::new(n).with(&registry::EVAL_ACCURACY, held_out));
        }
        let measured = [(5.0, 0.25), (10.0, 0.5), (15.0, 0.75), (20.0, 1.0)];
        assert_eq!(points(&history, &registry::EVAL_ACCURACY), measured);
    }

    #[test]
    fn of_a_very_long_run_every_curve_and_the_time_stay_and_any_step_can_be_meant() {
        let mut history = History::default();
        for n in 1..=20_000 {
            history.push(Step::new(n).with(&registry::KL, 0.5).with(&registry::STEP_TIME, 2.0));
        }
        let kl = points(&history, &registry::KL);
        assert!(kl.len() > 2000 && kl[0].0 == 1.0 && kl.iter().all(|(_, value)| *value == 0.5));
        assert_eq!(history.seconds().last(), Some((20_000.0, 40_000.0)));
        let nearest = [0, 100, 9_001, 19_999, 99_999].map(|step| history.nearest(step));
        assert_eq!(nearest, [Some(1), Some(100), Some(9_001), Some(19_999), Some(20_000)]);
        assert!(history.is_curve_only(9_001) && !history.is_curve_only(19_999));
        history.cut_back(9_000);
        assert_eq!(history.seconds().last(), Some((9_000.0, 18_000.0)));
        let mut logged = History::default();
        [10, 20, 30].into_iter().for_each(|n| logged.push(Step::new(n)));
        assert_eq!([1, 14, 15, 16, 99].map(|step| logged.nearest(step)), [10, 10, 10, 20, 30].map(Some));
    }
}
