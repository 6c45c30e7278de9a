//! Every state that a puzzle's numbers can reach, and from which states the target can still be reached.

use std::collections::{HashMap, HashSet};

use super::state::State;
use crate::{
    reasoning::exact::{Exact, Operator},
    record::NumberPuzzle,
    task::countdown::solver,
};

/// Counting stops at this number of states: four numbers have fewer than 5,000, five may have 200,000.
pub const MOST_STATES: usize = 20_000;
/// Up to this many numbers, every possibility is tried (about ten milliseconds for five).
const MOST_TRIED: usize = 5;
/// States are not counted for more numbers than this.
const MOST_NUMBERS: usize = 6;

/// The states after a given number of operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Distinct states found.
    pub states: usize,
    /// Whether these are all; otherwise there are more.
    pub complete: bool,
}

/// All states of one puzzle.
#[derive(Debug, Clone)]
pub struct Space {
    root: State,
    target: Option<Exact>,
    levels: Vec<HashSet<State>>,
    complete: Vec<bool>,
    alive: HashMap<State, bool>,
    root_alive: Option<bool>,
}

impl Space {
    /// Counts the states of `puzzle`, in a few milliseconds for four numbers and about fifty for more.
    pub fn new(puzzle: &NumberPuzzle) -> Self {
        let given: Option<Vec<Exact>> = puzzle.numbers.iter().map(|number| Exact::integer(*number)).collect();
        let root = State::new(given.unwrap_or_default());
        let mut space = Self {
            root: root.clone(),
            target: Exact::integer(puzzle.target),
            levels: Vec::new(),
            complete: Vec::new(),
            alive: HashMap::new(),
            root_alive: None,
        };
        space.count();
        // With non-negative numbers, whatever the solver reaches can be reached step by step without flipping
        // a sign.
        let whole = puzzle.target >= 0 && root.numbers().len() > MOST_TRIED;
        space.root_alive =
            if whole { solver::is_solvable(&puzzle.numbers, puzzle.target).ok() } else { space.alive(&root) };
        space
    }

    fn count(&mut self) {
        if self.root.numbers().len() > MOST_NUMBERS {
            let depths = self.root.numbers().len() - 1;
            self.levels.resize(depths, HashSet::new());
            self.complete.resize(depths, false);
            return;
        }
        let mut before: HashSet<State> = HashSet::from([self.root.clone()]);
        let mut room = MOST_STATES;
        for _ in 1..self.root.numbers().len() {
            let mut level = HashSet::new();
            let mut complete = self.complete.last().copied().unwrap_or(true);
            for state in &before {
                if level.len() > room {
                    complete = false;
                    break;
                }
                state.for_each_next(|next| {
                    level.insert(next);
                });
            }
            room = room.saturating_sub(level.len());
            self.complete.push(complete);
            self.levels.push(level.clone());
            before = level;
        }
    }

    /// The given numbers.
    pub fn root(&self) -> &State {
        &self.root
    }

    /// The value to reach; `None` if it is too large to hold exactly.
    pub fn target(&self) -> Option<Exact> {
        self.target
    }

    /// The states after 1, 2, … operations.
    pub(crate) fn levels(&self) -> Vec<Level> {
        let complete = self.complete.iter().copied();
        self.levels
            .iter()
            .zip(complete)
            .map(|(level, complete)| Level { states: level.len(), complete })
            .collect()
    }

    /// Whether `state` is known to be reachable from the given numbers.
    pub fn contains(&self, state: &State) -> bool {
        *state == self.root || self.levels.iter().any(|level| level.contains(state))
    }

    /// Whether the target is all that is left.
    pub(crate) fn solved(&self, state: &State) -> bool {
        matches!((state.numbers(), self.target), ([only], Some(target)) if *only == target)
    }

    /// Whether the target can still be made from all numbers of `state`, one operation after another; `None`
    /// if finding out would take too long.
    pub fn alive(&mut self, state: &State) -> Option<bool> {
        if *state == self.root && self.root_alive.is_some() {
            return self.root_alive;
        }
        if state.numbers().is_empty() || state.numbers().len() > MOST_TRIED {
            return None;
        }
        let target = self.target?;
        if let Some(known) = self.alive.get(state) {
            return Some(*known);
        }
        let mut numbers = [target; MOST_TRIED];
        let count = state.numbers().len();
        numbers[..count].copy_from_slice(state.numbers());
        let alive = reaches(&numbers, count, target);
        self.alive.insert(state.clone(), alive);
        Some(alive)
    }
}

/// Whether the first `count` numbers, all used, can reach `target`. The inner loop: it allocates nothing.
fn reaches(numbers: &[Exact; MOST_TRIED], count: usize, target: Exact) -> bool {
    if count == 1 {
        return numbers[0] == target;
    }
    for i in 0..count {
        for j in 0..i {
            let (a, b) = (numbers[i], numbers[j]);
            // The result replaces one operand; the last number replaces the other.
            let mut rest = *numbers;
            rest[i] = rest[count - 1];
            let results = [
                a.apply(Operator::Add, b),
                a.apply(Operator::Multiply, b),
                a.apply(Operator::Subtract, b),
                b.apply(Operator::Subtract, a),
                a.apply(Operator::Divide, b),
                b.apply(Operator::Divide, a),
            ];
            for result in results.into_iter().flatten() {
                rest[j] = result;
                if reaches(&rest, count - 1, target) {
                    return true;
                }
            }
        }
    }
    false
}
