//! All stored completions by step and group.

use std::sync::Arc;

use super::filter::{Counts, Filter};
use crate::{
    protocol::MOST_COMPLETIONS,
    record::{Problem, Rollout},
};

/// Most completions kept before the oldest steps are dropped; about 300 MB at 150 tokens each.
pub(crate) const CAPACITY: usize = MOST_COMPLETIONS;

/// Which completion: step, group of the step, index in the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The step that sampled it.
    pub step: u64,
    /// Which prompt of the step.
    pub group: usize,
    /// Which completion of the group.
    pub index: usize,
}

impl Key {
    /// The key of a record.
    pub fn of(record: &Rollout) -> Self {
        Self { step: record.step, group: record.group, index: record.index }
    }
}

/// A kept completion.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The completion; its per-token numbers may have been dropped.
    pub record: Arc<Rollout>,
    /// Its tokens, the end token included, where they are known.
    pub length: Option<usize>,
}

/// The completions of one prompt of one step.
#[derive(Debug)]
pub struct Group {
    /// The step.
    pub step: u64,
    /// Which prompt of the step.
    pub group: usize,
    /// What was asked.
    pub problem: Problem,
    /// Its completions as they were sampled.
    pub entries: Vec<Entry>,
    /// How many of them are right.
    pub right: usize,
    /// Largest magnitude of an advantage among them; the full length of a bar.
    pub advantage_scale: f64,
    highest_index: usize,
    /// The version in which it last changed.
    changed: u64,
}

/// All completions. Each change has a version, so that derived data is rebuilt only from the first changed group on.
#[derive(Debug)]
pub struct Completions {
    groups: Vec<Group>,
    counts: Counts,
    capacity: usize,
    dropped: usize,
    version: u64,
    /// The version in which the groups last moved up because the oldest gave way.
    moved: u64,
}

impl Default for Completions {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl Completions {
    /// Keeps at most `capacity` completions (at least one); the oldest give way.
    pub fn new(capacity: usize) -> Self {
        Self {
            groups: Vec::new(),
            counts: Counts::default(),
            capacity: capacity.max(1),
            dropped: 0,
            version: 0,
            moved: 0,
        }
    }

    /// Adds a completion; one with the same step, group and index is replaced, as when a run is resumed from
    /// an earlier checkpoint.
    pub fn push(&mut self, mut record: Arc<Rollout>) {
        let length = record.length();
        if let Some(own) = Arc::get_mut(&mut record) {
            // It has no other owner, and the list needs no per-token numbers, which take most of the memory.
            (own.token_ids, own.logprobs, own.entropies) = (None, None, None);
        }
        self.version += 1;
        let at = self.group_of(&record);
        let group = &mut self.groups[at];
        group.changed = self.version;
        if record.index <= group.highest_index
            && let Some(old) = group.entries.iter().position(|entry| entry.record.index == record.index)
        {
            let old = group.entries.remove(old);
            group.right -= usize::from(old.record.is_right());
            self.counts.remove(&old.record);
        }
        group.highest_index = group.highest_index.max(record.index);
        group.right += usize::from(record.is_right());
        if record.advantage().is_finite() {
            group.advantage_scale = group.advantage_scale.max(record.advantage().abs());
        }
        self.counts.add(&record);
        let place = group.entries.partition_point(|other| other.record.index < record.index);
        group.entries.insert(place, Entry { record, length });
        self.drop_oldest();
    }

    /// Position of the record's group, which is created if new.
    fn group_of(&mut self, record: &Rollout) -> usize {
        let wanted = (record.step, record.group);
        let at = match self.groups.last() {
            Some(last) if (last.step, last.group) == wanted => return self.groups.len() - 1,
            Some(last) if (last.step, last.group) < wanted => self.groups.len(),
            Some(_) => match self.groups.binary_search_by_key(&wanted, |group| (group.step, group.group)) {
                Ok(found) => return found,
                Err(place) => place,
            },
            None => 0,
        };
        self.groups.insert(
            at,
            Group {
                step: record.step,
                group: record.group,
                problem: record.problem.clone(),
                entries: Vec::new(),
                right: 0,
                advantage_scale: 0.0,
                highest_index: 0,
                changed: self.version,
            },
        );
        at
    }

    /// Drops whole steps, oldest first; single groups if there is only one step.
    fn drop_oldest(&mut self) {
        while self.len() > self.capacity && self.groups.len() > 1 {
            let oldest = self.groups[0].step;
            let of_step = self.groups.iter().take_while(|group| group.step == oldest).count();
            let going = if of_step < self.groups.len() { of_step } else { 1 };
            for group in self.groups.drain(..going) {
                self.dropped += group.entries.len();
                for entry in &group.entries {
                    self.counts.remove(&entry.record);
                }
            }
            self.moved = self.version;
        }
    }

    /// Drops the completions of later steps.
    pub(crate) fn cut_back(&mut self, step: u64) {
        let keep = self.groups.partition_point(|group| group.step <= step);
        for group in self.groups.drain(keep..) {
            for entry in &group.entries {
                self.counts.remove(&entry.record);
            }
        }
    }

    /// The groups, by step and number.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Changes whenever a completion comes.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The first group that changed since `version`, which had `known` groups; `None` if none did.
    pub(crate) fn changed_since(&self, version: u64, known: usize) -> Option<usize> {
        if self.moved > version {
            return Some(0);
        }
        let changed = if self.version > version {
            self.groups.iter().position(|group| group.changed > version)
        } else {
            None
        };
        let cut = (known > self.groups.len()).then_some(self.groups.len());
        [changed, cut].into_iter().flatten().min()
    }

    /// The first step of which a group changed since `version`, wherever it stands now; `None` if none did.
    pub(crate) fn first_step_changed_since(&self, version: u64) -> Option<u64> {
        self.groups.iter().find(|group| group.changed > version).map(|group| group.step)
    }

    /// Where a group is, or would be.
    pub fn find(&self, step: u64, group: usize) -> Result<usize, usize> {
        self.groups.binary_search_by_key(&(step, group), |known| (known.step, known.group))
    }

    /// Whether this completion is kept.
    pub fn has(&self, key: Key) -> bool {
        let found = self.find(key.step, key.group);
        found.is_ok_and(|at| self.groups[at].entries.iter().any(|entry| entry.record.index == key.index))
    }

    /// Completions kept.
    pub fn len(&self) -> usize {
        self.counts.of(Filter::All)
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Completions dropped because of the limit.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// How many pass each filter.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}
