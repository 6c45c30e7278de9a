//! Seeded puzzles, their levels and the held-out split.

use std::{collections::BTreeSet, ops::RangeInclusive};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{attempt, solver};
use crate::task::{NumberPuzzle, Split};

/// How hard the puzzles of a run are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// How many numbers are given.
    pub counts: RangeInclusive<usize>,
    /// The given numbers are drawn from 1 to this.
    pub max_number: i64,
    /// Targets are at least this.
    pub min_target: i64,
    /// Targets are at most this.
    pub max_target: i64,
    /// Whether targets must be reachable through whole intermediate values in 1..=99 (which the shipped model
    /// can write) rather than through exact rationals.
    pub small_steps: bool,
}

impl Level {
    /// The named levels.
    pub(crate) const NAMES: [&'static str; 3] = ["3x20", "4x20", "tinyzero"];

    /// The default level.
    pub const FIRST: Self = Self::custom(3..=3, 20, 99, true);

    /// Looks up a level by name.
    ///
    /// # Errors
    /// A sentence that lists the known levels.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "3x20" => Ok(Self::FIRST),
            "4x20" => Ok(Self::custom(4..=4, 20, 99, true)),
            "tinyzero" => Ok(Self::custom(3..=4, 99, 99, false)),
            other => Err(format!("There is no level `{other}`; the levels are {}.", Self::NAMES.join(", "))),
        }
    }

    /// A custom level.
    pub(crate) const fn custom(
        counts: RangeInclusive<usize>,
        max_number: i64,
        max_target: i64,
        small_steps: bool,
    ) -> Self {
        Self {
            counts,
            max_number,
            min_target: if max_target < 10 { max_target } else { 10 },
            max_target,
            small_steps,
        }
    }
}

/// The side of the split that a puzzle is on. Whole number sets are held out; see [`Split::of_numbers`].
pub fn split_of(puzzle: &NumberPuzzle) -> Split {
    Split::of_numbers(&puzzle.numbers)
}

/// Draws a solvable puzzle: first the numbers, uniformly over the sets on the split's side, then the target,
/// uniformly over the reachable values in range that are not among the numbers.
pub fn draw(level: &Level, split: Split, rng: &mut ChaCha8Rng) -> NumberPuzzle {
    loop {
        let count = rng.random_range(level.counts.clone());
        let numbers: Vec<i64> = (0..count).map(|_| rng.random_range(1..=level.max_number)).collect();
        if Split::of_numbers(&numbers) != split {
            continue;
        }
        let targets: Vec<i64> = reachable(level, &numbers)
            .into_iter()
            .filter(|t| (level.min_target..=level.max_target).contains(t) && !numbers.contains(t))
            .collect();
        if targets.is_empty() {
            continue;
        }
        let target = targets[rng.random_range(0..targets.len())];
        return NumberPuzzle { numbers, target };
    }
}

/// The whole values that the numbers can reach under the level's rules.
fn reachable(level: &Level, numbers: &[i64]) -> BTreeSet<i64> {
    if level.small_steps {
        attempt::enumerate(numbers).iter().map(attempt::Attempt::value).collect()
    } else {
        solver::reachable_integers(numbers, level.min_target..=level.max_target)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_seed_gives_the_same_puzzles_and_the_split_holds() {
        let level = Level::parse("3x20").unwrap();
        let list = |split| {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            (0..200).map(|_| draw(&level, split, &mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(list(Split::Train), list(Split::Train));
        for (split, puzzles) in [(Split::Train, list(Split::Train)), (Split::Heldout, list(Split::Heldout))] {
            for puzzle in puzzles {
                assert_eq!(split_of(&puzzle), split);
                let mut reversed = puzzle.clone();
                reversed.numbers.reverse();
                assert_eq!(split_of(&reversed), split);
                assert!(!puzzle.numbers.contains(&puzzle.target));
            }
        }
    }
}
