//! The steps so far, as the charts need them.

mod series;
mod spent;
mod tracks;

use std::{cell::Cell, sync::Arc};

use self::{spent::Spent, tracks::Tracks};
use crate::{
    eval::BaseReference,
    metrics::{AhaWatch, Metric, registry},
    record::Step,
};

/// How strongly the bright lines are smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Smoothing {
    /// The raw values themselves.
    Off,
    /// Weight 0.7 on the past: follows within a few steps.
    #[default]
    Light,
    /// Weight 0.9 on the past.
    Strong,
}

impl Smoothing {
    /// All of them.
    const ALL: [Smoothing; 3] = [Smoothing::Off, Smoothing::Light, Smoothing::Strong];

    /// The weight of the past in the moving average.
    pub(crate) fn beta(self) -> f64 {
        match self {
            Smoothing::Off => 0.0,
            Smoothing::Light => 0.7,
            Smoothing::Strong => 0.9,
        }
    }

    /// The next of the three.
    pub fn next(self) -> Self {
        match self {
            Smoothing::Off => Smoothing::Light,
            Smoothing::Light => Smoothing::Strong,
            Smoothing::Strong => Smoothing::Off,
        }
    }
}

/// Steps at the beginning that are kept whole: what a run started from.
const FIRST_WHOLE: usize = 256;
/// Newest steps that are kept whole, at least. Of those between, only what the charts draw is kept, so that a run of any
/// length fits.
const LAST_WHOLE: usize = 4096;

/// The aha mark as far as it has been looked for.
#[derive(Debug, Clone, Copy, Default)]
struct Watched {
    /// What the base showed.
    base: f64,
    watch: AhaWatch,
    /// How many of the self-corrections have been seen.
    seen: usize,
}

/// All finished steps in order, with smoothed curves kept up to date.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The first steps and the last ones.
    steps: Vec<Arc<Step>>,
    tracks: Tracks,
    spent: Spent,
    /// Self-corrections per completion of every step, but for those that `before` has seen.
    corrections: Vec<(u64, f64)>,
    before: AhaWatch,
    watched: Cell<Watched>,
    version: u64,
    /// Whether some steps are no more than a part of the curves.
    thinned: bool,
    /// Whether the curves lag behind the steps.
    amended: bool,
}

impl History {
    /// The steps that are kept whole, oldest first; their numbers rise strictly. Of a very long run those are the first
    /// few hundred and the last few thousand.
    pub fn steps(&self) -> &[Arc<Step>] {
        &self.steps
    }

    /// The last finished step.
    pub fn last(&self) -> Option<&Arc<Step>> {
        self.steps.last()
    }

    /// The step that is kept and nearest to this one. Of the part of a very long run that is no more than curves, any step
    /// is.
    pub(crate) fn nearest(&self, wanted: u64) -> Option<u64> {
        let after = self.steps.partition_point(|known| known.step < wanted);
        let (before, next) = (after.checked_sub(1).and_then(|at| self.steps.get(at)), self.steps.get(after));
        match (before, next) {
            (Some(_), Some(_)) if self.is_curve_only(wanted) => Some(wanted),
            (Some(before), Some(next)) if next.step - wanted < wanted - before.step => Some(next.step),
            (Some(before), _) => Some(before.step),
            (None, next) => next.map(|next| next.step),
        }
    }

    /// Whether of this step no more is kept than its part of the curves.
    pub(crate) fn is_curve_only(&self, step: u64) -> bool {
        self.thinned
            && self
                .steps
                .get(FIRST_WHOLE)
                .is_some_and(|newer| step > self.steps[FIRST_WHOLE - 1].step && step < newer.step)
    }

    /// Changes whenever anything else here does.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Adds a step. A step that is already there or lies before the last one (a run that was taken up
    /// again from a checkpoint) replaces it and everything after it.
    pub fn push(&mut self, mut metrics: Step) {
        if let Some(last) = self.steps.last() {
            metrics.share_names(last);
        }
        self.keep_before(metrics.step);
        self.take_in(&metrics);
        self.steps.push(Arc::new(metrics));
        if self.steps.len() > FIRST_WHOLE + 2 * LAST_WHOLE {
            self.settle();
            self.thinned = true;
            self.steps.drain(FIRST_WHOLE..self.steps.len() - LAST_WHOLE);
        }
        self.version += 1;
    }

    /// Adds to a step what is known of it now; a step that is not there stands in its place among the others. The curves
    /// follow with [`History::settle`]. Of a run that is too long to be kept whole, they do not.
    pub(crate) fn amend(&mut self, more: &Step) {
        if self.last().is_none_or(|last| last.step < more.step) {
            return self.push(more.clone());
        }
        let at = self.steps.partition_point(|known| known.step < more.step);
        match self.steps.get_mut(at).filter(|known| known.step == more.step) {
            Some(known) => Arc::make_mut(known).amend(more),
            None if !self.thinned => self.steps.insert(at, Arc::new(more.clone())),
            None => return,
        }
        self.amended = true;
        self.version += 1;
    }

    /// Draws the curves anew where steps were amended.
    pub(crate) fn settle(&mut self) {
        if std::mem::take(&mut self.amended) && !self.thinned {
            self.take_in_again();
        }
    }

    /// Computes everything from the steps.
    fn take_in_again(&mut self) {
        let kept = Self { version: self.version, ..Self::default() };
        for metrics in std::mem::replace(self, kept).steps {
            self.take_in(&metrics);
            self.steps.push(metrics);
        }
    }

    /// Drops the steps after this one.
    pub(crate) fn cut_back(&mut self, step: u64) {
        self.keep_before(step.saturating_add(1));
        self.version += 1;
    }

    /// Whether any step has a value of this metric.
    pub(crate) fn has(&self, metric: &Metric) -> bool {
        self.tracks.has(metric)
    }

    /// The raw points of a metric: step and value. Of a long run, the extremes of each block of steps: its charts are
    /// redrawn with every step, and their cost must not grow with the run.
    pub fn raw(&self, metric: &Metric) -> impl Iterator<Item = (f64, f64)> + use<'_> {
        self.tracks.points(metric, Smoothing::Off)
    }

    /// The smoothed points of a metric, as [`History::raw`].
    pub(crate) fn smooth(
        &self,
        metric: &Metric,
        smoothing: Smoothing,
    ) -> impl Iterator<Item = (f64, f64)> + use<'_> {
        self.tracks.points(metric, smoothing)
    }

    /// The last smoothed value of a metric.
    pub fn current(&self, metric: &Metric, smoothing: Smoothing) -> Option<f64> {
        self.tracks.current(metric, smoothing)
    }

    /// Seconds that the steps up to each one took together, by step as [`History::raw`]; NaN where that is unknown.
    pub(crate) fn seconds(&self) -> impl Iterator<Item = (f64, f64)> + use<'_> {
        self.spent.points()
    }

    /// The base's values: measured beforehand, or else those of the first step, whose completions the base wrote.
    pub fn reference(&self, base: Option<&BaseReference>) -> Option<BaseReference> {
        base.copied().or_else(|| {
            let first = self.steps.first().filter(|step| step.step == 1)?;
            Some(BaseReference {
                reward: first.get(&registry::REWARD),
                well_formed: None,
                accuracy: first.get(&registry::ACCURACY),
                mean_length: first.get(&registry::MEAN_LENGTH),
                checks: first.get(&registry::CHECKS),
                self_corrections: first.get(&registry::SELF_CORRECTIONS),
                self_checking_share: first.get(&registry::SELF_CHECKING_SHARE),
                completions: 0,
            })
        })
    }

    /// The aha step, as [`crate::metrics::aha_step`] defines it, against what the base showed.
    pub fn aha(&self, base: Option<&BaseReference>) -> Option<u64> {
        let base = self.reference(base)?.self_corrections;
        if !base.is_finite() {
            return None;
        }
        let mut watched = self.watched.get();
        if watched.base != base {
            watched = Watched { base, watch: self.before, seen: 0 };
        }
        for (step, value) in &self.corrections[watched.seen..] {
            watched.watch.push(*step, *value, base);
        }
        watched.seen = self.corrections.len();
        self.watched.set(watched);
        watched.watch.mark()
    }

    fn take_in(&mut self, metrics: &Step) {
        self.tracks.push(metrics, &self.steps);
        self.spent.push(metrics);
        self.corrections.push((metrics.step, metrics.get(&registry::SELF_CORRECTIONS)));
        let watched = self.watched.get_mut();
        if watched.seen > 2 * LAST_WHOLE {
            for (step, value) in self.corrections.drain(..LAST_WHOLE) {
                self.before.push(step, value, watched.base);
            }
            watched.seen -= LAST_WHOLE;
        }
    }

    /// Keeps the steps before this one.
    fn keep_before(&mut self, step: u64) {
        if self.corrections.last().is_none_or(|(last, _)| *last < step) {
            return;
        }
        self.steps.truncate(self.steps.partition_point(|known| known.step < step));
        if !self.thinned {
            self.take_in_again();
            return;
        }
        // Some are no more than a part of the curves: those are cut, and their averages go on from where they were.
        self.tracks.keep_before(step);
        self.spent.keep_before(step);
        self.corrections.truncate(self.corrections.partition_point(|(known, _)| *known < step));
        if self.corrections.is_empty() {
            self.before = AhaWatch::default();
        }
        let watched = self.watched.get_mut();
        *watched = Watched { watch: self.before, seen: 0, ..*watched };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn step(step: u64, reward: f64, self_corrections: f64) -> Step {
        Step::new(step).with(&registry::REWARD, reward).with(&registry::SELF_CORRECTIONS, self_corrections)
    }

    #[test]
    fn the_average_is_debiased() {
        let mut history = History::default();
        for n in 1..=10 {
            history.push(step(n, 0.4, 0.0));
        }
        assert!(
            history.smooth(&registry::REWARD, Smoothing::Light).all(|(_, value)| (value - 0.4).abs() < 1e-12)
        );
    }

    #[test]
    fn a_value_that_is_not_finite_is_a_gap_and_nothing_more() {
        let mut history = History::default();
        for (n, reward) in [(1, 0.5), (2, f64::NAN), (3, 0.5), (4, f64::INFINITY)] {
            history.push(step(n, reward, 0.0));
        }
        let smooth: Vec<f64> =
            history.smooth(&registry::REWARD, Smoothing::Light).map(|(_, value)| value).collect();
        assert!((smooth[0] - 0.5).abs() < 1e-12 && smooth[1].is_nan());
        assert!((smooth[2] - 0.5).abs() < 1e-12 && smooth[3].is_nan());
        assert_eq!(history.current(&registry::REWARD, Smoothing::Light), None);
    }

    #[test]
    fn what_is_known_later_stands_in_its_step_and_the_curves_follow() {
        let (mut amended, mut known) = (History::default(), History::default());
        for n in [1, 2, 4] {
            amended.push(Step::new(n).with(&registry::REWARD, n as f64));
        }
        for n in [4, 2, 3, 1, 5] {
            amended.amend(&Step::new(n).with(&registry::CHECKS, n as f64));
        }
        amended.settle();
        for n in 1..=5 {
            let reward = [1, 2, 4].contains(&n).then_some(n as f64);
            known.push(Step::new(n).with(&registry::REWARD, reward).with(&registry::CHECKS, n as f64));
        }
        for metric in [&registry::CHECKS, &registry::REWARD] {
            for smoothing in Smoothing::ALL {
                let points = |history: &History| {
                    format!("{:?}", history.smooth(metric, smoothing).collect::<Vec<_>>())
                };
                assert_eq!(points(&amended), points(&known), "{}", metric.name);
            }
        }
        assert_eq!(amended.steps().iter().map(|step| step.step).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_run_too_long_to_be_kept_whole_takes_what_is_known_later_of_what_is_kept() {
        let mut history = History::default();
        for n in 1..=20_000 {
            history.push(Step::new(n).with(&registry::REWARD, 0.5));
        }
        let points = history.raw(&registry::REWARD).count();
        for n in [1, 5_000, 19_999, 20_001] {
            history.amend(&Step::new(n).with(&registry::CHECKS, 2.0));
        }
        history.settle();
        assert_eq!(history.steps()[0].get(&registry::CHECKS), 2.0);
        assert_eq!(history.last().map(|step| step.step), Some(20_001));
        assert!(history.raw(&registry::REWARD).count() >= points, "no curve is lost");
    }

    #[test]
    fn the_first_step_stands_for_a_base_that_was_not_measured() {
        let mut history = History::default();
        for (index, value) in [0.1, 0.1, 1.0, 1.0, 1.0].into_iter().enumerate() {
            history.push(step(index as u64 + 1, 0.3, value));
        }
        assert_eq!(history.reference(None).map(|base| base.reward), Some(0.3));
        assert_eq!(history.aha(None), Some(3));
        history.push(step(3, 0.0, 0.1));
        assert_eq!(history.aha(None), None, "the mark goes with its steps");
    }

    #[test]
    fn a_step_taken_again_cuts_what_came_after() {
        let mut history = History::default();
        for n in 1..=6 {
            history.push(step(n, n as f64, 0.0));
        }
        history.push(step(4, 40.0, 0.0));
        let numbers: Vec<u64> = history.steps().iter().map(|step| step.step).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
        let mut again = History::default();
        for (n, reward) in [(1, 1.0), (2, 2.0), (3, 3.0), (4, 40.0)] {
            again.push(step(n, reward, 0.0));
        }
        assert_eq!(
            history.current(&registry::REWARD, Smoothing::Light),
            again.current(&registry::REWARD, Smoothing::Light)
        );
    }
    #[test]
    fn a_run_of_any_length_keeps_its_mark_and_the_steps_at_both_ends() {
        let long = 3 * LAST_WHOLE as u64;
        let mut history = History::default();
        for n in 1..=long {
            history.push(step(n, n as f64, if n < 900 { 0.1 } else { 1.0 }));
            history.aha(None);
        }
        let kept: Vec<u64> = history.steps().iter().map(|step| step.step).collect();
        assert!(kept.len() <= FIRST_WHOLE + 2 * LAST_WHOLE && history.corrections.len() <= 3 * LAST_WHOLE);
        assert_eq!(kept[..FIRST_WHOLE], (1..=FIRST_WHOLE as u64).collect::<Vec<_>>());
        assert_eq!(
            kept[kept.len() - LAST_WHOLE..],
            (long + 1 - LAST_WHOLE as u64..=long).collect::<Vec<_>>()
        );
        assert_eq!(
            (history.reference(None).map(|base| base.reward), history.aha(None)),
            (Some(1.0), Some(900))
        );
        let ends = |history: &History| {
            let drawn: Vec<f64> = history.raw(&registry::REWARD).map(|(step, _)| step).collect();
            (drawn[0] as u64, drawn[drawn.len() - 1] as u64)
        };
        assert_eq!(ends(&history), (1, long));

        // Back to an earlier checkpoint, and to one among the thinned-out steps.
        for (back, whole, aha) in [(long - 50, long - 50, Some(900)), (1000, FIRST_WHOLE as u64, None)] {
            history.cut_back(back);
            let (first, last) = ends(&history);
            assert!(first == 1 && last.abs_diff(back) < 4, "{last} for {back}");
            assert_eq!(history.steps().last().map(|step| step.step), Some(whole));
            history.push(step(back + 1, 0.5, if aha.is_some() { 1.0 } else { 0.1 }));
            assert_eq!((history.last().map(|step| step.step), history.aha(None)), (Some(back + 1), aha));
        }
    }
}
