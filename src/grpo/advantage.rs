//! From rewards to advantages, within each group.

/// A standard deviation up to this is none: sixteen rewards of 0.1 have a mean of 0.1 + 1.4e-17 in floating point.
/// It is the absolute tolerance of `torch.isclose(std, 0)`, by which TRL's `frac_reward_zero_std` is counted.
const NO_SPREAD: f64 = 1e-8;

/// Whether the rewards of a group are all equal, rounding aside, so that nothing can be learned from comparing them.
pub fn is_dead(rewards: &[f64]) -> bool {
    is_no_spread(standard_deviation(rewards))
}

/// Whether rewards of this [`standard_deviation`] are all equal, see [`is_dead`].
pub fn is_no_spread(deviation: f64) -> bool {
    deviation <= NO_SPREAD
}

/// The advantage of each completion of a group: its reward minus the group's mean, and exactly 0 in a dead group.
///
/// GRPO (<https://arxiv.org/abs/2402.03300>, eq. 4.1.2) also divides by the group's standard deviation. Dr. GRPO
/// (<https://arxiv.org/abs/2503.20783>) leaves that out, because it makes easy and hard puzzles, whose rewards
/// differ little, count more; `scale_by_std` chooses. As in TRL the standard deviation is the unbiased one and
/// 1e-4 is added to it.
pub fn advantages(rewards: &[f64], scale_by_std: bool) -> Vec<f64> {
    if is_dead(rewards) {
        return vec![0.0; rewards.len()];
    }
    let mean = rewards.iter().sum::<f64>() / rewards.len().max(1) as f64;
    let scale = if scale_by_std { 1.0 / (standard_deviation(rewards) + 1e-4) } else { 1.0 };
    rewards.iter().map(|r| (r - mean) * scale).collect()
}

/// The unbiased standard deviation; 0 for fewer than two rewards.
pub fn standard_deviation(rewards: &[f64]) -> f64 {
    let n = rewards.len() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = rewards.iter().sum::<f64>() / n;
    (rewards.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_sum_to_zero_and_equal_rewards_teach_nothing() {
        let a = advantages(&[1.0, 0.1, 0.1, 0.0], false);
        assert!(a.iter().sum::<f64>().abs() < 1e-12);
        assert!((a[0] - 0.7).abs() < 1e-12);
        assert_eq!(advantages(&[0.1; 4], true), [0.0; 4]);
    }

    #[test]
    fn sixteen_equal_rewards_are_dead_although_their_mean_is_rounded() {
        let rewards = [0.1; 16];
        assert!(rewards.iter().sum::<f64>() / 16.0 != 0.1, "the rounding that this is about");
        assert!(is_dead(&rewards) && is_dead(&[0.1; 6]) && is_dead(&[1.0]) && is_dead(&[]));
        for scaled in [false, true] {
            assert_eq!(advantages(&rewards, scaled), [0.0; 16]);
        }
        let mut living = rewards;
        living[3] = 0.1 + 1e-6;
        assert!(!is_dead(&living) && advantages(&living, false)[3] > 0.0);
        // What is not a number is no equal reward: the update names it.
        assert!(!is_dead(&[0.1, f64::NAN]) && advantages(&[0.1, f64::NAN], false)[0].is_nan());
    }

    #[test]
    fn scaling_gives_unit_deviation() {
        let a = advantages(&[1.0, 0.0, 1.0, 0.0], true);
        assert!((standard_deviation(&a) - 1.0).abs() < 1e-3);
    }
}
