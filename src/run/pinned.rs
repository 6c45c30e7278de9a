//! `pinned.jsonl`: what the pinned puzzles were answered with as the run went on.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::{
    directory::RunDirectory,
    error::RunError,
    reader::{LONGEST_ROLLOUT_LINE, Log, read_all},
    record::nan_when_null,
    tail::Tail,
};
use crate::{reasoning::Analysis, task::Puzzle};

/// One line of `pinned.jsonl`: the answer to a pinned puzzle with the weights after a step. The draws are the same
/// at every step, so that two answers differ by the weights alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinnedAnswer {
    /// Steps finished; 0 is the base model.
    pub step: u64,
    /// The task's name.
    pub task: String,
    /// The puzzle (`numbers` and `target` stand beside the other fields).
    #[serde(flatten)]
    pub puzzle: Puzzle,
    /// What was written.
    pub completion: String,
    /// Its tokens, the end token included.
    pub tokens: usize,
    /// What it would have earned; nothing is trained on it.
    #[serde(deserialize_with = "nan_when_null")]
    pub reward: f64,
    /// Whether the answer is right.
    pub correct: bool,
    /// Whether it was cut off at `max_new_tokens`.
    pub truncated: bool,
    /// The behaviours found in it.
    pub analysis: Analysis,
}

impl RunDirectory {
    /// `pinned.jsonl`; runs of before it was written have none.
    pub fn pinned_path(&self) -> PathBuf {
        self.path().join("pinned.jsonl")
    }

    /// All of `pinned.jsonl`.
    ///
    /// # Errors
    /// A file that is there and cannot be read.
    pub fn pinned(&self) -> Result<Log<PinnedAnswer>, RunError> {
        read_all(Tail::new(&self.pinned_path(), LONGEST_ROLLOUT_LINE))
    }
}

/// The writer of `pinned.jsonl`, for whoever holds the run's lock.
#[derive(Debug)]
pub struct PinnedLog {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines in the file.
    length: u64,
    /// Whole lines still to be written; they stay here when writing fails.
    pending: Vec<u8>,
    /// The newest step that was answered at, and what was answered there.
    newest: (u64, HashSet<Puzzle>),
}

impl PinnedLog {
    /// Whether the log fits a checkpoint that was made when it had `recorded` bytes; nothing is changed.
    ///
    /// # Errors
    /// A log that is shorter, or in which no line ends there.
    pub fn check(run: &RunDirectory, recorded: u64) -> Result<(), RunError> {
        let path = run.pinned_path();
        let mismatch = |reason: String| Err(RunError::LogMismatch { path: path.clone(), reason });
        if recorded == 0 {
            return Ok(());
        }
        let length = std::fs::metadata(&path).map_or(0, |found| found.len());
        if length < recorded {
            return mismatch(format!(
                "it has {length} bytes, and the checkpoint was made when it had {recorded}"
            ));
        }
        let mut byte = [0];
        File::open(&path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(recorded - 1))?;
                file.read_exact(&mut byte)
            })
            .map_err(RunError::io("read", &path))?;
        if byte == *b"\n" { Ok(()) } else { mismatch(format!("byte {recorded} is not the end of a line")) }
    }

    /// Opens the log and cuts it back to `recorded` bytes; 0 for a new run.
    ///
    /// # Errors
    /// As [`PinnedLog::check`], and what the disk says.
    pub fn open(run: &RunDirectory, recorded: u64) -> Result<Self, RunError> {
        Self::check(run, recorded)?;
        let path = run.pinned_path();
        let open = || {
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            file.set_len(recorded)?;
            file.seek(SeekFrom::Start(recorded))?;
            Ok(file)
        };
        let file = open().map_err(RunError::io("open", &path))?;
        let mut log = Self { path, file, length: recorded, pending: Vec::new(), newest: Default::default() };
        for answer in run.pinned()?.records {
            log.note(&answer);
        }
        Ok(log)
    }

    /// Whether `puzzle` was answered at `step`, the newest at which anything was.
    pub fn has(&self, step: u64, puzzle: &Puzzle) -> bool {
        self.newest.0 == step && self.newest.1.contains(puzzle)
    }

    /// Adds an answer, to be written by the next [`PinnedLog::flush`].
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn add(&mut self, answer: &PinnedAnswer) -> Result<(), RunError> {
        let line = serde_json::to_vec(answer)
            .map_err(|error| RunError::Record { path: self.path.clone(), reason: error.to_string() })?;
        self.pending.extend(line);
        self.pending.push(b'\n');
        self.note(answer);
        Ok(())
    }

    fn note(&mut self, answer: &PinnedAnswer) {
        if self.newest.0 != answer.step {
            self.newest = (answer.step, HashSet::new());
        }
        self.newest.1.insert(answer.puzzle.clone());
    }

    /// Writes what was added. Where the disk refuses, the file ends with its last whole line and the lines stay in
    /// memory for the next time.
    ///
    /// # Errors
    /// What the disk says.
    pub fn flush(&mut self) -> Result<(), RunError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let begin = self.file.seek(SeekFrom::Start(self.length));
        if let Err(error) = begin.and_then(|_| self.file.write_all(&self.pending)) {
            // What cannot be cut now is overwritten by the next try.
            let _ = self.file.set_len(self.length);
            return Err(RunError::io("write", &self.path)(error));
        }
        self.length += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// Writes everything and waits until it would survive a power cut; the length in bytes.
    ///
    /// # Errors
    /// What the disk says.
    pub fn sync(&mut self) -> Result<u64, RunError> {
        self.flush()?;
        self.file.sync_data().map_err(RunError::io("sync", &self.path))?;
        Ok(self.length)
    }
}
