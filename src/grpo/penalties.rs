//! What is taken off the task's reward, each part under its name. Nothing is by default: the reward then sees the answer
//! and nothing else.
//!
//! - `overlong`, DAPO's soft punishment (<https://arxiv.org/abs/2503.14476>, eq. 13): nothing as long as a completion stays
//!   clear of `max_new_tokens`, and within the last part of it, `overlong_buffer`, a growing share of `overlong_penalty`:
//!   `overlong_penalty * (length - begin) / (max_new_tokens - begin)` with
//!   `begin = (1 - overlong_buffer) * max_new_tokens`. It rewards a length, so it is off unless it is asked for, and every
//!   completion says what it lost by it. Deviation: the paper's completions earn 1 or -1, ours 1, 0.1 or 0, of which a
//!   penalty of 1 takes more.
//! - `kl`, the KL to the reference where `kl_in=reward`: see [`super::kl`].

use super::settings::{Reward, Settings};
use crate::{record::Penalties, rollout::RolloutGroup};

/// The name of the penalty on length.
pub(crate) const OVERLONG: &str = "overlong";
/// The name of the penalty on KL.
pub(crate) const KL: &str = "kl";

/// The penalties of each completion of a group; `kl` is the KL of each, where it is measured.
pub(super) fn penalties(settings: &Settings, group: &RolloutGroup, kl: Option<&[f64]>) -> Vec<Penalties> {
    let of_completion = |(index, length): (usize, usize)| {
        let overlong = settings.reward.overlong(length, settings.sampling.max_new_tokens);
        let far = kl.and_then(|kl| kl.get(index)).map(|kl| kl * settings.update.kl_in_reward());
        let all = [(OVERLONG, overlong), (KL, far.unwrap_or_default())];
        all.into_iter()
            .filter(|(_, taken)| *taken != 0.0)
            .map(|(name, taken)| (name.to_owned(), taken))
            .collect()
    };
    group.lengths().into_iter().enumerate().map(of_completion).collect()
}

/// What is taken off, as the end of what a run pays for; empty where nothing is.
pub(super) fn words(settings: &Settings) -> String {
    let taken = taken(settings);
    if taken.is_empty() { String::new() } else { format!(", less {}", taken.join(" and ")) }
}

/// The same in a sentence.
pub(super) fn sentence(settings: &Settings) -> String {
    let taken = taken(settings);
    if taken.is_empty() { String::new() } else { format!(" Then {} is taken off.", taken.join(" and ")) }
}

fn taken(settings: &Settings) -> Vec<&'static str> {
    let overlong = (settings.reward.overlong_penalty > 0.0).then_some("a penalty near max_new_tokens");
    let kl = (settings.update.kl_in_reward() > 0.0).then_some("KL to the reference");
    overlong.into_iter().chain(kl).collect()
}

impl Reward {
    /// What a completion of `length` tokens loses where it may have `most`.
    pub(crate) fn overlong(&self, length: usize, most: usize) -> f64 {
        let (length, most) = (length as f64, most as f64);
        let begin = (1.0 - self.overlong_buffer) * most;
        self.overlong_penalty * ((length - begin) / (most - begin)).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_part_of_the_room_costs_anything() {
        let reward = Reward { overlong_penalty: 0.5, overlong_buffer: 0.25, ..Reward::default() };
        let taken = [0, 60, 75, 80, 95, 100].map(|length| reward.overlong(length, 100));
        assert_eq!(taken, [0.0, 0.0, 0.0, 0.1, 0.4, 0.5]);
        assert_eq!(Reward::default().overlong(100, 100), 0.0, "off by default");
    }
}
