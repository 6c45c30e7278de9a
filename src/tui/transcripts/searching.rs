//! The search line: what is typed there, and going from match to match.

use super::state::{Focus, Transcripts};

impl Transcripts {
    pub(super) fn open_search(&mut self) {
        self.search.origin = self.selected;
        self.search.followed = self.follow;
        self.search.typing = true;
        self.set_query(String::new(), false);
    }

    pub(super) fn set_query(&mut self, query: String, grows: bool) {
        let grows = grows && !self.search.query.is_empty();
        self.search.query = query;
        self.library.set_query(&self.search.query, grows);
        self.detail.turn_to_match(0);
    }

    pub(super) fn type_query(&mut self, edit: impl FnOnce(&mut String), grows: bool) {
        if !self.search.typing {
            return;
        }
        let mut query = self.search.query.clone();
        edit(&mut query);
        self.set_query(query, grows);
        self.library.settle();
        let origin = self.search.origin.and_then(|key| self.library.row_near(key)).or(self.cursor);
        let Some(origin) = origin else { return };
        if self.search.query.is_empty() {
            return;
        }
        if let Some(row) = self.match_from(origin, true) {
            self.go_to(row);
        }
    }

    pub(super) fn accept_search(&mut self) {
        self.search.typing = false;
        self.search.origin = None;
    }

    pub(super) fn cancel_search(&mut self) {
        if !self.search.typing {
            return;
        }
        self.search.typing = false;
        self.set_query(String::new(), false);
        if let Some(row) = self.search.origin.take().and_then(|key| self.library.row_near(key)) {
            self.select_row(Some(row));
        }
        self.follow = self.search.followed;
    }

    /// The first row at or after `from` (at or before it, going back) that the search finds, round the ends.
    pub(super) fn match_from(&self, from: usize, forward: bool) -> Option<usize> {
        let rows = self.library.rows();
        let matches = |row: &usize| self.library.entry(rows[*row]).is_some_and(|entry| entry.matches);
        if self.library.matching() == 0 || from >= rows.len() {
            return None;
        }
        if forward {
            (from..rows.len()).chain(0..from).find(matches)
        } else {
            (0..=from).rev().chain((from + 1..rows.len()).rev()).find(matches)
        }
    }

    /// In the list: to the next completion found. In the transcript: to the next place in it, then on.
    pub(super) fn move_matches(&mut self, forward: bool) {
        if self.library.needle().is_none() {
            return;
        }
        let Some(cursor) = self.cursor else { return };
        if self.focus == Focus::Detail && self.detail.step_match(forward) {
            self.follow = false;
            return;
        }
        let rows = self.library.rows().len();
        let start = if forward { (cursor + 1) % rows } else { cursor.checked_sub(1).unwrap_or(rows - 1) };
        if let Some(row) = self.match_from(start, forward) {
            self.go_to(row);
            let from_the_end = !forward && self.focus == Focus::Detail;
            self.detail.turn_to_match(if from_the_end { usize::MAX } else { 0 });
        }
    }
}
