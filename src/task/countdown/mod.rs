//! Countdown: combine the given numbers, each exactly once, with `+ - * /` to reach the target.

pub mod attempt;
pub mod expression;
pub mod prospect;
pub mod puzzle;
pub mod reward;
pub mod solver;

use rand_chacha::ChaCha8Rng;

use self::puzzle::Level;
use super::{Puzzle, RewardRules, Score, Split, Task};

/// The task at one level.
#[derive(Debug, Clone)]
pub struct Countdown {
    /// Which puzzles it draws.
    pub level: Level,
}

impl Task for Countdown {
    fn name(&self) -> &'static str {
        "countdown"
    }

    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> Puzzle {
        puzzle::draw(&self.level, split, rng)
    }

    fn prompt(&self, puzzle: &Puzzle) -> String {
        let numbers: Vec<String> = puzzle.numbers.iter().map(i64::to_string).collect();
        format!("use {} make {} : <think>", numbers.join(" "), puzzle.target)
    }

    fn score(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Score {
        reward::score(puzzle, completion, rules)
    }
}
