//! Controls: what a run shows whose rewards say nothing about the answers.

use rand::{RngExt, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::settings::Control;

impl Control {
    /// Makes of a group's rewards what is paid.
    pub(super) fn apply(self, rewards: &mut [f64], coin: &mut ChaCha8Rng) {
        match self {
            Self::None => {}
            // Every completion earns 1 or 0 by a coin, whatever it says.
            Self::RandomReward => rewards.fill_with(|| f64::from(u8::from(coin.random_bool(0.5)))),
            // The group's own rewards, each given to any of its completions: mean, spread and dead groups are those of
            // the real reward, and only what earned them is forgotten.
            Self::ShuffledReward => rewards.shuffle(coin),
        }
    }

    /// What a completion earns in the mean, where that is known whatever it says. Rewards that are shuffled within their
    /// groups keep their mean.
    pub(crate) fn mean_reward(self) -> Option<f64> {
        (self == Self::RandomReward).then_some(0.5)
    }

    /// What the score phase does, in a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::None => "the task rewards each answer and looks at nothing else.",
            Self::RandomReward => "the control at work: a coin, not the answer, decides each reward.",
            Self::ShuffledReward => {
                "the control at work: the group's rewards are shuffled, whoever earned them."
            }
        }
    }

    /// What the reward is, in a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "the reward sees only the answer",
            Self::RandomReward => "control: the reward is a coin that ignores the answer",
            Self::ShuffledReward => "control: each group's rewards are shuffled within the group",
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn controls_pay_what_they_say() {
        let earned: Vec<f64> = (0..64).map(f64::from).collect();
        let paid = |control: Control| {
            let mut rewards = earned.clone();
            control.apply(&mut rewards, &mut ChaCha8Rng::seed_from_u64(1));
            rewards
        };
        assert_eq!(paid(Control::None), earned);
        let coins = paid(Control::RandomReward);
        assert!(coins.contains(&0.0) && coins.contains(&1.0));
        assert!(coins.iter().all(|paid| [0.0, 1.0].contains(paid)));
        let mut shuffled = paid(Control::ShuffledReward);
        assert_ne!(shuffled, earned);
        shuffled.sort_by(f64::total_cmp);
        assert_eq!(shuffled, earned, "every reward is paid once");
    }
}
