//! What SkyRL leaves of its evaluations: `dumped_evals/global_step_N_evals/SOURCE.jsonl`. Its training batches are
//! Python's pickles, which are not read. docs/engines.md says more.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{
    Reading, RunFormat,
    dumps::{Fields, json_lines, take_text},
    folders::{StepFolders, files_ending, number_in},
    watched::{self, Layout, Listing, Purpose, Read},
    written::Written,
};
use crate::{protocol::RunSource, runs::RunError};

/// The summary beside the evaluations, which says what they say.
const SUMMARY: &str = "aggregated_results.jsonl";

/// See the module.
pub(super) struct SkyRl;

impl RunFormat for SkyRl {
    fn name(&self) -> &'static str {
        "an export folder of SkyRL (dumped_evals/global_step_N_evals)"
    }

    fn recognises(&self, path: &Path) -> bool {
        path.is_dir() && folders(path).look().is_ok_and(|found| !found.is_empty())
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        watched::open(path, "SkyRL", Evaluations { folders: folders(path) }, reading)
    }
}

fn folders(path: &Path) -> StepFolders {
    let step_of = |name: &str| number_in(name, "global_step_", "_evals");
    StepFolders::new(path.join("dumped_evals"), step_of, evaluations)
}

fn evaluations(folder: &Path) -> Vec<PathBuf> {
    let mut files = files_ending(folder, ".jsonl");
    files.retain(|path| !path.ends_with(SUMMARY));
    files
}

struct Evaluations {
    folders: StepFolders,
}

/// A completion. Its score is a number, or one for each token, which add up to what it earned.
fn written(step: u64, mut line: Fields) -> Result<Written, String> {
    let prompt = match line.remove("input_prompt") {
        Some(Value::String(text)) => text,
        Some(Value::Array(messages)) => said(&messages),
        _ => return Err("it has no `input_prompt`".into()),
    };
    let completion = take_text(&mut line, "output_response")?;
    let reward = match line.remove("score") {
        Some(Value::Array(scores)) => scores.iter().map(Value::as_f64).sum(),
        Some(score) => score.as_f64(),
        None => None,
    };
    let stopped = line.remove("stop_reason");
    let truncated = stopped.as_ref().and_then(Value::as_str) == Some("length");
    Ok(Written { step, prompt, completion, reward, truncated, fields: line, ..Written::default() })
}

/// What the messages of a conversation say.
fn said(messages: &[Value]) -> String {
    let texts = messages.iter().filter_map(|message| message.get("content")?.as_str());
    texts.collect::<Vec<_>>().join("\n")
}

impl Layout for Evaluations {
    fn list(&mut self) -> Result<Listing, RunError> {
        let found = self.folders.look()?;
        Ok(found.iter().map(|(step, files)| ((*step, Purpose::Evaluation), files.clone())).collect())
    }

    fn completions(&self, step: u64, file: &Path) -> Result<Read, String> {
        json_lines(file, |line| written(step, line))
    }
}
