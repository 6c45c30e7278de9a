//! The verdict of a task on an answer.

use serde::{Deserialize, Serialize};

/// The verdict on one completion, as the `score` command prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The reward under the rules of the reward.
    pub reward: f64,
    /// Whether the graded answer is right.
    pub correct: bool,
    /// Whether there is a graded answer and it parses.
    pub format: bool,
    /// The text of the graded answer, trimmed.
    pub answer: Option<String>,
    /// The exact value of the answer, such as `78` or `7/3`.
    pub value: Option<String>,
    /// The reason, as a sentence.
    pub reason: String,
}
