//! What is asked and what is right.
//!
//! A [`Task`] makes puzzles, words them as a prompt, and scores completions by the answer alone. It is
//! pure: no threads, no files, no tensors. The reward never looks at how an answer was reached.

pub mod countdown;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// One question: numbers to use and a value to reach.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Puzzle {
    /// The given numbers, in the order in which the prompt shows them.
    pub numbers: Vec<i64>,
    /// The value to reach.
    pub target: i64,
}

/// Which side of the hash split a puzzle is on; no held-out puzzle is ever trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Nine tenths of all puzzles.
    Train,
    /// One tenth, by a hash of the sorted numbers and the target.
    Heldout,
}

/// What an answer earns. Nothing else is ever rewarded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RewardRules {
    /// For a right answer (default 1.0).
    pub correct: f64,
    /// For a well-formed answer that is wrong (default 0.1).
    pub format: f64,
}

impl Default for RewardRules {
    fn default() -> Self {
        Self { correct: 1.0, format: 0.1 }
    }
}

/// The verdict on one completion, as `score` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What the completion earned under the [`RewardRules`].
    pub reward: f64,
    /// Whether the last answer is right.
    pub correct: bool,
    /// Whether the last answer is there and parses.
    pub format: bool,
    /// The text between the last `<answer>` and its `</answer>`, trimmed.
    pub answer: Option<String>,
    /// The exact value of the answer, `78` or `7/3`.
    pub value: Option<String>,
    /// Why, in words a person understands.
    pub reason: String,
}

/// A family of puzzles with an exact verifier.
pub trait Task: Send + Sync {
    /// The name used by `--task` and in run files.
    fn name(&self) -> &'static str;
    /// Draws a puzzle of the given side of the split.
    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> Puzzle;
    /// The text the model continues; it ends with `<think>`.
    fn prompt(&self, puzzle: &Puzzle) -> String;
    /// Scores what the model wrote after the prompt.
    fn score(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Score;
}
