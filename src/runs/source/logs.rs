//! Metrics that engines log in files of their own: as JSON lines, as the state of a trainer, as TensorBoard's events.

mod tensorboard;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub(super) use self::tensorboard::EventFiles;
use super::watched::Stamped;
use crate::{
    metrics::registry,
    record::{Measured, Step},
    runs::{reader::LONGEST_LINE, tail::Tail},
    system::{files, quoting::quoting},
};

/// Steps and what could not be read, in sentences.
pub(super) type Logged = (Vec<Step>, Vec<String>);

/// Most names that are taken from one line.
const MOST_NAMES: usize = 2000;

/// JSON as Python writes it: `NaN` and `Infinity` stand in it as they are, and are read as `null`.
pub(super) fn python_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        Err(error) => match without_nan(bytes) {
            Some(changed) => serde_json::from_slice(&changed).map_err(|error| quoting(&error)),
            None => Err(quoting(&error)),
        },
    }
}

/// With `null` in the place of what is no JSON number, outside of texts; `None` where there is no such.
fn without_nan(bytes: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let (mut changed, mut found) = (Vec::with_capacity(bytes.len()), false);
    let (mut in_text, mut at) = (false, 0);
    while let Some(byte) = bytes.get(at) {
        let word = WORDS.iter().find(|word| !in_text && bytes[at..].starts_with(word));
        if let Some(word) = word {
            changed.extend(b"null");
            (found, at) = (true, at + word.len());
            continue;
        }
        changed.push(*byte);
        at += 1;
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => {
                changed.extend(bytes.get(at));
                at += 1;
            }
            _ => {}
        }
    }
    found.then_some(changed)
}

/// Numbers under their names, as a step. What is no number is left out; `null` is nothing.
pub(super) fn step_of(number: u64, named: Map<String, Value>) -> Step {
    let mut step = Step::new(number);
    for (name, value) in named.into_iter().take(MOST_NAMES) {
        if value.is_number() {
            step.put(&name, value.into(), |_| false);
        } else if value.is_null() {
            step.put(&name, Measured::Nothing, |_| false);
        }
    }
    step
}

/// Also puts what an engine calls by another name under ours.
pub(super) fn in_our_words(mut step: Step, engine: registry::Engine) -> Step {
    for metric in registry::ALL {
        let theirs = metric.elsewhere.iter().filter(|(known, name)| *known == engine && *name != metric.name);
        for (_, name) in theirs {
            if let Some(value) = step.named(name).cloned().filter(|_| !step.has(metric)) {
                step.set(metric, value);
            }
        }
    }
    step
}

/// A log of JSON lines that grows.
#[derive(Debug)]
pub(super) struct JsonLog {
    tail: Tail,
    step_of: fn(Map<String, Value>) -> Option<Step>,
}

impl JsonLog {
    /// Of this file, with what makes a step of a line; `None` for a line that is none.
    pub fn new(path: &Path, step_of: fn(Map<String, Value>) -> Option<Step>) -> Self {
        Self { tail: Tail::new(path, LONGEST_LINE), step_of }
    }

    /// What is new.
    pub fn poll(&mut self) -> Logged {
        let (mut steps, mut warnings) = (Vec::new(), Vec::new());
        loop {
            let polled = self.tail.poll_with(python_json, |line, _, _| steps.extend((self.step_of)(line)));
            match polled {
                Ok(polled) => {
                    warnings.extend(polled.bad.iter().map(ToString::to_string));
                    if !polled.behind {
                        return (steps, warnings);
                    }
                }
                Err(error) => {
                    warnings.push(error.to_string());
                    return (steps, warnings);
                }
            }
        }
    }
}

/// The largest `trainer_state.json` that is read: some hundred thousand logged steps.
const MOST_STATE_BYTES: u64 = 256 << 20;

/// The `trainer_state.json` of transformers' trainer: in the run's folder, or in its newest checkpoint.
#[derive(Debug)]
pub(super) struct TrainerState {
    run: PathBuf,
    read: Option<Stamped>,
    known: BTreeMap<u64, Step>,
    has_ended: bool,
}

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    log_history: Vec<Map<String, Value>>,
    #[serde(default)]
    global_step: u64,
    #[serde(default)]
    max_steps: u64,
}

impl TrainerState {
    /// Of this run.
    pub fn new(run: &Path) -> Self {
        Self { run: run.to_owned(), read: None, known: BTreeMap::new(), has_ended: false }
    }

    /// Where the newest one is.
    pub fn find(run: &Path) -> Option<Stamped> {
        let in_checkpoint = |folder: PathBuf| {
            let name = folder.file_name()?.to_str()?;
            Some((super::folders::number_in(name, "checkpoint-", "")?, folder))
        };
        let mut checkpoints: Vec<_> =
            super::folders::folders_in(run).into_iter().filter_map(in_checkpoint).collect();
        checkpoints.sort();
        let places = checkpoints.into_iter().rev().map(|(_, folder)| folder);
        std::iter::once(run.to_owned())
            .chain(places)
            .find_map(|folder| Stamped::of(&folder.join("trainer_state.json")))
    }

    /// Whether it says that all steps are done.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// What is new.
    pub fn poll(&mut self) -> Logged {
        let Some(found) = Self::find(&self.run).filter(|found| self.read.as_ref() != Some(found)) else {
            return Logged::default();
        };
        let read = files::open_unlinked(&found.path)
            .and_then(|file| files::read_most(&file, MOST_STATE_BYTES))
            .map_err(|error| error.to_string())
            .and_then(|bytes| python_json::<State>(&bytes));
        let path = found.path.display().to_string();
        self.read = Some(found);
        let state = match read {
            Ok(state) => state,
            Err(reason) => return (Vec::new(), vec![format!("{path} is not read: {reason}.")]),
        };
        self.has_ended = state.max_steps > 0 && state.global_step >= state.max_steps;
        let mut now: BTreeMap<u64, Step> = BTreeMap::new();
        for mut entry in state.log_history {
            let Some(number) = entry.remove("step").and_then(|step| step.as_u64()) else { continue };
            let step = step_of(number, entry);
            now.entry(number).or_insert_with(|| Step::new(number)).amend(&step);
        }
        let fresh = now.values().filter(|step| self.known.get(&step.step) != Some(step)).cloned().collect();
        self.known = now;
        (fresh, Vec::new())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes_of_no_number_is_nothing_and_texts_stay() {
        let read: Value = python_json(br#"{"a":NaN,"b":[-Infinity,Infinity,1],"c":"NaN \" NaN"}"#).unwrap();
        assert_eq!(read, serde_json::json!({"a": null, "b": [null, null, 1], "c": "NaN \" NaN"}));
        assert!(python_json::<Value>(b"{NaN").is_err() && python_json::<Value>(b"{").is_err());
    }

    #[test]
    fn the_state_of_a_trainer_is_read_where_it_is_and_again_when_it_changes() {
        let run = tempfile::tempdir().unwrap();
        let mut state = TrainerState::new(run.path());
        assert_eq!(state.poll(), (vec![], vec![]));
        let write = |folder: &str, text: &str| {
            let folder = run.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("trainer_state.json"), text).unwrap();
        };
        write(
            "checkpoint-2",
            r#"{"log_history":[{"step":1,"loss":NaN},{"step":1,"eval_loss":2.0},{"a":1}]}"#,
        );
        let (steps, _) = state.poll();
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].named("eval_loss"), Some(&Measured::Real(2.0)));
        assert!(state.poll().0.is_empty() && !state.has_ended());
        write("checkpoint-10", r#"{"log_history":[{"step":2}],"global_step":10,"max_steps":10}"#);
        assert_eq!(state.poll().0.iter().map(|step| step.step).collect::<Vec<_>>(), [2]);
        assert!(state.has_ended());
        write("checkpoint-11", "{");
        assert!(state.poll().1[0].contains("checkpoint-11"));
    }
}
