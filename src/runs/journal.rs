//! Writes the three logs of a run: whole lines only, each step as one write, and never two writers.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    checkpoint::CheckpointWriter,
    directory::{CHECKPOINTS, EVENTS, METRICS, ROLLOUTS, RunDirectory},
    disk::{Disk, DiskFile},
    error::{CheckpointError, RunError},
    lock::RunLock,
};
use crate::record::{EventRecord, Rollout, RunEvent, Step};
use crate::system::files::{Folder, Found};

/// Where a log is written. Normally a file; tests substitute a disk that fills up.
pub trait LogFile: Send {
    /// Writes all of `bytes` at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Truncates the log to `length` bytes; the next append begins there.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Returns once everything appended would survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
    /// The file's identity and length, to tell whether it is still the one under its name; `None` if this is
    /// not a file.
    fn found(&self) -> io::Result<Option<Found>> {
        Ok(None)
    }
}

/// The length of each log in bytes, always at the end of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalPosition {
    /// Of `metrics.jsonl`.
    pub metrics: u64,
    /// Of `rollouts.jsonl`.
    pub rollouts: u64,
    /// Of `events.jsonl`.
    pub events: u64,
}

/// One log: what is safely in the file, and what is still pending.
pub struct Log {
    path: PathBuf,
    file: Box<dyn LogFile>,
    /// Bytes of whole lines in the file.
    length: u64,
    /// Whole lines to write. They stay here if writing fails, for a retry.
    pending: Vec<u8>,
    /// A failed write may have left part of a line after `length`.
    ragged: bool,
    /// The right to write it, checked before each write to notice a deleted log or a run that was moved away.
    lock: Option<Arc<RunLock>>,
}

/// The writer of a run's logs. It holds the run's lock.
///
/// Records of a step are collected and written by [`Journal::flush`]. A failed write (a full disk) leaves the
/// files at their last whole line and keeps the records in memory for a retry.
pub struct Journal {
    metrics: Log,
    rollouts: Log,
    events: Log,
    /// Dropped last, so that nobody else writes before the files are closed.
    lock: Option<Arc<RunLock>>,
}

impl Journal {
    /// Begins the logs of a new run.
    pub fn begin(run: &RunDirectory) -> Result<Self, RunError> {
        let lock = Arc::new(RunLock::acquire_on(run.disk(), run.path())?);
        let open = |name: &str| {
            let path = run.path().join(name);
            let (file, length) = open_log(run.disk(), lock.folder(), name)?;
            if length > 0 {
                return Err(RunError::NotEmpty { path });
            }
            Ok(Log::new(path, Box::new(file), 0, Some(lock.clone())))
        };
        let (metrics, rollouts, events) = (open(METRICS)?, open(ROLLOUTS)?, open(EVENTS)?);
        Ok(Self { metrics, rollouts, events, lock: Some(lock) })
    }

    /// Resumes a run from a checkpoint: metrics and rollouts are truncated to the lengths that the checkpoint
    /// recorded. The events stay, because they did happen; only a torn last line is dropped. Nothing is
    /// truncated unless all three logs fit the checkpoint.
    pub fn resume(run: &RunDirectory, at: JournalPosition) -> Result<Self, RunError> {
        Self::resume_locked(RunLock::acquire_on(run.disk(), run.path())?, run, at)
    }

    /// Like [`Journal::resume`], for a caller that took the run's lock before it read the checkpoint.
    pub(crate) fn resume_locked(
        lock: RunLock,
        run: &RunDirectory,
        at: JournalPosition,
    ) -> Result<Self, RunError> {
        let lock = Arc::new(lock);
        let open = |name: &str, recorded: u64| {
            let path = run.path().join(name);
            let (mut file, length) = open_log(run.disk(), lock.folder(), name)?;
            check_line_end(file.reading(), &path, recorded, length)?;
            Ok::<_, RunError>((path, file, length))
        };
        let (metrics, rollouts, events) =
            (open(METRICS, at.metrics)?, open(ROLLOUTS, at.rollouts)?, open(EVENTS, at.events)?);
        let cut = |(path, mut file, _): (PathBuf, DiskFile, u64), length: u64| {
            file.cut(length).map_err(RunError::io("cut back", &path))?;
            Ok::<_, RunError>(Log::new(path, Box::new(file), length, Some(lock.clone())))
        };
        let (path, mut file, length) = events;
        let whole = end_of_last_line(file.reading(), length).map_err(RunError::io("read", &path))?;
        let (metrics, rollouts) = (cut(metrics, at.metrics)?, cut(rollouts, at.rollouts)?);
        let events = cut((path, file, length), whole)?;
        Ok(Self { metrics, rollouts, events, lock: Some(lock) })
    }

    /// Checks that the three logs fit a checkpoint; changes nothing.
    ///
    /// # Errors
    /// A log is shorter, has no line end there, or is not a regular file.
    pub fn check(lock: &RunLock, at: JournalPosition) -> Result<(), RunError> {
        for (name, recorded) in [(METRICS, at.metrics), (ROLLOUTS, at.rollouts), (EVENTS, at.events)] {
            let path = lock.folder().path().join(name);
            let mut file = lock.folder().read(name).map_err(RunError::io("read", &path))?;
            let length = file.metadata().map_err(RunError::io("read", &path))?.len();
            check_line_end(&mut file, &path, recorded, length)?;
        }
        Ok(())
    }

    /// A journal over other [`LogFile`]s, all empty, without a lock; `run` is only for messages.
    pub fn over(
        run: &Path,
        metrics: Box<dyn LogFile>,
        rollouts: Box<dyn LogFile>,
        events: Box<dyn LogFile>,
    ) -> Self {
        Self {
            metrics: Log::new(run.join(METRICS), metrics, 0, None),
            rollouts: Log::new(run.join(ROLLOUTS), rollouts, 0, None),
            events: Log::new(run.join(EVENTS), events, 0, None),
            lock: None,
        }
    }

    /// The right to write the run, to be checked before anything else in it is written; `None` for a journal
    /// over other files.
    pub(super) fn lock(&self) -> Option<&Arc<RunLock>> {
        self.lock.as_ref()
    }

    /// The run's directory, open.
    pub fn folder(&self) -> Option<&Folder> {
        self.lock.as_ref().map(|lock| lock.folder())
    }

    /// Begins a checkpoint of the run, for a caller that has just synced the logs.
    ///
    /// # Errors
    /// As for [`CheckpointWriter::begin`].
    pub(crate) fn begin_checkpoint(
        &self,
        run: &RunDirectory,
        step: u64,
    ) -> Result<CheckpointWriter, CheckpointError> {
        match self.folder() {
            Some(folder) => CheckpointWriter::begin_in(run.disk(), folder, CHECKPOINTS, step),
            None => CheckpointWriter::begin_on(run.disk(), &run.checkpoints_path(), step),
        }
    }

    /// Adds a completion, to be written by the next [`Journal::flush`].
    pub fn add_rollout(&mut self, record: &Rollout) -> Result<(), RunError> {
        self.rollouts.add(record)
    }

    /// Adds a finished step, to be written by the next [`Journal::flush`].
    pub fn add_metrics(&mut self, record: &Step) -> Result<(), RunError> {
        self.metrics.add(record)
    }

    /// Adds something that happened now, and writes it at once.
    pub fn event(&mut self, step: u64, event: RunEvent, detail: &str) -> Result<(), RunError> {
        let time = Timestamp::now().to_string();
        self.events.add(&EventRecord { time, step, event, detail: detail.into() })?;
        self.events.flush()
    }

    /// Writes everything that was added. Metrics come last, so a step that has its line has its completions.
    pub fn flush(&mut self) -> Result<(), RunError> {
        self.rollouts.flush()?;
        self.events.flush()?;
        self.metrics.flush()
    }

    /// Drops the completions and metrics that were added but not written: those of an abandoned step.
    pub fn discard_pending(&mut self) {
        self.rollouts.pending.clear();
        self.metrics.pending.clear();
    }

    /// Writes everything and waits until it would survive a power cut. Returns the position for a checkpoint
    /// to record.
    pub fn sync(&mut self) -> Result<JournalPosition, RunError> {
        self.flush()?;
        for log in [&mut self.rollouts, &mut self.events, &mut self.metrics] {
            // Even if there is nothing to write: a checkpoint may follow.
            log.check()?;
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
    /// Opens a log and truncates it to `length` bytes, where a line must end.
    pub(super) fn go_on(disk: &Disk, lock: &Arc<RunLock>, name: &str, length: u64) -> Result<Self, RunError> {
        let path = lock.folder().path().join(name);
        let (mut file, found) = open_log(disk, lock.folder(), name)?;
        check_line_end(file.reading(), &path, length, found)?;
        file.cut(length).map_err(RunError::io("cut back", &path))?;
        Ok(Self::new(path, Box::new(file), length, Some(lock.clone())))
    }

    fn new(path: PathBuf, file: Box<dyn LogFile>, length: u64, lock: Option<Arc<RunLock>>) -> Self {
        Self { path, file, length, pending: Vec::new(), ragged: false, lock }
    }

    /// Checks that the run is still ours and in its place, and that this log is as we last wrote it.
    fn check(&self) -> Result<(), RunError> {
        let Some(lock) = &self.lock else { return Ok(()) };
        lock.check()?;
        let looked = RunError::io("look at", &self.path);
        let there = || {
            let found = self.file.found()?;
            Ok((found, self.path.file_name().map_or(Ok(None), |name| lock.folder().find(name))?))
        };
        let (Some(found), there) = there().map_err(looked)? else { return Ok(()) };
        let same = there.is_some_and(|there| there.identity == found.identity);
        let longer = if self.ragged { found.length >= self.length } else { found.length == self.length };
        if same && longer { Ok(()) } else { Err(RunError::Displaced { path: self.path.clone() }) }
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

    /// Writes what is pending and waits until it would survive a power cut. Returns the length in bytes.
    pub(super) fn sync(&mut self) -> Result<u64, RunError> {
        self.flush()?;
        self.file.sync().map_err(RunError::io("sync", &self.path))?;
        Ok(self.length)
    }

    pub(super) fn flush(&mut self) -> Result<(), RunError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.check()?;
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

fn open_log(disk: &Disk, home: &Folder, name: &str) -> Result<(DiskFile, u64), RunError> {
    let path = home.path().join(name);
    let mut file = disk.open_to_go_on(home, name).map_err(RunError::io("open", &path))?;
    let length = file.reading().metadata().map_err(RunError::io("read", &path))?.len();
    Ok((file, length))
}

/// Checks that a recorded length lies within the file and just after a line break.
pub(super) fn check_line_end(
    file: &mut File,
    path: &Path,
    recorded: u64,
    length: u64,
) -> Result<(), RunError> {
    let mismatch = |reason: String| Err(RunError::LogMismatch { path: path.to_path_buf(), reason });
    if length < recorded {
        return mismatch(format!(
            "it has {length} bytes, but had {recorded} when the checkpoint was written"
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
