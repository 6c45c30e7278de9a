//! The reward minus the group's mean, `A_i = R_i - mean(R)`, and divided by the group's standard deviation where
//! `scale_rewards` says so. Exactly 0 in a dead group.
//!
//! GRPO (<https://arxiv.org/abs/2402.03300>, eq. 4.1.2) divides by the standard deviation. Dr. GRPO
//! (<https://arxiv.org/abs/2503.20783>) leaves that out, because it makes easy and hard puzzles, whose rewards
//! differ little, count more. As in TRL the standard deviation is the unbiased one and 1e-4 is added to it.

use super::{Advantage, Earned};
use crate::metrics::spread::{is_dead, mean, standard_deviation};

/// A completion against the mean of its group.
pub(super) struct Group;

pub(super) const PART: Group = Group;

impl Advantage for Group {
    fn about(&self) -> &'static str {
        "Mean reward of its group."
    }

    fn advantages(&self, batch: &[Earned<'_>], scale_rewards: bool) -> Vec<Vec<f64>> {
        batch.iter().map(|group| advantages(group.rewards, scale_rewards)).collect()
    }

    fn baselines(&self, rewards: &[f64]) -> Vec<f64> {
        vec![mean(rewards); rewards.len()]
    }

    fn words(&self, rewards: &[f64], scale_rewards: bool) -> String {
        let divided = match scale_rewards {
            true => format!("divided by the standard deviation {:.3}", standard_deviation(rewards)),
            false => "not divided by the standard deviation".into(),
        };
        format!("reward minus the group's mean {:.3} (the baseline), {divided}", mean(rewards))
    }
}

fn advantages(rewards: &[f64], scale_rewards: bool) -> Vec<f64> {
    if is_dead(rewards) {
        return vec![0.0; rewards.len()];
    }
    let mean = mean(rewards);
    let scale = if scale_rewards { 1.0 / (standard_deviation(rewards) + 1e-4) } else { 1.0 };
    rewards.iter().map(|r| (r - mean) * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_sum_to_zero_and_scaling_gives_unit_deviation() {
        let a = advantages(&[1.0, 0.1, 0.1, 0.0], false);
        assert!(a.iter().sum::<f64>().abs() < 1e-12);
        assert!((a[0] - 0.7).abs() < 1e-12);
        let a = advantages(&[1.0, 0.0, 1.0, 0.0], true);
        assert!((standard_deviation(&a) - 1.0).abs() < 1e-3);
    }
}
