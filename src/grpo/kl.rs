//! The KL term: it keeps the policy near the reference.
//!
//! `k3 = exp(logp_ref - logp) - (logp_ref - logp) - 1` (<http://joschu.net/blog/kl-approx.html>): on the policy's own
//! tokens its mean estimates KL(policy || reference), it is never negative, and it varies less than `logp - logp_ref`.
//!
//! Deviation that all who use k3 in the loss share: what the loss is given is its gradient on those tokens,
//! `(1 - exp(logp_ref - logp)) grad logp`, whose mean is the gradient of **KL(reference || policy)**: the policy is
//! drawn to cover what the reference does, and not the other way round. With several inner epochs the tokens are those
//! of the policy before the step, and both are approximate.

use burn::tensor::Tensor;

/// The estimate as a formula.
pub(crate) const FORMULA: &str = "exp(ref - logp) - (ref - logp) - 1";

/// The estimate of each token; `gap` is `logp_ref - logp`.
pub(crate) fn k3(gap: Tensor<1>) -> Tensor<1> {
    gap.clone().exp() - gap - 1.0
}

/// The same of one token.
pub(crate) fn k3_of(gap: f64) -> f64 {
    gap.exp() - gap - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k3_is_zero_for_equal_models_and_never_negative() {
        assert_eq!(k3_of(0.0), 0.0);
        // e^{0.5} - 0.5 - 1
        assert!((k3_of(0.5) - 0.148_721).abs() < 1e-5);
        assert!(k3_of(-2.9) > 0.0 && k3_of(2.9) > 0.0);
    }
}
