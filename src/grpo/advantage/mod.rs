//! From rewards to advantages.

use super::registry::registry;

registry! { dyn Advantage:
    group,
    rloo,
    reinforce_pp,
    reinforce_pp_baseline,
    maxrl,
}

/// What the completions of a group earned.
#[derive(Debug, Clone, Copy)]
pub struct Earned<'a> {
    /// The reward of each.
    pub rewards: &'a [f64],
    /// The tokens of each.
    pub lengths: &'a [usize],
}

/// How a completion is compared with others.
pub trait Advantage: Send + Sync {
    /// What it is, in a line.
    fn about(&self) -> &'static str;

    /// The advantage of each completion of each group. All groups of the batch at once: some kinds look at their spread.
    fn advantages(&self, batch: &[Earned<'_>], scale_rewards: bool) -> Vec<Vec<f64>>;

    /// What each reward of a group is compared with; empty where the group alone does not tell.
    fn baselines(&self, rewards: &[f64]) -> Vec<f64>;

    /// Whether completions are compared with others of their group alone, so that a dead group teaches nothing.
    fn is_within_groups(&self) -> bool {
        true
    }

    /// Whether a completion counts once for each of its tokens.
    fn weighs_tokens(&self) -> bool {
        false
    }

    /// What it does to these rewards of a group, as a part of a sentence: `reward minus the group's mean 0.250`.
    fn words(&self, rewards: &[f64], scale_rewards: bool) -> String;
}

/// The advantages of one group.
#[cfg(test)]
pub(crate) fn of_group(kind: &dyn Advantage, rewards: &[f64], scale_rewards: bool) -> Vec<f64> {
    let lengths = vec![1; rewards.len()];
    kind.advantages(&[Earned { rewards, lengths: &lengths }], scale_rewards).remove(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpo::registry::Registered;

    #[test]
    fn equal_rewards_teach_nothing_whatever_the_advantage() {
        let rewards = [0.1; 16];
        let mut living = rewards;
        living[3] = 0.1 + 1e-6;
        for (name, kind) in <dyn Advantage>::ALL {
            for scaled in [false, true] {
                assert_eq!(of_group(*kind, &rewards, scaled), [0.0; 16], "{name}");
                assert!(of_group(*kind, &living, scaled)[3] > 0.0, "{name}");
                assert!(of_group(*kind, &[0.1, f64::NAN], scaled)[0].is_nan(), "{name}");
                assert_eq!(of_group(*kind, &[], scaled), [0.0; 0], "{name}");
            }
            assert_eq!(kind.baselines(&living).len(), if kind.is_within_groups() { 16 } else { 0 }, "{name}");
        }
    }
}
