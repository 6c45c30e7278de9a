//! Why the tokens of a completion are pushed as they are, in plain numbers: what the loss makes of each of them.

use serde::{Deserialize, Serialize};

use super::nan_when_null;

/// What the phases of a step do to one of its groups.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StepExplanation {
    /// What is paid, in a few words.
    pub reward: String,
    /// What the score phase does, as the end of a sentence.
    pub score: String,
    /// How rewards become advantages, as a part of a sentence: `reward minus the group's mean 0.250`.
    pub advantage: String,
    /// What the reward of each completion is compared with.
    pub baselines: Vec<f64>,
    /// The weight of a token in the loss, in words.
    pub weight: String,
    /// What the loss reads, in sentences.
    pub loss: String,
}

/// What the loss makes of one completion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The loss of a token in a formula, with the bounds of this run: `-min(r A, clip(r, 0.8, 1.28) A)`.
    pub formula: String,
    /// The bounds that the ratio is kept within.
    pub bounds: Bounds,
    /// The estimate of KL to the reference in a formula; `None` without a KL term.
    pub kl_formula: Option<String>,
    /// The weight of a token in the loss, in words.
    pub norm: String,
    /// The weight of each of its tokens, in numbers; `None` before the whole batch is known.
    pub weight: Option<f64>,
    /// Each token.
    pub tokens: Vec<TokenTerm>,
}

/// What the loss makes of one token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenTerm {
    /// The importance ratio that the loss has for it: its own, or its completion's.
    pub ratio: f64,
    /// The bound that acts on it, so that its ratio is pushed no further.
    pub acts: Option<Bound>,
    /// What its loss is multiplied by to correct for the sampler; `None` without a correction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<f64>,
    /// Its loss before it is weighed, the KL term included and the entropy bonus not; NaN before its advantage is known.
    #[serde(default, deserialize_with = "nan_when_null")]
    pub loss: f64,
    /// The estimate of KL to the reference, nats; `None` without a KL term.
    pub kl: Option<f64>,
}

/// The bounds of a ratio.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The lower one.
    pub low: Option<f64>,
    /// The upper one.
    pub high: Option<f64>,
    /// A second upper one, of tokens with a negative advantage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dual: Option<f64>,
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// The lower one.
    Low,
    /// The upper one.
    High,
    /// The upper one of negative advantages.
    Dual,
}

impl Bounds {
    /// Where a bound lies.
    pub fn at(self, bound: Bound) -> Option<f64> {
        match bound {
            Bound::Low => self.low,
            Bound::High => self.high,
            Bound::Dual => self.dual,
        }
    }

    /// The bound that a ratio lies beyond.
    pub fn beyond(self, ratio: f64) -> Option<Bound> {
        match self {
            Self { low: Some(low), .. } if ratio < low => Some(Bound::Low),
            Self { high: Some(high), .. } if ratio > high => Some(Bound::High),
            _ => None,
        }
    }
}
