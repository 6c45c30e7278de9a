//! The state of the Transcripts screen, and how each action changes it.

use ratatui::layout::{Position, Rect};

use super::{action::Action, detail::Detail};
use crate::tui::{
    screens::{
        Context,
        listing::{Asked, Listing, Query},
    },
    shell::effect::Effect,
    store::{
        completions::{Completions, Entry, Key},
        filter::Filter,
    },
};

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
    /// Why what is typed cannot be searched for.
    pub(super) complaint: Option<String>,
    /// Where the search began; cancelling it returns there.
    origin: Option<Key>,
    /// Whether the newest was followed then.
    followed: bool,
}

/// Where the last frame put things, for paging and the mouse.
#[derive(Debug, Default)]
pub struct Hits {
    /// The rows of the list, without heading and border.
    pub(super) list: Rect,
    /// The transcript's lines, without figures and border.
    pub(super) detail: Rect,
    /// List and transcript with their borders; empty where one of them has all the room.
    pub(super) panes: (Rect, Rect),
    /// The names in the filter bar.
    pub(super) filters: Vec<(Rect, Filter)>,
    /// First row of the list; `None` if no list was drawn.
    pub(super) top: Option<usize>,
    /// What was shown of the transcript; `None` if none was drawn.
    pub(super) text: Option<super::detail::Shown>,
}

/// The Transcripts screen: the positions in the list and in a transcript.
#[derive(Debug, Default)]
pub struct Transcripts {
    /// Columns of the list beside the transcript, or rows of it above, if somebody has moved the border.
    pub(super) split: (Option<u16>, Option<u16>),
    /// Whether the border between them is held.
    holds_border: bool,
    /// First row on screen.
    pub(super) top: usize,
    pub(super) focus: Focus,
    pub(super) search: Search,
    pub(super) detail: Detail,
}

impl Transcripts {
    /// Which pane the arrow keys move in.
    pub fn focus(&self) -> Focus {
        self.focus
    }

    /// Adopts the scroll positions of the last frame, which shows the cursor and the current match.
    pub(super) fn keep_scrolled(&mut self, hits: &Hits) {
        if let Some(top) = hits.top {
            self.top = top;
        }
        if let Some(shown) = hits.text {
            self.detail.take_over(shown);
        }
    }

    /// Carries out an action; returns the effects outside the screen.
    pub(super) fn act(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        let all = &context.store.completions;
        let list = &mut *context.listing;
        list.settle(all);
        let before = list.key();
        let effects = match action {
            Action::Back => vec![if self.back(list, all) { Effect::Dismiss } else { Effect::Back }],
            Action::NextFalse => self.turn_finding(true, list, all, hits),
            Action::PreviousFalse => self.turn_finding(false, list, all, hits),
            Action::Pin => list
                .selected(all)
                .map(|record| Effect::Pin(record.problem.puzzle.clone()))
                .into_iter()
                .collect(),
            Action::SearchInput(_)
            | Action::Search
            | Action::SearchErase
            | Action::SearchEraseAll
            | Action::SearchAccept
            | Action::SearchCancel
            | Action::NextMatch
            | Action::PreviousMatch => {
                self.seek(action, list, all, hits);
                Vec::new()
            }
            _ => {
                self.go(action, list, all, hits);
                Vec::new()
            }
        };
        let searched = matches!(
            action,
            Action::NextMatch | Action::PreviousMatch | Action::NextFalse | Action::PreviousFalse
        );
        if list.key() != before && !searched {
            self.detail.turn_to_another();
        }
        self.detail.is_of(list.key());
        effects
    }

    /// Moving, and choosing what is listed.
    fn go(&mut self, action: Action, list: &mut Listing, all: &Completions, hits: &Hits) {
        match action {
            Action::Up => self.vertical(-1, list, all, hits),
            Action::Down => self.vertical(1, list, all, hits),
            Action::PageUp => self.vertical(-self.page(hits), list, all, hits),
            Action::PageDown => self.vertical(self.page(hits), list, all, hits),
            Action::First => self.vertical(isize::MIN, list, all, hits),
            Action::Last => self.vertical(isize::MAX, list, all, hits),
            Action::PreviousCompletion => list.move_rows(-1, all),
            Action::NextCompletion => list.move_rows(1, all),
            Action::PreviousGroup => list.turn_group(false, all),
            Action::NextGroup => list.turn_group(true, all),
            Action::PreviousStep => list.turn_step(false, all),
            Action::NextStep => list.turn_step(true, all),
            Action::ToggleFocus => self.toggle_focus(list),
            Action::NextFilter => list.set_filter(list.filter().next(), all),
            Action::Show(filter) => list.set_filter(filter, all),
            Action::NextSort => list.set_sort(list.sort().next(), all),
            Action::ToggleFollow => list.toggle_follow(all),
            Action::ToggleLayout => self.detail.toggle_layout(),
            Action::Click { column, row } => self.click_at(column, row, list, all, hits),
            Action::Drag { column, row } => self.drag_to(column, row, hits),
            Action::Wheel { column, row, down } => self.wheel_at((column, row), down, list, all, hits),
            _ => {}
        }
    }

    fn page(&self, hits: &Hits) -> isize {
        let height = match self.focus {
            Focus::List => hits.list.height,
            Focus::Detail => hits.detail.height,
        };
        isize::try_from(height.saturating_sub(2).max(1)).unwrap_or(1)
    }

    fn vertical(&mut self, by: isize, list: &mut Listing, all: &Completions, hits: &Hits) {
        match self.focus {
            Focus::List => list.move_rows(by, all),
            Focus::Detail => self.scroll_detail(by, list, hits),
        }
    }

    fn scroll_detail(&mut self, by: isize, list: &mut Listing, hits: &Hits) {
        list.follow = false;
        if let Some(shown) = hits.text {
            self.detail.scroll(by, usize::from(hits.detail.height), shown);
        }
    }

    fn toggle_focus(&mut self, list: &mut Listing) {
        self.focus = match self.focus {
            Focus::List if list.cursor().is_some() => Focus::Detail,
            _ => Focus::List,
        };
        if self.focus == Focus::Detail {
            // The text must not change while it is being read.
            list.follow = false;
        }
    }

    /// Closes what is open; `false` if nothing was.
    fn back(&mut self, list: &mut Listing, all: &Completions) -> bool {
        if self.focus == Focus::Detail {
            self.focus = Focus::List;
        } else if !self.search.query.is_empty() {
            self.set_query(String::new(), false, list, all);
        } else {
            return false;
        }
        true
    }

    /// To the next (or the previous) false or misled check: of this completion, and then of the next that has one.
    fn turn_finding(
        &mut self,
        forward: bool,
        list: &mut Listing,
        all: &Completions,
        hits: &Hits,
    ) -> Vec<Effect> {
        let has = |entry: &Entry| {
            let analysis = &entry.record.analysis;
            analysis.false_checks + analysis.misled_checks > 0
        };
        let reading = self.focus == Focus::Detail;
        let findings = hits.text.filter(|_| reading).map_or(0, |shown| shown.findings);
        list.follow = false;
        if self.detail.step_finding(forward, findings) {
            return Vec::new();
        }
        let here = list.entry(all).is_some_and(has);
        if (!here || reading) && !list.turn_to(forward, all, has) {
            return Effect::info("none of these completions has a false or misled check");
        }
        self.focus = Focus::Detail;
        self.detail.turn_to_finding(if forward { 0 } else { usize::MAX });
        Vec::new()
    }

    fn click_at(&mut self, column: u16, row: u16, list: &mut Listing, all: &Completions, hits: &Hits) {
        let at = Position { x: column, y: row };
        self.holds_border = is_border(hits.panes, at);
        if self.holds_border {
            return;
        }
        if let Some((_, filter)) = hits.filters.iter().find(|(area, _)| area.contains(at)) {
            list.set_filter(*filter, all);
        } else if hits.list.contains(at) {
            self.focus = Focus::List;
            list.go_to_row_near(self.top + usize::from(row - hits.list.y), all);
        } else if hits.detail.contains(at) && list.cursor().is_some() {
            self.focus = Focus::Detail;
            list.follow = false;
        }
    }

    /// Moves the border between list and transcript. The picture keeps it where both can be read.
    fn drag_to(&mut self, column: u16, row: u16, hits: &Hits) {
        let (list, detail) = hits.panes;
        if !self.holds_border || list.is_empty() || detail.is_empty() {
            return;
        }
        if list.y == detail.y {
            self.split.0 = Some(column.saturating_sub(list.x).saturating_add(1));
        } else {
            self.split.1 = Some(row.saturating_sub(list.y).saturating_add(1));
        }
    }

    fn wheel_at(
        &mut self,
        (column, row): (u16, u16),
        down: bool,
        list: &mut Listing,
        all: &Completions,
        hits: &Hits,
    ) {
        let at = Position { x: column, y: row };
        let by = if down { WHEEL_LINES } else { -WHEEL_LINES };
        if hits.detail.contains(at) {
            self.scroll_detail(by, list, hits);
        } else if hits.list.contains(at) {
            list.move_rows(by, all);
        }
    }

    /// First row on screen if this many fit, so that the cursor is visible below its group's heading.
    pub(super) fn top_for(&self, height: usize, list: &Listing) -> usize {
        let Some(cursor) = list.cursor() else { return 0 };
        // The top line always shows a heading, over the first row where that is none.
        let above = usize::from(height > 1);
        let top = if cursor < self.top + above {
            cursor.saturating_sub(above)
        } else if cursor >= self.top + height {
            cursor + 1 - height.max(1)
        } else {
            self.top
        };
        top.min(list.rows().len().saturating_sub(height))
    }

    /// The search line, and going from match to match.
    fn seek(&mut self, action: Action, list: &mut Listing, all: &Completions, hits: &Hits) {
        match action {
            Action::Search => {
                self.search.origin = list.key();
                self.search.followed = list.follow;
                self.search.typing = true;
                self.set_query(String::new(), false, list, all);
            }
            Action::SearchAccept if self.search.complaint.is_some() => {}
            Action::SearchInput(character) => {
                let query = format!("{}{character}", self.search.query);
                self.type_query(query, true, list, all);
            }
            Action::SearchErase => {
                let mut query = self.search.query.clone();
                query.pop();
                self.type_query(query, false, list, all);
            }
            Action::SearchEraseAll => self.type_query(String::new(), false, list, all),
            Action::SearchAccept => self.accept_search(list, all),
            Action::SearchCancel => self.cancel_search(list, all),
            _ => self.move_matches(action == Action::NextMatch, list, all, hits),
        }
    }

    fn set_query(&mut self, query: String, grows: bool, list: &mut Listing, all: &Completions) {
        let grows = grows && !self.search.query.is_empty();
        self.search.query = query;
        let asked = Asked::read(&self.search.query);
        self.search.complaint = asked.as_ref().err().cloned();
        let query = match asked {
            Ok(Asked::Find(query)) => query,
            Ok(Asked::Step(_)) | Err(_) => Query::default(),
        };
        list.set_query(query, grows, all);
        self.detail.turn_to_match(0);
    }

    fn type_query(&mut self, query: String, grows: bool, list: &mut Listing, all: &Completions) {
        if !self.search.typing {
            return;
        }
        self.set_query(query, grows, list, all);
        if let Ok(Asked::Step(Some(step))) = Asked::read(&self.search.query) {
            list.go_to_step(step, all);
        } else if list.searches() {
            list.go_to_match_from(self.search.origin, all);
        }
    }

    /// Keeps what is searched for; a step that was gone to is no search.
    fn accept_search(&mut self, list: &mut Listing, all: &Completions) {
        self.search.typing = false;
        self.search.origin = None;
        if !list.searches() {
            self.set_query(String::new(), false, list, all);
        }
    }

    fn cancel_search(&mut self, list: &mut Listing, all: &Completions) {
        if !self.search.typing {
            return;
        }
        self.search.typing = false;
        self.set_query(String::new(), false, list, all);
        if let Some(origin) = self.search.origin.take() {
            list.return_to(origin, all);
        }
        list.follow = self.search.followed;
    }

    /// In the list: to the next matching completion. In the transcript: to its next match, then to the next
    /// completion.
    fn move_matches(&mut self, forward: bool, list: &mut Listing, all: &Completions, hits: &Hits) {
        if !list.searches() {
            return;
        }
        let matches = hits.text.map_or(0, |shown| shown.matches);
        if self.focus == Focus::Detail && self.detail.step_match(forward, matches) {
            list.follow = false;
            return;
        }
        let before = list.key();
        if list.turn_match(forward, all) {
            if list.key() != before {
                self.detail.turn_to_another();
            }
            let from_the_end = !forward && self.focus == Focus::Detail;
            self.detail.turn_to_match(if from_the_end { usize::MAX } else { 0 });
        }
    }

    /// Opens the selected completion to be read.
    pub(super) fn open(&mut self, key: Key, context: &mut Context<'_>) -> bool {
        let found = context.listing.show(key, &context.store.completions);
        if found {
            self.focus = Focus::Detail;
            self.follow_selection(context.listing);
        }
        found
    }

    /// Another completion may have been selected elsewhere, or by following the newest.
    pub(super) fn follow_selection(&mut self, list: &Listing) {
        if !self.detail.is_already_of(list.key()) {
            self.detail.turn_to_another();
            self.detail.is_of(list.key());
        }
    }
}

/// Whether a place is on the border between list and transcript.
fn is_border((list, detail): (Rect, Rect), at: Position) -> bool {
    if list.is_empty() || detail.is_empty() {
        return false;
    }
    let beside = list.y == detail.y && (at.x + 1 == list.right() || at.x == detail.x);
    let above = list.y != detail.y && (at.y + 1 == list.bottom() || at.y == detail.y);
    (beside || above) && (list.contains(at) || detail.contains(at))
}
