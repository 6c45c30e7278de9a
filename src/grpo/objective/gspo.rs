//! Group Sequence Policy Optimization (<https://arxiv.org/abs/2507.18071>, eq. 5 to 7): the ratio is that of the whole
//! completion, the geometric mean of those of its tokens, `s = exp(mean over its tokens of (logp - logp_old))`,
//!
//! `loss = -min(s A, clip(s, 1 - clip_eps_low, 1 + clip_eps_high) A)`,
//!
//! the same for every token of the completion. What is rewarded is the completion, and so is what is clipped: all of its
//! tokens or none.
//!
//! Deviations: the paper takes the mean over completions, which is `loss_norm=sequence`; the other norms weigh a
//! completion by its length. Its bounds are 3e-4 below and 4e-4 above, since the mean of many tokens moves little:
//! `preset=gspo` sets them; the defaults of `clip_eps_low` and `clip_eps_high` are those of token ratios and clip next to
//! nothing.

use super::{
    Objective, Surrogate, Token, Tokens,
    clip::{held, range, smaller_of, smaller_term},
};
use crate::{
    grpo::settings::Update,
    record::explain::{Bound, Bounds},
};

/// The smaller of the plain and the clipped term, completion by completion.
pub(super) struct Gspo;

pub(super) const PART: Gspo = Gspo;

impl Objective for Gspo {
    fn about(&self) -> &'static str {
        "GSPO: the clipped surrogate, one ratio per completion."
    }

    fn surrogate(&self, tokens: &Tokens, rules: &Update) -> Surrogate {
        smaller_term(tokens.row_means(tokens.log_ratios()).exp(), &tokens.advantages, rules)
    }

    fn loss_of(&self, token: Token, rules: &Update) -> f64 {
        smaller_of(token, rules)
    }

    fn formula(&self, rules: &Update) -> String {
        let (low, high) = range(rules);
        format!("-min(s A, clip(s, {low}, {high}) A)")
    }

    fn bounds(&self, rules: &Update) -> Bounds {
        let (low, high) = range(rules);
        Bounds { low: Some(low), high: Some(high), dual: None }
    }

    fn ratios(&self, log_ratios: &[f64]) -> Vec<f64> {
        let mean = log_ratios.iter().sum::<f64>() / log_ratios.len().max(1) as f64;
        vec![mean.exp(); log_ratios.len()]
    }

    fn acts(&self, ratio: f64, advantage: f64, bounds: Bounds) -> Option<Bound> {
        held(ratio, advantage, bounds)
    }
}
