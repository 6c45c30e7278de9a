//! Moving through the list and the transcript, by keys and by mouse.

use ratatui::layout::Position;

use super::{
    filter::Filter,
    library::{Key, Row},
    state::{Focus, Transcripts},
};

/// Lines or rows that one notch of the wheel moves.
const WHEEL_LINES: isize = 3;

impl Transcripts {
    pub(super) fn select_row(&mut self, row: Option<usize>) {
        self.cursor = row;
        let Some(key) = row.and_then(|row| self.library.key(row)) else { return };
        if self.selected != Some(key) {
            self.selected = Some(key);
            self.detail.turn_to_another();
        }
    }

    /// Moves to a row because the person asked for it, so that new completions no longer take them away.
    pub(super) fn go_to(&mut self, row: usize) {
        self.follow = false;
        self.select_row(Some(row));
    }

    /// Selects a completion and opens it. Returns whether the list shows it; a filter that hides it is taken off.
    pub fn show(&mut self, key: Key) -> bool {
        self.settle();
        let found =
            |list: &Self| list.library.row_near(key).filter(|row| list.library.key(*row) == Some(key));
        if found(self).is_none() {
            self.library.set_filter(Filter::All);
            self.settle();
        }
        let Some(row) = found(self) else { return false };
        self.go_to(row);
        self.focus = Focus::Detail;
        true
    }

    pub(super) fn page(&self) -> isize {
        let height = match self.focus {
            Focus::List => self.geometry.list.height,
            Focus::Detail => self.geometry.detail.height,
        };
        isize::try_from(height.saturating_sub(2).max(1)).unwrap_or(1)
    }

    pub(super) fn vertical(&mut self, by: isize) {
        match self.focus {
            Focus::List => self.move_rows(by),
            Focus::Detail => self.scroll_detail(by),
        }
    }

    pub(super) fn scroll_detail(&mut self, by: isize) {
        self.follow = false;
        self.detail.scroll(by, usize::from(self.geometry.detail.height));
    }

    /// Moves over rows; headings are stepped over.
    pub(super) fn move_rows(&mut self, by: isize) {
        let (Some(from), Some(last)) = (self.cursor, self.library.rows().len().checked_sub(1)) else {
            return;
        };
        let to = from.saturating_add_signed(by).min(last);
        let is_heading = matches!(self.library.rows().get(to), Some(Row::Heading(_)));
        let to = match (is_heading, by < 0) {
            (false, _) => to,
            (true, true) if to > 0 => to - 1,
            // The row after a heading is a completion of its group.
            (true, _) => to + 1,
        };
        self.go_to(to.min(last));
    }

    /// Moves to the first completion of the nearest group for which `far_enough(from, to)` holds of the
    /// (step, group) pairs. Going back to another step means going to its first group.
    pub(super) fn move_groups(
        &mut self,
        direction: isize,
        far_enough: fn((u64, usize), (u64, usize)) -> bool,
    ) {
        let Some(cursor) = self.cursor else { return };
        let rows = self.library.rows();
        let place = |row: usize| {
            rows.get(row).and_then(|row| self.library.group(*row)).map(|group| (group.step, group.group))
        };
        let Some(from) = place(cursor) else { return };
        let headings =
            |range: std::ops::Range<usize>| range.filter(|row| matches!(rows[*row], Row::Heading(_)));
        let found = if direction > 0 {
            headings(cursor..rows.len()).find(|row| place(*row).is_some_and(|to| far_enough(from, to)))
        } else {
            let nearest =
                headings(0..cursor).rev().find(|row| place(*row).is_some_and(|to| far_enough(from, to)));
            // `[` from inside a step lands on the first group of the step before.
            nearest.map(|nearest| {
                let same_jump = |row: &usize| match (place(*row), place(nearest)) {
                    (Some(row), Some(nearest)) => row == nearest || !far_enough(row, nearest),
                    _ => false,
                };
                headings(0..nearest + 1).rev().take_while(same_jump).last().unwrap_or(nearest)
            })
        };
        if let Some(heading) = found {
            self.go_to(heading + 1);
        }
    }

    pub(super) fn click_at(&mut self, column: u16, row: u16) {
        let at = Position { x: column, y: row };
        if let Some((_, filter)) = self.geometry.filters.iter().find(|(area, _)| area.contains(at)) {
            self.library.set_filter(*filter);
        } else if self.geometry.list.contains(at) {
            self.focus = Focus::List;
            let clicked = self.top + usize::from(row - self.geometry.list.y);
            match self.library.rows().get(clicked) {
                Some(Row::Completion(..)) => self.go_to(clicked),
                Some(Row::Heading(_)) => self.go_to(clicked + 1),
                None => {}
            }
        } else if self.geometry.detail.contains(at) && self.cursor.is_some() {
            self.focus = Focus::Detail;
            self.follow = false;
        }
    }

    pub(super) fn wheel_at(&mut self, column: u16, row: u16, down: bool) {
        let at = Position { x: column, y: row };
        let by = if down { WHEEL_LINES } else { -WHEEL_LINES };
        if self.geometry.detail.contains(at) {
            self.scroll_detail(by);
        } else if self.geometry.list.contains(at) {
            self.move_rows(by);
        }
    }

    /// Scrolls the list so that the cursor is on screen, below its group's heading.
    pub(super) fn keep_cursor_on_screen(&mut self, height: usize) {
        let rows = self.library.rows().len();
        let Some(cursor) = self.cursor else {
            self.top = 0;
            return;
        };
        // The top line always shows a heading, over the first row where that is none.
        let above = usize::from(height > 1);
        if cursor < self.top + above {
            self.top = cursor.saturating_sub(above);
        } else if cursor >= self.top + height {
            self.top = cursor + 1 - height.max(1);
        }
        self.top = self.top.min(rows.saturating_sub(height));
    }
}
