//! What a report tells of a run, taken from the events that its screens would get, so that any engine's run has a report.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    config::RunInfo,
    metrics::{Meter, aha_step, registry},
    protocol::{Event, Started},
    record::{Measurement, Rollout, Step},
    runs::{
        RunDirectory, RunError,
        source::{self, Reading},
    },
    task::LastBlind,
};

/// Steps at either end that are averaged, and that the Meter compares.
pub(super) const END: usize = 10;
/// Steps of which completions are shown.
const STEPS: usize = 24;
/// Completions of a step that are shown, at most one of a kind.
const KINDS: usize = 6;
/// A live run that is silent for so long has told all it has.
const SILENCE: Duration = Duration::from_secs(2);

/// A run, as a report tells it.
#[derive(Debug)]
pub struct Told {
    /// The name of its directory or file.
    pub(super) name: String,
    pub(super) place: PathBuf,
    pub(super) started: Started,
    pub(super) provenance: Option<RunInfo>,
    /// By step; a step that was made again counts once.
    pub(super) steps: BTreeMap<u64, Step>,
    pub(super) completions: usize,
    pub(super) meter: Meter,
    /// The first steps of it.
    pub(super) early: Meter,
    pub(super) edits: Vec<(u64, String, String)>,
    pub(super) measured: Vec<Measurement>,
    pub(super) samples: BTreeMap<u64, Vec<Rollout>>,
    /// The completion that corrects itself most in each step that has one.
    best: BTreeMap<u64, Rollout>,
    pub(super) troubles: Vec<String>,
}

impl Told {
    /// Reads a run; one that is being written, as far as it is.
    ///
    /// # Errors
    /// If none of it can be read.
    pub fn of(place: &Path) -> Result<Self, RunError> {
        let run = RunDirectory::open(place).ok();
        let is_live = run.as_ref().is_some_and(RunDirectory::is_live);
        let source = source::open(place, &Reading { follows: is_live, ..Reading::default() })?;
        let resolved = std::fs::canonicalize(place).unwrap_or_else(|_| place.to_owned());
        let name = resolved.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut told = Self {
            name,
            place: place.to_owned(),
            started: Started::unknown(place),
            provenance: run.and_then(|run| run.config().ok()?.provenance),
            steps: BTreeMap::new(),
            completions: 0,
            meter: Meter::default(),
            early: Meter::default(),
            edits: Vec::new(),
            measured: Vec::new(),
            samples: BTreeMap::new(),
            best: BTreeMap::new(),
            troubles: Vec::new(),
        };
        let mut blind = LastBlind::default();
        loop {
            let event = match is_live {
                true => source.events.recv_timeout(SILENCE).ok(),
                false => source.events.recv().ok(),
            };
            match event {
                Some(event) => told.take_in(event, &mut blind),
                None => break,
            }
        }
        told.thin(STEPS);
        Ok(told)
    }

    fn take_in(&mut self, event: Event, blind: &mut LastBlind) {
        match event {
            Event::Started(started) => self.started = *started,
            Event::StepDone(step) => {
                self.steps.insert(step.step, *step);
            }
            Event::StepAmended(more) => {
                self.steps.entry(more.step).or_insert_with(|| Step::new(more.step)).amend(&more);
            }
            Event::RolloutScored(record) => self.count(*record, blind),
            Event::Measured(found) => self.measured.push(*found),
            Event::Edited { step, key, value, .. } => self.edits.push((step, key, value)),
            Event::Warning(reason) => self.troubles.push(reason),
            _ => {}
        }
    }

    fn count(&mut self, record: Rollout, blind: &mut LastBlind) {
        self.completions += 1;
        if let Some(correct) = record.correct {
            let place = (record.step, record.group, record.index);
            let blind = blind.of(&record.problem.task, &record.problem.puzzle);
            self.meter.push(place, correct, &record.analysis, blind);
            let first = self.steps.keys().next().copied().unwrap_or(1);
            if record.step < first + END as u64 {
                self.early.push(place, correct, &record.analysis, blind);
            }
        }
        let merit = |record: &Rollout| (record.is_right(), record.analysis.self_corrections);
        if record.analysis.self_corrections > 0
            && self.best.get(&record.step).is_none_or(|best| merit(&record) > merit(best))
        {
            self.best.insert(record.step, record.clone());
        }
        let of_step = self.samples.entry(record.step).or_default();
        if of_step.len() < KINDS && !of_step.iter().any(|other| kind(other) == kind(&record)) {
            of_step.push(record);
        }
        if self.samples.len() > 4 * STEPS {
            self.thin(2 * STEPS);
        }
    }

    /// Keeps the completions of so many steps, evenly spread, the first and the last among them.
    fn thin(&mut self, most: usize) {
        let steps: Vec<u64> = self.samples.keys().copied().collect();
        let [first, .., last] = steps[..] else { return };
        if steps.len() <= most {
            return;
        }
        // By their numbers, not by their places: what was thinned before is thinner already.
        let wanted = |i: usize| first as f64 + (last - first) as f64 * i as f64 / (most - 1).max(1) as f64;
        let nearest = |to: f64| {
            steps.iter().copied().min_by(|a, b| (*a as f64 - to).abs().total_cmp(&(*b as f64 - to).abs()))
        };
        let kept: BTreeSet<u64> = (0..most).filter_map(|i| nearest(wanted(i))).collect();
        self.samples.retain(|step, _| kept.contains(step));
    }

    /// The aha mark, as the screens compute it: against the base's self-corrections, or those of the first step.
    pub(super) fn aha(&self) -> Option<u64> {
        let curve: Vec<(u64, f64)> = self.curve(&registry::SELF_CORRECTIONS);
        let base = match &self.started.base {
            Some(base) => base.self_corrections,
            None => curve.first()?.1,
        };
        aha_step(&curve, base)
    }

    /// The completion that shows the aha mark, or where there is none, the one of the newest step that corrects itself.
    pub(super) fn moment(&self) -> Option<&Rollout> {
        match self.aha() {
            Some(step) => self.best.range(step..).next().map(|(_, record)| record),
            None => self.best.last_key_value().map(|(_, record)| record),
        }
    }

    /// A metric by step, where it was measured.
    pub(super) fn curve(&self, metric: &registry::Metric) -> Vec<(u64, f64)> {
        self.steps.values().filter_map(|step| Some((step.step, step.known(metric)?))).collect()
    }

    /// Its mean over the first and over the last steps.
    pub(super) fn ends(&self, metric: &registry::Metric) -> Option<(f64, f64)> {
        let curve = self.curve(metric);
        let few = END.min(curve.len().div_ceil(2));
        let mean = |part: &[(u64, f64)]| part.iter().map(|(_, value)| value).sum::<f64>() / part.len() as f64;
        (few > 0).then(|| (mean(&curve[..few]), mean(&curve[curve.len() - few..])))
    }

    /// The best accuracy on held-out puzzles, and its step.
    pub(super) fn best_held_out(&self) -> Option<(u64, f64)> {
        self.curve(&registry::EVAL_ACCURACY).into_iter().max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Hours of all steps.
    pub(super) fn hours(&self) -> Option<f64> {
        let seconds: Vec<f64> =
            self.curve(&registry::STEP_TIME).into_iter().map(|(_, value)| value).collect();
        (!seconds.is_empty()).then(|| seconds.iter().sum::<f64>() / 3600.0)
    }

    pub(super) fn last_step(&self) -> u64 {
        self.steps.keys().next_back().copied().unwrap_or(0)
    }

    /// Whether the keys of its configuration are known: another engine tells some of them, and a file none.
    pub(super) fn knows(&self, key: &str) -> bool {
        match &self.started.engine {
            Some(engine) => engine.told.iter().any(|told| told == key),
            None => self.provenance.is_some(),
        }
    }
}

/// What tells completions of a step apart at a glance.
fn kind(record: &Rollout) -> (Option<bool>, bool, bool, bool) {
    let analysis = &record.analysis;
    (
        record.correct,
        record.truncated,
        analysis.self_corrections > 0,
        analysis.false_checks + analysis.misled_checks > 0
            || record.is_right() && analysis.faithful == Some(false),
    )
}
