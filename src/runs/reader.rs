//! Reads the logs of a run as they stand now.

use serde::de::DeserializeOwned;

use super::{
    directory::RunDirectory,
    error::RunError,
    rollout_index::RolloutIndex,
    tail::{BadLine, Tail},
};
use crate::record::{EventRecord, Rollout, Step};

/// A line of metrics or events longer than this is not a record.
pub(crate) const LONGEST_LINE: usize = 256 * 1024;
/// A completion of 65,536 tokens with their log-probabilities and entropies stays below this.
pub(crate) const LONGEST_ROLLOUT_LINE: usize = 16 * 1024 * 1024;

/// All records of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Log<T> {
    /// In the order of the file.
    pub records: Vec<T>,
    /// Lines that are not records, in order; beyond a limit they are only counted.
    pub bad: Vec<BadLine>,
    /// How many lines are not records.
    pub bad_total: u64,
    /// Whether the file ends within a line, which is left out: its writer is still writing, or was cut off.
    pub torn: bool,
}

/// Reads a run, whether or not anybody is writing it. A missing log counts as empty.
#[derive(Debug, Clone)]
pub struct Reader {
    run: RunDirectory,
}

impl Reader {
    /// A reader of this run.
    pub fn new(run: &RunDirectory) -> Self {
        Self { run: run.clone() }
    }

    /// All of `metrics.jsonl`.
    pub fn metrics(&self) -> Result<Log<Step>, RunError> {
        read_all(Tail::new(&self.run.metrics_path(), LONGEST_LINE))
    }

    /// Passes the steps up to this one to a closure, one at a time, however many there are. Returns the lines
    /// that are not records.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn steps_until(
        &self,
        last: Option<u64>,
        mut on_step: impl FnMut(Step),
    ) -> Result<Vec<BadLine>, RunError> {
        read_each(Tail::new(&self.run.metrics_path(), LONGEST_LINE), |step: Step| {
            if last.is_none_or(|last| step.step <= last) {
                on_step(step);
            }
        })
    }

    /// All of `events.jsonl`.
    pub fn events(&self) -> Result<Log<EventRecord>, RunError> {
        read_all(Tail::new(&self.run.events_path(), LONGEST_LINE))
    }

    /// All of `rollouts.jsonl`, in memory; see [`Reader::rollout_index`] for a run that may be large.
    pub fn rollouts(&self) -> Result<Log<Rollout>, RunError> {
        read_all(Tail::new(&self.run.rollouts_path(), LONGEST_ROLLOUT_LINE))
    }

    /// Passes the newest completions of the steps up to this one to a closure, in order, at most so many.
    /// Returns the bytes of older ones that were skipped, and the lines that are not records.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn newest_rollouts(
        &self,
        last: Option<u64>,
        completions: usize,
        mut on_record: impl FnMut(Rollout),
    ) -> Result<(u64, Vec<BadLine>), RunError> {
        let mut tail = Tail::new(&self.run.rollouts_path(), LONGEST_ROLLOUT_LINE);
        if let Some(last) = last {
            tail = tail.until_step(last)?;
        }
        let passed_over = tail.skip_to_last(completions)?;
        let bad = read_each(tail, |record: Rollout| {
            // In a log whose steps are not ascending, later ones may be mixed in.
            if last.is_none_or(|last| record.step <= last) {
                on_record(record);
            }
        })?;
        Ok((passed_over, bad))
    }

    /// A summary of every completion; whole records are loaded on demand.
    pub fn rollout_index(&self) -> Result<RolloutIndex, RunError> {
        let mut index = RolloutIndex::new(&self.run);
        while index.update()?.behind {}
        Ok(index)
    }
}

fn read_each<T: DeserializeOwned>(
    mut tail: Tail,
    mut on_record: impl FnMut(T),
) -> Result<Vec<BadLine>, RunError> {
    let mut bad = vec![];
    loop {
        let polled = tail.poll(|record, _, _| on_record(record))?;
        bad.extend(polled.bad);
        if !polled.behind {
            return Ok(bad);
        }
    }
}

pub(super) fn read_all<T: DeserializeOwned>(mut tail: Tail) -> Result<Log<T>, RunError> {
    let mut log = Log { records: vec![], bad: vec![], bad_total: 0, torn: false };
    loop {
        let mut fresh = vec![];
        let polled = tail.poll(|record, _, _| fresh.push(record))?;
        if polled.restarted {
            (log.records, log.bad, log.bad_total) = (vec![], vec![], 0);
        }
        log.records.append(&mut fresh);
        log.bad.extend(polled.bad);
        log.bad_total += polled.bad_total;
        if !polled.behind {
            log.torn = tail.is_within_line();
            return Ok(log);
        }
    }
}
