//! The base model's measured behaviour, which charts draw as reference lines.

use serde::{Deserialize, Serialize};

use crate::config::Config;

/// What was measured of the base model on held-out puzzles: the charts' reference lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BaseReference {
    /// Mean reward under the rewards that it was measured with.
    pub reward: f64,
    /// Share with a well-formed answer; `None` if `reward` is what the run itself paid.
    #[serde(default)]
    pub well_formed: Option<f64>,
    /// Share right.
    pub accuracy: f64,
    /// Tokens per completion.
    pub mean_length: f64,
    /// Checks per completion.
    pub checks: f64,
    /// Self-corrections per completion.
    pub self_corrections: f64,
    /// Share of completions with at least one check.
    pub self_checking_share: f64,
    /// How many completions that was measured on.
    pub completions: usize,
}

impl BaseReference {
    /// The mean reward of the base's answers under a configuration, computed from its accuracy and its share
    /// of well-formed answers. A coin that ignores the answer pays one half; rewards shuffled within their
    /// groups keep their mean.
    pub(crate) fn reward_under(&self, config: &Config) -> f64 {
        if let Some(mean) = config.reward.control.mean_reward() {
            return mean;
        }
        let Some(well_formed) = self.well_formed else { return self.reward };
        let wrong = (well_formed - self.accuracy).max(0.0);
        self.accuracy * config.reward.reward_correct + wrong * config.reward.reward_format
    }
}
