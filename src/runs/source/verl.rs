//! What verl leaves of a run: dumps of its rollouts and of its validation, a file of JSON lines for each step
//! (`trainer.rollout_data_dir`, `trainer.validation_data_dir`), and what its logger `file` writes. docs/engines.md says
//! what they hold and what they do not.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    Reading, RunFormat,
    completions::first_bytes,
    dumps::{Fields, json_lines, take_number, take_text},
    folders::{StepFolder, folders_in, names_in, number_in},
    logs::{JsonLog, in_our_words, python_json, step_of},
    watched::{self, Layout, Listing, Purpose, Read, Stamped},
    written::Written,
};
use crate::{metrics::registry::Engine, protocol::RunSource, record::Step, runs::RunError};

/// Folders are looked into so deep below the one that is named.
const DEEPEST: usize = 3;
/// Most folders that are looked into.
const MOST_FOLDERS: usize = 500;
/// Most files of a folder that are looked into for the logger's.
const MOST_LOOKED_INTO: usize = 20;

/// See the module.
pub(super) struct Verl;

impl RunFormat for Verl {
    fn name(&self) -> &'static str {
        "a folder of verl's dumps (STEP.jsonl) and of its logger `file`, or one such file"
    }

    fn recognises(&self, path: &Path) -> bool {
        !Found::at(path).is_nothing()
    }

    fn open(&self, path: &Path, reading: &Reading) -> Result<RunSource, RunError> {
        watched::open(path, "verl", VerlFiles::of(path), reading)
    }
}

fn dump_step(name: &str) -> Option<u64> {
    number_in(name, "", ".jsonl")
}

/// What a file of JSON lines is, by its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Dump,
    Log,
    Other,
}

impl Kind {
    fn of(path: &Path) -> Self {
        if Stamped::of(path).is_none() {
            return Self::Other;
        }
        let bytes = first_bytes(path).unwrap_or_default();
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let has = |name: &str| line.windows(name.len()).any(|found| found == name.as_bytes());
        match python_json::<Map<String, Value>>(line) {
            Ok(line) if line.contains_key("input") && line.contains_key("output") => Self::Dump,
            Ok(line) if line.contains_key("step") && line.get("data").is_some_and(Value::is_object) => {
                Self::Log
            }
            Ok(_) => Self::Other,
            // It is longer than what was read.
            Err(_) if has(r#""input":"#) && has(r#""output":"#) => Self::Dump,
            Err(_) => Self::Other,
        }
    }
}

/// What there is at a path.
#[derive(Debug, Default)]
struct Found {
    dumps: Vec<(PathBuf, Purpose)>,
    /// A dump that was named itself.
    dump: Option<PathBuf>,
    logs: Vec<PathBuf>,
}

impl Found {
    fn at(path: &Path) -> Self {
        let mut found = Self::default();
        if path.is_dir() {
            let mut left = MOST_FOLDERS;
            found.look_into(path, DEEPEST, true, &mut left);
        } else if path.extension() == Some(OsStr::new("jsonl")) {
            match Kind::of(path) {
                Kind::Log => found.logs.push(path.to_owned()),
                Kind::Dump if path.file_name().and_then(OsStr::to_str).and_then(dump_step).is_some() => {
                    found.dump = Some(path.to_owned());
                }
                _ => {}
            }
        }
        found
    }

    fn is_nothing(&self) -> bool {
        self.dumps.is_empty() && self.dump.is_none() && self.logs.is_empty()
    }

    fn look_into(&mut self, folder: &Path, deeper: usize, is_named: bool, left: &mut usize) {
        let names = names_in(folder).unwrap_or_default();
        let newest = names.iter().filter_map(|name| Some((dump_step(name)?, name))).max();
        if let Some((_, name)) = newest
            && Kind::of(&folder.join(name)) == Kind::Dump
        {
            let called = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            // Its own name does not say what a folder is for that is all there is.
            let is_evaluation = !is_named && (called.contains("val") || called.contains("eval"));
            let purpose = if is_evaluation { Purpose::Evaluation } else { Purpose::Training };
            self.dumps.push((folder.to_owned(), purpose));
        }
        let others = names.iter().filter(|name| name.ends_with(".jsonl") && dump_step(name).is_none());
        let logs = others.take(MOST_LOOKED_INTO).map(|name| folder.join(name));
        self.logs.extend(logs.filter(|path| Kind::of(path) == Kind::Log));
        if deeper > 0 {
            for inside in folders_in(folder) {
                // Checkpoints are large, and hold nothing of this.
                let name = inside.file_name().unwrap_or_default().to_string_lossy();
                if *left == 0 || name.starts_with('.') || name.starts_with("global_step_") {
                    continue;
                }
                *left -= 1;
                self.look_into(&inside, deeper - 1, false, left);
            }
        }
    }
}

struct VerlFiles {
    dumps: Vec<(StepFolder, Purpose)>,
    dump: Option<PathBuf>,
    logs: Vec<JsonLog>,
}

impl VerlFiles {
    fn of(path: &Path) -> Self {
        let found = Found::at(path);
        let dumps = found.dumps.into_iter();
        Self {
            dumps: dumps.map(|(folder, purpose)| (StepFolder::new(folder, dump_step), purpose)).collect(),
            dump: found.dump,
            logs: found.logs.iter().map(|log| JsonLog::new(log, logged)).collect(),
        }
    }
}

/// A line of the logger: `{"step": n, "data": {name: value}}`.
fn logged(mut line: Map<String, Value>) -> Option<Step> {
    let step = line.get("step")?.as_u64()?;
    let Some(Value::Object(data)) = line.remove("data") else { return None };
    Some(in_our_words(step_of(step, data), Engine::Verl))
}

/// A line of a dump.
fn written(step: u64, mut line: Fields) -> Result<Written, String> {
    let (prompt, completion) = (take_text(&mut line, "input")?, take_text(&mut line, "output")?);
    let reward = take_number(&mut line, "score");
    line.remove("step");
    // `SAMPLE_ROLLOUT_OUTPUT`, where the newer trainer writes it.
    let uid = line.get("uid").and_then(Value::as_str).and_then(|uid| uid.rsplitn(3, '_').nth(2));
    let group_key = uid.map(str::to_owned);
    Ok(Written { step, group_key, prompt, completion, reward, fields: line, ..Written::default() })
}

impl Layout for VerlFiles {
    fn list(&mut self) -> Result<Listing, RunError> {
        let mut listing = Listing::new();
        for (folder, purpose) in &mut self.dumps {
            for (step, file) in folder.look()? {
                listing.entry((step, *purpose)).or_default().push(file.clone());
            }
        }
        let step = |path: &Path| path.file_name().and_then(OsStr::to_str).and_then(dump_step);
        if let Some((step, file)) = self.dump.as_deref().and_then(|path| step(path).zip(Stamped::of(path))) {
            listing.entry((step, Purpose::Training)).or_default().push(file);
        }
        Ok(listing)
    }

    fn completions(&self, step: u64, file: &Path) -> Result<Read, String> {
        json_lines(file, |line| written(step, line))
    }

    fn logged(&mut self) -> (Vec<Step>, Vec<String>) {
        let (steps, warnings): (Vec<_>, Vec<_>) = self.logs.iter_mut().map(JsonLog::poll).unzip();
        (steps.concat(), warnings.concat())
    }
}
