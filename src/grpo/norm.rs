//! What the sum of token losses is divided by.

use super::settings::LossNorm;

/// What is counted in a batch that one update is made on, the completions included that nothing is learned from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchSize {
    /// Completion tokens.
    pub tokens: usize,
    /// Completions.
    pub completions: usize,
    /// Most tokens that a completion may have.
    pub max_new_tokens: usize,
}

impl LossNorm {
    /// The weight of each token of a completion of `length` tokens.
    pub fn weight(self, length: usize, batch: BatchSize) -> f64 {
        1.0 / match self {
            Self::Token => batch.tokens as f64,
            Self::Sequence => (length * batch.completions) as f64,
            Self::Constant => (batch.max_new_tokens * batch.completions) as f64,
        }
    }

    /// The weight of a token, in words.
    pub fn words(self, mini_batches: usize) -> &'static str {
        match self {
            Self::Token if mini_batches > 1 => "1 over the tokens of its mini-batch",
            Self::Token => "1 over the tokens of the step",
            Self::Sequence => "1 over its completion's length",
            Self::Constant => "1 over max_new_tokens",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_weigh_tokens_as_their_papers_say() {
        let batch = BatchSize { tokens: 400, completions: 8, max_new_tokens: 100 };
        assert_eq!(LossNorm::Token.weight(10, batch), 1.0 / 400.0);
        assert_eq!(LossNorm::Sequence.weight(10, batch), 1.0 / 80.0);
        assert_eq!(LossNorm::Constant.weight(10, batch), 1.0 / 800.0);
    }
}
