//! `frontier/`: how much accuracy thinking buys, one file for each measured checkpoint.
//!
//! One file per measurement, replaced as a whole, needs no lock on the run: another process may evaluate a
//! checkpoint and write its file during training, and a power cut leaves each file whole or absent.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::File,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest, Sha256};

use super::{directory::RunDirectory, error::RunError};
use crate::{
    eval::{EvalOptions, report::EvalReport},
    model::host,
    record::{Estimate, HowMeasured, Measurement},
    system::{
        files::{self, Folder},
        quoting::quoting,
    },
    task::{NumberPuzzle, Puzzle},
};

/// The newest schema that this program reads, and the one that it writes.
pub(crate) const FRONTIER_SCHEMA: u32 = 1;
/// The folder of the measurements.
const FRONTIER: &str = "frontier";
/// Longer files are refused.
const LONGEST_FILE: u64 = 1 << 20;
/// Most points in one measurement.
const MOST_POINTS: usize = 64;
/// Token counts above this are treated as damage.
const MOST_TOKENS: f64 = 1e9;
/// Most files read from one run.
const MOST_FILES: usize = 1000;

impl HowMeasured {
    /// The description of an evaluation of these puzzles with these options.
    pub fn of(task: &str, level: Option<&str>, puzzles: &[Puzzle], options: &EvalOptions) -> Self {
        Self {
            task: task.into(),
            level: level.map(Into::into),
            puzzles: puzzles.len(),
            puzzles_sha256: Self::hash_of(puzzles),
            samples: options.samples,
            temperature: options.temperature,
            max_new_tokens: options.max_new_tokens,
            budgets: options.budgets.clone(),
            stop_at_answer: options.stop_at_answer,
            graded: options.graded,
            seed: options.seed,
        }
    }

    /// The hash of a list of puzzles.
    fn hash_of(puzzles: &[Puzzle]) -> String {
        let mut hash = Sha256::new();
        for puzzle in puzzles {
            hash.update(match NumberPuzzle::of(puzzle) {
                Some(NumberPuzzle { numbers, target }) => format!("{numbers:?} {target}\n"),
                None => format!("{puzzle}\n"),
            });
        }
        host::hexadecimal(&hash.finalize())
    }
}

impl Measurement {
    /// The measurement that an evaluation made, stamped with the current time.
    pub fn of(report: &EvalReport, how: HowMeasured, step: u64, model_hash: String, backend: String) -> Self {
        Self {
            schema_version: FRONTIER_SCHEMA,
            step,
            model_hash,
            time: jiff::Timestamp::now().to_string(),
            program_version: env!("CARGO_PKG_VERSION").into(),
            backend,
            how,
            points: report.frontier.clone(),
        }
    }

    /// Its file name, the same whenever the same weights are measured in the same way.
    fn file_name(&self) -> String {
        let how = format!("{} {:?}", self.model_hash, self.how);
        let hash = host::hexadecimal(&Sha256::digest(how));
        format!("step-{:06}-{}.json", self.step, &hash[..12])
    }

    /// Reads a file. The error is a sentence that does not name the file.
    fn read(file: &File) -> Result<Self, String> {
        let bytes = files::read_most(file, LONGEST_FILE + 1).map_err(|error| format!("{error}."))?;
        if bytes.len() as u64 > LONGEST_FILE {
            return Err(format!("it has more than {LONGEST_FILE} bytes, too many for a measurement."));
        }
        Self::parse(&bytes)
    }

    /// Reads the content of a file, which may be a stranger's.
    ///
    /// # Errors
    /// A sentence: not a measurement, written by a newer program, or impossible figures.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| format!("{}.", quoting(&error)))?;
        // Before anything else: a newer file may have other keys.
        match value.get("schema_version").and_then(serde_json::Value::as_u64) {
            Some(version) if version > u64::from(FRONTIER_SCHEMA) => {
                return Err(format!(
                    "it was written by a newer aha-lab (schema_version is {version}, this program reads up to \
                     {FRONTIER_SCHEMA}): use a newer one."
                ));
            }
            Some(1) => {}
            _ => return Err("its schema_version is not one that aha-lab writes.".into()),
        }
        let measurement: Self =
            serde_json::from_value(value).map_err(|error| format!("{}.", quoting(&error)))?;
        match measurement.impossible() {
            Some(what) => Err(format!("it holds an impossible value: {what}.")),
            None => Ok(measurement),
        }
    }

    /// The first impossible figure in it, in a few words.
    fn impossible(&self) -> Option<&'static str> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let estimate =
            |of: &Estimate| share(of.value) && of.ci95.into_iter().all(share) && of.ci95[0] <= of.ci95[1];
        let counts = |tokens: f64| (0.0..=MOST_TOKENS).contains(&tokens);
        if self.points.len() > MOST_POINTS || self.how.budgets.len() > MOST_POINTS {
            return Some("there are too many budgets");
        }
        for point in &self.points {
            if !counts(point.tokens) || !counts(point.thinking_tokens) {
                return Some("a number of tokens is negative or too large");
            }
            let estimates =
                point.at_k.iter().flat_map(|at| [Some(&at.best_of), at.majority.as_ref()]).flatten();
            if !share(point.forced_share) || !estimates.into_iter().all(estimate) {
                return Some("a share is not between 0 and 1, or its interval is upside down");
            }
            if point.at_k.len() > MOST_POINTS {
                return Some("there are too many numbers of samples");
            }
        }
        None
    }
}

impl RunDirectory {
    /// The folder of the measurements; most runs have none.
    pub fn frontier_path(&self) -> PathBuf {
        self.path().join(FRONTIER)
    }

    /// Stores a measurement, replacing one of the same weights made in the same way. Returns its path.
    ///
    /// # Errors
    /// The disk's error.
    pub fn keep_measurement(&self, measurement: &Measurement) -> Result<PathBuf, RunError> {
        let (name, path) = (measurement.file_name(), self.frontier_path());
        let file = path.join(&name);
        let mut json = serde_json::to_vec_pretty(measurement)
            .map_err(|error| RunError::Record { path: file.clone(), reason: error.to_string() })?;
        json.push(b'\n');
        let home = Folder::open(self.path()).map_err(RunError::io("open the folder", self.path()))?;
        let folder = match home.folder(FRONTIER) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.disk().folder(&home, FRONTIER),
            other => other,
        };
        let folder = folder.map_err(RunError::io("create the folder", &path))?;
        // Every time: whoever created the folder may have died before syncing it.
        self.disk().sync_folder(&home).map_err(RunError::io("sync the folder", self.path()))?;
        self.disk().replace_file(&folder, &name, &json).map_err(RunError::io("write", &file))?;
        Ok(file)
    }

    /// All readable measurements, by step and then by time, and a sentence for each file that cannot be read.
    ///
    /// # Errors
    /// If the folder exists but cannot be read.
    pub fn measurements(&self) -> Result<(Vec<Measurement>, Vec<String>), RunError> {
        let mut watch = FrontierWatch::new(self);
        watch.poll()
    }
}

/// Returns the measurements that are new at each poll.
#[derive(Debug)]
pub struct FrontierWatch {
    run: PathBuf,
    /// Files already read, with their size and time at that moment.
    seen: HashMap<OsString, (u64, Option<SystemTime>)>,
}

impl FrontierWatch {
    /// A watcher that has read nothing yet.
    pub fn new(run: &RunDirectory) -> Self {
        Self { run: run.path().to_path_buf(), seen: HashMap::new() }
    }

    /// Like [`RunDirectory::measurements`], without those already returned.
    ///
    /// # Errors
    /// If the folder exists but cannot be read.
    pub fn poll(&mut self) -> Result<(Vec<Measurement>, Vec<String>), RunError> {
        let path = self.run.join(FRONTIER);
        let folder = match Folder::open(&self.run).and_then(|run| run.folder(FRONTIER)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((vec![], vec![])),
            other => other.map_err(RunError::io("read the folder", &path))?,
        };
        let (mut found, mut bad) = (vec![], vec![]);
        let names = folder.names().map_err(RunError::io("read the folder", &path))?;
        // A file that is still being written has a different extension.
        let measured = |name: &OsString| Path::new(name).extension().is_some_and(|ending| ending == "json");
        for name in names.into_iter().filter(measured).take(MOST_FILES) {
            let opened = folder.read(&name);
            let state = opened.as_ref().ok().and_then(|file| file.metadata().ok());
            let state = state.map_or((0, None), |file| (file.len(), file.modified().ok()));
            if self.seen.insert(name.clone(), state) == Some(state) {
                continue;
            }
            match opened.map_err(|error| format!("{error}.")).and_then(|file| Measurement::read(&file)) {
                Ok(measurement) => found.push(measurement),
                Err(reason) => bad.push(format!("{} is skipped: {reason}", path.join(name).display())),
            }
        }
        found.sort_by(|a, b| (a.step, &a.time).cmp(&(b.step, &b.time)));
        bad.sort();
        Ok((found, bad))
    }
}
