//! One sentence for each phase, true to the configuration, that a teacher can read aloud.

use crate::{
    config::{Config, KlIn},
    metrics::spread::{is_dead, mean},
};

/// How far the step on screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Completions are being written.
    Sample,
    /// They are being scored.
    Score,
    /// Rewards became advantages.
    Advantage,
    /// The update is being made.
    Update,
    /// The update was made.
    After,
}

impl Stage {
    /// The configuration keys that its sentence speaks of.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Sample => &["group_size", "temperature"],
            Self::Score => &["control"],
            Self::Advantage => &["advantage", "scale_rewards"],
            Self::Update | Self::After => &["objective", "inner_epochs", "loss_norm", "kl_coef"],
        }
    }

    /// Its sentence where another engine did not say how it does this.
    pub(super) fn untold(self) -> &'static str {
        match self {
            Self::Sample => "Sample: the policy writes the completions of one prompt; none is scored yet.",
            Self::Score => "Score: every completion earns its reward; what the reward sees is unknown.",
            Self::Advantage => {
                "Advantage: rewards become advantages; how is unknown. A completion above 0 becomes likelier, one \
                 below 0 less likely."
            }
            Self::Update => {
                "Update: each token is pushed by its completion's advantage; the loss is unknown."
            }
            Self::After => "After: the weights have changed.",
        }
    }
}

/// The numbers in the sentence.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures<'a> {
    /// The rewards of the group.
    pub rewards: &'a [f64],
    /// Whether its tokens were inspected after the update.
    pub looked_at: bool,
    /// The step's loss, once it is known.
    pub loss: Option<f64>,
}

/// What this stage does and its result.
pub fn sentence(stage: Stage, config: &Config, figures: Figures<'_>) -> String {
    let Figures { rewards, looked_at, loss } = figures;
    let explained = config.explain(rewards);
    match stage {
        Stage::Sample => format!(
            "Sample: the policy writes {} completions of one prompt at temperature {}; none is scored yet.",
            config.sampling.group_size, config.sampling.temperature
        ),
        Stage::Score => format!("Score: {}", explained.score),
        Stage::Advantage if teaches_nothing(rewards, config) => format!(
            "Advantage: all {} rewards equal their mean {:.3}, so every advantage is 0 and this dead group teaches \
             nothing{}.",
            rewards.len(),
            mean(rewards),
            match config.update.kl_coef > 0.0 && config.update.kl_in == KlIn::Loss {
                true => " except to stay near the reference",
                false => "",
            }
        ),
        Stage::Advantage => format!(
            "Advantage: {}; a completion above 0 becomes likelier, one below 0 less likely.",
            explained.advantage
        ),
        Stage::Update => format!(
            "Update: each token is pushed by its completion's advantage, weighted by {}. {}",
            explained.weight, explained.loss
        ),
        Stage::After => {
            let read = loss.filter(|loss| loss.is_finite()).map_or(String::new(), |loss| {
                let loss = if loss.abs() < 5e-5 { 0.0 } else { loss };
                format!(" The step's loss read {loss:+.4}.")
            });
            // The tokens of a recorded step were not inspected.
            let shown = if looked_at { "; 6 shows the effect on each token" } else { "" };
            format!("After: the weights have changed{shown}.{read} {}", explained.loss)
        }
    }
}

/// Whether these rewards are all equal, and nothing but its group is what a completion is compared with.
fn teaches_nothing(rewards: &[f64], config: &Config) -> bool {
    !rewards.is_empty() && is_dead(rewards) && config.update.advantage.is_within_groups()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_follows_the_configuration() {
        let rewards = [0.0, 0.0, 0.8, 0.2];
        let figures = Figures { rewards: &rewards, looked_at: true, loss: Some(-0.000_01) };
        let plain = Config::default().with(["scale_rewards=false", "inner_epochs=1"]).unwrap();
        let scaled = Config::default().with(["scale_rewards=true", "inner_epochs=3", "kl_coef=0.1"]).unwrap();
        assert!(sentence(Stage::Advantage, &plain, figures).contains("not divided"));
        assert!(
            sentence(Stage::Advantage, &scaled, figures).contains("divided by the standard deviation 0.379")
        );
        let none = Figures { rewards: &[0.25; 4], ..figures };
        assert!(sentence(Stage::Advantage, &plain, none).contains("teaches nothing"));
        assert!(sentence(Stage::After, &plain, figures).contains("loss read +0.0000"));
        assert!(sentence(Stage::After, &plain, figures).contains("6 shows"));
        let recorded = Figures { looked_at: false, ..figures };
        assert!(!sentence(Stage::After, &plain, recorded).contains("6 shows"));
        assert!(sentence(Stage::Update, &plain, figures).contains("every ratio is 1 and nothing is clipped"));
        assert!(sentence(Stage::Update, &scaled, figures).contains("clipped"));
        assert!(sentence(Stage::Update, &scaled, figures).contains("KL"));
    }
}
