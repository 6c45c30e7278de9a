//! The position in time among the answers to the pinned puzzles.

use ratatui::layout::Rect;

use super::action::Action;
use crate::{
    protocol::Capability,
    record::PinnedAnswer,
    task::{self, Puzzle},
    tui::{
        shell::{effect::Effect, message::Level, question::Question},
        store::{
            Run,
            pins::{Pinned, Pins},
        },
    },
};

/// Longest puzzle that can be typed, in characters.
const LONGEST: usize = 60;

/// One of the two steps shown side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The left one.
    A,
    /// The right one.
    B,
}

/// The Travel screen.
#[derive(Debug)]
pub struct Travel {
    /// Which puzzle is shown.
    at: usize,
    /// The steps of A and B; `None` follows the newest.
    ends: [Option<u64>; 2],
    pub(super) moving: End,
    /// First line of both texts on screen.
    pub(super) top: usize,
    /// Whether differences are shown, rather than what the analysis found.
    pub(super) differences: bool,
    pub(super) typed: Option<String>,
}

/// Where the last frame put things.
#[derive(Debug, Default)]
pub struct Hits {
    /// Lines of the longer text beyond those on screen.
    pub(super) rest: usize,
    /// Lines that a page goes.
    pub(super) page: usize,
    /// Where the two answers are.
    pub(super) panels: Vec<(Rect, End)>,
    /// The nearest lines outside the picture that have what is searched for.
    pub(super) found: Option<(usize, usize)>,
}

impl Default for Travel {
    fn default() -> Self {
        Self { at: 0, ends: [Some(0), None], moving: End::B, top: 0, differences: true, typed: None }
    }
}

impl Travel {
    /// Whether an action that needs answers would change anything.
    pub(super) fn moves(&self, action: Action, pins: &Pins) -> bool {
        let answers = self.shown(pins).map_or(0, |shown| shown.answers.len());
        match action {
            Action::NextPuzzle | Action::PreviousPuzzle => pins.all().len() > 1,
            Action::Earlier | Action::Later | Action::Move(_) => answers > 1,
            _ => answers > 0,
        }
    }

    /// Which puzzle is shown, from 0.
    pub(super) fn place(&self, pins: &Pins) -> usize {
        self.at.min(pins.all().len().saturating_sub(1))
    }

    pub(super) fn shown<'a>(&self, pins: &'a Pins) -> Option<&'a Pinned> {
        pins.all().get(self.place(pins))
    }

    /// The answer at an end: at its step, or the last one before it, or the first.
    pub fn answer<'a>(&self, end: End, pins: &'a Pins) -> Option<&'a PinnedAnswer> {
        let answers = &self.shown(pins)?.answers;
        let wanted = self.ends[end as usize].unwrap_or(u64::MAX);
        answers.range(..=wanted).next_back().or_else(|| answers.first_key_value()).map(|(_, answer)| answer)
    }

    /// Carries out an action; returns the commands for the engine.
    pub(super) fn act(&mut self, action: Action, store: &Run, hits: &Hits) -> Vec<Effect> {
        let pins = &store.pins;
        // Pins belong to the engine: without one there is nothing to change.
        if let Action::Type | Action::Unpin = action
            && let Some(refusal) = store.refusal(Capability::Pin)
        {
            return Effect::info(refusal);
        }
        match action {
            Action::Later => self.step(true, pins),
            Action::Earlier => self.step(false, pins),
            Action::First => self.set_end(Some(0)),
            Action::Newest => self.set_end(None),
            Action::Move(end) => self.moving = end,
            Action::Click { column, row } => {
                let under = hits.panels.iter().find(|(area, _)| area.contains((column, row).into()));
                self.moving = under.map_or(self.moving, |(_, end)| *end);
            }
            Action::NextPuzzle => self.turn(1, pins),
            Action::PreviousPuzzle => self.turn(pins.all().len().saturating_sub(1), pins),
            Action::Up => self.scroll(-1, hits),
            Action::Down => self.scroll(1, hits),
            Action::PageUp => self.scroll(-(hits.page as isize), hits),
            Action::PageDown => self.scroll(hits.page as isize, hits),
            Action::Colours => self.differences = !self.differences,
            Action::Type => self.typed = Some(String::new()),
            Action::Input(character) => {
                if let Some(typed) = self.typed.as_mut().filter(|typed| typed.chars().count() < LONGEST) {
                    typed.push(character);
                }
            }
            Action::Erase => {
                self.typed.as_mut().and_then(String::pop);
            }
            Action::Cancel => self.typed = None,
            Action::Accept => return self.accept(store.task()),
            Action::Unpin => return self.shown(pins).map(unpin).into_iter().collect(),
        }
        Vec::new()
    }

    fn accept(&mut self, task: &str) -> Vec<Effect> {
        match puzzle_of(task, self.typed.as_deref().unwrap_or_default()) {
            Ok(puzzle) => {
                self.typed = None;
                vec![Effect::Pin(puzzle)]
            }
            Err(reason) => vec![Effect::Say(Level::Warning, reason)],
        }
    }

    fn set_end(&mut self, step: Option<u64>) {
        self.ends[self.moving as usize] = step;
        self.top = 0;
    }

    fn step(&mut self, later: bool, pins: &Pins) {
        let (Some(shown), Some(here)) = (self.shown(pins), self.answer(self.moving, pins)) else { return };
        let to = match later {
            true => shown.answers.range(here.step + 1..).next().map(|(step, _)| *step),
            false => shown.answers.range(..here.step).next_back().map(|(step, _)| *step),
        };
        if to.is_some() {
            self.set_end(to);
        }
    }

    fn turn(&mut self, by: usize, pins: &Pins) {
        let puzzles = pins.all().len();
        if puzzles > 0 {
            self.at = (self.place(pins) + by) % puzzles;
            self.top = 0;
        }
    }

    fn scroll(&mut self, by: isize, hits: &Hits) {
        self.top = self.top.min(hits.rest).saturating_add_signed(by).min(hits.rest);
    }
}

/// Unpinning asks first; pinning again does not.
fn unpin(shown: &Pinned) -> Effect {
    let puzzle = shown.puzzle.clone();
    if shown.unpinned {
        return Effect::Pin(puzzle);
    }
    Effect::Confirm(Question {
        words: "Unpin this puzzle? Its answers stay; steps until it is pinned again have none.",
        keys: "y unpins it, any other key does not",
        then: Box::new(Effect::Unpin(puzzle)),
    })
}

/// The typed puzzle: its numbers, then its target if the task needs one, separated by any non-digit.
///
/// # Errors
/// A sentence that says how to write one.
pub fn puzzle_of(task: &str, text: &str) -> Result<Puzzle, String> {
    let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let numbers: Result<Vec<i64>, _> = parts.map(str::parse).collect();
    let task = task::of_record(Some(task))?;
    let read = numbers.map_err(|_| "its numbers are too large".to_owned());
    read.and_then(|numbers| task.assemble(numbers, None))
        .map_err(|reason| format!("'{text}' is not a puzzle: {reason}"))
}
