//! Dual-clip PPO (<https://arxiv.org/abs/1912.09729>, eq. 5): the clipped surrogate, and where the advantage is below 0, a
//! third bound. There the clipped surrogate grows with the ratio without end: one token that has become much likelier since
//! it was sampled could outweigh all others. With `dual_clip` as `c`,
//!
//! `loss = -max(min(r A, clip(r, 1 - clip_eps_low, 1 + clip_eps_high) A), c A)` where `A < 0`, else as `clip`.
//!
//! A token beyond `c` is not pushed at all. verl has this in every clipped loss, with c = 3.

use super::{
    Objective, Surrogate, Token, Tokens,
    clip::{held, range, smaller_of, smaller_term},
};
use crate::{
    grpo::settings::Update,
    record::explain::{Bound, Bounds},
};

/// The clipped surrogate with a bound on what a bad token costs.
pub(super) struct DualClip;

pub(super) const PART: DualClip = DualClip;

impl Objective for DualClip {
    fn about(&self) -> &'static str {
        "Dual clip: the clipped surrogate, and a bound on ratios at negative advantages."
    }

    fn surrogate(&self, tokens: &Tokens, rules: &Update) -> Surrogate {
        let ratio = tokens.log_ratios().exp();
        let beyond = ratio.clone().detach().greater_elem(rules.dual_clip);
        let beyond = beyond.bool_and(tokens.advantages.clone().lower_elem(0.0));
        let Surrogate { loss, clipped } = smaller_term(ratio, &tokens.advantages, rules);
        let most = tokens.advantages.clone().mul_scalar(-rules.dual_clip);
        Surrogate { loss: loss.mask_where(beyond.clone(), most), clipped: clipped.bool_or(beyond) }
    }

    fn loss_of(&self, token: Token, rules: &Update) -> f64 {
        match token.advantage < 0.0 && token.ratio > rules.dual_clip {
            true => -rules.dual_clip * token.advantage,
            false => smaller_of(token, rules),
        }
    }

    fn formula(&self, rules: &Update) -> String {
        let (low, high) = range(rules);
        format!("-min(r A, clip(r, {low}, {high}) A), at most {} |A| for A < 0", rules.dual_clip)
    }

    fn bounds(&self, rules: &Update) -> Bounds {
        let (low, high) = range(rules);
        Bounds { low: Some(low), high: Some(high), dual: Some(rules.dual_clip) }
    }

    fn acts(&self, ratio: f64, advantage: f64, bounds: Bounds) -> Option<Bound> {
        let beyond = advantage < 0.0 && bounds.dual.is_some_and(|dual| ratio > dual);
        if beyond { Some(Bound::Dual) } else { held(ratio, advantage, bounds) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_bound_acts_on_likelier_tokens_of_bad_completions_alone() {
        let rules = Update::default();
        let bounds = PART.bounds(&rules);
        assert_eq!(PART.acts(3.5, -0.5, bounds), Some(Bound::Dual));
        assert_eq!(PART.acts(2.5, -0.5, bounds), None, "it is pushed down, and hard");
        assert_eq!(PART.acts(3.5, 0.5, bounds), Some(Bound::High));
        assert_eq!(PART.acts(0.5, -0.5, bounds), Some(Bound::Low));
        let loss = |ratio| PART.loss_of(Token { logprob: -1.0, ratio, advantage: -0.5 }, &rules);
        assert_eq!((loss(2.5), loss(3.5), loss(9.0)), (1.25, 1.5, 1.5));
    }
}
