//! Where the person is on the Transcripts screen, and what each action changes.

use std::sync::Arc;

use ratatui::layout::Rect;

use super::{
    action::Action,
    detail::Detail,
    effect::Effect,
    filter::{Filter, Sort},
    library::{Entry, Group, Key, Library},
};
use crate::{config::Config, protocol::MOST_COMPLETIONS, record::RolloutRecord, task::answer::Graded};

/// Completions kept before the oldest steps give way; some 300 MB of them at 150 tokens each.
pub const CAPACITY: usize = MOST_COMPLETIONS;

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
    pub(super) origin: Option<Key>,
    /// Whether the newest was followed then.
    pub(super) followed: bool,
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
    pub(super) selected: Option<Key>,
    /// Its row.
    pub(super) cursor: Option<usize>,
    /// First row on screen.
    pub(super) top: usize,
    pub(super) focus: Focus,
    pub(super) follow: bool,
    pub(super) search: Search,
    pub(super) detail: Detail,
    pub(super) geometry: Geometry,
    /// The last step that belongs to the run from which this one was forked; 0 where there is none.
    inherited: u64,
    /// Which of several answers the run grades.
    pub(super) graded: Graded,
}

impl Default for Transcripts {
    fn default() -> Self {
        Self::new()
    }
}

impl Transcripts {
    /// Takes over what the run's configuration says of answers.
    pub fn configure(&mut self, config: &Config) {
        self.graded = config.reward.answer;
    }

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
            inherited: 0,
            graded: Graded::default(),
        }
    }

    /// Adds a scored completion. Cheap: the rows are brought up to date once, by the next frame or action.
    pub fn push(&mut self, record: Arc<RolloutRecord>) {
        self.library.push(record);
    }

    /// Forgets the completions of the steps after this one.
    pub fn cut_back(&mut self, step: u64) {
        self.library.cut_back(step);
        self.settle();
    }

    /// The steps up to this one belong to the run from which this one was forked.
    pub fn inherit(&mut self, last: u64) {
        self.inherited = last;
    }

    /// Whether a step belongs to the run from which this one was forked.
    pub(super) fn is_inherited(&self, step: u64) -> bool {
        step <= self.inherited
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
            // For the caller: the engine keeps the pins.
            Action::Pin => {}
            Action::Copy => return self.entry().map(|entry| Effect::copy(&entry.record)),
            Action::Export => return self.entry().map(|entry| Effect::export(&entry.record, entry.length)),
        }
        self.settle_cursor();
        None
    }

    /// Brings rows and cursor up to date with what was pushed since.
    pub(in crate::tui) fn settle(&mut self) {
        if self.library.settle() {
            self.settle_cursor();
        }
    }

    pub(super) fn settle_cursor(&mut self) {
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
}
