//! The loss of a micro-batch: `sum over tokens of weight * (w * objective + kl_coef * k - entropy_coef * H)`.
//!
//! The [objective](super::objective) is the loss of a token, the [norm](super::norm) its weight, w what
//! [corrects](super::correction) for the sampler, [k](super::kl) what keeps the policy near the reference, and
//! [H](super::entropy) its entropy.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::{
    correction::SamplingGap,
    entropy::entropies,
    objective::{Surrogate, Tokens},
    settings::Update,
};
use crate::model::transformer::Transformer;

/// One completion to learn from. Each of its log-probabilities stands at its token.
#[derive(Debug, Clone, Default)]
pub struct TrainingRow<'a> {
    /// The group of the step that it belongs to.
    pub group: usize,
    /// Tokens before the completion.
    pub prompt: &'a [u32],
    /// Tokens of the completion.
    pub tokens: &'a [u32],
    /// Their log-probabilities when they were sampled.
    pub sampled_logprobs: &'a [f32],
    /// Their log-probabilities under the policy that trains, before the update; `None` without a correction.
    pub old_logprobs: Option<&'a [f32]>,
    /// Their log-probabilities under the reference; `None` without a KL term.
    pub reference_logprobs: Option<&'a [f32]>,
    /// Advantage of the completion.
    pub advantage: f64,
    /// Weight of each of its tokens in the sum.
    pub weight: f64,
}

impl TrainingRow<'_> {
    /// Tokens that the model reads for it.
    pub fn length(&self) -> usize {
        self.prompt.len() + self.tokens.len()
    }
}

impl<'a> TrainingRow<'a> {
    /// The log-probabilities that ratios start from.
    fn old(&self) -> &'a [f32] {
        self.old_logprobs.unwrap_or(self.sampled_logprobs)
    }
}

/// Sums over the tokens of a micro-batch, for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LossStats {
    /// The loss.
    pub loss: f64,
    /// Completion tokens.
    pub tokens: f64,
    /// Of these, the ones on whose ratio a bound acts.
    pub clipped: f64,
    /// Sum of the estimates of KL, where it is in the loss.
    pub kl: f64,
    /// How far the log-probabilities lie from the sampler's: before the weights have changed, the gap between the two.
    pub gap: SamplingGap,
}

/// Groups row indices into micro-batches of at most `micro_tokens` padded tokens (at least one row each), rows
/// of similar length together.
pub(crate) fn micro_batches(lengths: &[usize], micro_tokens: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| (lengths[i], i));
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for index in order {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * lengths[index] <= micro_tokens => batch.push(index),
            _ => batches.push(vec![index]),
        }
    }
    batches
}

/// Log-probability of every completion token of `rows` under `model`, end to end: `[all completion tokens]`.
pub fn completion_log_probs(
    model: &Transformer,
    rows: &[&TrainingRow<'_>],
    temperature: f64,
    device: &Device,
) -> Tensor<1> {
    let (hidden, targets) = states(model, rows, device);
    model.log_probs(hidden, targets, temperature)
}

/// What the model has before its head at every place that a completion token of `rows` follows, `[tokens, hidden]`, and
/// those tokens.
fn states(model: &Transformer, rows: &[&TrainingRow<'_>], device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let width = rows.iter().map(|r| r.length()).max().unwrap_or(1) - 1;
    let (mut inputs, mut places, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for (r, row) in rows.iter().enumerate() {
        // The last token is only ever a target. Padding on the right is seen by nothing before it.
        let read = row.prompt.iter().chain(row.tokens).map(|&t| t as i32);
        inputs.extend(read.take(row.length() - 1).chain(std::iter::repeat(0)).take(width));
        for (i, &token) in row.tokens.iter().enumerate() {
            places.push((r * width + row.prompt.len() - 1 + i) as i32);
            targets.push(token as i32);
        }
    }
    let n = targets.len();
    let inputs = Tensor::<2, Int>::from_data(TensorData::new(inputs, [rows.len(), width]), device);
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [n]), device);
    let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [n]), device);
    (model.hidden(inputs).select(0, places), targets)
}

/// The loss of a micro-batch, `[1]`, and its sums. `temperature` is the one that the completions were sampled at: their
/// log-probabilities include it.
pub fn loss(
    model: &Transformer,
    rows: &[&TrainingRow<'_>],
    rules: &Update,
    temperature: f64,
    device: &Device,
) -> (Tensor<1>, LossStats) {
    let plain = device.clone().inner();
    let constant = |values: Vec<f32>| {
        let n = values.len();
        Tensor::<1>::from_inner(Tensor::from_data(TensorData::new(values, [n]), &plain))
    };
    let per_token = |value: fn(&TrainingRow<'_>) -> f64| -> Vec<f32> {
        rows.iter().flat_map(|row| std::iter::repeat_n(value(row) as f32, row.tokens.len())).collect()
    };
    let (hidden, targets) = states(model, rows, device);
    let entropies = (rules.entropy_coef > 0.0).then(|| entropies(model.logits(hidden.clone()) / temperature));
    let logprobs = model.log_probs(hidden, targets, temperature);
    let tokens = Tokens {
        logprobs: logprobs.clone(),
        old: constant(rows.iter().flat_map(|row| row.old()).copied().collect()),
        advantages: constant(per_token(|row| row.advantage)),
        lengths: rows.iter().map(|row| row.tokens.len()).collect(),
    };
    let weights = constant(per_token(|row| row.weight));
    let Surrogate { loss: mut token_loss, clipped } = rules.objective.surrogate(&tokens, rules);
    let sampled: Vec<f32> = rows.iter().flat_map(|row| row.sampled_logprobs).copied().collect();
    let seen = logprobs.clone().detach().into_data().try_to_vec::<f32>().unwrap_or_default();
    let gap = SamplingGap::of(&seen, &sampled, rules);
    let log_rho = || tokens.old.clone() - constant(sampled);
    if let Some(weights) = rules.correction_weights(log_rho) {
        token_loss = token_loss * weights;
    }

    let tokens = tokens.lengths.iter().sum::<usize>() as f64;
    let mut stats = LossStats { tokens, gap, ..LossStats::default() };
    let kl_coef = rules.kl_in_loss();
    if kl_coef > 0.0 {
        let reference: Vec<f32> =
            rows.iter().flat_map(|row| row.reference_logprobs.unwrap_or_default().iter().copied()).collect();
        let kl = rules.kl_estimator.of_tokens(constant(reference) - logprobs);
        stats.kl = scalar(kl.clone().detach().sum());
        token_loss = token_loss + kl * kl_coef;
    }
    if let Some(entropies) = entropies {
        token_loss = token_loss - entropies * rules.entropy_coef;
    }
    let total = (token_loss * weights).sum();
    stats.loss = scalar(total.clone().detach());
    stats.clipped = scalar(clipped.float().sum());
    (total, stats)
}

fn scalar(tensor: Tensor<1>) -> f64 {
    f64::from(tensor.into_scalar::<f32>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn micro_batches_hold_every_row_once_within_the_limit() {
        let lengths = [30, 5, 200, 31, 29, 6, 90];
        let batches = micro_batches(&lengths, 100);
        let mut all = batches.concat();
        all.sort_unstable();
        assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
        for batch in &batches {
            let widest = batch.iter().map(|&i| lengths[i]).max().unwrap_or(0);
            assert!(batch.len() == 1 || batch.len() * widest <= 100);
        }
    }
}
