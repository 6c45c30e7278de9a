//! The measurements of the compute frontier, and the one in progress.

use super::thinning::least_missed;
use crate::{
    protocol::side::{JobEnd, MeasureRequest, SideCommand, SideEvent, SideJob},
    record::{HowMeasured, Measurement},
};

/// What a key measures.
const MEASURED: MeasureRequest = MeasureRequest { puzzles: 128, samples: 8 };
/// Most measurements kept per settings, evenly spread over the steps; the run's folder has them all.
const KEPT: usize = 512;
/// Numbers of these jobs begin here; those of the Playground begin at 0.
const FIRST_JOB: u64 = 1 << 32;

/// All measurements of the run.
#[derive(Debug, Default)]
pub struct Measurements {
    /// By step; only the newest for each step and settings.
    measured: Vec<Measurement>,
    /// How many came from here rather than from the run's folder.
    fresh: u64,
    job: Option<Job>,
    jobs: u64,
}

/// A requested measurement.
#[derive(Debug)]
struct Job {
    id: u64,
    /// Completions written, and of how many; `None` before it begins.
    progress: Option<(usize, usize)>,
}

impl Measurements {
    /// Takes in a measurement.
    pub(super) fn push(&mut self, measurement: Measurement) {
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

    /// Drops those of later steps.
    pub(super) fn cut_back(&mut self, step: u64) {
        self.measured.retain(|measured| measured.step <= step);
    }

    /// Requests a measurement, unless one is in progress.
    pub fn measure(&mut self) -> Option<SideCommand> {
        if self.is_measuring() {
            return None;
        }
        let id = FIRST_JOB + self.jobs;
        self.jobs += 1;
        self.job = Some(Job { id, progress: None });
        Some(SideCommand::Job { id, job: SideJob::Measure(MEASURED) })
    }

    /// Cancels the current measurement.
    pub(crate) fn give_up(&self) -> Option<SideCommand> {
        self.job.as_ref().map(|job| SideCommand::Cancel { id: job.id })
    }

    /// Handles a side engine event; returns a message for the user, if any.
    pub(super) fn told(&mut self, event: &SideEvent) -> Option<String> {
        let of = |id: u64| self.job.as_ref().is_some_and(|job| job.id == id);
        match event {
            SideEvent::Measured(measurement) => {
                self.fresh += 1;
                self.push((**measurement).clone());
            }
            SideEvent::Progress { job, done, total } if of(*job) => {
                self.job = Some(Job { id: *job, progress: Some((*done, *total)) });
            }
            SideEvent::Ended { job, how } if of(*job) => {
                self.job = None;
                return match how {
                    JobEnd::Done => Some("measured and stored in the run's folder `frontier`".into()),
                    JobEnd::Cancelled => {
                        Some("the measurement was cancelled; finished parts are kept".into())
                    }
                    JobEnd::Failed(reason) => Some(reason.clone()),
                };
            }
            _ => {}
        }
        None
    }

    /// Whether something is being measured.
    pub(crate) fn is_measuring(&self) -> bool {
        self.job.is_some()
    }

    /// The side engine is gone.
    pub(super) fn gone(&mut self) {
        self.job = None;
    }

    /// The progress of the current measurement, in words.
    pub(crate) fn progress(&self) -> Option<String> {
        let job = self.job.as_ref()?;
        Some(match job.progress {
            None => "measuring: waiting for its turn, m cancels".into(),
            Some((done, total)) => {
                format!("measuring {:.0} %, m cancels", 100.0 * done as f64 / total.max(1) as f64)
            }
        })
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.measured.is_empty()
    }

    /// How many were measured from here; a requested one is shown first.
    pub fn fresh(&self) -> u64 {
        self.fresh
    }

    /// The measurements, by step.
    pub fn all(&self) -> &[Measurement] {
        &self.measured
    }

    /// The different settings, in order of their newest measurement.
    pub fn ways(&self) -> Vec<&HowMeasured> {
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
}
