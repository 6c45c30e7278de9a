//! The phases of a step.

use serde::{Deserialize, Serialize};

/// The five phases of a GRPO step, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The policy writes a group of completions for every prompt.
    Sample,
    /// The task scores every completion; the analysis reads it.
    Score,
    /// Rewards become advantages within each group.
    Advantage,
    /// The policy gradient is taken and the optimizer steps.
    Update,
    /// Held-out evaluation when it is due; the journal is written.
    Evaluate,
}

impl Phase {
    /// All five, in order.
    pub const ALL: [Phase; 5] =
        [Phase::Sample, Phase::Score, Phase::Advantage, Phase::Update, Phase::Evaluate];

    /// The word shown in the phase line.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Sample => "sample",
            Phase::Score => "score",
            Phase::Advantage => "advantage",
            Phase::Update => "update",
            Phase::Evaluate => "evaluate",
        }
    }
}
