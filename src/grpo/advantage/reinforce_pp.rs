//! REINFORCE++ (<https://arxiv.org/abs/2501.03262>): the rewards of the whole batch are whitened, every token counting,
//!
//! `A_i = (R_i - m) / sqrt(s^2 + 1e-8)`,
//!
//! where `m` and `s^2` are mean and unbiased variance over the tokens of the batch, each of which has its completion's
//! reward. Nothing is compared within a group: one whose rewards are all equal is pushed up if they are high and down if
//! they are low.
//!
//! Deviations: the paper takes KL off token by token, see [`kl`](crate::grpo::kl). Rewards are not clipped. `scale_rewards`
//! changes nothing: whitening is the method. The numbers are those of verl's `compute_reinforce_plus_plus_outcome_advantage`.

use super::{Advantage, Earned};
use crate::metrics::spread::is_no_spread;

/// A completion against all tokens of the batch.
pub(super) struct ReinforcePp;

pub(super) const PART: ReinforcePp = ReinforcePp;

impl Advantage for ReinforcePp {
    fn about(&self) -> &'static str {
        "REINFORCE++: mean reward of the batch, divided by its standard deviation."
    }

    fn advantages(&self, batch: &[Earned<'_>], _scale_rewards: bool) -> Vec<Vec<f64>> {
        whitened(batch.iter().map(|group| group.rewards.to_vec()).collect(), batch)
    }

    fn baselines(&self, _rewards: &[f64]) -> Vec<f64> {
        Vec::new()
    }

    fn is_within_groups(&self) -> bool {
        false
    }

    fn weighs_tokens(&self) -> bool {
        true
    }

    fn words(&self, _rewards: &[f64], _scale_rewards: bool) -> String {
        "reward minus the mean over the batch's tokens (the baseline), divided by their standard deviation"
            .into()
    }
}

/// The values of each completion without their mean over the batch's tokens, divided by the standard deviation over them;
/// all 0 where they are all equal.
pub(super) fn whitened(values: Vec<Vec<f64>>, batch: &[Earned<'_>]) -> Vec<Vec<f64>> {
    let lengths = || batch.iter().flat_map(|group| group.lengths).map(|&length| length as f64);
    let tokens = lengths().sum::<f64>();
    let mean_of = |of: &dyn Fn(f64) -> f64| {
        values.iter().flatten().zip(lengths()).map(|(&value, length)| of(value) * length).sum::<f64>()
            / tokens
    };
    let mean = mean_of(&|value| value);
    let variance = mean_of(&|value| (value - mean).powi(2)) * tokens / (tokens - 1.0).max(1.0);
    let scale = if is_no_spread(variance.sqrt()) { 0.0 } else { 1.0 / (variance + 1e-8).sqrt() };
    let whiten = |group: Vec<f64>| group.into_iter().map(|value| (value - mean) * scale).collect();
    values.into_iter().map(whiten).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_counts_and_a_group_of_equal_rewards_is_pushed() {
        let batch = [
            Earned { rewards: &[1.0, 1.0], lengths: &[1, 1] },
            Earned { rewards: &[0.0, 1.0], lengths: &[4, 2] },
        ];
        let found = PART.advantages(&batch, false);
        // Eight tokens, four of which earned 1.
        let deviation = (0.25f64 * 8.0 / 7.0 + 1e-8).sqrt();
        assert!(
            found.concat().iter().zip([0.5, 0.5, -0.5, 0.5]).all(|(a, b)| (a - b / deviation).abs() < 1e-12)
        );
        assert!(PART.baselines(&[1.0]).is_empty() && !PART.is_within_groups());
    }
}
