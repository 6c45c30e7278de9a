//! The list of completions: filtered, ordered and searched, with one selected. Transcripts shows the list and Search
//! follows it, so both show the same completion.

mod moves;
mod needle;
mod query;

use std::{cmp::Ordering, collections::HashSet, sync::Arc};

use self::query::has_text;
pub use self::{
    needle::Needle,
    query::{Asked, Query},
};
use crate::{
    record::Rollout,
    tui::store::{
        completions::{Completions, Entry, Group, Key},
        filter::{Filter, Sort},
    },
};

/// A row of the list: positions in [`Completions::groups`] and in [`Group::entries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// The heading of a group.
    Heading(usize),
    /// A completion: group, entry.
    Completion(usize, usize),
}

/// The list, as of the last [`Listing::settle`]. Only rows from the first changed group on are rebuilt, and drawing a
/// frame never filters, sorts or searches.
#[derive(Debug)]
pub struct Listing {
    rows: Vec<Row>,
    /// Where the rows of each group end.
    ends: Vec<usize>,
    /// The version of the completions that the rows were built from.
    seen: u64,
    /// The first group whose rows must be rebuilt for another reason.
    stale: Option<usize>,
    filter: Filter,
    sort: Sort,
    query: Query,
    /// The matches of the search, shown or not.
    found: HashSet<Key>,
    /// How many rows it finds.
    matching: usize,
    /// The completion that is selected, or was before a filter hid everything.
    selected: Option<Key>,
    /// Its row.
    cursor: Option<usize>,
    /// Whether the newest completion is followed.
    pub follow: bool,
}

impl Default for Listing {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            ends: Vec::new(),
            seen: 0,
            stale: None,
            filter: Filter::All,
            sort: Sort::Sampled,
            query: Query::default(),
            found: HashSet::new(),
            matching: 0,
            selected: None,
            cursor: None,
            follow: true,
        }
    }
}

impl Listing {
    /// Brings rows and cursor up to date with the completions.
    pub(crate) fn settle(&mut self, all: &Completions) {
        if self.settle_rows(all) {
            self.settle_cursor(all);
        }
    }

    fn settle_rows(&mut self, all: &Completions) -> bool {
        let changed = all.changed_since(self.seen, self.ends.len());
        if let (Some(first), false) = (changed, self.query.is_empty()) {
            for entry in all.groups()[first..].iter().flat_map(|group| &group.entries) {
                let key = Key::of(&entry.record);
                if self.query.finds(entry) {
                    self.found.insert(key)
                } else {
                    self.found.remove(&key)
                };
            }
        }
        self.seen = all.version();
        let Some(stale) = [changed, self.stale.take()].into_iter().flatten().min() else { return false };
        let stale = stale.min(self.ends.len());
        self.ends.truncate(stale);
        self.rows.truncate(self.ends.last().copied().unwrap_or(0));
        for (at, group) in all.groups().iter().enumerate().skip(stale) {
            let shown = self.ordered(group);
            if !shown.is_empty() {
                self.rows.push(Row::Heading(at));
                self.rows.extend(shown.into_iter().map(|entry| Row::Completion(at, entry)));
            }
            self.ends.push(self.rows.len());
        }
        self.matching = match self.query.is_empty() {
            true => 0,
            false => (0..self.rows.len()).filter(|row| self.finds(*row, all)).count(),
        };
        true
    }

    /// The entries of a group that pass the filter, in the current order.
    fn ordered(&self, group: &Group) -> Vec<usize> {
        let entries = &group.entries;
        let mut shown: Vec<usize> =
            (0..entries.len()).filter(|at| self.filter.passes(&entries[*at].record)).collect();
        shown.sort_by(|left, right| order(self.sort, &entries[*left], &entries[*right]));
        shown
    }

    fn settle_cursor(&mut self, all: &Completions) {
        self.settle_rows(all);
        let last = self.rows.len().checked_sub(1);
        let row = match self.selected {
            _ if self.follow => last,
            Some(key) => self.row_near(key, all),
            // Row 0 is the first heading.
            None => last.map(|last| last.min(1)),
        };
        self.select_row(row, all);
    }

    /// Shows another part of the completions.
    pub fn set_filter(&mut self, filter: Filter, all: &Completions) {
        if self.filter != filter {
            self.filter = filter;
            self.stale = Some(0);
        }
        self.settle_cursor(all);
    }

    /// Sorts every group again.
    pub(crate) fn set_sort(&mut self, sort: Sort, all: &Completions) {
        (self.sort, self.stale) = (sort, Some(0));
        self.settle_cursor(all);
    }

    /// Follows the newest completion, or stays.
    pub(crate) fn toggle_follow(&mut self, all: &Completions) {
        self.follow = !self.follow;
        self.settle_cursor(all);
    }

    /// Searches for `query`; an empty one ends the search. A longer query of words only searches the matches of the
    /// shorter one.
    pub(crate) fn set_query(&mut self, query: Query, grows: bool, all: &Completions) {
        self.settle_rows(all);
        let grows = grows && self.query.is_words() && query.is_words();
        self.query = query;
        let before = std::mem::take(&mut self.found);
        if !self.query.is_empty() {
            let entries = all.groups().iter().flat_map(|group| &group.entries);
            let keyed = entries.map(|entry| (Key::of(&entry.record), entry));
            let asked = keyed.filter(|(key, _)| !grows || before.contains(key));
            self.found = asked.filter(|(_, entry)| self.query.finds(entry)).map(|(key, _)| key).collect();
        }
        // Its rows stay; the matches among them are counted again.
        self.stale = Some(self.ends.len());
        self.settle_cursor(all);
    }

    /// The current filter.
    pub fn filter(&self) -> Filter {
        self.filter
    }

    /// The current order.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// The words that are searched for.
    pub fn needle(&self) -> Option<&Needle> {
        self.query.words()
    }

    /// Whether something is searched for.
    pub(crate) fn searches(&self) -> bool {
        !self.query.is_empty()
    }

    /// Shown completions that the search finds.
    pub(crate) fn matching(&self) -> usize {
        self.matching
    }

    /// The rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The row of the selected completion.
    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// Which completion is selected.
    pub fn key(&self) -> Option<Key> {
        self.cursor.and(self.selected)
    }

    /// The selected completion as it is kept.
    pub fn entry<'a>(&self, all: &'a Completions) -> Option<&'a Entry> {
        entry_of(all, *self.rows.get(self.cursor?)?)
    }

    /// The selected completion.
    pub fn selected<'a>(&self, all: &'a Completions) -> Option<&'a Arc<Rollout>> {
        self.entry(all).map(|entry| &entry.record)
    }

    /// The group of the selected completion.
    pub fn group<'a>(&self, all: &'a Completions) -> Option<&'a Group> {
        group_of(all, *self.rows.get(self.cursor?)?)
    }

    /// Whether the search finds something in this row.
    pub fn finds(&self, row: usize, all: &Completions) -> bool {
        self.key_at(row, all).is_some_and(|key| self.found.contains(&key))
    }

    fn key_at(&self, row: usize, all: &Completions) -> Option<Key> {
        self.rows.get(row).and_then(|row| entry_of(all, *row)).map(|entry| Key::of(&entry.record))
    }

    /// Rows of the group at this position as a range (empty where the filter hides it).
    fn rows_of(&self, group: usize) -> std::ops::Range<usize> {
        let end = |at: usize| self.ends.get(at).copied();
        let start = group.checked_sub(1).and_then(end).unwrap_or(0);
        start..end(group).unwrap_or(start)
    }

    /// The row of a completion, or of a shown one near it; `None` if nothing is shown.
    fn row_near(&self, key: Key, all: &Completions) -> Option<usize> {
        let at = match all.find(key.step, key.group) {
            Ok(found) => {
                let rows = self.rows_of(found);
                let exact = rows.clone().find(|row| self.key_at(*row, all) == Some(key));
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
}

/// The completion of a row; `None` for a heading.
pub(crate) fn entry_of(all: &Completions, row: Row) -> Option<&Entry> {
    match row {
        Row::Heading(_) => None,
        Row::Completion(group, entry) => all.groups().get(group)?.entries.get(entry),
    }
}

/// The group of a row.
pub(crate) fn group_of(all: &Completions, row: Row) -> Option<&Group> {
    match row {
        Row::Heading(group) | Row::Completion(group, _) => all.groups().get(group),
    }
}

/// The order within a group; the sampling order decides between equals.
fn order(sort: Sort, left: &Entry, right: &Entry) -> Ordering {
    let by_sort = match sort {
        Sort::Sampled => Ordering::Equal,
        Sort::Reward => right.record.reward.total_cmp(&left.record.reward),
        Sort::Advantage => right.record.advantage().total_cmp(&left.record.advantage()),
        Sort::Length => right.length.cmp(&left.length),
    };
    by_sort.then(left.record.index.cmp(&right.record.index))
}
