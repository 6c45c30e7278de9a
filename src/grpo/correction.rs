//! Correction for a sampler that is not the trainer: the two compute the same probabilities along different paths (a decoder
//! with a cache, a forward pass over whole rows; elsewhere two programs with weights in different formats), and what was
//! sampled under the one is learned from under the other.
//!
//! With a correction, one more forward pass before the update gives the trainer's own log-probability of every token. Ratios
//! and clip bounds then start from it, and each token's loss is multiplied by a weight through which no gradient flows, of
//! `rho = exp(trainer's logp - sampler's logp)`:
//!
//! - `tis`, truncated importance sampling (<https://fengyao.notion.site/off-policy-rl>): `min(rho, tis_cap)`;
//! - `icepop` (<https://arxiv.org/abs/2510.18855>): `rho` where it lies within `icepop_low` and `icepop_high`, else 0: the
//!   token is left out.
//!
//! Without one, the sampler's log-probabilities stand for the trainer's, and only the gap between them is measured
//! (`sampling/sampling_logp_difference/*`), for free, in the forward pass of the step's first optimizer step. Where that gap
//! is rounding, as on one machine, a correction changes next to nothing and costs a third or so of the update.
//!
//! Deviation: TRL and verl can also weigh whole completions by the product of their tokens' `rho`; here it is token by token,
//! as in both papers. A token that is left out still counts in what the loss is divided by.

use burn::tensor::Tensor;

use super::settings::{Correction, Update};

impl Update {
    /// The weight of each token, of whose `log rho` these are; `None` without a correction, which has no use for them.
    pub fn correction_weights(&self, log_rho: impl FnOnce() -> Tensor<1>) -> Option<Tensor<1>> {
        if self.correction == Correction::None {
            return None;
        }
        let rho = log_rho().detach().exp();
        if self.correction == Correction::Tis {
            return Some(rho.clamp_max(self.tis_cap));
        }
        let out = rho.clone().lower_elem(self.icepop_low);
        let out = out.bool_or(rho.clone().greater_elem(self.icepop_high));
        Some(rho.mask_fill(out, 0.0))
    }

    /// The weight of one token; `None` without a correction.
    pub(super) fn correction_weight(&self, log_rho: f64) -> Option<f64> {
        let rho = log_rho.exp();
        match self.correction {
            Correction::None => None,
            Correction::Tis => Some(rho.min(self.tis_cap)),
            Correction::IcePop if rho < self.icepop_low || rho > self.icepop_high => Some(0.0),
            Correction::IcePop => Some(rho),
        }
    }

    /// The weight in a formula; `None` without a correction.
    pub(super) fn correction_formula(&self) -> Option<String> {
        match self.correction {
            Correction::None => None,
            Correction::Tis => Some(format!("min(rho, {})", self.tis_cap)),
            Correction::IcePop => Some(format!("rho in [{}, {}]", self.icepop_low, self.icepop_high)),
        }
    }
}

/// How far the trainer's log-probabilities lie from the sampler's, over tokens.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SamplingGap {
    /// Tokens that were compared.
    pub tokens: f64,
    /// Sum of the absolute differences.
    pub difference: f64,
    /// The greatest of them.
    pub most: f64,
    /// Sum of the weights of a correction.
    pub weight: f64,
    /// The least and the greatest of them.
    pub weights: Option<(f64, f64)>,
}

impl SamplingGap {
    /// Of these tokens.
    pub(super) fn of(trained: &[f32], sampled: &[f32], rules: &Update) -> Self {
        let mut gap = Self::default();
        for (&trained, &sampled) in trained.iter().zip(sampled) {
            let log_rho = f64::from(trained) - f64::from(sampled);
            let weight = rules.correction_weight(log_rho);
            gap.add(Self {
                tokens: 1.0,
                difference: log_rho.abs(),
                most: log_rho.abs(),
                weight: weight.unwrap_or_default(),
                weights: weight.map(|weight| (weight, weight)),
            });
        }
        gap
    }

    /// Adds those of other tokens.
    pub(super) fn add(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.difference += other.difference;
        self.most = self.most.max(other.most);
        self.weight += other.weight;
        self.weights = match (self.weights, other.weights) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_truncates_and_the_other_leaves_out() {
        let weights = |correction| {
            let rules = Update { correction, ..Update::default() };
            [0.25f64, 0.5, 1.0, 3.0, 8.0]
                .map(|rho| rules.correction_weight(rho.ln()).map(|w| (w * 1e9).round() / 1e9))
        };
        assert_eq!(weights(Correction::None), [None; 5]);
        assert_eq!(weights(Correction::Tis), [0.25, 0.5, 1.0, 2.0, 2.0].map(Some));
        assert_eq!(weights(Correction::IcePop), [0.0, 0.5, 1.0, 3.0, 0.0].map(Some));
    }

    #[test]
    fn a_gap_is_that_of_all_its_tokens() {
        let rules = Update { correction: Correction::Tis, ..Update::default() };
        let mut gap = SamplingGap::of(&[-1.0, -2.0], &[-1.5, -2.0], &rules);
        gap.add(SamplingGap::of(&[-4.0], &[-3.0], &rules));
        assert_eq!((gap.tokens, gap.difference, gap.most), (3.0, 1.5, 1.0));
        assert_eq!(gap.weights, Some(((-1.0f64).exp(), 0.5f64.exp())));
        assert_eq!(SamplingGap::of(&[-1.0], &[-1.0], &Update::default()).weights, None);
    }
}
