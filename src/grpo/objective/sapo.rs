//! Soft Adaptive Policy Optimization (<https://arxiv.org/abs/2511.20347>, eq. 5 to 7): no bound cuts a token off; a soft gate
//! takes its place, which pushes a token less the further its ratio is from 1,
//!
//! `loss = -f(r) A` with `f(r) = (4 / tau) sigmoid(tau (r - 1))`,
//!
//! where tau is `sapo_tau_positive` for `A > 0` and `sapo_tau_negative` for all others. At `r = 1` its gradient is that of
//! `-r A`. The larger tau of negative advantages lets their tokens go sooner: they raise all the other tokens of the
//! vocabulary, which makes training unstable.
//!
//! Deviations: the paper takes the mean over each completion and then over completions, which is `loss_norm=sequence`.

use burn::tensor::activation::sigmoid;

use super::{Objective, Surrogate, Token, Tokens};
use crate::{
    grpo::settings::{LossNorm, Update},
    record::explain::{Bound, Bounds},
};

/// The ratio through a soft gate.
pub(super) struct Sapo;

pub(super) const PART: Sapo = Sapo;

impl Objective for Sapo {
    fn about(&self) -> &'static str {
        "SAPO: a soft gate in place of the clip bounds."
    }

    fn surrogate(&self, tokens: &Tokens, rules: &Update) -> Surrogate {
        let advantages = &tokens.advantages;
        let positive = advantages.clone().greater_elem(0.0);
        let tau = advantages.full_like(rules.sapo_tau_negative).mask_fill(positive, rules.sapo_tau_positive);
        let ratio = tokens.log_ratios().exp();
        let gated = sigmoid((ratio - 1.0) * tau.clone()) * 4.0 / tau;
        let never = advantages.clone().is_nan();
        Surrogate { loss: (gated * advantages.clone()).neg(), clipped: never }
    }

    fn loss_of(&self, token: Token, rules: &Update) -> f64 {
        let tau = if token.advantage > 0.0 { rules.sapo_tau_positive } else { rules.sapo_tau_negative };
        -4.0 / tau / (1.0 + (-tau * (token.ratio - 1.0)).exp()) * token.advantage
    }

    fn formula(&self, rules: &Update) -> String {
        let (positive, negative) = (rules.sapo_tau_positive, rules.sapo_tau_negative);
        format!("-(4/t) sigmoid(t (r - 1)) A, t {positive} for A > 0, else {negative}")
    }

    fn bounds(&self, _rules: &Update) -> Bounds {
        Bounds::default()
    }

    fn acts(&self, _ratio: f64, _advantage: f64, _bounds: Bounds) -> Option<Bound> {
        None
    }

    fn reads(&self, updates: usize, norm: LossNorm) -> String {
        match updates {
            1 => "With one update a step every ratio is 1 and the gate wide open: the loss is minus twice the mean advantage over tau, no measure of progress.".into(),
            updates => format!(
                "In the first of {updates} updates a step every ratio is 1; then ratios drift and the gate closes softly, under the norm {norm}."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_ratio_one_it_pushes_as_hard_as_the_plain_ratio_and_then_less_and_less() {
        let rules = Update::default();
        for advantage in [0.5, -0.5] {
            let loss = |ratio| PART.loss_of(Token { logprob: -1.0, ratio, advantage }, &rules);
            let push = |ratio: f64| (loss(ratio + 1e-6) - loss(ratio - 1e-6)) / 2e-6 / -advantage;
            assert!((push(1.0) - 1.0).abs() < 1e-6);
            assert!(push(1.5) < 1.0 && push(3.0) < push(1.5) && push(3.0) > 0.0);
        }
    }
}
