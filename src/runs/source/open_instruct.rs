//! What open-instruct leaves of a GRPO run with `save_traces`: `RUN_rollouts_NNNNNN.jsonl`, completions as token ids
//! (`open_instruct/rl_utils.py`). docs/engines.md says more.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Reading, RunFormat,
    dumps::Fields,
    folders::{names_in, number_in},
    logs::{Logged, python_json},
    streams::{Heading, Streams},
    watched::{self, Layout, Listing, Purpose, Read, Stamped},
    written::Written,
};
use crate::{
    model::tokenizer::Tokenizer,
    protocol::RunSource,
    runs::RunError,
    system::{files, quoting::quoting},
};

/// The vocabulary that a person puts beside the files.
const TOKENIZER: &str = "tokenizer.json";
/// The largest that is read, as for models.
const MOST_BYTES: u64 = 256 << 20;

/// See the module.
pub(super) struct OpenInstruct;

impl RunFormat for OpenInstruct {
    fn name(&self) -> &'static str {
        "a folder of open-instruct (RUN_rollouts_NNNNNN.jsonl), or one of these files"
    }

    fn recognises(&self, path: &Path) -> bool {
        !shards(path).is_empty()
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let (tokenizer, warning) = match tokenizer(&folder.join(TOKENIZER)) {
            Ok(tokenizer) => (Some(tokenizer), None),
            Err(why) => (None, Some(why)),
        };
        let rollouts = Streams::new(path, shards, heading);
        watched::open(path, "open-instruct", Rollouts { rollouts, tokenizer, warning }, reading)
    }
}

/// Run and number of a file.
fn of_run(name: &str) -> Option<(&str, u64)> {
    let (run, _) = name.rsplit_once("_rollouts_")?;
    Some((run, number_in(&name[run.len()..], "_rollouts_", ".jsonl")?))
}

/// The files of the run that wrote last, or of the one that a named file is of.
fn shards(path: &Path) -> Vec<PathBuf> {
    let named = path.file_name().and_then(|name| name.to_str()).and_then(of_run);
    let (folder, run) = match named.filter(|_| path.is_file()) {
        Some((run, _)) => (path.parent().unwrap_or(Path::new(".")), Some(run)),
        None => (path, None),
    };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = names_in(folder).unwrap_or_default();
    let mut found: Vec<(&str, u64, PathBuf)> = names
        .iter()
        .filter_map(|name| of_run(name).map(|(run, number)| (run, number, folder.join(name))))
        .collect();
    let newest = || {
        let changed = |path: &Path| Stamped::of(path).and_then(|file| file.changed());
        found.iter().max_by_key(|(_, number, path)| (changed(path), *number)).map(|(run, ..)| *run)
    };
    let Some(run) = run.or_else(newest) else { return Vec::new() };
    found.retain(|(of, ..)| *of == run);
    found.sort_by_key(|(_, number, _)| *number);
    found.into_iter().map(|(.., path)| path).collect()
}

fn tokenizer(path: &Path) -> Result<Tokenizer, String> {
    let bytes = files::read(path, MOST_BYTES).map_err(|_| {
        format!(
            "The completions are token ids. Put the model's tokenizer.json there to see their texts: {}.",
            path.display()
        )
    })?;
    Tokenizer::from_bytes(&bytes, path).map_err(|error| error.to_string())
}

fn heading(line: &[u8]) -> Result<Heading, String> {
    #[derive(Deserialize)]
    struct Head {
        step: u64,
    }
    let Head { step } = python_json(line)?;
    Ok(Heading { step, purpose: Purpose::Training, ids: Vec::new() })
}

struct Rollouts {
    rollouts: Streams,
    tokenizer: Option<Tokenizer>,
    warning: Option<String>,
}

/// A line.
#[derive(Deserialize)]
struct Line {
    step: u64,
    sample_idx: Option<usize>,
    prompt_idx: Option<usize>,
    prompt_tokens: Vec<u32>,
    response_tokens: Vec<u32>,
    reward: Option<f64>,
    advantage: Option<f64>,
    finish_reason: Option<String>,
    dataset: Option<Value>,
    logprobs: Option<Vec<Option<f32>>>,
}

impl Rollouts {
    fn written(&self, line: Fields) -> Result<Written, String> {
        let line: Line = serde_json::from_value(Value::Object(line)).map_err(|error| quoting(&error))?;
        let text = |tokens: &[u32]| match &self.tokenizer {
            Some(tokenizer) => tokenizer.decode(tokens),
            None => format!("{tokens:?}"),
        };
        let logprobs = line.logprobs.filter(|logprobs| logprobs.len() == line.response_tokens.len());
        let mut fields = Map::new();
        fields.extend(line.dataset.map(|dataset| ("dataset".to_owned(), dataset)));
        Ok(Written {
            step: line.step,
            group: line.prompt_idx,
            // It counts through all of the step: in the group the order says which it is.
            index: line.sample_idx.filter(|_| line.prompt_idx.is_none()),
            prompt: text(&line.prompt_tokens),
            completion: text(&line.response_tokens),
            reward: line.reward,
            advantage: line.advantage,
            truncated: line.finish_reason.as_deref() == Some("length"),
            logprobs: logprobs
                .map(|list| list.into_iter().map(|logprob| logprob.unwrap_or(f32::NAN)).collect()),
            token_ids: Some(line.response_tokens),
            fields,
            ..Written::default()
        })
    }
}

impl Layout for Rollouts {
    fn list(&mut self) -> Result<Listing, RunError> {
        self.rollouts.look()
    }

    fn completions(&self, step: u64, file: &Path) -> Result<Read, String> {
        self.rollouts.completions(step, file, |line| self.written(line))
    }

    fn logged(&mut self) -> Logged {
        let mut warnings = self.rollouts.warnings();
        warnings.extend(self.warning.take());
        (Vec::new(), warnings)
    }

    fn writes_once(&self) -> bool {
        false
    }
}
