//! The variant of REINFORCE++ with a baseline (<https://arxiv.org/abs/2501.03262>): the group's mean is taken off, and what is
//! left is whitened over the batch, every token counting,
//!
//! `A_i = (D_i - m) / sqrt(s^2 + 1e-8)` with `D_i = R_i - mean(R of its group)`,
//!
//! where `m` and `s^2` are mean and unbiased variance of `D` over the tokens of the batch. One scale for all groups, so
//! that easy and hard puzzles do not count more, as they do where each group is divided by its own spread.
//!
//! Deviation: `m` is near 0 and not 0, since long completions count more; a group whose rewards are all equal keeps exactly
//! 0 here, and not `-m / s`, as in verl's `compute_reinforce_plus_plus_baseline_outcome_advantage`. `scale_rewards` changes
//! nothing.

use super::{Advantage, Earned, reinforce_pp::whitened};
use crate::metrics::spread::{is_dead, mean};

/// A completion against its group, on the scale of the batch.
pub(super) struct ReinforcePpBaseline;

pub(super) const PART: ReinforcePpBaseline = ReinforcePpBaseline;

impl Advantage for ReinforcePpBaseline {
    fn about(&self) -> &'static str {
        "REINFORCE++ with a baseline: mean reward of its group, divided by the batch's standard deviation."
    }

    fn advantages(&self, batch: &[Earned<'_>], _scale_rewards: bool) -> Vec<Vec<f64>> {
        let centred = |group: &Earned<'_>| {
            let mean = mean(group.rewards);
            group.rewards.iter().map(|reward| reward - mean).collect()
        };
        let mut found = whitened(batch.iter().map(centred).collect(), batch);
        for (advantages, group) in found.iter_mut().zip(batch) {
            if is_dead(group.rewards) {
                advantages.fill(0.0);
            }
        }
        found
    }

    fn baselines(&self, rewards: &[f64]) -> Vec<f64> {
        vec![mean(rewards); rewards.len()]
    }

    fn weighs_tokens(&self) -> bool {
        true
    }

    fn words(&self, rewards: &[f64], _scale_rewards: bool) -> String {
        let mean = mean(rewards);
        format!("reward minus the group's mean {mean:.3} (the baseline), whitened over the batch's tokens")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_groups_share_one_scale_and_a_dead_one_teaches_nothing() {
        let batch = [
            Earned { rewards: &[1.0, 0.0], lengths: &[3, 3] },
            Earned { rewards: &[0.1, 0.0], lengths: &[3, 3] },
            Earned { rewards: &[1.0, 1.0], lengths: &[5, 9] },
        ];
        let found = PART.advantages(&batch, false);
        assert!((found[0][0] / found[1][0] - 10.0).abs() < 1e-9, "{found:?}");
        assert_eq!(found[2], [0.0, 0.0]);
    }
}
