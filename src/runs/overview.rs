//! A run in one line: what lists and comparisons say of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    checkpoint,
    directory::RunDirectory,
    error::RunError,
    notes::{self, Notes},
    reader::Reader,
    source::{self, Reading},
    sweep,
};
use crate::{
    config::Config,
    metrics::registry,
    protocol::{Capability, Event},
    record::{ForkPoint, RunEvent, Step},
};

/// How deep folders of a run are: `checkpoints/step-000001/`, and one more.
const DEEPEST: usize = 3;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// A process is writing it.
    Live,
    /// It ended as asked.
    Finished,
    /// It ended with an error.
    Failed,
    /// It was left, or its process was killed.
    Stopped,
}

impl RunState {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// Accuracy on held-out puzzles after a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HeldOut {
    /// Share of right answers.
    pub accuracy: f64,
    /// The step.
    pub step: u64,
}

/// A run in one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// The folder's name.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What a person says of it.
    pub notes: Notes,
    /// The task's name.
    pub task: String,
    /// The level's name.
    pub level: String,
    /// Hash of the weights it began from; empty if it is not recorded.
    pub model: String,
    /// The preset's name.
    pub preset: String,
    /// The seed.
    pub seed: Option<u64>,
    /// The last step on record; 0 before the first.
    pub steps: u64,
    /// Share of right answers in the completions of each step; `null` where it was not measured.
    #[serde(rename = "accuracy")]
    pub accuracies: Vec<f64>,
    /// The best accuracy on held-out puzzles, if it was measured.
    pub best_held_out: Option<HeldOut>,
    /// How it stands.
    pub state: RunState,
    /// The run that it was forked from.
    pub parent: Option<ForkPoint>,
    /// The steps of its checkpoints.
    pub checkpoints: Vec<u64>,
    /// Its configuration; `None` of another engine's run, or where it cannot be read.
    #[serde(skip)]
    pub config: Option<Box<Config>>,
    /// The engine, where it is not ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<&'static str>,
    /// Bytes on disk.
    pub bytes: u64,
    /// What could not be read, in sentences.
    pub troubles: Vec<String>,
}

impl Overview {
    /// Reads a run. What cannot be read is left out and named among the troubles.
    pub fn of(run: &RunDirectory) -> Self {
        let mut troubles = Vec::new();
        let mut note = |error: RunError| troubles.push(error.to_string());
        let config = run.config().map_err(&mut note).ok();
        let reader = Reader::new(run);
        let steps = reader.metrics().map_err(&mut note).map(|log| log.records).unwrap_or_default();
        let events = reader.events().map_err(&mut note).map(|log| log.records).unwrap_or_default();
        let notes = notes::read(run).map_err(&mut note).unwrap_or_default();
        let meta = run.meta();
        let known =
            |key: &str| config.as_ref().and_then(|file| file.config.get(key).ok()).unwrap_or_default();
        Self {
            name: run.name(),
            path: run.path().to_owned(),
            notes,
            task: meta.task,
            level: known("level"),
            model: meta.model,
            preset: known("preset"),
            seed: known("seed").parse().ok(),
            steps: steps.last().map_or(0, |step| step.step),
            accuracies: steps.iter().map(|step| step.get(&registry::ACCURACY)).collect(),
            best_held_out: best_held_out(&steps),
            state: match events.iter().rev().find_map(|record| state_after(&record.event)) {
                _ if run.is_live() => RunState::Live,
                state => state.unwrap_or(RunState::Stopped),
            },
            parent: meta.parent,
            checkpoints: checkpoint::list(&run.checkpoints_path())
                .into_iter()
                .map(|(step, _)| step)
                .collect(),
            config: config.map(|file| Box::new(file.config)),
            engine: None,
            bytes: bytes_of(run.path()),
            troubles,
        }
    }

    /// A run of another engine in this folder or file: as much as its metrics and the numbers beside its completions say,
    /// which is read at once. `None` if nothing there is one.
    pub fn elsewhere(path: &Path) -> Option<Self> {
        let source = source::open(path, &Reading::default()).ok()?;
        let (mut steps, mut troubles) = (Vec::new(), Vec::new());
        for event in source.events {
            match event {
                Event::StepDone(step) => steps.push(*step),
                Event::Warning(sentence) => troubles.push(sentence),
                Event::Started(_) => {}
                _ => break,
            }
        }
        let is_live = source.facts.capabilities.can(Capability::Live);
        Some(Self {
            name: path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            path: path.to_owned(),
            notes: Notes::default(),
            task: String::new(),
            level: String::new(),
            model: String::new(),
            preset: String::new(),
            seed: None,
            steps: steps.last().map_or(0, |step| step.step),
            accuracies: steps.iter().map(|step| step.get(&registry::ACCURACY)).collect(),
            best_held_out: best_held_out(&steps),
            state: if is_live { RunState::Live } else { RunState::Stopped },
            parent: None,
            checkpoints: Vec::new(),
            config: None,
            engine: Some(source.facts.engine),
            bytes: bytes_of(path),
            troubles,
        })
    }
}

/// Everything in a folder that may be a run: our run directories, and folders of other engines.
///
/// # Errors
/// If the folder cannot be read; one that is not there has no runs.
pub fn places(folder: &Path) -> Result<Vec<PathBuf>, RunError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(RunError::io("list the folder", folder))?,
    };
    let mut places: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // The runs of a sweep are in its own folder.
    places.retain(|path| path.is_dir() && !path.join(sweep::MANIFEST).is_file());
    places.sort();
    Ok(places)
}

/// The run at one of these places; `None` if there is none.
pub fn at(place: &Path) -> Option<Overview> {
    match RunDirectory::open(place) {
        Ok(run) => Some(Overview::of(&run)),
        Err(_) => Overview::elsewhere(place),
    }
}

/// The keys whose values are not all the same where they are known, with the values of all runs; `unknown` stands for those
/// of other engines' runs.
pub fn differing_keys(configs: &[Option<&Config>], unknown: &str) -> Vec<(&'static str, Vec<String>)> {
    let value = |config: &Option<&Config>, key| {
        config.and_then(|config| config.get(key).ok()).unwrap_or_else(|| unknown.to_owned())
    };
    Config::keys()
        .map(|key| (key.name, configs.iter().map(|config| value(config, key.name)).collect()))
        .filter(|(_, values): &(_, Vec<String>)| {
            let mut known = values.iter().zip(configs).filter(|(_, config)| config.is_some());
            let first = known.next().map(|(value, _)| value);
            known.any(|(value, _)| Some(value) != first)
        })
        .collect()
}

/// How a run stands after an event, if the event says so.
fn state_after(event: &RunEvent) -> Option<RunState> {
    match event {
        RunEvent::Finished => Some(RunState::Finished),
        RunEvent::Failed => Some(RunState::Failed),
        RunEvent::Started { .. } | RunEvent::Forked { .. } | RunEvent::Resumed { .. } => {
            Some(RunState::Stopped)
        }
        _ => None,
    }
}

fn best_held_out(steps: &[Step]) -> Option<HeldOut> {
    steps
        .iter()
        .filter_map(|step| Some(HeldOut { accuracy: step.known(&registry::EVAL_ACCURACY)?, step: step.step }))
        .max_by(|a, b| a.accuracy.total_cmp(&b.accuracy))
}

/// Sizes of the files of the run and of its checkpoints, without following links.
fn bytes_of(run: &Path) -> u64 {
    let mut folders = vec![(run.to_owned(), 0)];
    let mut sum = 0;
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_file() => sum += found.len(),
                Ok(found) if found.is_dir() && depth < DEEPEST => folders.push((entry.path(), depth + 1)),
                _ => {}
            }
        }
    }
    sum
}
