//! KL to the reference, estimated token by token from the log-probability `logp` that the policy gives a token and that of
//! the reference, `ref` (<http://joschu.net/blog/kl-approx.html>):
//!
//! - `k1 = logp - ref`: unbiased on the policy's own tokens, of either sign, and it varies much;
//! - `k2 = (logp - ref)^2 / 2`: biased, never negative;
//! - `k3 = exp(ref - logp) - (ref - logp) - 1`: unbiased, never negative, and it varies less than k1;
//! - `k3+`: the value of k3 with the gradient of k2.
//!
//! Where the estimate stands decides what it does (`kl_in`):
//!
//! - `loss`: `kl_coef * k` is added to the loss of each token, and its gradient is what counts. On the policy's own tokens
//!   that of k2, and so of k3+, is the gradient of **KL(policy || reference)**; that of k3 is
//!   `(1 - exp(ref - logp)) grad logp`, whose mean is the gradient of **KL(reference || policy)**: the policy is drawn to
//!   cover what the reference does, and not the other way round; the mean gradient of k1 is **0**, it only adds noise.
//!   GRPO has k3 here. From the second update of a step on, the tokens are those of an older policy, and all of this is
//!   approximate.
//! - `reward`: `kl_coef * (the sum of k over the completion's tokens)` is taken off the completion's reward, as in RLOO;
//!   there k1 has the gradient of KL(policy || reference). Deviation: PPO and REINFORCE++ take each token's own k, and
//!   those of the tokens after it, off that token; here all tokens of a completion have one advantage.
//!
//! verl, which names k3+, keeps `ref - logp` within 20 and k3 within 10; here nothing is cut off.

use burn::tensor::Tensor;

use super::{
    loss::{TrainingRow, completion_log_probs, micro_batches},
    settings::{KlEstimator, KlIn, Settings, Update},
    step::Grpo,
};
use crate::{model::transformer::Transformer, rollout::RolloutGroup};

impl KlEstimator {
    /// The estimate of each token; `gap` is `ref - logp`.
    pub fn of_tokens(self, gap: Tensor<1>) -> Tensor<1> {
        let k2 = |gap: Tensor<1>| gap.clone() * gap * 0.5;
        let k3 = |gap: Tensor<1>| gap.clone().exp() - gap - 1.0;
        match self {
            Self::K1 => gap.neg(),
            Self::K2 => k2(gap),
            Self::K3 => k3(gap),
            Self::K3Plus => {
                let (value, slope) = (k3(gap.clone().detach()), k2(gap));
                slope.clone() - slope.detach() + value
            }
        }
    }

    /// The same of one token.
    pub(crate) fn of_gap(self, gap: f64) -> f64 {
        match self {
            Self::K1 => -gap,
            Self::K2 => gap * gap / 2.0,
            Self::K3 | Self::K3Plus => gap.exp() - gap - 1.0,
        }
    }

    /// The estimate as a formula.
    pub(crate) fn formula(self) -> &'static str {
        match self {
            Self::K1 => "logp - ref",
            Self::K2 => "(logp - ref)^2 / 2",
            Self::K3 => "exp(ref - logp) - (ref - logp) - 1",
            Self::K3Plus => "exp(ref - logp) - (ref - logp) - 1, gradient of (logp - ref)^2 / 2",
        }
    }

    /// What it does in the loss, as a part of a sentence.
    fn gradient(self) -> &'static str {
        match self {
            Self::K1 => "its mean gradient is 0, so that it holds nothing back",
            Self::K2 | Self::K3Plus => "its gradient is that of KL(policy || reference)",
            Self::K3 => "its gradient is that of KL(reference || policy)",
        }
    }
}

impl Update {
    /// Whether anything is measured against a reference.
    pub(crate) fn has_reference(&self) -> bool {
        self.kl_coef > 0.0 || self.kl_every > 0
    }

    /// The weight of KL in the loss.
    pub(super) fn kl_in_loss(&self) -> f64 {
        if self.kl_in == KlIn::Loss { self.kl_coef } else { 0.0 }
    }

    /// The weight of KL in the reward.
    pub(super) fn kl_in_reward(&self) -> f64 {
        if self.kl_in == KlIn::Reward { self.kl_coef } else { 0.0 }
    }

    /// Whether KL is measured on the completions as they were sampled, and not with the update.
    fn measures_kl_of_samples(&self, step: u64) -> bool {
        let due = self.kl_coef == 0.0 && self.kl_every > 0 && step.is_multiple_of(self.kl_every);
        self.kl_in_reward() > 0.0 || due
    }

    /// What KL to the reference does to the update, in a sentence; empty without a KL term.
    pub(super) fn kl_in_words(&self) -> String {
        match self.kl_in {
            _ if self.kl_coef == 0.0 => String::new(),
            KlIn::Loss => format!(" The KL term is added to it; {}.", self.kl_estimator.gradient()),
            KlIn::Reward => " KL to the reference is taken off the reward, before the advantage.".into(),
        }
    }
}

impl Grpo {
    /// Before a step: where KL is measured for the first time, as after a live edit, what the policy is now becomes the
    /// reference; of a policy with an adapter its base. Every `reference_refresh` steps the policy becomes the reference
    /// anew, which is GRPO's outer loop.
    pub(super) fn choose_reference(&mut self, settings: &Settings, step: u64) {
        let every = settings.update.reference_refresh;
        if !settings.update.has_reference() {
            return;
        }
        if every > 0 && step > 1 && (step - 1).is_multiple_of(every) {
            self.reference = Some(self.trainer.inference_model().merged());
        } else if self.reference.is_none() {
            self.reference = Some(self.trainer.inference_model().without_adapter());
        }
    }

    /// The sum of the estimates over each completion as it was sampled; `None` where it is not measured so.
    ///
    /// At coefficient 0 this costs a forward pass of the reference, a fifth or so of an update: `kl_every` says how often.
    pub(super) fn kl_of_samples(
        &self,
        settings: &Settings,
        step: u64,
        group: &RolloutGroup,
    ) -> Option<Vec<f64>> {
        if !settings.update.measures_kl_of_samples(step) {
            return None;
        }
        let reference = self.reference.as_ref()?;
        let row = |completion: usize| TrainingRow {
            prompt: &group.prompt_tokens,
            tokens: &group.completions[completion].tokens,
            ..TrainingRow::default()
        };
        let rows: Vec<TrainingRow<'_>> = (0..group.completions.len()).map(row).collect();
        let estimator = settings.update.kl_estimator;
        let sum = |(reference, sampled): (Vec<f32>, &Vec<f32>)| {
            let gaps = reference.iter().zip(sampled).map(|(to, from)| f64::from(*to) - f64::from(*from));
            gaps.map(|gap| estimator.of_gap(gap)).sum()
        };
        let sampled = group.completions.iter().map(|completion| &completion.logprobs);
        Some(log_probs_under(reference, &rows, settings).into_iter().zip(sampled).map(sum).collect())
    }
}

/// The log-probabilities of every row's tokens under a model that is not trained.
pub(super) fn log_probs_under(
    model: &Transformer,
    rows: &[TrainingRow<'_>],
    settings: &Settings,
) -> Vec<Vec<f32>> {
    let (device, temperature) = (model.device(), settings.sampling.temperature.max(1e-6));
    let lengths: Vec<usize> = rows.iter().map(TrainingRow::length).collect();
    let mut found = vec![Vec::new(); rows.len()];
    for batch in &micro_batches(&lengths, settings.update.micro_tokens) {
        let members: Vec<&TrainingRow<'_>> = batch.iter().map(|&i| &rows[i]).collect();
        if members.iter().all(|row| row.tokens.is_empty()) {
            continue;
        }
        let logprobs = completion_log_probs(model, &members, temperature, &device);
        let mut values = logprobs.into_data().try_to_vec::<f32>().unwrap_or_default().into_iter();
        for &i in batch {
            found[i] = values.by_ref().take(rows[i].tokens.len()).collect();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Choice;

    #[test]
    fn estimates_are_zero_for_equal_models_and_only_k1_is_ever_negative() {
        for estimator in KlEstimator::all() {
            assert_eq!(estimator.of_gap(0.0), 0.0, "{estimator}");
            let least = estimator.of_gap(-2.9).min(estimator.of_gap(2.9));
            assert_eq!(least < 0.0, estimator == KlEstimator::K1, "{estimator}");
        }
        // e^{0.5} - 0.5 - 1
        assert!((KlEstimator::K3.of_gap(0.5) - 0.148_721).abs() < 1e-5);
        assert_eq!((KlEstimator::K1.of_gap(0.5), KlEstimator::K2.of_gap(0.5)), (-0.5, 0.125));
    }

    #[test]
    fn it_is_measured_where_it_is_asked_for() {
        let rules = |kl_coef, kl_in, kl_every| Update { kl_coef, kl_in, kl_every, ..Update::default() };
        let measured = |rules: Update| [1, 2, 3, 4].map(|step| rules.measures_kl_of_samples(step));
        assert_eq!(measured(rules(0.0, KlIn::Loss, 0)), [false; 4]);
        assert_eq!(measured(rules(0.0, KlIn::Loss, 2)), [false, true, false, true]);
        assert_eq!(measured(rules(0.1, KlIn::Reward, 0)), [true; 4]);
        assert_eq!(measured(rules(0.1, KlIn::Loss, 2)), [false; 4], "the update measures it");
        assert!(!rules(0.0, KlIn::Loss, 0).has_reference() && rules(0.0, KlIn::Loss, 5).has_reference());
    }
}
