//! Moving from completion to completion.

use super::{Listing, Needle, Row, entry_of, group_of, has_text};
use crate::tui::store::{
    completions::{Completions, Entry, Key},
    filter::Filter,
};

impl Listing {
    pub(super) fn select_row(&mut self, row: Option<usize>, all: &Completions) {
        self.cursor = row;
        if let Some(key) = row.and_then(|row| self.key_at(row, all)) {
            self.selected = Some(key);
        }
    }

    /// Moves to a row on request, so that new completions no longer move the cursor.
    pub(crate) fn go_to(&mut self, row: usize, all: &Completions) {
        self.follow = false;
        self.select_row(Some(row), all);
    }

    /// Moves to the completion in a row, or to the first below a heading.
    pub(crate) fn go_to_row_near(&mut self, row: usize, all: &Completions) {
        match self.rows.get(row) {
            Some(Row::Completion(..)) => self.go_to(row, all),
            Some(Row::Heading(_)) => self.go_to(row + 1, all),
            None => {}
        }
    }

    /// Moves to a listed completion, or one near it, and keeps following.
    pub(crate) fn return_to(&mut self, key: Key, all: &Completions) {
        if let Some(row) = self.row_near(key, all) {
            self.select_row(Some(row), all);
        }
    }

    /// Selects a completion, and removes a filter that hides it. Returns whether it exists.
    pub fn show(&mut self, key: Key, all: &Completions) -> bool {
        self.settle(all);
        let row = |list: &Self| list.row_near(key, all).filter(|row| list.key_at(*row, all) == Some(key));
        if row(self).is_none() {
            self.set_filter(Filter::All, all);
        }
        let Some(row) = row(self) else { return false };
        self.go_to(row, all);
        true
    }

    /// Moves to the first completion of a step, or of the first one after it; `false` if there is none.
    pub(crate) fn go_to_step(&mut self, step: u64, all: &Completions) -> bool {
        let at = |row: &usize| {
            matches!(self.rows[*row], Row::Heading(_))
                && group_of(all, self.rows[*row]).is_some_and(|group| group.step >= step)
        };
        let found = (0..self.rows.len()).find(at);
        if let Some(heading) = found {
            self.go_to(heading + 1, all);
        }
        found.is_some()
    }

    /// Moves to the next (or the previous) completion for which `has` holds, round and round.
    pub(crate) fn turn_to(&mut self, forward: bool, all: &Completions, has: fn(&Entry) -> bool) -> bool {
        let Some(here) = self.cursor else { return false };
        let holds = |row: &usize| self.rows.get(*row).and_then(|row| entry_of(all, *row)).is_some_and(has);
        let rows = self.rows.len();
        let found = match forward {
            true => (here + 1..rows).chain(0..=here.min(rows.saturating_sub(1))).find(holds),
            false => (0..here).rev().chain((here..rows).rev()).find(holds),
        };
        if let Some(row) = found {
            self.go_to(row, all);
        }
        found.is_some()
    }

    /// Moves by rows, skipping headings.
    pub(crate) fn move_rows(&mut self, by: isize, all: &Completions) {
        let (Some(from), Some(last)) = (self.cursor, self.rows.len().checked_sub(1)) else {
            return;
        };
        let to = from.saturating_add_signed(by).min(last);
        let is_heading = matches!(self.rows.get(to), Some(Row::Heading(_)));
        let to = match (is_heading, by < 0) {
            (false, _) => to,
            (true, true) if to > 0 => to - 1,
            // The row after a heading is a completion of its group.
            (true, _) => to + 1,
        };
        self.go_to(to.min(last), all);
    }

    /// Moves to the first completion of the next or previous group.
    pub(crate) fn turn_group(&mut self, forward: bool, all: &Completions) {
        self.move_groups(forward, all, |from, to| from != to);
    }

    /// Moves to the first completion of the next or previous step.
    pub(crate) fn turn_step(&mut self, forward: bool, all: &Completions) {
        self.move_groups(forward, all, |from, to| from.0 != to.0);
    }

    /// Moves to the first completion of the nearest group for which `far_enough(from, to)` holds of the
    /// (step, group) pairs. Going back to another step means going to its first group.
    fn move_groups(
        &mut self,
        forward: bool,
        all: &Completions,
        far_enough: fn((u64, usize), (u64, usize)) -> bool,
    ) {
        let Some(cursor) = self.cursor else { return };
        let rows = &self.rows;
        let place = |row: usize| {
            rows.get(row).and_then(|row| group_of(all, *row)).map(|group| (group.step, group.group))
        };
        let Some(from) = place(cursor) else { return };
        let headings =
            |range: std::ops::Range<usize>| range.filter(|row| matches!(rows[*row], Row::Heading(_)));
        let found = if forward {
            headings(cursor..rows.len()).find(|row| place(*row).is_some_and(|to| far_enough(from, to)))
        } else {
            let nearest =
                headings(0..cursor).rev().find(|row| place(*row).is_some_and(|to| far_enough(from, to)));
            // From inside a step it goes to the first group of the previous step.
            nearest.map(|nearest| {
                let same_jump = |row: &usize| match (place(*row), place(nearest)) {
                    (Some(row), Some(nearest)) => row == nearest || !far_enough(row, nearest),
                    _ => false,
                };
                headings(0..nearest + 1).rev().take_while(same_jump).last().unwrap_or(nearest)
            })
        };
        if let Some(heading) = found {
            self.go_to(heading + 1, all);
        }
    }

    /// Moves to the first match at or after this completion, wrapping around.
    pub(crate) fn go_to_match_from(&mut self, key: Option<Key>, all: &Completions) {
        let Some(from) = key.and_then(|key| self.row_near(key, all)).or(self.cursor) else { return };
        if let Some(row) = self.match_from(from, true, all) {
            self.go_to(row, all);
        }
    }

    /// Moves to the next or previous match, wrapping around. Returns whether there is one.
    pub(crate) fn turn_match(&mut self, forward: bool, all: &Completions) -> bool {
        let Some(cursor) = self.cursor else { return false };
        let rows = self.rows.len();
        let start = if forward { (cursor + 1) % rows } else { cursor.checked_sub(1).unwrap_or(rows - 1) };
        let Some(row) = self.match_from(start, forward, all) else { return false };
        self.go_to(row, all);
        true
    }

    /// Moves to the next (or the previous) completion that has a text, round and round; `false` if no other has it.
    pub(crate) fn seek(&mut self, needle: &Needle, forward: bool, all: &Completions) -> bool {
        let Some(here) = self.cursor else { return false };
        let has = |row: &usize| {
            let entry = self.rows.get(*row).and_then(|row| entry_of(all, *row));
            entry.is_some_and(|entry| has_text(needle, &entry.record))
        };
        let rows = self.rows.len();
        let found = match forward {
            true => (here + 1..rows).chain(0..here).find(has),
            false => (0..here).rev().chain((here + 1..rows).rev()).find(has),
        };
        if let Some(row) = found {
            self.go_to(row, all);
        }
        found.is_some()
    }

    /// The first match at or after `from` (at or before it, going back), wrapping around.
    fn match_from(&self, from: usize, forward: bool, all: &Completions) -> Option<usize> {
        let rows = self.rows.len();
        if self.matching == 0 || from >= rows {
            return None;
        }
        let mut ahead = (from..rows).chain(0..from);
        let mut back = (0..=from).rev().chain((from + 1..rows).rev());
        if forward { ahead.find(|row| self.finds(*row, all)) } else { back.find(|row| self.finds(*row, all)) }
    }
}
