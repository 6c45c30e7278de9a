//! The options of an evaluation.

use crate::task::answer::Graded;

/// How to evaluate.
#[derive(Debug, Clone)]
pub struct EvalOptions {
    /// Completions per puzzle.
    pub samples: usize,
    /// Sampling temperature.
    pub temperature: f64,
    /// Tokens after which a completion is cut off.
    pub max_new_tokens: usize,
    /// Thinking budgets, in tokens, at which the answer is forced.
    pub budgets: Vec<usize>,
    /// Whether to add the greedy completion of each puzzle.
    pub greedy: bool,
    /// Whether a completion ends right after its answer, and not only at the end token.
    pub stop_at_answer: bool,
    /// Which answer counts if a completion states several.
    pub graded: Graded,
    /// Seed of the draws.
    pub seed: u64,
}
