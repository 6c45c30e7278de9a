//! The lines of `pinned.jsonl`.

use serde::{Deserialize, Serialize};

use super::{Analysis, Puzzle, nan_when_null};

/// One line of `pinned.jsonl`: the answer to a pinned puzzle with the weights after a step. The draws are the
/// same at every step, so two answers differ only because of the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinnedAnswer {
    /// Steps finished; 0 is the base model.
    pub step: u64,
    /// The task's name.
    pub task: String,
    /// The puzzle (its fields are flattened into this record).
    #[serde(flatten)]
    pub puzzle: Puzzle,
    /// What the model wrote.
    pub completion: String,
    /// Its tokens, the end token included.
    pub tokens: usize,
    /// What it would have earned; nothing is trained on it.
    #[serde(deserialize_with = "nan_when_null")]
    pub reward: f64,
    /// Whether the answer is right.
    pub correct: bool,
    /// Whether it was cut off at `max_new_tokens`.
    pub truncated: bool,
    /// The behaviours found in it.
    pub analysis: Analysis,
}
