//! How an evaluation is made.

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
    /// Seed of the draws.
    pub seed: u64,
}
