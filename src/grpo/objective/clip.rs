//! The clipped surrogate of PPO (<https://arxiv.org/abs/1707.06347>, eq. 7), which GRPO takes over: with the ratio
//! `r = exp(logp - logp_old)` of each token and the advantage `A` of its completion,
//!
//! `loss = -min(r A, clip(r, 1 - clip_eps_low, 1 + clip_eps_high) A)`.
//!
//! Two bounds instead of one are DAPO's (<https://arxiv.org/abs/2503.14476>, "clip higher").

use burn::tensor::Tensor;

use super::{Objective, Surrogate, Token, Tokens};
use crate::{
    grpo::settings::Update,
    record::explain::{Bound, Bounds},
};

/// The smaller of the plain and the clipped term, token by token.
pub(super) struct Clip;

pub(super) const PART: Clip = Clip;

impl Objective for Clip {
    fn about(&self) -> &'static str {
        "PPO's clipped surrogate, one ratio per token."
    }

    fn surrogate(&self, tokens: &Tokens, rules: &Update) -> Surrogate {
        smaller_term(tokens.log_ratios().exp(), &tokens.advantages, rules)
    }

    fn loss_of(&self, token: Token, rules: &Update) -> f64 {
        smaller_of(token, rules)
    }

    fn formula(&self, rules: &Update) -> String {
        let (low, high) = range(rules);
        format!("-min(r A, clip(r, {low}, {high}) A)")
    }

    fn bounds(&self, rules: &Update) -> Bounds {
        let (low, high) = range(rules);
        Bounds { low: Some(low), high: Some(high), dual: None }
    }

    fn acts(&self, ratio: f64, advantage: f64, bounds: Bounds) -> Option<Bound> {
        held(ratio, advantage, bounds)
    }
}

/// `-min(r A, clip(r) A)` for any ratio.
pub(super) fn smaller_term(ratio: Tensor<1>, advantages: &Tensor<1>, rules: &Update) -> Surrogate {
    let (low, high) = range(rules);
    let plain = ratio.clone() * advantages.clone();
    let clipped = ratio.clamp(low, high) * advantages.clone();
    let acts = clipped.clone().detach().lower(plain.clone().detach());
    Surrogate { loss: plain.min_pair(clipped).neg(), clipped: acts }
}

/// The same of one token.
pub(super) fn smaller_of(Token { ratio, advantage, .. }: Token, rules: &Update) -> f64 {
    let (low, high) = range(rules);
    -(ratio * advantage).min(ratio.clamp(low, high) * advantage)
}

/// The bounds of the ratio.
pub(super) fn range(rules: &Update) -> (f64, f64) {
    (1.0 - rules.clip_eps_low, 1.0 + rules.clip_eps_high)
}

/// The bound that acts where the smaller term is taken: only the side that the advantage pushes to.
pub(super) fn held(ratio: f64, advantage: f64, bounds: Bounds) -> Option<Bound> {
    bounds.beyond(ratio).filter(|bound| match bound {
        Bound::Low => advantage < 0.0,
        Bound::High => advantage > 0.0,
        Bound::Dual => false,
    })
}
