//! How an evaluation is made.

use crate::task::answer::Graded;

/// How to evaluate.
#[derive(Debug, Clone)]
pub struct EvalOptions {
    /// Completions for each puzzle.
    pub samples: usize,
    /// Sampling temperature.
    pub temperature: f64,
    /// Tokens after which a completion is cut off.
    pub max_new_tokens: usize,
    /// Thinking budgets, in tokens, at which the answer is forced.
    pub budgets: Vec<usize>,
    /// Whether the likeliest completion of each puzzle is taken too.
    pub greedy: bool,
    /// Whether a completion ends right behind its answer, and not only at the end token.
    pub stop_at_answer: bool,
    /// Which answer counts, where a completion states several.
    pub graded: Graded,
    /// Seed of the draws.
    pub seed: u64,
}
