//! The loss: clipped policy gradient on tokens, plus KL to the reference.
//!
//! For token `t` of completion `i` with advantage `A_i`, ratio `r = exp(logp - logp_sampled)`:
//!
//! `loss = -min(r A, clip(r, 1 - clip_eps_low, 1 + clip_eps_high) A) + kl_coef * k3`,
//! `k3 = exp(logp_ref - logp) - (logp_ref - logp) - 1` (<http://joschu.net/blog/kl-approx.html>),
//!
//! summed over tokens with a weight that [`LossNorm`] decides.
//!
//! On the policy's own tokens the mean of k3 estimates KL(policy || reference). What the loss is given is its gradient
//! on those tokens, `(1 - exp(logp_ref - logp)) grad logp`, whose mean is the gradient of **KL(reference || policy)**:
//! the policy is drawn to cover what the reference does, and not the other way round. With several inner epochs the
//! tokens are those of the policy before the step, and both are approximate.

use burn::tensor::{Device, Int, Tensor, TensorData};

pub use super::settings::LossNorm;
use crate::model::transformer::{Transformer, target_log_probs};

impl LossNorm {
    /// The weight of each token of a completion of `length` tokens.
    pub fn weight(self, length: usize, all_tokens: usize, completions: usize, max_new_tokens: usize) -> f64 {
        1.0 / match self {
            Self::Token => all_tokens as f64,
            Self::Sequence => (length * completions) as f64,
            Self::Constant => (max_new_tokens * completions) as f64,
        }
    }
}

/// The constants of the loss.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossRules {
    /// The ratio is clipped below at 1 minus this.
    pub clip_eps_low: f64,
    /// The ratio is clipped above at 1 plus this.
    pub clip_eps_high: f64,
    /// Weight of the KL term.
    pub kl_coef: f64,
    /// The temperature that the completions were sampled at: their log-probabilities include it.
    pub temperature: f64,
}

/// One completion to learn from.
#[derive(Debug, Clone)]
pub struct TrainingRow<'a> {
    /// Tokens before the completion.
    pub prompt: &'a [u32],
    /// Tokens of the completion.
    pub tokens: &'a [u32],
    /// Their log-probabilities when they were sampled.
    pub sampled_logprobs: &'a [f32],
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

/// Sums over the tokens of a micro-batch, for the metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LossStats {
    /// The loss.
    pub loss: f64,
    /// Completion tokens.
    pub tokens: f64,
    /// Of these, the ones whose ratio was clipped.
    pub clipped: f64,
    /// Sum of the k3 estimates.
    pub kl: f64,
}

/// Groups row indices into micro-batches of at most `micro_tokens` padded tokens (at least one row each), rows
/// of similar length together.
pub fn micro_batches(lengths: &[usize], micro_tokens: usize) -> Vec<Vec<usize>> {
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
    let logits = model.logits(model.hidden(inputs).select(0, places));
    target_log_probs(if temperature == 1.0 { logits } else { logits / temperature }, targets)
}

/// The loss of a micro-batch, `[1]`, and its sums.
pub fn loss(
    model: &Transformer,
    rows: &[&TrainingRow<'_>],
    rules: &LossRules,
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
    let logprobs = completion_log_probs(model, rows, rules.temperature, device);
    let sampled: Vec<f32> = rows.iter().flat_map(|row| row.sampled_logprobs.iter().copied()).collect();
    let advantages = constant(per_token(|row| row.advantage));
    let weights = constant(per_token(|row| row.weight));

    let ratio = (logprobs.clone() - constant(sampled)).exp();
    let (low, high) = (1.0 - rules.clip_eps_low, 1.0 + rules.clip_eps_high);
    let unclipped = ratio.clone() * advantages.clone();
    let clipped = ratio.clamp(low, high) * advantages;
    let was_clipped = clipped.clone().detach().lower(unclipped.clone().detach());
    let mut token_loss = unclipped.min_pair(clipped).neg();

    let mut stats = LossStats { tokens: sampled_count(rows), ..LossStats::default() };
    if rules.kl_coef > 0.0 {
        let reference: Vec<f32> =
            rows.iter().flat_map(|row| row.reference_logprobs.unwrap_or_default().iter().copied()).collect();
        let gap = constant(reference) - logprobs;
        let k3 = gap.clone().exp() - gap - 1.0;
        stats.kl = scalar(k3.clone().detach().sum());
        token_loss = token_loss + k3 * rules.kl_coef;
    }
    let total = (token_loss * weights).sum();
    stats.loss = scalar(total.clone().detach());
    stats.clipped = scalar(was_clipped.float().sum());
    (total, stats)
}

fn sampled_count(rows: &[&TrainingRow<'_>]) -> f64 {
    rows.iter().map(|row| row.tokens.len()).sum::<usize>() as f64
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

    #[test]
    fn norms_weigh_tokens_as_their_papers_say() {
        let weight = |norm: LossNorm| norm.weight(10, 400, 8, 100);
        assert_eq!(weight(LossNorm::Token), 1.0 / 400.0);
        assert_eq!(weight(LossNorm::Sequence), 1.0 / 80.0);
        assert_eq!(weight(LossNorm::Constant), 1.0 / 800.0);
    }
}
