//! What a list of completions needs of each one, and where to find the rest: `rollouts.jsonl` itself can be
//! far larger than memory.

use std::{
    fmt,
    io::{Read, Seek, SeekFrom},
    ops::Range,
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use super::{
    directory::RunDirectory,
    error::RunError,
    reader::LONGEST_ROLLOUT_LINE,
    tail::{BadLine, Tail},
};
use crate::record::{Rollout, nan_when_null};
use crate::system::files;

/// One completion, without its text and tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RolloutSummary {
    /// The step that sampled it.
    pub step: u64,
    /// Which prompt of the step.
    pub group: u32,
    /// Which completion of the group.
    pub index: u32,
    /// What it earned.
    pub reward: f64,
    /// Its advantage within the group.
    pub advantage: f64,
    /// Whether the answer is right.
    pub correct: bool,
    /// Whether it was cut off.
    pub truncated: bool,
    /// Its tokens, the end token included.
    pub tokens: u32,
    /// Checks in it.
    pub checks: u32,
    /// True checks in it.
    pub true_checks: u32,
    /// Self-corrections in it.
    pub self_corrections: u32,
    offset: u64,
    length: u32,
}

/// What [`RolloutIndex::update`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexUpdate {
    /// The new summaries, as a range of [`RolloutIndex::summaries`].
    pub new: Range<usize>,
    /// The log was truncated or replaced, and all summaries are new.
    pub restarted: bool,
    /// There is more to read already: update again.
    pub behind: bool,
    /// Lines that are not records; beyond a limit they are only counted.
    pub bad: Vec<BadLine>,
    /// How many lines are not records.
    pub bad_total: u64,
}

/// Summaries of all completions so far, and the way to the whole records.
#[derive(Debug)]
pub struct RolloutIndex {
    tail: Tail,
    summaries: Vec<RolloutSummary>,
}

impl RolloutIndex {
    /// An index that has read nothing yet.
    pub fn new(run: &RunDirectory) -> Self {
        Self { tail: Tail::new(&run.rollouts_path(), LONGEST_ROLLOUT_LINE), summaries: vec![] }
    }

    /// An index of only the newest completions, at most this many of the current ones, and the bytes of older ones
    /// that were skipped.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn of_newest(run: &RunDirectory, completions: usize) -> Result<(Self, u64), RunError> {
        let mut index = Self::new(run);
        let passed_over = index.tail.skip_to_last(completions)?;
        Ok((index, passed_over))
    }

    /// In the order of the log.
    pub fn summaries(&self) -> &[RolloutSummary] {
        &self.summaries
    }

    /// Whether what was read so far ends within a line.
    pub fn is_torn(&self) -> bool {
        self.tail.is_within_line()
    }

    /// Reads what is new, a few megabytes at a time.
    pub fn update(&mut self) -> Result<IndexUpdate, RunError> {
        let mut fresh = vec![];
        let polled = self.tail.poll(|line: Line, offset, length| fresh.push(line.summary(offset, length)))?;
        if polled.restarted {
            self.summaries.clear();
        }
        let start = self.summaries.len();
        self.summaries.append(&mut fresh);
        Ok(IndexUpdate {
            new: start..self.summaries.len(),
            restarted: polled.restarted,
            behind: polled.behind,
            bad: polled.bad,
            bad_total: polled.bad_total,
        })
    }

    /// Forgets everything, so that the next update begins at the start.
    pub(crate) fn rewind(&mut self) {
        self.tail.rewind();
        self.summaries.clear();
    }

    /// Reads the whole record of a summary of this index.
    pub fn load(&self, summary: &RolloutSummary) -> Result<Rollout, RunError> {
        let path = self.tail.path();
        let mut line = vec![0; summary.length as usize];
        let mut file = files::open_unlinked(path).map_err(RunError::io("read", path))?;
        let read = file.seek(SeekFrom::Start(summary.offset)).and_then(|_| file.read_exact(&mut line));
        let moved = || RunError::Moved { path: path.to_path_buf() };
        match read {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Err(moved()),
            other => other.map_err(RunError::io("read", path))?,
        }
        let record: Rollout = serde_json::from_slice(&line).map_err(|_| moved())?;
        let same = record.step == summary.step
            && record.group == summary.group as usize
            && record.index == summary.index as usize;
        if same { Ok(record) } else { Err(moved()) }
    }
}

/// The part of a record that is kept.
#[derive(Deserialize)]
struct Line {
    step: u64,
    group: u32,
    index: u32,
    #[serde(deserialize_with = "nan_when_null")]
    reward: f64,
    #[serde(deserialize_with = "nan_when_null")]
    advantage: f64,
    correct: bool,
    truncated: bool,
    #[serde(deserialize_with = "count")]
    token_ids: u32,
    analysis: Counts,
}

#[derive(Deserialize)]
struct Counts {
    checks: u32,
    true_checks: u32,
    self_corrections: u32,
}

impl Line {
    fn summary(self, offset: u64, length: usize) -> RolloutSummary {
        RolloutSummary {
            step: self.step,
            group: self.group,
            index: self.index,
            reward: self.reward,
            advantage: self.advantage,
            correct: self.correct,
            truncated: self.truncated,
            tokens: self.token_ids,
            checks: self.analysis.checks,
            true_checks: self.analysis.true_checks,
            self_corrections: self.analysis.self_corrections,
            offset,
            // A line is never longer than LONGEST_ROLLOUT_LINE.
            length: u32::try_from(length).unwrap_or(u32::MAX),
        }
    }
}

/// The number of elements of a list, which is not kept.
fn count<'de, D: Deserializer<'de>>(list: D) -> Result<u32, D::Error> {
    struct Counter;
    impl<'de> Visitor<'de> for Counter {
        type Value = u32;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list")
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<u32, A::Error> {
            let mut count = 0;
            while list.next_element::<IgnoredAny>()?.is_some() {
                count += 1;
            }
            Ok(count)
        }
    }
    list.deserialize_seq(Counter)
}
