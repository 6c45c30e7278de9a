//! `pinned.jsonl`: the answers to the pinned puzzles throughout the run.

use std::{collections::HashSet, io, path::PathBuf, sync::Arc};

use super::{
    directory::RunDirectory,
    error::RunError,
    journal::{self, Journal},
    lock::RunLock,
    reader::{LONGEST_ROLLOUT_LINE, Log, read_all},
    tail::Tail,
};
use crate::record::{PinnedAnswer, Puzzle};

pub(super) const PINNED: &str = "pinned.jsonl";

impl RunDirectory {
    /// `pinned.jsonl`; older runs have none.
    pub fn pinned_path(&self) -> PathBuf {
        self.path().join(PINNED)
    }

    /// All of `pinned.jsonl`.
    ///
    /// # Errors
    /// The file exists but cannot be read.
    pub fn pinned(&self) -> Result<Log<PinnedAnswer>, RunError> {
        read_all(Tail::new(&self.pinned_path(), LONGEST_ROLLOUT_LINE))
    }

    /// Adds answers to a run that nobody writes, in place of those to the same puzzles at the same steps, and keeps all in the
    /// order of their steps.
    ///
    /// # Errors
    /// Somebody writes the run, or the disk's error.
    pub fn keep_pinned(&self, answers: Vec<PinnedAnswer>) -> Result<(), RunError> {
        let lock = RunLock::acquire_on(self.disk(), self.path())?;
        let mut all = self.pinned()?.records;
        all.retain(|old| !answers.iter().any(|new| new.step == old.step && new.puzzle == old.puzzle));
        all.extend(answers);
        all.sort_by_key(|answer| answer.step);
        let path = self.pinned_path();
        let mut lines = Vec::new();
        for answer in &all {
            let json = serde_json::to_vec(answer)
                .map_err(|error| RunError::Record { path: path.clone(), reason: error.to_string() })?;
            lines.extend(json);
            lines.push(b'\n');
        }
        self.disk().replace_file(lock.folder(), PINNED, &lines).map_err(RunError::io("write", &path))
    }
}

/// The writer of `pinned.jsonl`; its owner holds the run's lock. As in the journal, what the disk refuses
/// stays in memory for a retry.
pub struct PinnedLog {
    log: journal::Log,
    /// The newest step with answers, and the puzzles answered there.
    newest: (u64, HashSet<Puzzle>),
}

impl PinnedLog {
    /// Checks that the log fits a checkpoint that was made when it had `recorded` bytes; changes nothing.
    ///
    /// # Errors
    /// A log is shorter, has no line end there, or is not a regular file.
    pub fn check(lock: &RunLock, recorded: u64) -> Result<(), RunError> {
        let path = lock.folder().path().join(PINNED);
        let mut file = match lock.folder().read(PINNED) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && recorded == 0 => return Ok(()),
            other => other.map_err(RunError::io("read", &path))?,
        };
        let length = file.metadata().map_err(RunError::io("read", &path))?.len();
        journal::check_line_end(&mut file, &path, recorded, length)
    }

    /// Opens the log of a run whose journal is open, and truncates it to `recorded` bytes; 0 for a new run.
    ///
    /// # Errors
    /// As for [`PinnedLog::check`], and the disk's errors.
    pub fn open(run: &RunDirectory, journal: &Journal, recorded: u64) -> Result<Self, RunError> {
        let lock = match journal.lock() {
            Some(lock) => lock.clone(),
            None => Arc::new(RunLock::acquire_on(run.disk(), run.path())?),
        };
        let log = journal::Log::go_on(run.disk(), &lock, PINNED, recorded)?;
        let mut opened = Self { log, newest: Default::default() };
        for answer in run.pinned()?.records {
            opened.note(&answer);
        }
        Ok(opened)
    }

    /// Whether `puzzle` was answered at `step`, the newest at which anything was.
    pub fn has(&self, step: u64, puzzle: &Puzzle) -> bool {
        self.newest.0 == step && self.newest.1.contains(puzzle)
    }

    /// Adds an answer, to be written by the next [`PinnedLog::flush`].
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn add(&mut self, answer: &PinnedAnswer) -> Result<(), RunError> {
        self.log.add(answer)?;
        self.note(answer);
        Ok(())
    }

    fn note(&mut self, answer: &PinnedAnswer) {
        if self.newest.0 != answer.step {
            self.newest = (answer.step, HashSet::new());
        }
        self.newest.1.insert(answer.puzzle.clone());
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// The disk's error.
    pub fn flush(&mut self) -> Result<(), RunError> {
        self.log.flush()
    }

    /// Writes everything and waits until it would survive a power cut. Returns the length in bytes.
    ///
    /// # Errors
    /// The disk's error.
    pub fn sync(&mut self) -> Result<u64, RunError> {
        self.log.sync()
    }
}
