//! The presets: published algorithms as values of the settings. Each deviates from its paper in what [`super::step`] and the
//! parts that it names state, and in what is said here. A key that is not listed has its default.

use crate::settings::choices;

choices! {
    /// A published algorithm.
    pub enum Preset {
        /// Best in our measurements: Dr. GRPO's unscaled advantages, DAPO's mean over all tokens.
        Lab = "lab",
        /// DeepSeekMath: advantages scaled by the standard deviation, losses averaged per completion, KL to the
        /// reference, one update a step. The paper updates the reference every few hundred steps (`reference_refresh`);
        /// here it stays fixed.
        Grpo = "grpo",
        /// Dr. GRPO: no scaling by deviation or by length. With one update a step this is `lab` with the loss on
        /// another scale: the gradient has the same direction, and Adam mostly cancels the scale.
        DrGrpo = "dr_grpo",
        /// DAPO: every token has equal weight, a higher upper clip bound, no KL, dead groups replaced, cut off completions
        /// left out, and a soft penalty near the greatest length. 4 updates a step, where the paper makes 16.
        Dapo = "dapo",
        /// RLOO: REINFORCE against the mean of the group's others, KL in the reward. One update a step, so that its clip
        /// bounds, which the paper has not, never act.
        Rloo = "rloo",
        /// REINFORCE++: advantages whitened over the batch, KL (k1) in the reward.
        ReinforcePp = "reinforce_pp",
        /// REINFORCE++ with the group's mean as a baseline, KL (k2) in the loss.
        ReinforcePpBaseline = "reinforce_pp_baseline",
        /// GSPO: one ratio per completion, with bounds that are as narrow as that needs, in 4 updates a step.
        Gspo = "gspo",
        /// CISPO: clipped weights, no lower bound, in 4 updates a step. The paper does not tell its upper bound.
        Cispo = "cispo",
        /// SAPO: a soft gate in place of clip bounds, in 4 updates a step.
        Sapo = "sapo",
        /// MaxRL: advantages divided by the group's mean.
        MaxRl = "maxrl",
    }
}

impl Preset {
    /// The keys that it sets.
    pub fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Lab => &[],
            Self::Grpo => &[
                ("scale_rewards", "true"),
                ("loss_norm", "sequence"),
                ("clip_eps_high", "0.2"),
                ("kl_coef", "0.04"),
            ],
            Self::DrGrpo => &[("loss_norm", "constant"), ("clip_eps_high", "0.2")],
            Self::Dapo => &[
                ("scale_rewards", "true"),
                ("batching", "dynamic"),
                ("mini_batches", "4"),
                ("mask_truncated", "true"),
                ("overlong_penalty", "1"),
            ],
            Self::Rloo => &[
                ("advantage", "rloo"),
                ("loss_norm", "constant"),
                ("clip_eps_high", "0.2"),
                ("kl_coef", "0.05"),
                ("kl_estimator", "k1"),
                ("kl_in", "reward"),
            ],
            Self::ReinforcePp => &[
                ("advantage", "reinforce_pp"),
                ("clip_eps_high", "0.2"),
                ("kl_coef", "0.01"),
                ("kl_estimator", "k1"),
                ("kl_in", "reward"),
            ],
            Self::ReinforcePpBaseline => &[
                ("advantage", "reinforce_pp_baseline"),
                ("clip_eps_high", "0.2"),
                ("kl_coef", "0.01"),
                ("kl_estimator", "k2"),
            ],
            Self::Gspo => &[
                ("objective", "gspo"),
                ("scale_rewards", "true"),
                ("loss_norm", "sequence"),
                ("clip_eps_low", "0.0003"),
                ("clip_eps_high", "0.0004"),
                ("mini_batches", "4"),
            ],
            Self::Cispo => &[
                ("objective", "cispo"),
                ("scale_rewards", "true"),
                ("clip_eps_low", "1"),
                ("mini_batches", "4"),
            ],
            Self::Sapo => &[
                ("objective", "sapo"),
                ("scale_rewards", "true"),
                ("loss_norm", "sequence"),
                ("mini_batches", "4"),
            ],
            Self::MaxRl => &[("advantage", "maxrl")],
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::{
        grpo::{
            advantage::Advantage,
            objective::Objective,
            registry::Chosen,
            settings::{Correction, KlEstimator},
        },
        settings::Choice,
    };

    #[test]
    fn the_page_about_algorithms_has_every_part_and_what_every_preset_sets() {
        let page =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/algorithms.md")).unwrap();
        let row = |name: &str| -> String {
            let begin = format!("| `{name}` |");
            page.lines().find(|line| line.starts_with(&begin)).unwrap_or_default().to_owned()
        };
        for preset in Preset::all() {
            let row = row(preset.name());
            let keys: Vec<String> =
                preset.settings().iter().map(|(key, value)| format!("`{key}={value}`")).collect();
            assert!(keys.iter().all(|key| row.contains(key)) && row.len() > 20, "{row} {keys:?}");
            let sets = row.split('|').nth(2).unwrap_or_default();
            assert!(keys.is_empty() || sets.matches('=').count() == keys.len(), "{row} {keys:?}");
        }
        let objectives = Chosen::<dyn Objective>::all().into_iter().map(|part| part.name());
        let advantages = Chosen::<dyn Advantage>::all().into_iter().map(|part| part.name());
        let others = KlEstimator::all().into_iter().map(KlEstimator::name);
        let corrections = Correction::all().into_iter().map(Correction::name);
        for name in objectives.chain(advantages).chain(others).chain(corrections) {
            assert!(row(name).len() > 20, "docs/algorithms.md lacks {name}");
        }
    }
}
