//! From rewards to advantages, within each group.

/// The advantage of each completion of a group: its reward minus the group's mean.
///
/// GRPO (<https://arxiv.org/abs/2402.03300>, eq. 4.1.2) also divides by the group's standard deviation. Dr. GRPO
/// (<https://arxiv.org/abs/2503.20783>) leaves that out, because it makes easy and hard puzzles, whose rewards
/// differ little, count more; `scale_by_std` chooses. As in TRL the standard deviation is the unbiased one and
/// 1e-4 is added to it.
pub fn advantages(rewards: &[f64], scale_by_std: bool) -> Vec<f64> {
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
    fn scaling_gives_unit_deviation() {
        let a = advantages(&[1.0, 0.0, 1.0, 0.0], true);
        assert!((standard_deviation(&a) - 1.0).abs() < 1e-3);
    }
}
