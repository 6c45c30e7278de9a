//! Every completion that is kept, by step and group, and the rows that the list shows of them.

use std::{cmp::Ordering, sync::Arc};

use super::{
    filter::{Counts, Filter, Sort},
    search::Needle,
};
use crate::{record::RolloutRecord, task::Puzzle};

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
    pub fn of(record: &RolloutRecord) -> Self {
        Self { step: record.step, group: record.group, index: record.index }
    }
}

/// A kept completion.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The completion; its per-token figures may have been let go of.
    pub record: Arc<RolloutRecord>,
    /// Its tokens, the end token included.
    pub length: usize,
    /// Whether the search in force finds something in it.
    pub matches: bool,
}

/// The completions of one prompt of one step.
#[derive(Debug)]
pub struct Group {
    /// The step.
    pub step: u64,
    /// Which prompt of the step.
    pub group: usize,
    /// Whose puzzle it is.
    pub task: String,
    /// What was asked.
    pub puzzle: Puzzle,
    /// Its completions in the order of [`Sort`].
    pub entries: Vec<Entry>,
    /// How many of them are right.
    pub right: usize,
    /// Largest magnitude of an advantage among them; the full length of a bar.
    pub advantage_scale: f64,
    highest_index: usize,
    rows_end: usize,
}

/// A row of the list: positions in [`Library::groups`] and in [`Group::entries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// The heading of a group.
    Heading(usize),
    /// A completion: group, entry.
    Completion(usize, usize),
}

/// All completions and what is shown of them. Pushing touches the rows of the groups from the changed one on
/// only; nothing is filtered, sorted or searched for a frame.
#[derive(Debug)]
pub struct Library {
    groups: Vec<Group>,
    rows: Vec<Row>,
    stale_from: Option<usize>,
    filter: Filter,
    sort: Sort,
    needle: Option<Needle>,
    counts: Counts,
    capacity: usize,
    dropped: usize,
    matching: usize,
}

impl Library {
    /// Keeps at most `capacity` completions (at least one); the oldest give way.
    pub fn new(capacity: usize) -> Self {
        Self {
            groups: Vec::new(),
            rows: Vec::new(),
            stale_from: None,
            filter: Filter::All,
            sort: Sort::Sampled,
            needle: None,
            counts: Counts::default(),
            capacity: capacity.max(1),
            dropped: 0,
            matching: 0,
        }
    }

    /// Adds a completion; one with the same step, group and index is replaced, as when a run is resumed from
    /// an earlier checkpoint.
    pub fn push(&mut self, mut record: Arc<RolloutRecord>) {
        let length = record.token_ids.len();
        if let Some(own) = Arc::get_mut(&mut record) {
            // Nobody else holds it, and the list shows no per-token figures: most of the memory.
            own.token_ids = Vec::new();
            own.logprobs = Vec::new();
            own.entropies = Vec::new();
        }
        let matches = self.needle.as_ref().is_some_and(|needle| finds(needle, &record));
        let at = self.group_of(&record);
        let group = &mut self.groups[at];
        if record.index <= group.highest_index
            && let Some(old) = group.entries.iter().position(|entry| entry.record.index == record.index)
        {
            let old = group.entries.remove(old);
            group.right -= usize::from(old.record.correct);
            self.counts.remove(&old.record);
        }
        group.highest_index = group.highest_index.max(record.index);
        group.right += usize::from(record.correct);
        if record.advantage.is_finite() {
            group.advantage_scale = group.advantage_scale.max(record.advantage.abs());
        }
        self.counts.add(&record);
        let entry = Entry { record, length, matches };
        let place = group.entries.partition_point(|other| order(self.sort, other, &entry) == Ordering::Less);
        group.entries.insert(place, entry);
        self.touch(at);
        self.drop_oldest();
    }

    /// Position of the record's group, made where it is new.
    fn group_of(&mut self, record: &RolloutRecord) -> usize {
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
                task: record.task.clone(),
                puzzle: record.puzzle.clone(),
                entries: Vec::new(),
                right: 0,
                advantage_scale: 0.0,
                highest_index: 0,
                rows_end: 0,
            },
        );
        at
    }

    /// Lets go of whole steps from the oldest on; of single groups where one step is all there is.
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
            self.touch(0);
        }
    }

    /// Forgets the completions of the steps after this one.
    pub fn cut_back(&mut self, step: u64) {
        let keep = self.groups.partition_point(|group| group.step <= step);
        for group in self.groups.drain(keep..) {
            for entry in &group.entries {
                self.counts.remove(&entry.record);
            }
        }
        self.touch(keep);
    }

    fn touch(&mut self, group: usize) {
        self.stale_from = Some(self.stale_from.map_or(group, |stale| stale.min(group)));
    }

    /// Shows another part of the completions.
    pub fn set_filter(&mut self, filter: Filter) {
        if self.filter != filter {
            self.filter = filter;
            self.touch(0);
        }
    }

    /// Orders every group anew.
    pub fn set_sort(&mut self, sort: Sort) {
        self.sort = sort;
        for group in &mut self.groups {
            group.entries.sort_by(|left, right| order(sort, left, right));
        }
        self.touch(0);
    }

    /// Searches for `query`; an empty one ends the search. A longer query is looked for only where the
    /// shorter one was found.
    pub fn set_query(&mut self, query: &str, grows: bool) {
        self.needle = Needle::new(query);
        let needle = self.needle.as_ref();
        for entry in self.groups.iter_mut().flat_map(|group| &mut group.entries) {
            entry.matches =
                (!grows || entry.matches) && needle.is_some_and(|needle| finds(needle, &entry.record));
        }
        self.touch(self.groups.len());
    }

    /// Brings the rows up to date with what was pushed, filtered or sorted since. Returns whether anything
    /// had to be done.
    pub fn settle(&mut self) -> bool {
        let Some(stale) = self.stale_from.take() else { return false };
        let kept =
            stale.checked_sub(1).and_then(|before| self.groups.get(before)).map_or(0, |group| group.rows_end);
        self.rows.truncate(kept);
        for (at, group) in self.groups.iter_mut().enumerate().skip(stale) {
            let heading = self.rows.len();
            for (position, entry) in group.entries.iter().enumerate() {
                if self.filter.passes(&entry.record) {
                    if self.rows.len() == heading {
                        self.rows.push(Row::Heading(at));
                    }
                    self.rows.push(Row::Completion(at, position));
                }
            }
            group.rows_end = self.rows.len();
        }
        self.matching = if self.needle.is_some() {
            self.rows.iter().filter(|row| self.entry(**row).is_some_and(|entry| entry.matches)).count()
        } else {
            0
        };
        true
    }

    /// Completions kept.
    pub fn len(&self) -> usize {
        self.counts.of(Filter::All)
    }

    /// Whether none was ever pushed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Completions let go of because of the limit.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// How many pass each filter.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The filter in force.
    pub fn filter(&self) -> Filter {
        self.filter
    }

    /// The order in force.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// What is searched for.
    pub fn needle(&self) -> Option<&Needle> {
        self.needle.as_ref()
    }

    /// Shown completions that the search finds.
    pub fn matching(&self) -> usize {
        self.matching
    }

    /// The rows as of the last [`Library::settle`].
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The completion of a row; `None` for a heading.
    pub fn entry(&self, row: Row) -> Option<&Entry> {
        match row {
            Row::Heading(_) => None,
            Row::Completion(group, entry) => self.groups.get(group)?.entries.get(entry),
        }
    }

    /// The group of a row.
    pub fn group(&self, row: Row) -> Option<&Group> {
        match row {
            Row::Heading(group) | Row::Completion(group, _) => self.groups.get(group),
        }
    }

    /// Rows of the group at this position as a range (empty where the filter hides it).
    fn rows_of(&self, group: usize) -> std::ops::Range<usize> {
        let start =
            group.checked_sub(1).and_then(|before| self.groups.get(before)).map_or(0, |group| group.rows_end);
        start..self.groups.get(group).map_or(start, |group| group.rows_end)
    }

    /// The row of a completion, or of a shown one near it; `None` when nothing is shown.
    pub fn row_near(&self, key: Key) -> Option<usize> {
        let wanted = (key.step, key.group);
        let at = match self.groups.binary_search_by_key(&wanted, |group| (group.step, group.group)) {
            Ok(found) => {
                let rows = self.rows_of(found);
                let exact = rows.clone().find(|row| self.key(*row).is_some_and(|shown| shown == key));
                if exact.is_some() {
                    return exact;
                }
                rows.start
            }
            Err(place) => self.rows_of(place).start,
        };
        // The row there is a heading, or the end of the list.
        let after = at + 1;
        if after < self.rows.len() { Some(after) } else { self.rows.len().checked_sub(1) }
    }

    /// The completion at a row.
    pub fn key(&self, row: usize) -> Option<Key> {
        self.rows.get(row).and_then(|row| self.entry(*row)).map(|entry| Key::of(&entry.record))
    }
}

/// Whether the prompt or the completion has the needle.
fn finds(needle: &Needle, record: &RolloutRecord) -> bool {
    needle.is_in(&record.completion) || needle.is_in(&record.prompt)
}

/// The order within a group; the sampling order decides between equals.
fn order(sort: Sort, left: &Entry, right: &Entry) -> Ordering {
    let by_sort = match sort {
        Sort::Sampled => Ordering::Equal,
        Sort::Reward => right.record.reward.total_cmp(&left.record.reward),
        Sort::Advantage => right.record.advantage.total_cmp(&left.record.advantage),
        Sort::Length => right.length.cmp(&left.length),
    };
    by_sort.then(left.record.index.cmp(&right.record.index))
}
