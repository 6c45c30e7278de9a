//! What accuracy thinking buys, as it was measured of a checkpoint.

use serde::{Deserialize, Serialize};

use super::Graded;

/// How a measurement was made. Only curves that were measured in the same way can be compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HowMeasured {
    /// The task's name.
    pub task: String,
    /// Level of the held-out puzzles; `None` if they came from a file.
    pub level: Option<String>,
    /// How many puzzles.
    pub puzzles: usize,
    /// SHA-256 of the puzzles in their order, in hexadecimal.
    pub puzzles_sha256: String,
    /// Completions per puzzle.
    pub samples: usize,
    /// Sampling temperature.
    pub temperature: f64,
    /// Tokens after which a completion without a budget is cut off.
    pub max_new_tokens: usize,
    /// The thinking budgets, in tokens.
    pub budgets: Vec<usize>,
    /// Whether completions ended right after their answer; older versions never ended them there.
    #[serde(default)]
    pub stop_at_answer: bool,
    /// Which answer counted if a completion stated several.
    #[serde(default)]
    pub graded: Graded,
    /// Seed of the draws.
    pub seed: u64,
}

/// One checkpoint, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Version of this format.
    pub schema_version: u32,
    /// Steps that the weights had seen; 0 for the model that the run began from.
    pub step: u64,
    /// SHA-256 of the weights, in hexadecimal.
    pub model_hash: String,
    /// When it was measured: UTC, RFC 3339.
    pub time: String,
    /// The version of the program that measured it.
    pub program_version: String,
    /// What computed it, for example `cpu x2`.
    pub backend: String,
    /// How it was measured.
    pub how: HowMeasured,
    /// The results: first without a budget, then one per budget.
    pub points: Vec<Point>,
}

/// Everything measured with one thinking budget.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Tokens of thought after which the answer is forced; `None` forces nothing.
    pub budget: Option<usize>,
    /// Mean tokens of thought that a completion actually took.
    pub thinking_tokens: f64,
    /// Mean tokens of a completion, the answer included.
    pub tokens: f64,
    /// Share of completions whose answer was forced.
    pub forced_share: f64,
    /// Accuracy of random search with as many different attempts as each completion made; `None` in a task
    /// without blind search, and in measurements of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<Estimate>,
    /// The same for attempts whose last step looks ahead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looking_ahead: Option<Estimate>,
    /// Results of k such completions, by ascending k; the first is k = 1, the accuracy.
    pub at_k: Vec<AtK>,
}

/// Results of `k` completions per puzzle. They cost `k` times the tokens of one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct AtK {
    /// How many.
    pub k: usize,
    /// Best of k under the exact verifier: right if one of them is. This is pass@k (unbiased, Chen et al.
    /// 2021), and it needs a verifier; with k = 1 it is the accuracy.
    pub best_of: Estimate,
    /// Their majority vote, which needs no verifier; `None` with k = 1, where there is no vote.
    pub majority: Option<Estimate>,
}

/// A share and its 95 % interval.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The share.
    pub value: f64,
    /// Its interval, lower end first.
    pub ci95: [f64; 2],
}
