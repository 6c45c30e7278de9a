//! **Update**, the last phase that a step of GRPO does: AdamW steps on the loss.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    correction::SamplingGap,
    kl::log_probs_under,
    loss::{LossStats, TrainingRow, loss, micro_batches},
    mini_batches::deal,
    norm::BatchSize,
    schedule::learning_rate,
    settings::{Correction, Settings},
    step::{Grpo, JudgedGroup, generator},
};
use crate::{model::trainer::UpdateError, rollout::Completion};

/// Names the random numbers that shuffle groups into mini-batches.
const SHUFFLE: u64 = 0x6465_616c;

/// What the update phase measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpdateReport {
    /// The loss as the mean over the optimizer steps, all else as sums over the tokens of all of them.
    pub stats: LossStats,
    /// Global gradient norm before clipping, the mean over the optimizer steps.
    pub grad_norm: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Optimizer steps that were made.
    pub optimizer_steps: usize,
    /// Tokens that went through the model, prompts included, padding not.
    pub tokens: usize,
    /// Tokens of forward passes alone: of the reference for a KL term, of the policy for a correction.
    pub forward_tokens: usize,
    /// How far the trainer's log-probabilities lay from the sampler's, before the weights changed.
    pub gap: SamplingGap,
}

/// Where an update stands before it begins a micro-batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Micro-batches that were begun.
    pub begun: usize,
    /// All of them, of every optimizer step.
    pub total: usize,
    /// Whether an optimizer step has changed the weights.
    pub changed: bool,
}

/// What one optimizer step is made on.
struct MiniBatch<'a> {
    rows: Vec<TrainingRow<'a>>,
    /// The rows that go through the model together.
    micro_batches: Vec<Vec<usize>>,
}

impl<'a> MiniBatch<'a> {
    /// These groups' part of `rows`, each token weighed as the norm has it in a batch of these groups alone.
    fn of(settings: &Settings, rows: &[TrainingRow<'a>], groups: &[JudgedGroup], members: &[usize]) -> Self {
        let rules = &settings.update;
        let size = batch_size(settings, members.iter().map(|&group| &groups[group]));
        let own = rows.iter().filter(|row| members.binary_search(&row.group).is_ok());
        let weighed = own
            .map(|row| TrainingRow { weight: rules.loss_norm.weight(row.tokens.len(), size), ..row.clone() });
        let rows: Vec<TrainingRow<'a>> = weighed.collect();
        let lengths: Vec<usize> = rows.iter().map(TrainingRow::length).collect();
        Self { rows, micro_batches: micro_batches(&lengths, rules.micro_tokens) }
    }
}

impl Grpo {
    /// One AdamW step for each mini-batch of each inner epoch, on the loss over its completion tokens. `gate` is asked
    /// before each micro-batch.
    ///
    /// With one update a step (`mini_batches = 1`, `inner_epochs = 1`, the default) every ratio is 1, nothing is clipped,
    /// and the loss is minus the weighted mean advantage: exactly 0 under the `sequence` norm, near 0 under the others,
    /// while its gradient is the policy gradient. The log-probabilities kept while sampling stand for those of the old
    /// policy; they differ from a second forward pass by rounding only. All updates of a step have one learning rate.
    ///
    /// # Errors
    /// When the gate ended it, or a reward, a log-probability, the loss, a gradient or a new weight is not finite; the
    /// weights and the optimizer are then those before the step.
    pub fn update(
        &mut self,
        settings: &Settings,
        step: u64,
        groups: &[JudgedGroup],
        gate: &(dyn Fn(Progress) -> bool + Sync),
    ) -> Result<UpdateReport, UpdateError> {
        let rules = settings.update;
        let mut rows = training_rows(settings, groups);
        let reference = self.reference_log_probs(&rows, settings);
        for (row, logprobs) in rows.iter_mut().zip(&reference) {
            row.reference_logprobs = Some(logprobs);
        }
        check_finite(groups)?;
        let corrected = rules.correction != Correction::None;
        let old = match corrected {
            true => log_probs_under(&self.trainer.inference_model(), &rows, settings),
            false => Vec::new(),
        };
        let mut gap = SamplingGap::default();
        for (row, logprobs) in rows.iter_mut().zip(&old) {
            row.old_logprobs = Some(logprobs);
            gap.add(SamplingGap::of(logprobs, row.sampled_logprobs, &rules));
        }

        let mut shuffle = generator(settings.seed, SHUFFLE, step);
        let parts =
            (0..rules.inner_epochs).flat_map(|_| deal(groups.len(), rules.mini_batches, &mut shuffle));
        let batches = parts.map(|part| MiniBatch::of(settings, &rows, groups, &part));
        // One whose groups are all dead has nothing to learn from, and no optimizer step.
        let batches: Vec<MiniBatch<'_>> = batches.filter(|batch| !batch.rows.is_empty()).collect();
        let tokens: usize = rows.iter().map(TrainingRow::length).sum();
        let mut report = UpdateReport {
            learning_rate: learning_rate(&settings.optimizer, step),
            tokens: tokens * rules.inner_epochs,
            forward_tokens: tokens * (usize::from(!reference.is_empty()) + usize::from(corrected)),
            gap,
            ..UpdateReport::default()
        };
        let (total, begun) =
            (batches.iter().map(|batch| batch.micro_batches.len()).sum(), AtomicUsize::new(0));
        let before = self.trainer.snapshot();
        for batch in &batches {
            let changed = report.optimizer_steps > 0;
            let gate = || gate(Progress { begun: begun.fetch_add(1, Ordering::Relaxed), total, changed });
            let made = self.optimizer_step(settings, batch, report.learning_rate, gate);
            // One that fails undoes those before it: there is no half step.
            let (stats, grad_norm) = made.inspect_err(|_| self.trainer.restore(before.clone()))?;
            report.optimizer_steps += 1;
            report.grad_norm += grad_norm / batches.len() as f64;
            for stats in stats {
                report.stats.loss += stats.loss / batches.len() as f64;
                report.stats.tokens += stats.tokens;
                report.stats.clipped += stats.clipped;
                report.stats.kl += stats.kl;
                if !changed && !corrected {
                    report.gap.add(stats.gap);
                }
            }
        }
        Ok(report)
    }

    /// One AdamW step: what its micro-batches measured, and the gradient norm.
    fn optimizer_step(
        &mut self,
        settings: &Settings,
        batch: &MiniBatch<'_>,
        learning_rate: f64,
        gate: impl Fn() -> bool + Sync,
    ) -> Result<(Vec<LossStats>, f64), UpdateError> {
        let update = self.trainer.update(
            &batch.micro_batches,
            |rows| rows.iter().map(|&i| batch.rows[i].length()).sum(),
            learning_rate,
            settings.optimizer.max_grad_norm,
            |model, rows, device| {
                let rows: Vec<&TrainingRow<'_>> = rows.iter().map(|&i| &batch.rows[i]).collect();
                loss(model, &rows, &settings.update, settings.sampling.temperature.max(1e-6), device)
            },
            gate,
        )?;
        let whole_loss = update.stats.iter().map(|stats| stats.loss).sum::<f64>();
        match whole_loss.is_finite() {
            true => Ok((update.stats, update.grad_norm)),
            false => Err(UpdateError::NotFinite { what: "the loss", value: whole_loss }),
        }
    }

    /// Log-probabilities of every row's tokens under the reference, for the KL term of the loss; empty without one.
    fn reference_log_probs(&self, rows: &[TrainingRow<'_>], settings: &Settings) -> Vec<Vec<f32>> {
        match self.reference.as_ref().filter(|_| settings.update.kl_in_loss() > 0.0) {
            Some(reference) => log_probs_under(reference, rows, settings),
            None => Vec::new(),
        }
    }
}

/// The completions that there is something to learn from.
fn training_rows<'a>(settings: &Settings, groups: &'a [JudgedGroup]) -> Vec<TrainingRow<'a>> {
    let rules = &settings.update;
    // A zero advantage, as all of a dead group have, has a zero gradient, and what the policy is held to has not; its
    // tokens still count in the norm.
    let held = rules.kl_in_loss() > 0.0 || rules.entropy_coef > 0.0;
    let mut rows = Vec::new();
    for (number, judged) in groups.iter().enumerate() {
        let group = &judged.scored.group;
        for (completion, &advantage) in group.completions.iter().zip(&judged.advantages) {
            let masked = rules.mask_truncated && completion.truncated;
            if completion.tokens.is_empty() || masked || (advantage == 0.0 && !held) {
                continue;
            }
            rows.push(TrainingRow {
                group: number,
                prompt: &group.prompt_tokens,
                tokens: &completion.tokens,
                sampled_logprobs: &completion.logprobs,
                advantage,
                ..TrainingRow::default()
            });
        }
    }
    rows
}

/// What the loss of a group's tokens is divided by: counted in its mini-batch, that of the first inner epoch.
pub(crate) fn batch_size_of(
    settings: &Settings,
    step: u64,
    groups: &[JudgedGroup],
    group: usize,
) -> BatchSize {
    let mut shuffle = generator(settings.seed, SHUFFLE, step);
    let parts = deal(groups.len(), settings.update.mini_batches, &mut shuffle);
    let own = parts.into_iter().find(|part| part.contains(&group)).unwrap_or_default();
    batch_size(settings, own.into_iter().map(|member| &groups[member]))
}

/// What a loss is divided by is counted in the groups that its update is made on.
fn batch_size<'a>(settings: &Settings, groups: impl IntoIterator<Item = &'a JudgedGroup>) -> BatchSize {
    let mut size = BatchSize { max_new_tokens: settings.sampling.max_new_tokens, ..BatchSize::default() };
    for group in groups {
        let masked = |completion: &Completion| settings.update.mask_truncated && completion.truncated;
        let completions = &group.scored.group.completions;
        // As in TRL, the tokens of a completion that is left out are not counted, and the completion is.
        size.tokens +=
            completions.iter().filter(|one| !masked(one)).map(|one| one.tokens.len()).sum::<usize>();
        size.completions += completions.len();
    }
    size
}

/// Whether everything that was sampled and scored can be learned from.
fn check_finite(groups: &[JudgedGroup]) -> Result<(), UpdateError> {
    let broken = |what, value: f64| Err(UpdateError::NotFinite { what, value });
    for judged in groups {
        if let Some(&value) = judged.scored.rewards.iter().find(|reward| !reward.is_finite()) {
            return broken("a reward", value);
        }
        if let Some(&value) = judged.advantages.iter().find(|advantage| !advantage.is_finite()) {
            return broken("an advantage", value);
        }
        let mut sampled = judged.scored.group.completions.iter().flat_map(|completion| &completion.logprobs);
        if let Some(&value) = sampled.find(|logprob| !logprob.is_finite()) {
            return broken("the log-probability of a sampled token", value.into());
        }
    }
    Ok(())
}
