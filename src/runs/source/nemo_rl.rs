//! What NeMo-RL leaves of a GRPO run: `train_data_stepN.jsonl`, whose values are lists of one. docs/engines.md says
//! more.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    Reading, RunFormat,
    dumps::{Fields, json_lines},
    folders::{StepFolder, folders_in, names_in, number_in},
    watched::{self, Layout, Listing, Purpose, Read},
    written::Written,
};
use crate::{protocol::RunSource, runs::RunError};

/// See the module.
pub(super) struct NemoRl;

impl RunFormat for NemoRl {
    fn name(&self) -> &'static str {
        "a log folder of NeMo-RL (train_data_stepN.jsonl)"
    }

    fn recognises(&self, path: &Path) -> bool {
        path.is_dir() && folder(path).is_some()
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        let folder = folder(path).unwrap_or_else(|| path.to_owned());
        watched::open(path, "NeMo-RL", TrainData { folder: StepFolder::new(folder, step_of) }, reading)
    }
}

fn step_of(name: &str) -> Option<u64> {
    number_in(name, "train_data_step", ".jsonl")
}

/// Where the files are: here, or in the newest experiment's folder.
fn folder(path: &Path) -> Option<PathBuf> {
    let holds = |folder: &PathBuf| {
        names_in(folder).is_ok_and(|names| names.iter().any(|name| step_of(name).is_some()))
    };
    std::iter::once(path.to_owned()).chain(folders_in(path).into_iter().rev()).find(holds)
}

struct TrainData {
    folder: StepFolder,
}

/// What a list of one holds.
fn only(fields: &mut Fields, name: &str) -> Option<Value> {
    match fields.remove(name)? {
        Value::Array(mut list) => {
            if list.len() == 1 {
                list.pop()
            } else {
                Some(Value::Array(list))
            }
        }
        other => Some(other),
    }
}

/// The numbers of a list at the places where the mask is not zero.
fn masked(list: Option<Value>, mask: &[f64]) -> Option<Vec<f64>> {
    let numbers = numbers(list?)?;
    (numbers.len() == mask.len()).then(|| {
        numbers.into_iter().zip(mask).filter(|(_, m)| **m != 0.0).map(|(number, _)| number).collect()
    })
}

fn numbers(list: Value) -> Option<Vec<f64>> {
    let Value::Array(list) = list else { return None };
    Some(list.iter().map(|number| number.as_f64().unwrap_or(f64::NAN)).collect())
}

/// What was said, as prompt and completion: the last part is what the model wrote.
fn said(content: Option<Value>) -> Result<(String, String), String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(message) => Some(message.get("content")?.as_str()?.to_owned()),
        _ => None,
    };
    match content {
        Some(Value::String(text)) => Ok((String::new(), text)),
        Some(Value::Array(parts)) if !parts.is_empty() => {
            let mut parts =
                parts.iter().map(text).collect::<Option<Vec<_>>>().ok_or("its `content` is no text")?;
            let completion = parts.pop().unwrap_or_default();
            Ok((parts.join(""), completion))
        }
        _ => Err("it has no `content`".into()),
    }
}

fn written(step: u64, mut line: Fields) -> Result<Written, String> {
    let (prompt, completion) = said(only(&mut line, "content"))?;
    let number = |value: Option<Value>| value.and_then(|value| value.as_f64());
    let reward = number(only(&mut line, "rewards"));
    let mask = only(&mut line, "token_loss_mask").and_then(numbers).unwrap_or_default();
    let tokens = masked(only(&mut line, "token_ids"), &mask);
    let logprobs = masked(only(&mut line, "generation_logprobs"), &mask);
    // One for each token, and the same for all of a completion.
    let advantage = masked(only(&mut line, "advantages"), &mask).and_then(|list| list.first().copied());
    for known in ["prev_logprobs", "input_lengths", "sample_loss_mask", "idx"] {
        line.remove(known);
    }
    let mut fields = Fields::new();
    for (name, value) in line {
        let value = match value {
            Value::Array(mut list) if list.len() == 1 => list.pop().unwrap_or_default(),
            other => other,
        };
        fields.insert(name, value);
    }
    Ok(Written {
        step,
        prompt,
        completion,
        reward,
        advantage,
        token_ids: tokens.map(|list| list.into_iter().map(|token| token as u32).collect()),
        logprobs: logprobs.map(|list| list.into_iter().map(|logprob| logprob as f32).collect()),
        fields,
        ..Written::default()
    })
}

impl Layout for TrainData {
    fn list(&mut self) -> Result<Listing, RunError> {
        let files = self.folder.look()?;
        Ok(files.map(|(step, file)| ((step, Purpose::Training), vec![file.clone()])).collect())
    }

    fn completions(&self, step: u64, file: &Path) -> Result<Read, String> {
        json_lines(file, |line| written(step, line))
    }
}
