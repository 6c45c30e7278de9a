//! Mean and spread of rewards.

/// A standard deviation up to this is none: sixteen rewards of 0.1 have a mean of 0.1 + 1.4e-17 in floating point.
/// It is the absolute tolerance of `torch.isclose(std, 0)`, by which TRL's `frac_reward_zero_std` is counted.
const NO_SPREAD: f64 = 1e-8;

/// Whether the rewards of a group are all equal, rounding aside, so that nothing can be learned from comparing them.
pub(crate) fn is_dead(rewards: &[f64]) -> bool {
    is_no_spread(standard_deviation(rewards))
}

/// Whether rewards of this [`standard_deviation`] are all equal, see [`is_dead`].
pub(crate) fn is_no_spread(deviation: f64) -> bool {
    deviation <= NO_SPREAD
}

/// The mean; 0 of no rewards.
pub fn mean(rewards: &[f64]) -> f64 {
    rewards.iter().sum::<f64>() / rewards.len().max(1) as f64
}

/// The unbiased standard deviation; 0 for fewer than two rewards.
pub(crate) fn standard_deviation(rewards: &[f64]) -> f64 {
    let n = rewards.len() as f64;
    if n < 2.0 {
        return 0.0;
    }
    let mean = mean(rewards);
    (rewards.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_equal_rewards_are_dead_although_their_mean_is_rounded() {
        let rewards = [0.1; 16];
        assert!(rewards.iter().sum::<f64>() / 16.0 != 0.1, "the rounding that this is about");
        assert!(is_dead(&rewards) && is_dead(&[0.1; 6]) && is_dead(&[1.0]) && is_dead(&[]));
        let mut living = rewards;
        living[3] = 0.1 + 1e-6;
        assert!(!is_dead(&living));
        // What is not a number is no equal reward: the update names it.
        assert!(!is_dead(&[0.1, f64::NAN]));
    }
}
