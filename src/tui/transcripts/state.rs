//! Where the person is on the Transcripts screen, and what each action changes.

use std::sync::Arc;

use ratatui::{
    crossterm::event::KeyEvent,
    layout::{Position, Rect},
};

use super::{
    action::{Action, typing_action},
    detail::Detail,
    effect::Effect,
    filter::{Filter, Sort},
    library::{Entry, Group, Key, Library, Row},
};
use crate::run::record::RolloutRecord;

/// Completions kept before the oldest steps give way; some 300 MB of them at 150 tokens each.
const CAPACITY: usize = 150_000;
/// Lines or rows that one notch of the wheel moves.
const WHEEL_LINES: isize = 3;

/// Which pane the arrow keys move in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// The list of completions.
    #[default]
    List,
    /// The transcript.
    Detail,
}

/// What is searched for, and whether it is being typed.
#[derive(Debug, Default)]
pub(super) struct Search {
    pub(super) query: String,
    pub(super) typing: bool,
    /// Where the search began; giving it up goes back there.
    origin: Option<Key>,
    /// Whether the newest was followed then.
    followed: bool,
}

/// Where the last frame put things; for paging and for the mouse.
#[derive(Debug, Default)]
pub(super) struct Geometry {
    /// The rows of the list, without heading and border.
    pub(super) list: Rect,
    /// The transcript's lines, without figures and border.
    pub(super) detail: Rect,
    /// The names in the filter bar.
    pub(super) filters: Vec<(Rect, Filter)>,
}

/// The Transcripts screen: every completion of the run, and where the person is in them.
#[derive(Debug)]
pub struct Transcripts {
    pub(super) library: Library,
    /// The completion that is shown, or was before a filter hid everything.
    selected: Option<Key>,
    /// Its row.
    pub(super) cursor: Option<usize>,
    /// First row on screen.
    pub(super) top: usize,
    pub(super) focus: Focus,
    pub(super) follow: bool,
    pub(super) search: Search,
    pub(super) detail: Detail,
    pub(super) geometry: Geometry,
}

impl Default for Transcripts {
    fn default() -> Self {
        Self::new()
    }
}

impl Transcripts {
    /// An empty screen that follows the newest completion and keeps the last 150,000.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// As [`Transcripts::new`], keeping at most `completions`.
    pub fn with_capacity(completions: usize) -> Self {
        Self {
            library: Library::new(completions),
            selected: None,
            cursor: None,
            top: 0,
            focus: Focus::List,
            follow: true,
            search: Search::default(),
            detail: Detail::default(),
            geometry: Geometry::default(),
        }
    }

    /// Adds a scored completion. Cheap: the rows are brought up to date once, by the next frame or action.
    pub fn push(&mut self, record: Arc<RolloutRecord>) {
        self.library.push(record);
    }

    /// Completions kept.
    pub fn len(&self) -> usize {
        self.library.len()
    }

    /// Whether there is nothing to show yet.
    pub fn is_empty(&self) -> bool {
        self.library.is_empty()
    }

    /// Completions that were let go of to make room.
    pub fn dropped(&self) -> usize {
        self.library.dropped()
    }

    /// Whether keys are text at the moment: the search is being typed. Then
    /// [`typing_action`](super::typing_action) turns keys into actions, not the key table.
    pub fn captures_text(&self) -> bool {
        self.search.typing
    }

    /// Whether the list follows the newest completion.
    pub fn follows(&self) -> bool {
        self.follow
    }

    /// Which pane the arrow keys move in.
    pub fn focus(&self) -> Focus {
        self.focus
    }

    /// The selected completion.
    pub fn selected(&self) -> Option<&Arc<RolloutRecord>> {
        self.entry().map(|entry| &entry.record)
    }

    pub(super) fn entry(&self) -> Option<&Entry> {
        self.library.rows().get(self.cursor?).and_then(|row| self.library.entry(*row))
    }

    pub(super) fn current_group(&self) -> Option<&Group> {
        self.library.rows().get(self.cursor?).and_then(|row| self.library.group(*row))
    }

    /// A key while [`Transcripts::captures_text`].
    pub fn text_key(&mut self, event: &KeyEvent) {
        if let Some(action) = typing_action(event) {
            let _ = self.update(action);
        }
    }

    /// Pasted text while [`Transcripts::captures_text`]; its first line counts.
    pub fn paste(&mut self, text: &str) {
        let line: String =
            text.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
        self.settle();
        self.type_query(|query| query.push_str(&line), true);
        self.settle_cursor();
    }

    /// A mouse click at a cell of the screen, from 0.
    pub fn click(&mut self, column: u16, row: u16) {
        let _ = self.update(Action::Click { column, row });
    }

    /// A notch of the mouse wheel over a cell of the screen, from 0.
    pub fn wheel(&mut self, column: u16, row: u16, down: bool) {
        let _ = self.update(Action::Wheel { column, row, down });
    }

    /// Does what a key or the mouse asked for; what must happen outside the screen is returned.
    #[must_use = "copying and exporting are done by the caller"]
    pub fn update(&mut self, action: Action) -> Option<Effect> {
        self.settle();
        match action {
            Action::Up => self.vertical(-1),
            Action::Down => self.vertical(1),
            Action::PageUp => self.vertical(-self.page()),
            Action::PageDown => self.vertical(self.page()),
            Action::First => self.vertical(isize::MIN),
            Action::Last => self.vertical(isize::MAX),
            Action::PreviousCompletion => self.move_rows(-1),
            Action::NextCompletion => self.move_rows(1),
            Action::PreviousGroup => self.move_groups(-1, |from, to| from != to),
            Action::NextGroup => self.move_groups(1, |from, to| from != to),
            Action::PreviousStep => self.move_groups(-1, |from, to| from.0 != to.0),
            Action::NextStep => self.move_groups(1, |from, to| from.0 != to.0),
            Action::ToggleFocus => self.toggle_focus(),
            Action::Back => self.back(),
            Action::NextFilter => self.library.set_filter(self.library.filter().next()),
            Action::Show(filter) => self.library.set_filter(filter),
            Action::NextSort => self.set_sort(self.library.sort().next()),
            Action::ToggleFollow => self.follow = !self.follow,
            Action::ToggleLayout => self.detail.toggle_layout(),
            Action::Search => self.open_search(),
            Action::SearchInput(character) => self.type_query(|query| query.push(character), true),
            Action::SearchErase => self.type_query(
                |query| {
                    query.pop();
                },
                false,
            ),
            Action::SearchEraseAll => self.type_query(String::clear, false),
            Action::SearchAccept => self.accept_search(),
            Action::SearchCancel => self.cancel_search(),
            Action::NextMatch => self.move_matches(true),
            Action::PreviousMatch => self.move_matches(false),
            Action::Click { column, row } => self.click_at(column, row),
            Action::Wheel { column, row, down } => self.wheel_at(column, row, down),
            Action::Copy => return self.entry().map(|entry| Effect::copy(&entry.record)),
            Action::Export => return self.entry().map(|entry| Effect::export(&entry.record, entry.length)),
        }
        self.settle_cursor();
        None
    }

    /// Brings rows and cursor up to date with what was pushed since.
    pub(super) fn settle(&mut self) {
        if self.library.settle() {
            self.settle_cursor();
        }
    }

    fn settle_cursor(&mut self) {
        self.library.settle();
        let last = self.library.rows().len().checked_sub(1);
        let row = match self.selected {
            _ if self.follow => last,
            Some(key) => self.library.row_near(key),
            // Row 0 is the first heading.
            None => last.map(|last| last.min(1)),
        };
        self.select_row(row);
    }

    fn select_row(&mut self, row: Option<usize>) {
        self.cursor = row;
        let Some(key) = row.and_then(|row| self.library.key(row)) else { return };
        if self.selected != Some(key) {
            self.selected = Some(key);
            self.detail.turn_to_another();
        }
    }

    /// Moves to a row because the person asked for it, so that new completions no longer take them away.
    fn go_to(&mut self, row: usize) {
        self.follow = false;
        self.select_row(Some(row));
    }

    fn page(&self) -> isize {
        let height = match self.focus {
            Focus::List => self.geometry.list.height,
            Focus::Detail => self.geometry.detail.height,
        };
        isize::try_from(height.saturating_sub(2).max(1)).unwrap_or(1)
    }

    fn vertical(&mut self, by: isize) {
        match self.focus {
            Focus::List => self.move_rows(by),
            Focus::Detail => self.scroll_detail(by),
        }
    }

    fn scroll_detail(&mut self, by: isize) {
        self.follow = false;
        self.detail.scroll(by, usize::from(self.geometry.detail.height));
    }

    /// Moves over rows; headings are stepped over.
    fn move_rows(&mut self, by: isize) {
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
    fn move_groups(&mut self, direction: isize, far_enough: fn((u64, usize), (u64, usize)) -> bool) {
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

    fn toggle_focus(&mut self) {
        self.focus = match self.focus {
            Focus::List if self.cursor.is_some() => Focus::Detail,
            _ => Focus::List,
        };
        if self.focus == Focus::Detail {
            // Nobody wants the text exchanged while they read it.
            self.follow = false;
        }
    }

    fn back(&mut self) {
        if self.focus == Focus::Detail {
            self.focus = Focus::List;
        } else if !self.search.query.is_empty() {
            self.set_query(String::new(), false);
        }
    }

    fn set_sort(&mut self, sort: Sort) {
        self.library.set_sort(sort);
    }

    fn open_search(&mut self) {
        self.search.origin = self.selected;
        self.search.followed = self.follow;
        self.search.typing = true;
        self.set_query(String::new(), false);
    }

    fn set_query(&mut self, query: String, grows: bool) {
        let grows = grows && !self.search.query.is_empty();
        self.search.query = query;
        self.library.set_query(&self.search.query, grows);
        self.detail.turn_to_match(0);
    }

    fn type_query(&mut self, edit: impl FnOnce(&mut String), grows: bool) {
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

    fn accept_search(&mut self) {
        self.search.typing = false;
        self.search.origin = None;
    }

    fn cancel_search(&mut self) {
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
    fn match_from(&self, from: usize, forward: bool) -> Option<usize> {
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
    fn move_matches(&mut self, forward: bool) {
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

    fn click_at(&mut self, column: u16, row: u16) {
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

    fn wheel_at(&mut self, column: u16, row: u16, down: bool) {
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
