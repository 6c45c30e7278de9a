//! Maximum likelihood reinforcement learning (<https://arxiv.org/abs/2602.02710>): what the group's mean leaves is divided by
//! that mean,
//!
//! `A_i = (R_i - mean(R)) / mean(R)`.
//!
//! Where a right answer earns 1 and any other 0, the mean is the share of right answers, and this climbs the logarithm of the
//! probability of a right answer in place of that probability: a puzzle that is solved once in sixteen times counts eight
//! times as much as one that is solved every other time.
//!
//! Deviations: rewards are not only 0 and 1 here, a well-formed wrong answer earns `reward_format`, so that the mean is more
//! than that share; `reward_format=0` makes it the paper's. Exactly 0 in a dead group, and where the mean is not above 0.
//! `scale_rewards` changes nothing: the mean takes the place of the standard deviation.

use super::{Advantage, Earned};
use crate::metrics::spread::{is_dead, mean};

/// A completion against the mean of its group, as a multiple of that mean.
pub(super) struct MaxRl;

pub(super) const PART: MaxRl = MaxRl;

impl Advantage for MaxRl {
    fn about(&self) -> &'static str {
        "MaxRL: mean reward of its group, and divided by that mean."
    }

    fn advantages(&self, batch: &[Earned<'_>], _scale_rewards: bool) -> Vec<Vec<f64>> {
        batch.iter().map(|group| advantages(group.rewards)).collect()
    }

    fn baselines(&self, rewards: &[f64]) -> Vec<f64> {
        vec![mean(rewards); rewards.len()]
    }

    fn words(&self, rewards: &[f64], _scale_rewards: bool) -> String {
        format!("reward minus the group's mean {:.3} (the baseline), divided by that mean", mean(rewards))
    }
}

fn advantages(rewards: &[f64]) -> Vec<f64> {
    let mean = mean(rewards);
    if is_dead(rewards) || mean <= 0.0 {
        return vec![0.0; rewards.len()];
    }
    rewards.iter().map(|reward| (reward - mean) / mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_puzzle_that_is_seldom_solved_counts_more() {
        assert_eq!(advantages(&[1.0, 0.0, 0.0, 0.0]), [3.0, -1.0, -1.0, -1.0]);
        assert_eq!(advantages(&[1.0, 1.0, 0.0, 0.0]), [1.0, 1.0, -1.0, -1.0]);
        assert_eq!(advantages(&[1.0, -1.0, -1.0]), [0.0; 3], "nothing is divided by a mean below 0");
    }
}
