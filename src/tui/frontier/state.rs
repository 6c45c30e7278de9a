//! What was measured, and what of it is looked at.

use super::{
    action::Action,
    curves::{Axis, Curve, Kind},
};
use crate::{
    protocol::side::{JobEnd, MeasureRequest, SideCommand, SideEvent, SideJob},
    runs::{HowMeasured, Measurement},
    tui::thinning::least_missed,
};

/// What a key measures.
const MEASURED: MeasureRequest = MeasureRequest { puzzles: 128, samples: 8 };
/// Measurements kept of one way of measuring, evenly spread over the steps: the run's folder has them all.
const KEPT: usize = 512;
/// Numbers of this screen's jobs begin here; those of the Playground begin at 0.
const FIRST_JOB: u64 = 1 << 32;

/// The Frontier screen.
#[derive(Debug, Default)]
pub struct Frontier {
    /// By step; of the same step and way of measuring the newest only.
    measured: Vec<Measurement>,
    /// The way of measuring that is shown; `None` for that of the newest measurement.
    shown: Option<HowMeasured>,
    /// The step that is laid over the first one; `None` for the last.
    after: Option<u64>,
    /// The budget of the parallel kinds' samples; `None` for the smallest.
    samples: Option<usize>,
    /// The crosshair, an index into [`Frontier::stops`]; `None` for the last.
    cursor: Option<usize>,
    pub(super) axis: Axis,
    job: Option<Job>,
    jobs: u64,
}

/// A measurement that was asked for.
#[derive(Debug)]
struct Job {
    id: u64,
    /// Completions written, and of how many; none before it begins.
    progress: Option<(usize, usize)>,
}

impl Frontier {
    /// Takes in a measurement.
    pub fn push(&mut self, measurement: Measurement) {
        self.measured.retain(|other| other.step != measurement.step || other.how != measurement.how);
        let place = self.measured.partition_point(|other| other.step <= measurement.step);
        let how = measurement.how.clone();
        self.measured.insert(place, measurement);
        let alike = self.measured.iter().filter(|other| other.how == how);
        let steps: Vec<u64> = alike.map(|other| other.step).collect();
        if steps.len() > KEPT {
            let goes = least_missed(&steps);
            self.measured.retain(|other| Some(other.step) != goes || other.how != how);
        }
    }

    /// Asks for a measurement, or gives the one in hand up.
    pub fn measure(&mut self) -> SideCommand {
        match &self.job {
            Some(job) => SideCommand::Cancel { id: job.id },
            None => {
                let id = FIRST_JOB + self.jobs;
                self.jobs += 1;
                self.job = Some(Job { id, progress: None });
                SideCommand::Job { id, job: SideJob::Measure(MEASURED) }
            }
        }
    }

    /// Takes in what the side engine tells; a sentence where a person should know.
    pub fn told(&mut self, event: &SideEvent) -> Option<String> {
        let of = |id: u64| self.job.as_ref().is_some_and(|job| job.id == id);
        match event {
            SideEvent::Measured(measurement) => {
                // Of all that is known, that which was asked for is looked at.
                self.shown = Some(measurement.how.clone());
                (self.after, self.samples, self.cursor) = (None, None, None);
                self.push((**measurement).clone());
            }
            SideEvent::Progress { job, done, total } if of(*job) => {
                self.job = Some(Job { id: *job, progress: Some((*done, *total)) });
            }
            SideEvent::Ended { job, how } if of(*job) => {
                self.job = None;
                return match how {
                    JobEnd::Done => Some("measured, and kept in the run's folder `frontier`".into()),
                    JobEnd::Cancelled => Some("the measurement was given up; what was whole is kept".into()),
                    JobEnd::Failed(reason) => Some(reason.clone()),
                };
            }
            _ => {}
        }
        None
    }

    /// Whether something is being measured.
    pub fn is_measuring(&self) -> bool {
        self.job.is_some()
    }

    /// Nobody measures any more.
    pub fn gone(&mut self) {
        self.job = None;
    }

    /// How far the measurement in hand is, in words.
    pub fn progress(&self) -> Option<String> {
        let job = self.job.as_ref()?;
        Some(match job.progress {
            None => "measuring: waiting for a turn, m gives up".into(),
            Some((done, total)) => {
                format!("measuring {:.0} %, m gives up", 100.0 * done as f64 / total.max(1) as f64)
            }
        })
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.measured.is_empty()
    }

    /// The ways of measuring, those with the newest measurement last.
    fn ways(&self) -> Vec<&HowMeasured> {
        let mut by_time: Vec<&Measurement> = self.measured.iter().collect();
        by_time.sort_by(|a, b| b.time.cmp(&a.time));
        let mut ways: Vec<&HowMeasured> = Vec::new();
        for measurement in by_time {
            if !ways.contains(&&measurement.how) {
                ways.push(&measurement.how);
            }
        }
        ways.reverse();
        ways
    }

    /// The way of measuring that is shown, which of all it is, and how many there are.
    pub fn how(&self) -> Option<(&HowMeasured, usize, usize)> {
        let ways = self.ways();
        let count = ways.len();
        let at =
            ways.iter().position(|how| Some(*how) == self.shown.as_ref()).unwrap_or(count.saturating_sub(1));
        ways.get(at).map(|how| (*how, at + 1, count))
    }

    /// Everything that was measured in the way that is shown, by step.
    fn alike(&self) -> Vec<&Measurement> {
        let Some((how, ..)) = self.how() else { return Vec::new() };
        self.measured.iter().filter(|measurement| measurement.how == *how).collect()
    }

    /// The earliest step measured, and the one that is laid over it where there is another.
    pub fn pair(&self) -> (Option<&Measurement>, Option<&Measurement>) {
        let alike = self.alike();
        let mut later = alike.iter().skip(1);
        let after =
            self.after.and_then(|step| later.clone().find(|one| one.step == step)).or(later.next_back());
        (alike.first().copied(), after.copied())
    }

    /// The budgets that the samples of the parallel kinds can have.
    fn budgets(&self) -> Vec<Option<usize>> {
        let Some((how, ..)) = self.how() else { return Vec::new() };
        let forced = how.budgets.iter().copied().map(Some);
        forced.chain([None]).collect()
    }

    /// The budget of the parallel kinds' samples; `None` forces nothing.
    pub fn samples(&self) -> Option<usize> {
        let budgets = self.budgets();
        match self.samples {
            Some(at) => budgets.get(at).copied().flatten(),
            None => budgets.first().copied().flatten(),
        }
    }

    /// The curves of a measurement as they are looked at, one of each kind.
    pub fn curves(&self, of: &Measurement) -> [Curve; Kind::ALL.len()] {
        Kind::ALL.map(|kind| Curve::of(of, kind, self.axis, self.samples()))
    }

    /// Where the crosshair can stand: every number of tokens that was measured, none twice.
    pub fn stops(&self) -> Vec<f64> {
        let (before, after) = self.pair();
        let mut stops: Vec<f64> = [before, after]
            .into_iter()
            .flatten()
            .flat_map(|measured| self.curves(measured))
            .flat_map(|curve| curve.spots.into_iter().map(|spot| spot.tokens))
            .collect();
        stops.sort_by(f64::total_cmp);
        // Two of one rounded number would look like a crosshair that does not move.
        stops.dedup_by(|later, earlier| later.round() == earlier.round());
        stops
    }

    /// The tokens at the crosshair.
    pub fn crosshair(&self) -> Option<f64> {
        let stops = self.stops();
        let last = stops.len().checked_sub(1)?;
        stops.get(self.cursor.unwrap_or(last).min(last)).copied()
    }

    /// Does what a key asked for.
    pub fn update(&mut self, action: Action) {
        match action {
            Action::Right => self.step(1),
            Action::Left => self.step(-1),
            Action::First => self.cursor = Some(0),
            Action::Last => self.cursor = None,
            Action::LongerSamples => self.lengthen(1),
            Action::ShorterSamples => self.lengthen(-1),
            Action::Axis => {
                self.axis = if self.axis == Axis::All { Axis::Thinking } else { Axis::All };
            }
            Action::NextStep => self.turn(1),
            Action::PreviousStep => self.turn(-1),
            // The side engine's, see [`Frontier::measure`].
            Action::Measure => {}
            Action::OtherSettings => {
                let ways = self.ways();
                let Some((_, at, count)) = self.how() else { return };
                self.shown = ways.get(at % count).map(|how| (*how).clone());
                (self.cursor, self.samples, self.after) = (None, None, None);
            }
        }
    }

    fn step(&mut self, by: isize) {
        let Some(last) = self.stops().len().checked_sub(1) else { return };
        self.cursor = Some(self.cursor.unwrap_or(last).min(last).saturating_add_signed(by).min(last));
    }

    fn lengthen(&mut self, by: isize) {
        let Some(last) = self.budgets().len().checked_sub(1) else { return };
        let tokens = self.crosshair();
        self.samples = Some(self.samples.unwrap_or(0).saturating_add_signed(by).min(last));
        self.stand_near(tokens);
    }

    fn turn(&mut self, by: isize) {
        let steps: Vec<u64> = self.alike().iter().skip(1).map(|one| one.step).collect();
        let Some(last) = steps.len().checked_sub(1) else { return };
        let at =
            self.pair().1.and_then(|after| steps.iter().position(|step| *step == after.step)).unwrap_or(last);
        let tokens = self.crosshair();
        self.after = steps.get(at.saturating_add_signed(by).min(last)).copied();
        self.stand_near(tokens);
    }

    /// The curves have changed: the crosshair stays where it was, as nearly as it can.
    fn stand_near(&mut self, tokens: Option<f64>) {
        let (Some(tokens), true) = (tokens, self.cursor.is_some()) else { return };
        let distance = |stop: &f64| (stop / tokens).ln().abs();
        let stops = self.stops();
        let nearest = stops.iter().enumerate().min_by(|a, b| distance(a.1).total_cmp(&distance(b.1)));
        self.cursor = nearest.map(|(at, _)| at);
    }
}
