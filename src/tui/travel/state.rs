//! The answers to the pinned puzzles, and where in time the person is.

use std::collections::BTreeMap;

use super::action::Action;
use crate::{
    config::Config,
    runs::pinned::PinnedAnswer,
    task::{self, FAMILIES, Puzzle},
    tui::thinning::least_missed,
};

/// Answers kept of a puzzle, evenly spread over the steps: the journal has them all.
const KEPT: usize = 1000;

/// Longest puzzle that can be typed, in characters.
const LONGEST: usize = 60;

/// One of the two steps that stand side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The left one.
    A,
    /// The right one.
    B,
}

/// What the engine must be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Pin this puzzle.
    Pin(Puzzle),
    /// Unpin it.
    Unpin(Puzzle),
    /// Nothing: what was typed is no puzzle, for this reason.
    Refused(String),
}

/// A pinned puzzle and what it was answered with.
#[derive(Debug)]
pub(super) struct Pinned {
    pub puzzle: Puzzle,
    /// By step; never empty.
    pub answers: BTreeMap<u64, PinnedAnswer>,
    /// Whether a person unpinned it here.
    pub unpinned: bool,
}

/// The Travel screen.
#[derive(Debug)]
pub struct Travel {
    pub(super) pinned: Vec<Pinned>,
    /// Which puzzle is shown.
    pub(super) at: usize,
    /// The steps of A and B; `None` follows the newest.
    ends: [Option<u64>; 2],
    pub(super) moving: End,
    /// First line of both texts on screen.
    pub(super) top: usize,
    /// Lines of the longer text beyond those on screen, and lines on screen, from the last picture.
    pub(super) rest: usize,
    pub(super) page: usize,
    /// Whether differences are shown, rather than what the analysis found.
    pub(super) differences: bool,
    pub(super) typed: Option<String>,
    /// The puzzles that are pinned after this step, where that is known; answers up to it are of before.
    pins: Option<(u64, Vec<Puzzle>)>,
    /// The run's task.
    pub(super) task: &'static str,
}

impl Default for Travel {
    fn default() -> Self {
        Self {
            pinned: Vec::new(),
            at: 0,
            ends: [Some(0), None],
            moving: End::B,
            top: 0,
            rest: 0,
            page: 1,
            differences: true,
            typed: None,
            pins: None,
            task: FAMILIES[0].name,
        }
    }
}

impl Travel {
    /// Takes over which task the run has.
    pub fn configure(&mut self, config: &Config) {
        self.task = config.puzzles.task.name;
    }

    /// Takes over which puzzles are pinned after a step: others were unpinned before it.
    pub fn pinned_are(&mut self, puzzles: Option<Vec<Puzzle>>, step: u64) {
        self.pins = puzzles.map(|puzzles| (step, puzzles));
    }

    /// A person pins a puzzle.
    pub fn is_asked(&mut self, puzzle: &Puzzle) {
        if let Some((_, puzzles)) = &mut self.pins {
            puzzles.push(puzzle.clone());
        }
    }

    /// Takes in an answer; one of the same puzzle and step is replaced, as when a run is resumed from an earlier
    /// checkpoint.
    pub fn push(&mut self, answer: PinnedAnswer) {
        let unpinned = self
            .pins
            .as_ref()
            .is_some_and(|(last, puzzles)| answer.step <= *last && !puzzles.contains(&answer.puzzle));
        match self.pinned.iter_mut().find(|pinned| pinned.puzzle == answer.puzzle) {
            Some(pinned) => {
                pinned.unpinned = unpinned;
                pinned.answers.insert(answer.step, answer);
                if pinned.answers.len() > KEPT {
                    let steps: Vec<u64> = pinned.answers.keys().copied().collect();
                    least_missed(&steps).map(|goes| pinned.answers.remove(&goes));
                }
            }
            None => self.pinned.push(Pinned {
                puzzle: answer.puzzle.clone(),
                answers: BTreeMap::from([(answer.step, answer)]),
                unpinned,
            }),
        }
    }

    /// Forgets the answers of the weights after this step, and puzzles that have no other.
    pub fn cut_back(&mut self, step: u64) {
        for pinned in &mut self.pinned {
            pinned.answers.split_off(&step.saturating_add(1));
        }
        self.pinned.retain(|pinned| !pinned.answers.is_empty());
        self.at = self.at.min(self.pinned.len().saturating_sub(1));
    }

    /// How many puzzles have answers.
    pub fn puzzles(&self) -> usize {
        self.pinned.len()
    }

    /// Whether a puzzle is being typed.
    pub fn captures_text(&self) -> bool {
        self.typed.is_some()
    }

    /// Whether `puzzle` has answers and was not unpinned here.
    pub fn is_pinned(&self, puzzle: &Puzzle) -> bool {
        self.pinned.iter().any(|pinned| pinned.puzzle == *puzzle && !pinned.unpinned)
    }

    /// Whether an action that needs answers would change anything.
    pub fn does_something(&self, action: Action) -> bool {
        let answers = self.shown().map_or(0, |shown| shown.answers.len());
        match action {
            Action::NextPuzzle | Action::PreviousPuzzle => self.pinned.len() > 1,
            Action::Earlier | Action::Later | Action::Move(_) => answers > 1,
            _ => answers > 0,
        }
    }

    /// Whether the shown puzzle is asked on.
    pub fn shown_is_pinned(&self) -> bool {
        self.shown().is_some_and(|shown| !shown.unpinned)
    }

    pub(super) fn shown(&self) -> Option<&Pinned> {
        self.pinned.get(self.at)
    }

    /// The answer at an end: of its step, or of the last one before, or of the first.
    pub fn answer(&self, end: End) -> Option<&PinnedAnswer> {
        let answers = &self.shown()?.answers;
        let wanted = self.ends[end as usize].unwrap_or(u64::MAX);
        answers.range(..=wanted).next_back().or_else(|| answers.first_key_value()).map(|(_, answer)| answer)
    }

    /// Does what a key asked for; what the engine must be told is returned.
    #[must_use = "pins are kept by the engine"]
    pub fn update(&mut self, action: Action) -> Option<Request> {
        match action {
            Action::Later => self.step(true),
            Action::Earlier => self.step(false),
            Action::First => self.set_end(Some(0)),
            Action::Newest => self.set_end(None),
            Action::Move(end) => self.moving = end,
            Action::NextPuzzle => self.turn(1),
            Action::PreviousPuzzle => self.turn(self.pinned.len().saturating_sub(1)),
            Action::Up => self.scroll(-1),
            Action::Down => self.scroll(1),
            Action::PageUp => self.scroll(-(self.page as isize)),
            Action::PageDown => self.scroll(self.page as isize),
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
            Action::Accept => {
                let puzzle = puzzle_of(self.task, self.typed.as_deref().unwrap_or_default());
                return Some(match puzzle {
                    Ok(puzzle) => {
                        self.typed = None;
                        Request::Pin(puzzle)
                    }
                    Err(reason) => Request::Refused(reason),
                });
            }
            Action::Unpin => {
                let shown = self.pinned.get_mut(self.at)?;
                let again = shown.unpinned;
                shown.unpinned = !again;
                let puzzle = shown.puzzle.clone();
                return Some(if again { Request::Pin(puzzle) } else { Request::Unpin(puzzle) });
            }
        }
        None
    }

    fn set_end(&mut self, step: Option<u64>) {
        self.ends[self.moving as usize] = step;
        self.top = 0;
    }

    fn step(&mut self, later: bool) {
        let (Some(shown), Some(here)) = (self.shown(), self.answer(self.moving)) else { return };
        let to = match later {
            true => shown.answers.range(here.step + 1..).next().map(|(step, _)| *step),
            false => shown.answers.range(..here.step).next_back().map(|(step, _)| *step),
        };
        if to.is_some() {
            self.set_end(to);
        }
    }

    fn turn(&mut self, by: usize) {
        if !self.pinned.is_empty() {
            self.at = (self.at + by) % self.pinned.len();
            self.top = 0;
        }
    }

    fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by).min(self.rest);
    }
}

/// The puzzle that a person typed: its numbers, then its target where the task needs one, parted by anything that is
/// no digit.
///
/// # Errors
/// A sentence that says how to write one.
pub fn puzzle_of(task: &str, text: &str) -> Result<Puzzle, String> {
    let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let numbers: Result<Vec<i64>, _> = parts.map(str::parse).collect();
    let task = task::of_record(Some(task))?;
    let read = numbers.map_err(|_| "its numbers are too large".to_owned());
    read.and_then(|numbers| task.assemble(numbers, None))
        .map_err(|reason| format!("'{text}' is no puzzle: {reason}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::engine::scripted::Script;

    #[test]
    fn a_long_run_keeps_its_first_and_newest_answers_and_no_more_than_it_may() {
        let script = Script::new(1);
        let puzzle = Puzzle { numbers: vec![4, 1, 16], target: 19 };
        let answer = script.pinned(&puzzle, 0);
        let mut travel = Travel::default();
        for step in 0..5 * KEPT as u64 {
            travel.push(PinnedAnswer { step, ..answer.clone() });
            assert!(travel.pinned[0].answers.len() <= KEPT);
            assert_eq!(travel.answer(End::B).unwrap().step, step);
        }
        assert_eq!(travel.answer(End::A).unwrap().step, 0);
        assert_eq!(travel.pinned[0].answers.len(), KEPT);
    }
}
