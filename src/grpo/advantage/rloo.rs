//! REINFORCE with a leave-one-out baseline (<https://arxiv.org/abs/2402.14740>, section 4): each completion is compared
//! with the mean of the **others** of its group, so that its own reward does not move its baseline,
//!
//! `A_i = R_i - mean(R_j, j != i)`, which is `n / (n - 1) * (R_i - mean(R))`.
//!
//! Deviations: the paper has no clipping and counts a completion as one action; here the advantage goes to the tokens
//! of whatever objective is chosen. Exactly 0 in a dead group, where rounding would leave a little. `scale_rewards`
//! divides by the group's standard deviation, as with `group`; the paper does not.

use super::{Advantage, Earned};
use crate::metrics::spread::{is_dead, mean, standard_deviation};

/// A completion against the others of its group.
pub(super) struct Rloo;

pub(super) const PART: Rloo = Rloo;

impl Advantage for Rloo {
    fn about(&self) -> &'static str {
        "RLOO: mean reward of the other completions in its group."
    }

    fn advantages(&self, batch: &[Earned<'_>], scale_rewards: bool) -> Vec<Vec<f64>> {
        batch.iter().map(|group| advantages(group.rewards, scale_rewards)).collect()
    }

    fn baselines(&self, rewards: &[f64]) -> Vec<f64> {
        let (sum, others) = (rewards.iter().sum::<f64>(), rewards.len().saturating_sub(1).max(1) as f64);
        rewards.iter().map(|reward| (sum - reward) / others).collect()
    }

    fn words(&self, rewards: &[f64], scale_rewards: bool) -> String {
        let divided = match scale_rewards {
            true => format!("divided by the standard deviation {:.3}", standard_deviation(rewards)),
            false => "not divided by the standard deviation".into(),
        };
        format!(
            "reward minus the mean of the group's other {} (the mean of all is {:.3}), {divided}",
            rewards.len().saturating_sub(1),
            mean(rewards)
        )
    }
}

fn advantages(rewards: &[f64], scale_rewards: bool) -> Vec<f64> {
    if is_dead(rewards) {
        return vec![0.0; rewards.len()];
    }
    let scale = if scale_rewards { 1.0 / (standard_deviation(rewards) + 1e-4) } else { 1.0 };
    rewards
        .iter()
        .zip(PART.baselines(rewards))
        .map(|(reward, baseline)| (reward - baseline) * scale)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reward_does_not_move_its_own_baseline() {
        assert_eq!(PART.baselines(&[1.0, 0.0, 0.5]), [0.25, 0.75, 0.5]);
        assert_eq!(PART.baselines(&[9.0, 0.0, 0.5])[0], 0.25);
        assert_eq!(advantages(&[1.0, 0.0, 0.5], false), [0.75, -0.75, 0.0]);
        assert!(
            PART.words(&[1.0, 0.0, 0.5], false).starts_with("reward minus the mean of the group's other 2")
        );
    }
}
