//! The pinned puzzles and their answers.

use std::collections::BTreeMap;

use super::thinning::least_missed;
use crate::{record::PinnedAnswer, task::Puzzle};

/// Most answers kept per puzzle, evenly spread over the steps; the journal has them all.
const KEPT: usize = 1000;

/// A pinned puzzle and its answers.
#[derive(Debug)]
pub struct Pinned {
    /// What is asked.
    pub puzzle: Puzzle,
    /// By step; never empty.
    pub answers: BTreeMap<u64, PinnedAnswer>,
    /// Whether it was unpinned.
    pub unpinned: bool,
}

/// All of them, in the order in which they were first answered.
#[derive(Debug, Default)]
pub struct Pins {
    all: Vec<Pinned>,
    /// The puzzles pinned after this step, if known; answers up to it are older.
    known: Option<(u64, Vec<Puzzle>)>,
}

impl Pins {
    /// Sets which puzzles are pinned after a step; all others were unpinned before it.
    pub(super) fn are(&mut self, puzzles: Option<Vec<Puzzle>>, step: u64) {
        self.known = puzzles.map(|puzzles| (step, puzzles));
    }

    /// Pins a puzzle.
    pub fn pin(&mut self, puzzle: &Puzzle) {
        if let Some((_, puzzles)) = &mut self.known {
            puzzles.push(puzzle.clone());
        }
        self.set_unpinned(puzzle, false);
    }

    /// Unpins a puzzle.
    pub(crate) fn unpin(&mut self, puzzle: &Puzzle) {
        self.set_unpinned(puzzle, true);
    }

    fn set_unpinned(&mut self, puzzle: &Puzzle, unpinned: bool) {
        if let Some(pinned) = self.all.iter_mut().find(|pinned| pinned.puzzle == *puzzle) {
            pinned.unpinned = unpinned;
        }
    }

    /// Takes in an answer; one of the same puzzle and step is replaced, as when a run is resumed from an earlier
    /// checkpoint.
    pub(super) fn push(&mut self, answer: PinnedAnswer) {
        let unpinned = self
            .known
            .as_ref()
            .is_some_and(|(last, puzzles)| answer.step <= *last && !puzzles.contains(&answer.puzzle));
        match self.all.iter_mut().find(|pinned| pinned.puzzle == answer.puzzle) {
            Some(pinned) => {
                pinned.unpinned = unpinned;
                pinned.answers.insert(answer.step, answer);
                if pinned.answers.len() > KEPT {
                    let steps: Vec<u64> = pinned.answers.keys().copied().collect();
                    least_missed(&steps).map(|goes| pinned.answers.remove(&goes));
                }
            }
            None => self.all.push(Pinned {
                puzzle: answer.puzzle.clone(),
                answers: BTreeMap::from([(answer.step, answer)]),
                unpinned,
            }),
        }
    }

    /// Drops the answers of later weights, and puzzles that have no other.
    pub(super) fn cut_back(&mut self, step: u64) {
        for pinned in &mut self.all {
            pinned.answers.split_off(&step.saturating_add(1));
        }
        self.all.retain(|pinned| !pinned.answers.is_empty());
    }

    /// The puzzles that have answers.
    pub fn all(&self) -> &[Pinned] {
        &self.all
    }

    /// Whether `puzzle` has answers and is still pinned.
    pub fn is_pinned(&self, puzzle: &Puzzle) -> bool {
        self.all.iter().any(|pinned| pinned.puzzle == *puzzle && !pinned.unpinned)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{engine::scripted::Script, record::NumberPuzzle};

    #[test]
    fn a_long_run_keeps_its_first_and_newest_answers_and_no_more_than_it_may() {
        let script = Script::new(1);
        let puzzle = Puzzle::from(NumberPuzzle { numbers: vec![4, 1, 16], target: 19 });
        let answer = script.pinned(&puzzle, 0);
        let mut pins = Pins::default();
        for step in 0..5 * KEPT as u64 {
            pins.push(PinnedAnswer { step, ..answer.clone() });
            let answers = &pins.all[0].answers;
            assert!(answers.len() <= KEPT);
            assert_eq!(
                (*answers.first_key_value().unwrap().0, *answers.last_key_value().unwrap().0),
                (0, step)
            );
        }
        assert_eq!(pins.all[0].answers.len(), KEPT);
    }
}
