//! The completion shown, and the position in its tree.

use std::{collections::HashSet, sync::Arc};

use ratatui::layout::{Position, Rect};

use super::{
    action::Action,
    rows::{Row, rows},
};
use crate::{
    record::Rollout,
    task::{
        self, NumberPuzzle, Tried,
        countdown::{
            search::{NodeId, Search as Walk, Space},
            solver,
        },
    },
};

/// Solutions that are kept; the figures say how many more there are.
const SOLUTIONS: usize = 8;

/// What is known about the puzzle, independent of the completion.
#[derive(Debug)]
struct Known {
    puzzle: NumberPuzzle,
    space: Space,
    solutions: Vec<String>,
    /// All of them; `None` if there are too many numbers for the solver.
    count: Option<usize>,
}

/// Where the last frame put things.
#[derive(Debug, Default)]
pub struct Hits {
    /// The rows of the tree.
    pub(super) tree: Rect,
    /// The first of them; `None` if no tree was drawn.
    pub(super) top: Option<usize>,
}

/// The completion on screen.
#[derive(Debug)]
pub(super) struct Shown {
    pub record: Arc<Rollout>,
    pub search: Walk,
    pub rows: Vec<Row>,
    /// Nodes where a solution was overlooked.
    pub passed: HashSet<NodeId>,
}

/// The Search screen: one completion and the position in its tree.
#[derive(Debug, Default)]
pub struct Search {
    known: Option<Known>,
    pub(super) shown: Option<Shown>,
    /// The completion that has no tree.
    pub(super) refused: Option<Refused>,
    /// Row of the cursor.
    pub(super) cursor: usize,
    /// First row on screen.
    pub(super) top: usize,
    /// Which of the node's places in the text.
    pub(super) place: usize,
    /// Whether the solver's solutions are shown.
    pub(super) reveal: bool,
    /// Whether the figures replace the tree.
    pub(super) figures: bool,
}

/// A completion of a task without a tree.
#[derive(Debug)]
pub(super) struct Refused {
    pub record: Arc<Rollout>,
    /// Why there is none, in a sentence.
    pub why: &'static str,
    /// What it tried instead.
    pub outline: Vec<Tried>,
}

impl Refused {
    fn of(record: &Arc<Rollout>) -> Self {
        let task = task::of_record(Some(&record.problem.task));
        Self {
            why: nothing_to_search(&record.problem.task).unwrap_or_default(),
            outline: task.map_or(Vec::new(), |task| task.outline(&record.problem.puzzle, &record.completion)),
            record: record.clone(),
        }
    }

    fn is(&self, record: &Arc<Rollout>) -> bool {
        Arc::ptr_eq(record, &self.record)
    }
}

/// Why a task's completions have no tree; also for an unknown task.
fn nothing_to_search(task: &str) -> Option<&'static str> {
    match task::family(task) {
        Ok(family) => family.nothing_to_search,
        Err(_) => Some("This run's task is unknown here; its completions have no tree."),
    }
}

impl Search {
    /// Shows a completion, or none. Solutions of another puzzle are hidden again.
    pub fn show(&mut self, record: Option<&Arc<Rollout>>) {
        let same = |shown: &Shown| record.is_some_and(|record| Arc::ptr_eq(record, &shown.record));
        if self.shown.as_ref().is_some_and(same) {
            return;
        }
        (self.cursor, self.top, self.place) = (0, 0, 0);
        let numbers = |record: &Arc<Rollout>| {
            let searched = nothing_to_search(&record.problem.task).is_none();
            NumberPuzzle::of(&record.problem.puzzle).filter(|_| searched)
        };
        let Some((record, puzzle)) = record.and_then(|record| Some((record, numbers(record)?))) else {
            if let Some(record) =
                record.filter(|record| !self.refused.as_ref().is_some_and(|old| old.is(record)))
            {
                self.refused = Some(Refused::of(record));
            }
            self.shown = None;
            return;
        };
        let other = self.known.as_ref().is_none_or(|known| known.puzzle != puzzle);
        if other {
            self.known = Some(Known::new(&puzzle));
            self.reveal = false;
        }
        let Some(known) = &mut self.known else { return };
        let search = Walk::new(&puzzle, &record.completion, &mut known.space);
        self.shown = Some(Shown {
            record: record.clone(),
            rows: rows(&search),
            passed: search.figures.passed_by.iter().map(|passed| passed.node).collect(),
            search,
        });
    }

    /// Whether no completion is shown.
    pub fn is_empty(&self) -> bool {
        self.shown.is_none()
    }

    /// The completion shown.
    pub fn record(&self) -> Option<&Arc<Rollout>> {
        self.shown.as_ref().map(|shown| &shown.record)
    }

    /// Whether the solver's solutions are shown.
    pub fn reveals(&self) -> bool {
        self.reveal
    }

    /// The solver's first solutions, shortest first, and their total number; `None` if unknown.
    pub(super) fn solutions(&self) -> Option<(&[String], usize)> {
        self.known.as_ref().and_then(|known| known.count.map(|count| (known.solutions.as_slice(), count)))
    }

    /// The node under the cursor.
    pub(super) fn node(&self) -> Option<NodeId> {
        self.shown.as_ref().and_then(|shown| shown.rows.get(self.cursor)).map(|row| row.node)
    }

    /// Carries out an action, except going to another completion.
    pub(super) fn act(&mut self, action: Action, hits: &Hits) {
        let page = isize::try_from(hits.tree.height.saturating_sub(1).max(1)).unwrap_or(1);
        match action {
            Action::Up => self.move_by(-1),
            Action::Down => self.move_by(1),
            Action::PageUp => self.move_by(-page),
            Action::PageDown => self.move_by(page),
            Action::First => self.move_by(isize::MIN),
            Action::Last => self.move_by(isize::MAX),
            Action::NextPassed => self.turn_passed(true),
            Action::PreviousPassed => self.turn_passed(false),
            Action::NextPlace => self.place = self.place.wrapping_add(1),
            Action::Reveal => self.reveal = !self.reveal,
            Action::Figures => self.figures = !self.figures,
            Action::Click { column, row } if hits.tree.contains(Position { x: column, y: row }) => {
                self.go_to(self.top + usize::from(row - hits.tree.y));
            }
            Action::Click { .. }
            | Action::Read
            | Action::NextCompletion
            | Action::PreviousCompletion
            | Action::NextStep
            | Action::PreviousStep => {}
        }
    }

    fn move_by(&mut self, by: isize) {
        self.go_to(self.cursor.saturating_add_signed(by));
    }

    fn go_to(&mut self, row: usize) {
        let last = self.shown.as_ref().map_or(0, |shown| shown.rows.len().saturating_sub(1));
        let row = row.min(last);
        if row != self.cursor {
            (self.cursor, self.place) = (row, 0);
        }
    }

    fn turn_passed(&mut self, forward: bool) {
        let Some(shown) = &self.shown else { return };
        let (here, rows) = (self.cursor, shown.rows.len());
        let passed = |row: &usize| shown.passed.contains(&shown.rows[*row].node);
        let found = match forward {
            true => (here + 1..rows).chain(0..here.min(rows)).find(passed),
            false => (0..here.min(rows)).rev().chain((here + 1..rows).rev()).find(passed),
        };
        if let Some(row) = found {
            self.go_to(row);
        }
    }

    /// First row on screen if this many fit, so that the cursor is visible.
    pub(super) fn top_for(&self, height: usize) -> usize {
        let rows = self.shown.as_ref().map_or(0, |shown| shown.rows.len());
        let top = self.top.clamp((self.cursor + 1).saturating_sub(height.max(1)), self.cursor);
        top.min(rows.saturating_sub(height))
    }
}

impl Known {
    fn new(puzzle: &NumberPuzzle) -> Self {
        // All solutions of six numbers may be tens of thousands; the search for them takes seconds.
        let all = match puzzle.numbers.len() {
            0..=5 => solver::solve(&puzzle.numbers, puzzle.target, usize::MAX).ok(),
            _ => None,
        };
        let count = all.as_ref().map(Vec::len);
        let mut solutions = all.unwrap_or_default();
        solutions.truncate(SOLUTIONS);
        Self { puzzle: puzzle.clone(), space: Space::new(puzzle), solutions, count }
    }
}
