//! Writes the three logs of a run: whole lines only, each step at once, and never two writers.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    directory::RunDirectory,
    disk::{Disk, DiskFile},
    error::RunError,
    lock::RunLock,
    record::{EventRecord, RolloutRecord, StepMetrics},
};

/// Where a log is written to. The journal's own is a file; tests put a disk that fills up in its place.
pub trait LogFile: Send {
    /// Writes all of `bytes` at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes the log `length` bytes long, and lets the next append begin there.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Returns when everything appended would survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

/// How long each log is, in bytes; always at the end of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalPosition {
    /// Of `metrics.jsonl`.
    pub metrics: u64,
    /// Of `rollouts.jsonl`.
    pub rollouts: u64,
    /// Of `events.jsonl`.
    pub events: u64,
}

/// One log: what is safely in the file, and what is still to be written.
pub(super) struct Log {
    path: PathBuf,
    file: Box<dyn LogFile>,
    /// Bytes of whole lines in the file.
    length: u64,
    /// Whole lines to write. They stay here if writing fails, so that it can be tried again.
    pending: Vec<u8>,
    /// A failed write may have left part of a line behind `length`.
    ragged: bool,
}

/// The writer of a run's logs. It holds the run's lock.
///
/// Records of a step are collected and written by [`Journal::flush`]; a write that fails (a full disk)
/// leaves the files at their last whole line and the records in memory, and can be tried again.
pub struct Journal {
    metrics: Log,
    rollouts: Log,
    events: Log,
    /// Dropped last: nobody else writes before the files are closed.
    _lock: Option<RunLock>,
}

impl Journal {
    /// Begins the logs of a new run.
    pub fn begin(run: &RunDirectory) -> Result<Self, RunError> {
        let lock = RunLock::acquire_on(run.disk(), run.path())?;
        let open = |path: PathBuf| {
            let (file, length) = open_log(run.disk(), &path)?;
            if length > 0 {
                return Err(RunError::NotEmpty { path });
            }
            Ok(Log::new(path, Box::new(file), 0))
        };
        Ok(Self {
            metrics: open(run.metrics_path())?,
            rollouts: open(run.rollouts_path())?,
            events: open(run.events_path())?,
            _lock: Some(lock),
        })
    }

    /// Goes on with a run from a checkpoint: metrics and rollouts are cut back to where the checkpoint says
    /// they were. The events stay, because they did happen; only a torn last line of theirs is dropped.
    /// Nothing is cut unless all three logs fit the checkpoint.
    pub fn resume(run: &RunDirectory, at: JournalPosition) -> Result<Self, RunError> {
        Self::resume_locked(RunLock::acquire_on(run.disk(), run.path())?, run, at)
    }

    /// As [`Journal::resume`], for a caller that took the run's lock before it read the checkpoint.
    pub fn resume_locked(lock: RunLock, run: &RunDirectory, at: JournalPosition) -> Result<Self, RunError> {
        let open = |path: PathBuf, recorded: u64| {
            let (mut file, length) = open_log(run.disk(), &path)?;
            check_line_end(file.reading(), &path, recorded, length)?;
            Ok::<_, RunError>((path, file, length))
        };
        let (metrics, rollouts, events) = (
            open(run.metrics_path(), at.metrics)?,
            open(run.rollouts_path(), at.rollouts)?,
            open(run.events_path(), at.events)?,
        );
        let cut = |(path, mut file, _): (PathBuf, DiskFile, u64), length: u64| {
            file.cut(length).map_err(RunError::io("cut back", &path))?;
            Ok::<_, RunError>(Log::new(path, Box::new(file), length))
        };
        let (path, mut file, length) = events;
        let whole = end_of_last_line(file.reading(), length).map_err(RunError::io("read", &path))?;
        Ok(Self {
            metrics: cut(metrics, at.metrics)?,
            rollouts: cut(rollouts, at.rollouts)?,
            events: cut((path, file, length), whole)?,
            _lock: Some(lock),
        })
    }

    /// A journal over other [`LogFile`]s, all empty, without a lock; `run` only serves for messages.
    pub fn over(
        run: &Path,
        metrics: Box<dyn LogFile>,
        rollouts: Box<dyn LogFile>,
        events: Box<dyn LogFile>,
    ) -> Self {
        Self {
            metrics: Log::new(run.join("metrics.jsonl"), metrics, 0),
            rollouts: Log::new(run.join("rollouts.jsonl"), rollouts, 0),
            events: Log::new(run.join("events.jsonl"), events, 0),
            _lock: None,
        }
    }

    /// Adds a completion, to be written by the next [`Journal::flush`].
    pub fn add_rollout(&mut self, record: &RolloutRecord) -> Result<(), RunError> {
        self.rollouts.add(record)
    }

    /// Adds a finished step, to be written by the next [`Journal::flush`].
    pub fn add_metrics(&mut self, record: &StepMetrics) -> Result<(), RunError> {
        self.metrics.add(record)
    }

    /// Adds something that happened now, and writes it at once.
    pub fn event(&mut self, step: u64, event: &str, detail: &str) -> Result<(), RunError> {
        let time = Timestamp::now().to_string();
        self.events.add(&EventRecord { time, step, event: event.into(), detail: detail.into() })?;
        self.events.flush()
    }

    /// Writes everything that was added. Metrics come last: a step that has its line has its completions.
    pub fn flush(&mut self) -> Result<(), RunError> {
        self.rollouts.flush()?;
        self.events.flush()?;
        self.metrics.flush()
    }

    /// Forgets the completions and metrics that were added and not written: those of an abandoned step.
    pub fn discard_pending(&mut self) {
        self.rollouts.pending.clear();
        self.metrics.pending.clear();
    }

    /// Writes everything and waits until it would survive a power cut. The position is what a checkpoint
    /// records.
    pub fn sync(&mut self) -> Result<JournalPosition, RunError> {
        self.flush()?;
        for log in [&mut self.rollouts, &mut self.events, &mut self.metrics] {
            log.sync()?;
        }
        Ok(self.position())
    }

    /// How long the logs are on disk.
    pub fn position(&self) -> JournalPosition {
        JournalPosition {
            metrics: self.metrics.length,
            rollouts: self.rollouts.length,
            events: self.events.length,
        }
    }
}

impl Log {
    /// A log that is cut back to `length` bytes, where a line must end.
    pub(super) fn go_on(disk: &Disk, path: PathBuf, length: u64) -> Result<Self, RunError> {
        let (mut file, found) = open_log(disk, &path)?;
        check_line_end(file.reading(), &path, length, found)?;
        file.cut(length).map_err(RunError::io("cut back", &path))?;
        Ok(Self::new(path, Box::new(file), length))
    }

    fn new(path: PathBuf, file: Box<dyn LogFile>, length: u64) -> Self {
        Self { path, file, length, pending: Vec::new(), ragged: false }
    }

    pub(super) fn add<T: Serialize>(&mut self, record: &T) -> Result<(), RunError> {
        let before = self.pending.len();
        if let Err(error) = serde_json::to_writer(&mut self.pending, record) {
            self.pending.truncate(before);
            return Err(RunError::Record { path: self.path.clone(), reason: error.to_string() });
        }
        self.pending.push(b'\n');
        Ok(())
    }

    /// Writes what is pending and waits until it would survive a power cut; the length in bytes.
    pub(super) fn sync(&mut self) -> Result<u64, RunError> {
        self.flush()?;
        self.file.sync().map_err(RunError::io("sync", &self.path))?;
        Ok(self.length)
    }

    pub(super) fn flush(&mut self) -> Result<(), RunError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        if self.ragged {
            self.file.cut(self.length).map_err(RunError::io("cut back", &self.path))?;
            self.ragged = false;
        }
        if let Err(error) = self.file.append(&self.pending) {
            self.ragged = self.file.cut(self.length).is_err();
            return Err(RunError::io("write", &self.path)(error));
        }
        self.length += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }
}

fn open_log(disk: &Disk, path: &Path) -> Result<(DiskFile, u64), RunError> {
    let mut file = disk.open_to_go_on(path).map_err(RunError::io("open", path))?;
    let length = file.reading().metadata().map_err(RunError::io("read", path))?.len();
    Ok((file, length))
}

/// A recorded length must lie within the file and just behind a line break.
pub(super) fn check_line_end(
    file: &mut File,
    path: &Path,
    recorded: u64,
    length: u64,
) -> Result<(), RunError> {
    let mismatch = |reason: String| Err(RunError::LogMismatch { path: path.to_path_buf(), reason });
    if length < recorded {
        return mismatch(format!(
            "it has {length} bytes, and the checkpoint was made when it had {recorded}"
        ));
    }
    if recorded > 0 {
        let mut byte = [0];
        file.seek(SeekFrom::Start(recorded - 1))
            .and_then(|_| file.read_exact(&mut byte))
            .map_err(RunError::io("read", path))?;
        if byte != *b"\n" {
            return mismatch(format!("byte {recorded} is not the end of a line"));
        }
    }
    Ok(())
}

/// The length of the file without a torn last line.
fn end_of_last_line(file: &mut File, length: u64) -> io::Result<u64> {
    const CHUNK: u64 = 4096;
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        let mut chunk = vec![0; (end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut chunk)?;
        if let Some(at) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}
