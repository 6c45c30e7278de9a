//! The stream of prime-rl since the end of August 2026: every episode once, in the order in which they end, in one file or
//! in chunks that are compressed when they are full; and beside it what became known of a trace later, such as its
//! advantage (`monitors/file/monitor.py`, `traces/chunks.py` and `traces/update.py` of prime-rl).

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{
    super::{
        folders::{files_ending, folders_in},
        logs::{JsonLog, Logged, python_json},
        streams::{Heading, Streams},
        watched::{Layout, Listing, Purpose, Read},
    },
    logged, written,
};
use crate::runs::{RunError, reader::LONGEST_ROLLOUT_LINE, tail::Tail};

/// Where the monitor writes.
const MONITOR: &str = "monitors/file";

/// Whether a run has a stream.
pub(super) fn is_there(run: &Path) -> bool {
    !files(&traces(run)).is_empty()
}

fn traces(run: &Path) -> PathBuf {
    run.join(MONITOR).join("traces")
}

/// The files of a stream: one, or chunks.
fn files(traces: &Path) -> Vec<PathBuf> {
    let one = traces.join("stream.jsonl");
    let one = std::fs::symlink_metadata(&one).is_ok_and(|found| found.is_file()).then_some(one);
    one.into_iter().chain(chunks(&traces.join("stream"))).collect()
}

/// The chunks in a folder; of one that is there twice, the plain one.
fn chunks(folder: &Path) -> Vec<PathBuf> {
    let mut found = files_ending(folder, ".jsonl");
    found.retain(|path| !path.to_string_lossy().ends_with(".index.jsonl"));
    let packed = files_ending(folder, ".jsonl.zst").into_iter();
    let packed: Vec<PathBuf> = packed.filter(|path| !found.contains(&path.with_extension(""))).collect();
    found.extend(packed);
    found.sort();
    found
}

/// A run with a stream.
pub(super) struct Stream {
    episodes: Streams,
    annotations: Annotations,
    log: JsonLog,
}

impl Stream {
    /// Of this run.
    pub(super) fn of(run: &Path) -> Self {
        Self {
            episodes: Streams::new(&traces(run), files, heading),
            annotations: Annotations::of(&traces(run).join("annotations")),
            log: JsonLog::new(&run.join(MONITOR).join("metrics.jsonl"), logged),
        }
    }
}

/// As much of an episode as says which step it is of.
#[derive(Deserialize)]
struct Head {
    run: Option<Run>,
    #[serde(default)]
    traces: Vec<Named>,
}

#[derive(Deserialize)]
struct Run {
    work: Option<Work>,
}

#[derive(Deserialize)]
struct Work {
    #[serde(rename = "type")]
    kind: Option<String>,
    step: Option<u64>,
}

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
}

/// The step is the one at which the episode was asked for: it may be trained on in a later one.
fn heading(line: &[u8]) -> Result<Heading, String> {
    let head: Head = python_json(line)?;
    let work = head.run.and_then(|run| run.work).ok_or("it does not say what it was for (`run.work`)")?;
    let purpose = match work.kind.as_deref() {
        Some("eval") => Purpose::Evaluation,
        _ => Purpose::Training,
    };
    let step = work.step.ok_or("it has no step (`run.work.step`)")?;
    Ok(Heading { step, purpose, ids: head.traces.into_iter().filter_map(|trace| trace.id).collect() })
}

impl Layout for Stream {
    fn list(&mut self) -> Result<Listing, RunError> {
        self.episodes.look()?;
        for id in self.annotations.look()? {
            self.episodes.tell(&id);
        }
        self.episodes.look()
    }

    fn completions(&self, step: u64, file: &Path) -> Result<Read, String> {
        let later = |id: &str| self.annotations.advantages.get(id).copied();
        self.episodes.completions(step, file, |line| written(step, line, later))
    }

    fn logged(&mut self) -> Logged {
        let (steps, mut warnings) = self.log.poll();
        warnings.extend(self.episodes.warnings());
        (steps, warnings)
    }

    fn writes_once(&self) -> bool {
        false
    }
}

/// What became known of traces later. Each producer writes its own files.
struct Annotations {
    folder: PathBuf,
    tails: BTreeMap<PathBuf, Tail>,
    advantages: HashMap<String, f64>,
}

/// Most traces whose advantage is kept: those of the completions that are.
const MOST_KEPT: usize = 2 * crate::protocol::MOST_COMPLETIONS;

/// A line of it.
#[derive(Deserialize)]
struct Update {
    trace_id: String,
    info: Option<Info>,
    #[serde(default)]
    branches: Vec<Branch>,
}

#[derive(Deserialize)]
struct Info {
    advantage: Option<f64>,
}

#[derive(Deserialize)]
struct Branch {
    advantages: Option<Vec<Option<f64>>>,
}

impl Update {
    /// Its advantage. As a stream it has one value for each token that was trained on, and they are the same.
    fn advantage(&self) -> Option<f64> {
        let streamed =
            || self.branches.iter().find_map(|branch| branch.advantages.as_ref()?.iter().flatten().next());
        self.info.as_ref().and_then(|info| info.advantage).or_else(|| streamed().copied())
    }
}

impl Annotations {
    fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), tails: BTreeMap::new(), advantages: HashMap::new() }
    }

    /// Reads on; returns the traces of which more is known now.
    fn look(&mut self) -> Result<Vec<String>, RunError> {
        let mut told = Vec::new();
        let folders = std::iter::once(self.folder.clone()).chain(folders_in(&self.folder));
        for path in folders.flat_map(|folder| chunks(&folder)) {
            if path.extension() == Some(OsStr::new("zst")) {
                // It was read before it was compressed, or what stands in it stays unknown.
                continue;
            }
            let tail =
                self.tails.entry(path).or_insert_with_key(|path| Tail::new(path, LONGEST_ROLLOUT_LINE));
            while tail.poll_with(python_json::<Update>, |update, _, _| told.push(update))?.behind {}
        }
        Ok(self.take_in(told))
    }

    fn take_in(&mut self, told: Vec<Update>) -> Vec<String> {
        let mut changed = Vec::new();
        for update in told {
            let Some(advantage) = update.advantage() else { continue };
            if self.advantages.len() >= MOST_KEPT && !self.advantages.contains_key(&update.trace_id) {
                continue;
            }
            if self.advantages.insert(update.trace_id.clone(), advantage) != Some(advantage) {
                changed.push(update.trace_id);
            }
        }
        changed
    }
}
