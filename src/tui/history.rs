//! The steps so far, as the charts need them.

mod coarse;

use std::{cell::Cell, sync::Arc};

use self::coarse::{Coarse, LONG};
use crate::{
    engine::protocol::BaseReference,
    metrics::{Ema, aha_step},
    run::record::StepMetrics,
};

/// A curve on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// Mean reward.
    Reward,
    /// Share of answers that are right.
    Accuracy,
    /// Tokens per completion.
    Length,
    /// True checks per completion.
    TrueChecks,
    /// False checks per completion.
    FalseChecks,
    /// Superficial checks per completion.
    SuperficialChecks,
    /// All checks per completion.
    Checks,
    /// Decompositions per completion.
    Decompositions,
}

impl Curve {
    /// All of them.
    pub const ALL: [Curve; 8] = [
        Curve::Reward,
        Curve::Accuracy,
        Curve::Length,
        Curve::TrueChecks,
        Curve::FalseChecks,
        Curve::SuperficialChecks,
        Curve::Checks,
        Curve::Decompositions,
    ];

    /// The curve's value in one step; may be anything that a journal may hold, also NaN.
    pub fn value(self, step: &StepMetrics) -> f64 {
        match self {
            Curve::Reward => step.reward,
            Curve::Accuracy => step.accuracy,
            Curve::Length => step.mean_length,
            Curve::TrueChecks => step.true_checks,
            Curve::FalseChecks => step.false_checks,
            Curve::SuperficialChecks => step.superficial_checks,
            Curve::Checks => step.checks,
            Curve::Decompositions => step.decompositions,
        }
    }
}

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
    /// The weight of the past in the moving average.
    pub fn beta(self) -> f64 {
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

/// One curve: step and value, NaN is a gap.
#[derive(Debug, Clone, Default)]
struct Points {
    raw: Vec<(f64, f64)>,
    smooth: Vec<(f64, f64)>,
    coarse_raw: Coarse,
    coarse_smooth: Coarse,
}

/// All finished steps in order, with smoothed curves kept up to date.
#[derive(Debug, Clone, Default)]
pub struct History {
    steps: Vec<Arc<StepMetrics>>,
    /// Beside [`Curve::ALL`].
    curves: Vec<Points>,
    /// Self-corrections per completion by step.
    corrections: Vec<(u64, f64)>,
    averages: Vec<Ema>,
    smoothing: Smoothing,
    /// The aha step and the version it was looked for in: looking takes time in all the steps.
    aha: Cell<Option<(u64, Option<u64>)>>,
    version: u64,
}

impl History {
    /// The steps, oldest first; their numbers rise strictly.
    pub fn steps(&self) -> &[Arc<StepMetrics>] {
        &self.steps
    }

    /// The last finished step.
    pub fn last(&self) -> Option<&Arc<StepMetrics>> {
        self.steps.last()
    }

    /// Changes whenever anything else here does.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The smoothing in force.
    pub fn smoothing(&self) -> Smoothing {
        self.smoothing
    }

    /// Adds a step. A step that is already there or lies before the last one (a run that was taken up
    /// again from a checkpoint) replaces it and everything after it.
    pub fn push(&mut self, metrics: StepMetrics) {
        let keep = self.steps.partition_point(|known| known.step < metrics.step);
        if keep < self.steps.len() {
            self.steps.truncate(keep);
            self.rebuild();
        }
        self.steps.push(Arc::new(metrics));
        self.extend();
        self.version += 1;
    }

    /// Forgets the steps after this one.
    pub fn cut_back(&mut self, step: u64) {
        let keep = self.steps.partition_point(|known| known.step <= step);
        if keep < self.steps.len() {
            self.steps.truncate(keep);
            self.rebuild();
            self.version += 1;
        }
    }

    /// Changes the smoothing.
    pub fn set_smoothing(&mut self, smoothing: Smoothing) {
        self.smoothing = smoothing;
        self.rebuild();
        self.version += 1;
    }

    /// The raw points of a curve: step and value. Of a long run, the extremes of each block of steps: its charts are
    /// drawn anew with every step, and must not take longer the longer the run is.
    pub fn raw(&self, curve: Curve) -> impl Iterator<Item = (f64, f64)> + '_ {
        let points = self.curves.get(curve as usize);
        points.map(|points| drawn(&points.raw, &points.coarse_raw)).into_iter().flatten()
    }

    /// The smoothed points of a curve; a step whose value is not finite gives NaN, a gap. As [`History::raw`] where
    /// the run is long.
    pub fn smooth(&self, curve: Curve) -> impl Iterator<Item = (f64, f64)> + '_ {
        let points = self.curves.get(curve as usize);
        points.map(|points| drawn(&points.smooth, &points.coarse_smooth)).into_iter().flatten()
    }

    /// The last smoothed value of a curve.
    pub fn current(&self, curve: Curve) -> Option<f64> {
        let last = self.curves.get(curve as usize)?.smooth.last()?;
        Some(last.1).filter(|value| value.is_finite())
    }

    /// What the base showed: measured beforehand, or else the first step, whose completions the base
    /// wrote.
    pub fn reference(&self, base: Option<&BaseReference>) -> Option<BaseReference> {
        base.copied().or_else(|| {
            let first = self.steps.first().filter(|step| step.step == 1)?;
            Some(BaseReference {
                reward: first.reward,
                accuracy: first.accuracy,
                mean_length: first.mean_length,
                checks: first.checks,
                self_corrections: first.self_corrections,
                self_checking_share: first.self_checking_share,
                completions: 0,
            })
        })
    }

    /// The aha step, as [`aha_step`] defines it, against what the base showed.
    pub fn aha(&self, base: Option<&BaseReference>) -> Option<u64> {
        if let Some((version, aha)) = self.aha.get()
            && version == self.version
        {
            return aha;
        }
        let aha = self.reference(base).and_then(|base| aha_step(&self.corrections, base.self_corrections));
        self.aha.set(Some((self.version, aha)));
        aha
    }

    fn rebuild(&mut self) {
        self.curves.clear();
        self.averages.clear();
        self.corrections.clear();
        self.extend();
    }

    fn extend(&mut self) {
        let beta = self.smoothing.beta();
        self.averages.resize_with(Curve::ALL.len(), || Ema::new(beta));
        self.curves.resize_with(Curve::ALL.len(), Points::default);
        for step in &self.steps[self.corrections.len()..] {
            self.corrections.push((step.step, step.self_corrections));
            for ((curve, average), points) in
                Curve::ALL.into_iter().zip(&mut self.averages).zip(&mut self.curves)
            {
                let (x, value) = (step.step as f64, curve.value(step));
                points.raw.push((x, value));
                points.smooth.push((x, average.push(value).unwrap_or(f64::NAN)));
            }
        }
        for points in &mut self.curves {
            points.coarse_raw.extend(&points.raw);
            points.coarse_smooth.extend(&points.smooth);
        }
    }
}

/// What a chart draws of a curve: every step, or blocks and the steps after the last whole one.
fn drawn<'a>(all: &'a [(f64, f64)], coarse: &'a Coarse) -> impl Iterator<Item = (f64, f64)> + 'a {
    let (blocks, rest) =
        if all.len() < LONG { (&[][..], all) } else { (coarse.points(), &all[coarse.covered()..]) };
    blocks.iter().chain(rest).copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn step(step: u64, reward: f64, self_corrections: f64) -> StepMetrics {
        StepMetrics { step, reward, self_corrections, ..StepMetrics::default() }
    }

    #[test]
    fn the_average_is_debiased() {
        let mut history = History::default();
        for n in 1..=10 {
            history.push(step(n, 0.4, 0.0));
        }
        assert!(history.smooth(Curve::Reward).all(|(_, value)| (value - 0.4).abs() < 1e-12));
    }

    #[test]
    fn a_value_that_is_not_finite_is_a_gap_and_nothing_more() {
        let mut history = History::default();
        for (n, reward) in [(1, 0.5), (2, f64::NAN), (3, 0.5), (4, f64::INFINITY)] {
            history.push(step(n, reward, 0.0));
        }
        let smooth: Vec<f64> = history.smooth(Curve::Reward).map(|(_, value)| value).collect();
        assert!((smooth[0] - 0.5).abs() < 1e-12 && smooth[1].is_nan());
        assert!((smooth[2] - 0.5).abs() < 1e-12 && smooth[3].is_nan());
        assert_eq!(history.current(Curve::Reward), None);
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
        assert_eq!(history.aha(None), None, "the mark goes with the steps it stood on");
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
        assert_eq!(history.current(Curve::Reward), again.current(Curve::Reward));
    }
}
