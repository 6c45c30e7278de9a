//! One sentence for each phase, true to the configuration: a teacher can read it aloud.

use crate::{
    config::{Config, Control, LossNorm},
    grpo::advantage::is_no_spread,
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

/// What the sentence speaks of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// Completions of the group.
    pub completions: usize,
    /// Mean reward of the group.
    pub mean: f64,
    /// Unbiased standard deviation of the group's rewards.
    pub deviation: f64,
    /// Whether its tokens were looked at after the update.
    pub looked_at: bool,
    /// The step's loss, once it is known.
    pub loss: Option<f64>,
}

/// What this stage does and what is seen.
pub fn sentence(stage: Stage, config: &Config, figures: Figures) -> String {
    let Figures { completions, mean, deviation, looked_at, loss } = figures;
    match stage {
        Stage::Sample => format!(
            "Sample: the model writes {} completions of one prompt at temperature {}; nothing is judged yet.",
            config.sampling.group_size, config.sampling.temperature
        ),
        Stage::Score if config.reward.control == Control::RandomReward => {
            "Score: the control at work: a coin, not the answer, decides each reward.".into()
        }
        Stage::Score if config.reward.control == Control::ShuffledReward => {
            "Score: the control at work: the group's rewards are dealt out again, whoever earned them.".into()
        }
        Stage::Score => {
            "Score: the task looks at each answer and at nothing else, and gives it a reward.".into()
        }
        Stage::Advantage if completions > 0 && is_no_spread(deviation) => format!(
            "Advantage: all {completions} rewards equal their mean {mean:.3}, so every advantage is 0 and this group teaches nothing{}.",
            if config.update.kl_coef > 0.0 { " but to stay near the reference" } else { "" }
        ),
        Stage::Advantage => format!(
            "Advantage: reward minus the group's mean {mean:.3} (the baseline), {}; above 0 a completion is made likelier, below 0 less likely.",
            if config.update.scale_rewards {
                format!("divided by the standard deviation {deviation:.3}")
            } else {
                "not divided by the standard deviation".into()
            }
        ),
        Stage::Update => format!(
            "Update: each token is pushed by its completion's advantage, weighted by {}. {}",
            weights(config),
            why_zero(config)
        ),
        Stage::After => {
            let read = loss.filter(|loss| loss.is_finite()).map_or(String::new(), |loss| {
                let loss = if loss.abs() < 5e-5 { 0.0 } else { loss };
                format!(" The step's loss read {loss:+.4}.")
            });
            // Nobody looked at the tokens of a recorded step.
            let shown = if looked_at { "; 6 shows what that did to each token" } else { "" };
            format!("After: the weights have changed{shown}.{read} {}", why_zero(config))
        }
    }
}

fn weights(config: &Config) -> &'static str {
    match config.update.loss_norm {
        LossNorm::Sequence => "1 over its completion's length",
        LossNorm::Constant => "1 over max_new_tokens",
        LossNorm::Token => "1 over all tokens of the step",
    }
}

/// Why the loss says little.
fn why_zero(config: &Config) -> String {
    let mut text = if config.update.inner_epochs == 1 {
        let near =
            if config.update.loss_norm == LossNorm::Sequence { "0 within each group" } else { "near 0" };
        format!(
            "With one inner epoch every ratio is 1 and nothing is clipped: the loss is minus the mean advantage, {near}; its gradient is not 0."
        )
    } else {
        format!(
            "In the first of {} inner epochs every ratio is 1 and the loss about 0; then ratios drift and are clipped.",
            config.update.inner_epochs
        )
    };
    if config.update.kl_coef > 0.0 {
        text.push_str(" The KL term is added to it; its gradient is that of KL(reference || policy).");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_follows_the_configuration() {
        let figures =
            Figures { completions: 8, mean: 0.25, deviation: 0.4, looked_at: true, loss: Some(-0.000_01) };
        let plain = Config::default().with(["scale_rewards=false", "inner_epochs=1"]).unwrap();
        let scaled = Config::default().with(["scale_rewards=true", "inner_epochs=3", "kl_coef=0.1"]).unwrap();
        assert!(sentence(Stage::Advantage, &plain, figures).contains("not divided"));
        assert!(
            sentence(Stage::Advantage, &scaled, figures).contains("divided by the standard deviation 0.400")
        );
        let none = Figures { deviation: 0.0, ..figures };
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
