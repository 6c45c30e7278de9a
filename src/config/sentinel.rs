//! The part of a configuration that the sentinel reads.

use super::{Config, Control};
use crate::metrics::sentinel::Settings;

impl From<&Config> for Settings {
    fn from(config: &Config) -> Self {
        Self {
            control: config.reward.control != Control::None,
            reward_correct: config.reward.reward_correct,
            reward_format: config.reward.reward_format,
            learning_rate: config.optimizer.learning_rate,
            usual_learning_rate: Config::default().optimizer.learning_rate,
            temperature: config.sampling.temperature,
            max_new_tokens: config.sampling.max_new_tokens,
            clip_eps_high: config.update.clip_eps_high,
            kl_coef: config.update.kl_coef,
            max_grad_norm: config.optimizer.max_grad_norm,
        }
    }
}
