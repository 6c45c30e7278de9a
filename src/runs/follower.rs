//! Watches a run that another process may be writing.

use std::ops::Range;

use super::{
    directory::RunDirectory,
    error::RunError,
    reader::{LONGEST_LINE, LONGEST_ROLLOUT_LINE},
    rollout_index::RolloutIndex,
    tail::{BadLine, Tail},
};
use crate::record::{EventRecord, PinnedAnswer, Step};

/// What came since the last poll.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fresh {
    /// The run was resumed from an earlier checkpoint, which truncated its logs. Forget everything that
    /// earlier polls returned; this one begins at the start.
    pub restarted: bool,
    /// Steps that were finished.
    pub metrics: Vec<Step>,
    /// What was done to the run.
    pub events: Vec<EventRecord>,
    /// Completions, as a range of the summaries of [`Follower::rollouts`].
    pub rollouts: Range<usize>,
    /// Answers to pinned puzzles.
    pub pinned: Vec<PinnedAnswer>,
    /// Lines that are not records.
    pub bad: Vec<BadLine>,
    /// There is more to read already: poll again without waiting.
    pub behind: bool,
}

/// Returns what is new in a run's logs at each poll. The first poll begins at their start.
#[derive(Debug)]
pub struct Follower {
    run: RunDirectory,
    metrics: Tail,
    events: Tail,
    rollouts: RolloutIndex,
    pinned: Tail,
}

impl Follower {
    /// A follower that has read nothing yet.
    pub fn new(run: &RunDirectory) -> Self {
        Self {
            run: run.clone(),
            metrics: Tail::new(&run.metrics_path(), LONGEST_LINE),
            events: Tail::new(&run.events_path(), LONGEST_LINE),
            rollouts: RolloutIndex::new(run),
            pinned: Tail::new(&run.pinned_path(), LONGEST_ROLLOUT_LINE),
        }
    }

    /// Like [`Follower::new`], with only the newest completions, at most this many of the current ones, and the bytes
    /// of older ones that were skipped.
    ///
    /// # Errors
    /// If the log of completions cannot be read.
    pub fn of_newest(run: &RunDirectory, completions: usize) -> Result<(Self, u64), RunError> {
        let (rollouts, passed_over) = RolloutIndex::of_newest(run, completions)?;
        Ok((Self { rollouts, ..Self::new(run) }, passed_over))
    }

    /// All completions so far.
    pub fn rollouts(&self) -> &RolloutIndex {
        &self.rollouts
    }

    /// Whether some process is writing the run now.
    pub fn is_live(&self) -> bool {
        self.run.is_live()
    }

    /// Reads what is new; never blocks.
    pub fn poll(&mut self) -> Result<Fresh, RunError> {
        let fresh = self.poll_logs()?;
        if !fresh.restarted {
            return Ok(fresh);
        }
        // One log was truncated, and the others may follow in a moment: start over with all of them.
        self.metrics.rewind();
        self.events.rewind();
        self.rollouts.rewind();
        self.pinned.rewind();
        Ok(Fresh { restarted: true, ..self.poll_logs()? })
    }

    fn poll_logs(&mut self) -> Result<Fresh, RunError> {
        let mut fresh = Fresh::default();
        // The journal writes metrics last, so reading them first never shows a step without its completions,
        // unless those are still to be read.
        let metrics = self.metrics.poll(|record, _, _| fresh.metrics.push(record))?;
        let events = self.events.poll(|record, _, _| fresh.events.push(record))?;
        let rollouts = self.rollouts.update()?;
        let pinned = self.pinned.poll(|record, _, _| fresh.pinned.push(record))?;
        fresh.restarted = metrics.restarted || events.restarted || rollouts.restarted || pinned.restarted;
        fresh.behind = metrics.behind || events.behind || rollouts.behind || pinned.behind;
        fresh.rollouts = rollouts.new;
        fresh.bad = [metrics.bad, events.bad, rollouts.bad, pinned.bad].concat();
        Ok(fresh)
    }
}
