//! What all panels of a frame share: the axis, the runs and the crosshair.

use super::{
    layout::ChartPanel,
    reading::{measured, nearest_step},
    seeds,
    state::Look,
    unit::{Across, Unit},
    window::{self, Range},
};
use crate::{
    metrics::Metric,
    tui::{
        chart::{nice_ceiling, step_range},
        screens::Scene,
        store::Run,
    },
};

/// A run whose curves are drawn beside those of the shown one.
pub(super) struct Other<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Itself.
    pub run: &'a Run,
    /// Where its steps lie; `None` where that is unknown.
    pub across: Option<Across>,
}

/// What a frame is made of.
pub(super) struct Stage<'a> {
    /// What it is drawn from.
    pub scene: &'a Scene<'a>,
    /// What a person looks at.
    pub look: &'a Look,
    /// What the horizontal axis counts in: steps where nothing is known of what was asked for.
    pub unit: Unit,
    /// Where the steps of the shown run lie.
    pub across: Across,
    /// The other runs, where they are wanted.
    pub others: Vec<Other<'a>>,
    /// The runs of which mean and range are drawn.
    pub seeds: Vec<(&'a Run, Across)>,
    /// The whole horizontal axis.
    pub whole: Range,
    /// The part of it that is shown.
    pub shown: Range,
    /// The step of the crosshair, and where it lies.
    pub cross: Option<(u64, f64)>,
}

impl<'a> Stage<'a> {
    /// Of what is known now.
    pub fn new(scene: &'a Scene<'a>, look: &'a Look) -> Self {
        let (run, asked) = (scene.store, scene.layout.unit());
        let (unit, across) = match Across::of(run, asked) {
            Some(across) => (asked, across),
            None => (Unit::Steps, Across::Steps),
        };
        let runs = scene.runs.others().filter(|_| scene.looks.others);
        let others: Vec<Other<'_>> = runs
            .map(|(place, run)| Other { number: place + 1, run, across: Across::of(run, unit) })
            .collect();
        let alike = if scene.looks.seeds { seeds::alike(scene.runs) } else { Vec::new() };
        let alike = alike.into_iter().map(|place| &scene.runs.all()[place]);
        let seeds: Vec<_> = alike.filter_map(|run| Some((run, Across::of(run, unit)?))).collect();
        let placed = others.iter().filter_map(|other| Some((other.run, other.across.as_ref()?)));
        let placed = placed.chain(seeds.iter().map(|(run, across)| (*run, across)));
        let whole = whole(unit, run.over(), placed.chain([(run, &across)]));
        let cross = look.cross.and_then(|step| Some((step, across.x(step as f64)?)));
        let shown = window::shown(look.window, whole);
        Self { scene, look, unit, across, others, seeds, whole, shown, cross }
    }

    /// The curve of a metric, as smooth as is wanted.
    pub fn curve(&self, run: &Run, across: &Across, metric: &Metric, log: bool) -> Vec<(f64, f64)> {
        drawable(across.place(run.history.smooth(metric, self.scene.looks.smoothing)), log)
    }

    /// The values themselves.
    pub fn raw(&self, metric: &Metric, log: bool) -> Vec<(f64, f64)> {
        drawable(self.across.place(self.scene.store.history.raw(metric)), log)
    }

    /// What another run measured where the crosshair is; `None` beyond its ends.
    pub fn read(&self, other: &Other<'_>, metric: &Metric) -> Option<f64> {
        let ((_, x), across) = (self.cross?, other.across.as_ref()?);
        let steps = other.run.history.steps();
        let ends = [steps.first()?, steps.last()?].map(|step| across.x(step.step as f64));
        let is_inside = ends[0].is_none_or(|first| x >= first) && ends[1].is_none_or(|last| x <= last);
        let step = nearest_step(other.run, across.step(x)?).filter(|_| is_inside)?;
        measured(other.run, metric, step)
    }

    /// Mean and range of a panel's first metric over seeds: the curves that they are made of.
    pub fn of_seeds(&self, panel: &ChartPanel) -> Vec<Vec<(f64, f64)>> {
        let Some(metric) = panel.metrics().first() else { return Vec::new() };
        let curves = self.seeds.iter().map(|(run, across)| self.curve(run, across, metric, panel.is_log()));
        curves.collect()
    }
}

/// On a logarithmic axis there is no place for zero and below.
fn drawable(mut points: Vec<(f64, f64)>, log: bool) -> Vec<(f64, f64)> {
    for (_, value) in points.iter_mut().filter(|(_, value)| log && *value <= 0.0) {
        *value = f64::NAN;
    }
    points
}

/// The axis that holds all of these runs.
fn whole<'a>(unit: Unit, over: bool, runs: impl Iterator<Item = (&'a Run, &'a Across)>) -> Range {
    let mut last = 0.0f64;
    for (run, across) in runs {
        let step = run.history.last().map_or(0.0, |step| step.step as f64);
        let end = match across {
            Across::Steps => step,
            Across::Spent(spent) => {
                spent.iter().map(|(_, x)| *x).filter(|x| x.is_finite()).fold(0.0, f64::max)
            }
        };
        last = last.max(end);
    }
    match unit {
        Unit::Steps => step_range(last as u64, over),
        _ if last <= 0.0 => (0.0, 1.0),
        _ if over => (0.0, last),
        _ => (0.0, nice_ceiling(last).max(last)),
    }
}
