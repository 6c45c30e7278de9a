//! Reads a log that may be growing: each poll returns the new whole lines.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{
    error::RunError,
    lines::{LineSplitter, RawLine},
    steps,
};
use crate::system::{files, quoting::quoting};

/// One poll reads at most this much, so that the caller stays responsive on a large log.
const BYTES_A_POLL: u64 = 2 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;
/// Bytes read at once while looking for the last lines.
const BYTES_BACKWARDS: usize = 1024 * 1024;
/// How many of the last bytes read are compared at the next poll.
const REMEMBERED: usize = 128;
/// How many bad lines one poll describes; the rest are only counted.
const DESCRIBED: usize = 100;

/// A line that is not a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// The log.
    pub path: PathBuf,
    /// From 1.
    pub line: u64,
    /// Bytes of the file skipped before line counting began.
    pub after: u64,
    /// What is wrong, without the file and the line.
    pub reason: String,
}

impl std::fmt::Display for BadLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, line, after, reason } = self;
        write!(f, "{}, line {line}", path.display())?;
        if *after > 0 {
            write!(f, " after byte {after}")?;
        }
        write!(f, ", is skipped: {reason}.")
    }
}

/// What one poll found, besides the lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Polled {
    /// The log was truncated or replaced: earlier results are void, and this poll began at its start.
    pub restarted: bool,
    /// There is more to read already.
    pub behind: bool,
    /// Lines that are not records, up to a limit.
    pub bad: Vec<BadLine>,
    /// How many there were.
    pub bad_total: u64,
}

/// A log and how far it has been read.
#[derive(Debug)]
pub(crate) struct Tail {
    path: PathBuf,
    longest_line: usize,
    splitter: LineSplitter,
    /// The last bytes read. A log that was truncated and has grown again differs there.
    remembered: Vec<u8>,
    /// Bytes that were skipped.
    from: u64,
    /// Where reading ends, whatever follows.
    end: u64,
}

/// Where the last `lines` whole lines before `end` begin; a torn last line does not count. 0 for a missing
/// file. Reads backwards, no more than those lines.
fn start_of_last_lines(path: &Path, lines: usize, end: u64) -> io::Result<u64> {
    let mut file = match files::open_unlinked(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let mut end = file.metadata()?.len().min(end);
    let mut breaks = 0;
    let mut chunk = vec![0; BYTES_BACKWARDS];
    while end > 0 {
        let start = end.saturating_sub(BYTES_BACKWARDS as u64);
        let bytes = &mut chunk[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(bytes)?;
        let here = bytes.iter().filter(|byte| **byte == b'\n').count();
        // The break before the first wanted line is one more.
        if breaks + here > lines {
            let wanted = breaks + here - lines - 1;
            let mut places = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            return Ok(places.nth(wanted).map_or(start, |(place, _)| start + place as u64 + 1));
        }
        breaks += here;
        end = start;
    }
    Ok(0)
}

impl Tail {
    pub fn new(path: &Path, longest_line: usize) -> Self {
        Self {
            path: path.to_path_buf(),
            longest_line,
            splitter: LineSplitter::new(longest_line),
            remembered: Vec::new(),
            from: 0,
            end: u64::MAX,
        }
    }

    /// In a log with ascending steps, reads no further than the end of this step.
    pub(crate) fn until_step(mut self, step: u64) -> Result<Self, RunError> {
        self.end =
            steps::end_of(&self.path, step, self.longest_line).map_err(RunError::io("read", &self.path))?;
        Ok(self)
    }

    /// Skips all but the last `lines` of the current lines. Returns the bytes skipped: 0 if there are no more
    /// lines than that.
    pub(crate) fn skip_to_last(&mut self, lines: usize) -> Result<u64, RunError> {
        let start =
            start_of_last_lines(&self.path, lines, self.end).map_err(RunError::io("read", &self.path))?;
        self.splitter = LineSplitter::from(start, self.longest_line);
        self.remembered.clear();
        self.from = start;
        Ok(start)
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.splitter.position()
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether what was read so far ends within a line.
    pub(crate) fn is_within_line(&self) -> bool {
        self.splitter.is_within_line()
    }

    /// Forgets everything, so that the next poll begins at the start.
    pub(crate) fn rewind(&mut self) {
        *self = Self { end: self.end, ..Self::new(&self.path, self.longest_line) };
    }

    /// Passes every new whole line that is a `T` to a closure, with its offset and length in bytes. A missing
    /// log counts as empty.
    pub fn poll<T: DeserializeOwned>(
        &mut self,
        on_record: impl FnMut(T, u64, usize),
    ) -> Result<Polled, RunError> {
        self.poll_with(from_json, on_record)
    }

    /// The same, with what makes a record of a line, or says why it is none.
    pub fn poll_with<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> Result<T, String>,
        on_record: impl FnMut(T, u64, usize),
    ) -> Result<Polled, RunError> {
        let mut polled = Polled::default();
        let path = self.path.clone();
        let note = noting(path.clone(), self.from, parse, on_record);
        self.poll_lines(&mut polled, note).map_err(RunError::io("read", &path))?;
        Ok(polled)
    }

    /// Gives what follows the last line break, as a line: for a log that nobody writes any more.
    pub(crate) fn poll_rest_with<T>(
        &mut self,
        parse: impl Fn(&[u8]) -> Result<T, String>,
        on_record: impl FnMut(T, u64, usize),
    ) -> Polled {
        let mut polled = Polled::default();
        if self.is_within_line() {
            let (path, after) = (self.path.clone(), self.from);
            let mut note = noting(path, after, parse, on_record);
            self.splitter.feed(b"\n", |line| note(line, &mut polled));
        }
        polled
    }

    fn poll_lines(
        &mut self,
        polled: &mut Polled,
        mut on_line: impl FnMut(RawLine<'_>, &mut Polled),
    ) -> io::Result<()> {
        let mut file = match files::open_unlinked(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                polled.restarted = self.splitter.position() > 0;
                self.rewind();
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if !self.continues(&mut file)? {
            polled.restarted = true;
            self.rewind();
        }
        file.seek(SeekFrom::Start(self.splitter.position()))?;
        let mut chunk = vec![0; CHUNK];
        let mut left = BYTES_A_POLL;
        while left > 0 {
            let room = self.end.saturating_sub(self.splitter.position()).min(CHUNK as u64) as usize;
            let read = match file.read(&mut chunk[..room]) {
                Ok(0) => return Ok(()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.splitter.feed(&chunk[..read], |line| on_line(line, polled));
            self.remember(&chunk[..read]);
            left = left.saturating_sub(read as u64);
        }
        polled.behind = file.metadata()?.len().min(self.end) > self.splitter.position();
        Ok(())
    }

    /// Whether the remembered bytes still stand before the read position.
    fn continues(&self, file: &mut File) -> io::Result<bool> {
        let position = self.splitter.position();
        if file.metadata()?.len() < position {
            return Ok(false);
        }
        let mut now = vec![0; self.remembered.len()];
        file.seek(SeekFrom::Start(position - now.len() as u64))?;
        match file.read_exact(&mut now) {
            Ok(()) => Ok(now == self.remembered),
            // It was truncated just now.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn remember(&mut self, bytes: &[u8]) {
        let fresh = &bytes[bytes.len().saturating_sub(REMEMBERED)..];
        let kept = (REMEMBERED - fresh.len()).min(self.remembered.len());
        self.remembered.drain(..self.remembered.len() - kept);
        self.remembered.extend_from_slice(fresh);
    }
}

/// A line that is a record as JSON.
pub(crate) fn from_json<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(line).map_err(|error| quoting(&error))
}

/// Handles a line: passes its record on, or notes why it is not one.
fn noting<T>(
    path: PathBuf,
    after: u64,
    parse: impl Fn(&[u8]) -> Result<T, String>,
    mut on_record: impl FnMut(T, u64, usize),
) -> impl FnMut(RawLine<'_>, &mut Polled) {
    move |line, polled| {
        let reason = match line.content {
            Some(content) if content.trim_ascii().is_empty() => return,
            Some(content) => match parse(content) {
                Ok(record) => return on_record(record, line.offset, content.len()),
                Err(reason) => reason,
            },
            None => "it is too long".into(),
        };
        polled.bad_total += 1;
        if polled.bad.len() < DESCRIBED {
            polled.bad.push(BadLine { path: path.clone(), line: line.number, after, reason });
        }
    }
}
