//! CISPO, clipped importance sampling weights (MiniMax-M1, <https://arxiv.org/abs/2506.13585>, eq. 4 and 5): REINFORCE on
//! `log pi`, weighed by a ratio that is clipped and through which no gradient flows,
//!
//! `loss = -sg(clip(r, 1 - clip_eps_low, 1 + clip_eps_high)) A logp`.
//!
//! A bound limits how much a token counts and never leaves it out: rare tokens that a clipped surrogate would stop
//! pushing go on being learned from.
//!
//! Deviations: the paper sets no lower bound; here it is `clip_eps_low`, as in verl, and `clip_eps_low=1` takes it away.
//! The paper divides by all tokens of a group; here `loss_norm` decides, and `token`, the default, takes all of the step.

use super::{Objective, Surrogate, Token, Tokens};
use crate::{
    grpo::settings::{LossNorm, Update},
    record::explain::{Bound, Bounds},
};

/// Log-probabilities under a clipped weight.
pub(super) struct Cispo;

pub(super) const PART: Cispo = Cispo;

impl Objective for Cispo {
    fn about(&self) -> &'static str {
        "CISPO: log-probabilities with a clipped weight, so no token drops out."
    }

    fn surrogate(&self, tokens: &Tokens, rules: &Update) -> Surrogate {
        let (low, high) = (1.0 - rules.clip_eps_low, 1.0 + rules.clip_eps_high);
        let ratio = tokens.log_ratios().exp().detach();
        let beyond = ratio.clone().lower_elem(low).bool_or(ratio.clone().greater_elem(high));
        let loss = ratio.clamp(low, high) * tokens.advantages.clone() * tokens.logprobs.clone();
        Surrogate { loss: loss.neg(), clipped: beyond }
    }

    fn loss_of(&self, Token { logprob, ratio, advantage }: Token, rules: &Update) -> f64 {
        -ratio.clamp(1.0 - rules.clip_eps_low, 1.0 + rules.clip_eps_high) * advantage * logprob
    }

    fn formula(&self, rules: &Update) -> String {
        format!("-sg(clip(r, {}, {})) A logp", 1.0 - rules.clip_eps_low, 1.0 + rules.clip_eps_high)
    }

    fn bounds(&self, rules: &Update) -> Bounds {
        Bounds { low: Some(1.0 - rules.clip_eps_low), high: Some(1.0 + rules.clip_eps_high), dual: None }
    }

    fn acts(&self, ratio: f64, _advantage: f64, bounds: Bounds) -> Option<Bound> {
        bounds.beyond(ratio)
    }

    fn reads(&self, updates: usize, _norm: LossNorm) -> String {
        let ratios = match updates {
            1 => "With one update a step every ratio is 1 and no weight is clipped".to_owned(),
            updates => format!(
                "In the first of {updates} updates a step every ratio is 1; then ratios drift and weights are clipped"
            ),
        };
        format!(
            "{ratios}: the loss is minus the mean of advantage times log-probability, not a measure of progress."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_acts_whatever_the_advantage() {
        let bounds = PART.bounds(&Update::default());
        for advantage in [-1.0, 1.0] {
            assert_eq!(PART.acts(0.5, advantage, bounds), Some(Bound::Low));
            assert_eq!(PART.acts(2.0, advantage, bounds), Some(Bound::High));
            assert_eq!(PART.acts(1.1, advantage, bounds), None);
        }
    }
}
