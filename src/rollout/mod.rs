//! What the policy writes: completions, and groups of them that answer one prompt.

pub mod budget;
pub mod sampler;
pub mod slots;

use crate::task::Puzzle;

/// One sampled completion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Completion {
    /// Its tokens, the end token included where it has one.
    pub tokens: Vec<u32>,
    /// Log-probability of each token under the sampling distribution (temperature included), nats.
    pub logprobs: Vec<f32>,
    /// Entropy of the distribution each token was drawn from, nats.
    pub entropies: Vec<f32>,
    /// Whether it was cut off before its end: its end token or, where that ends it too, its answer.
    pub truncated: bool,
}

/// Completions of one prompt, whose rewards are compared with each other.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutGroup {
    /// What was asked.
    pub puzzle: Puzzle,
    /// How it was worded.
    pub prompt: String,
    /// The prompt's tokens.
    pub prompt_tokens: Vec<u32>,
    /// The answers.
    pub completions: Vec<Completion>,
}

impl RolloutGroup {
    /// Tokens generated in the group.
    pub fn generated_tokens(&self) -> usize {
        self.completions.iter().map(|c| c.tokens.len()).sum()
    }
}
