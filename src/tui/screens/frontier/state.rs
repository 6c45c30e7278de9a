//! Which measurements are shown.

use super::{
    action::Action,
    curves::{Axis, Curve, Kind},
};
use crate::{
    record::{HowMeasured, Measurement},
    tui::store::measurements::Measurements,
};

/// The Frontier screen.
#[derive(Debug, Default)]
pub struct Frontier {
    choice: Choice,
    axis: Axis,
}

/// The user's selection.
#[derive(Debug, Clone, Default)]
struct Choice {
    /// Number of measurements made from here when it was chosen; a newer one takes over.
    fresh: u64,
    /// The settings of the shown measurements; `None` for those of the newest.
    shown: Option<HowMeasured>,
    /// The step compared with the first one; `None` for the last.
    after: Option<u64>,
    /// The budget of the parallel kinds' samples; `None` for the smallest.
    samples: Option<usize>,
    /// The crosshair, an index into [`Shown::stops`]; `None` for the last.
    cursor: Option<usize>,
}

/// The measurements as shown.
#[derive(Debug)]
pub struct Shown<'a> {
    pub(super) measured: &'a Measurements,
    choice: Choice,
    pub(super) axis: Axis,
}

impl<'a> Shown<'a> {
    /// The settings shown, their position among all settings, and how many there are.
    pub fn how(&self) -> Option<(&'a HowMeasured, usize, usize)> {
        let ways = self.measured.ways();
        let count = ways.len();
        let at = ways
            .iter()
            .position(|how| Some(*how) == self.choice.shown.as_ref())
            .unwrap_or(count.saturating_sub(1));
        ways.get(at).map(|how| (*how, at + 1, count))
    }

    /// Every measurement with the settings shown, by step.
    fn alike(&self) -> Vec<&'a Measurement> {
        let Some((how, ..)) = self.how() else { return Vec::new() };
        self.measured.all().iter().filter(|measurement| measurement.how == *how).collect()
    }

    /// The earliest measured step, and the one compared with it, if there is another.
    pub fn pair(&self) -> (Option<&'a Measurement>, Option<&'a Measurement>) {
        let alike = self.alike();
        let mut later = alike.iter().skip(1);
        let after = self
            .choice
            .after
            .and_then(|step| later.clone().find(|one| one.step == step))
            .or(later.next_back());
        (alike.first().copied(), after.copied())
    }

    /// The budgets that the samples of the parallel kinds can have.
    fn budgets(&self) -> Vec<Option<usize>> {
        let Some((how, ..)) = self.how() else { return Vec::new() };
        let forced = how.budgets.iter().copied().map(Some);
        forced.chain([None]).collect()
    }

    /// The budget of the parallel kinds' samples; `None` forces no answer.
    pub fn samples(&self) -> Option<usize> {
        let budgets = self.budgets();
        match self.choice.samples {
            Some(at) => budgets.get(at).copied().flatten(),
            None => budgets.first().copied().flatten(),
        }
    }

    /// The curves of a measurement as shown, one of each kind.
    pub(crate) fn curves(&self, of: &Measurement) -> [Curve; Kind::ALL.len()] {
        Kind::ALL.map(|kind| Curve::of(of, kind, self.axis, self.samples()))
    }

    /// The positions of the crosshair: every measured number of tokens, without duplicates.
    pub fn stops(&self) -> Vec<f64> {
        let (before, after) = self.pair();
        let mut stops: Vec<f64> = [before, after]
            .into_iter()
            .flatten()
            .flat_map(|measured| self.curves(measured))
            .flat_map(|curve| curve.spots.into_iter().map(|spot| spot.tokens))
            .collect();
        stops.sort_by(f64::total_cmp);
        // Two stops with the same rounded number would look like a crosshair that does not move.
        stops.dedup_by(|later, earlier| later.round() == earlier.round());
        stops
    }

    /// The tokens at the crosshair.
    pub fn crosshair(&self) -> Option<f64> {
        let stops = self.stops();
        let last = stops.len().checked_sub(1)?;
        stops.get(self.choice.cursor.unwrap_or(last).min(last)).copied()
    }

    fn step(&mut self, by: isize) {
        let Some(last) = self.stops().len().checked_sub(1) else { return };
        let at = self.choice.cursor.unwrap_or(last).min(last);
        self.choice.cursor = Some(at.saturating_add_signed(by).min(last));
    }

    fn lengthen(&mut self, by: isize) {
        let Some(last) = self.budgets().len().checked_sub(1) else { return };
        let tokens = self.crosshair();
        self.choice.samples = Some(self.choice.samples.unwrap_or(0).saturating_add_signed(by).min(last));
        self.stand_near(tokens);
    }

    fn turn(&mut self, by: isize) {
        let steps: Vec<u64> = self.alike().iter().skip(1).map(|one| one.step).collect();
        let Some(last) = steps.len().checked_sub(1) else { return };
        let at =
            self.pair().1.and_then(|after| steps.iter().position(|step| *step == after.step)).unwrap_or(last);
        let tokens = self.crosshair();
        self.choice.after = steps.get(at.saturating_add_signed(by).min(last)).copied();
        self.stand_near(tokens);
    }

    /// The curves have changed: the crosshair stays as close as possible to where it was.
    fn stand_near(&mut self, tokens: Option<f64>) {
        let (Some(tokens), true) = (tokens, self.choice.cursor.is_some()) else { return };
        let distance = |stop: &f64| (stop / tokens).ln().abs();
        let stops = self.stops();
        let nearest = stops.iter().enumerate().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
        self.choice.cursor = nearest.map(|(at, _)| at);
    }

    fn other_settings(&mut self) {
        let Some((_, at, count)) = self.how() else { return };
        let shown = self.measured.ways().get(at % count).map(|how| (*how).clone());
        self.choice = Choice { fresh: self.choice.fresh, shown, ..Choice::default() };
    }
}

impl Frontier {
    /// The measurements as currently shown.
    pub fn shown<'a>(&self, measured: &'a Measurements) -> Shown<'a> {
        let fresh = measured.fresh();
        let choice = match self.choice.fresh == fresh {
            true => self.choice.clone(),
            false => Choice { fresh, ..Choice::default() },
        };
        Shown { measured, choice, axis: self.axis }
    }

    /// Carries out an action.
    pub(super) fn act(&mut self, action: Action, measured: &Measurements) {
        let mut shown = self.shown(measured);
        match action {
            Action::Right => shown.step(1),
            Action::Left => shown.step(-1),
            Action::First => shown.choice.cursor = Some(0),
            Action::Last => shown.choice.cursor = None,
            Action::LongerSamples => shown.lengthen(1),
            Action::ShorterSamples => shown.lengthen(-1),
            Action::Axis => {
                shown.axis = if shown.axis == Axis::All { Axis::Thinking } else { Axis::All };
            }
            Action::NextStep => shown.turn(1),
            Action::PreviousStep => shown.turn(-1),
            // The side engine's.
            Action::Measure => {}
            Action::OtherSettings => shown.other_settings(),
        }
        (self.choice, self.axis) = (shown.choice, shown.axis);
    }
}
