//! What the policy writes: completions, and groups of completions for one prompt.

pub mod budget;
pub mod sampler;
pub mod slots;

pub(crate) use slots::slots_of;

use crate::task::Puzzle;

/// One sampled completion.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Completion {
    /// Its tokens, including the end token if there is one.
    pub tokens: Vec<u32>,
    /// Log-probability of each token under the sampling distribution (including temperature), in nats.
    pub logprobs: Vec<f32>,
    /// Entropy of the distribution that each token was drawn from, in nats.
    pub entropies: Vec<f32>,
    /// Whether it was cut off before its end: its end token or, where answers end completions, its answer.
    pub truncated: bool,
}

/// Completions of one prompt, whose rewards are compared with each other.
#[derive(Debug, Clone, PartialEq)]
pub struct RolloutGroup {
    /// The puzzle asked.
    pub puzzle: Puzzle,
    /// The prompt as text.
    pub prompt: String,
    /// The prompt's tokens.
    pub prompt_tokens: Vec<u32>,
    /// The completions of the prompt.
    pub completions: Vec<Completion>,
}

impl RolloutGroup {
    /// Tokens generated in the group.
    pub(crate) fn generated_tokens(&self) -> usize {
        self.completions.iter().map(|c| c.tokens.len()).sum()
    }

    /// Tokens of each completion.
    pub fn lengths(&self) -> Vec<usize> {
        self.completions.iter().map(|completion| completion.tokens.len()).collect()
    }

    /// Tokens of the group, its prompt once for each completion.
    pub fn tokens(&self) -> usize {
        self.generated_tokens() + self.prompt_tokens.len() * self.completions.len()
    }
}
