//! The entropy bonus: `-entropy_coef * H` is added to the loss of each token, where
//! `H = -sum over the vocabulary of p log p` is the entropy of the distribution that the policy has there, at the
//! sampling temperature (A3C, <https://arxiv.org/abs/1602.01783>; PPO, <https://arxiv.org/abs/1707.06347>, eq. 9). It keeps
//! the policy from becoming sure too early; too much of it makes the policy write noise.
//!
//! It needs the logits of a whole micro-batch in memory, which nothing else here does.

use burn::tensor::{Tensor, activation::log_softmax};

/// The entropy of each row of logits `[N, V]`: `[N]`.
pub fn entropies(logits: Tensor<2>) -> Tensor<1> {
    let rows = logits.dims()[0];
    let logprobs = log_softmax(logits, 1);
    (logprobs.clone().exp() * logprobs).sum_dim(1).neg().reshape([rows])
}
