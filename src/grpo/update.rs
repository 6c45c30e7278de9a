//! **Update**, the last phase that a step of GRPO does: one AdamW step for each inner epoch.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{
    loss::{LossStats, TrainingRow, completion_log_probs, loss, micro_batches},
    norm::BatchSize,
    settings::{Optimizer, Settings},
    step::{Grpo, JudgedGroup},
};
use crate::model::trainer::UpdateError;

/// What the update phase measured.
#[derive(Debug, Clone, Copy, Default)]
pub struct UpdateReport {
    /// The loss as the mean over the inner epochs, all else as sums over the tokens of all of them.
    pub stats: LossStats,
    /// Global gradient norm before clipping, of the last inner epoch.
    pub grad_norm: f64,
    /// Learning rate.
    pub learning_rate: f64,
    /// Tokens that went through the model, prompts included, padding not.
    pub tokens: usize,
    /// Tokens that went through the reference model; 0 without a KL term.
    pub reference_tokens: usize,
}

impl Grpo {
    /// One AdamW step for each inner epoch on the loss over all completion tokens. `gate` is asked before each
    /// micro-batch, with how many were begun and how many there are.
    ///
    /// Deviations from the paper: the paper makes several updates from one rollout in mini-batches; here an
    /// inner epoch is one update on the whole batch. With `inner_epochs = 1` (the default) every ratio is 1,
    /// nothing is clipped, and the loss is minus the weighted mean advantage: exactly 0 under the `sequence`
    /// norm, near 0 under the others, while its gradient is the policy gradient. The log-probabilities kept
    /// while sampling stand for those of the old policy; they differ from a second forward pass by rounding only.
    ///
    /// # Errors
    /// When the gate ended it, or a reward, a log-probability, the loss, a gradient or a new weight is not finite; the
    /// weights and the optimizer are then those before the step.
    pub fn update(
        &mut self,
        settings: &Settings,
        step: u64,
        groups: &[JudgedGroup],
        gate: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Result<UpdateReport, UpdateError> {
        let (rules, temperature) = (settings.update, settings.sampling.temperature.max(1e-6));
        let mut rows = training_rows(settings, groups);
        let lengths: Vec<usize> = rows.iter().map(TrainingRow::length).collect();
        let batches = micro_batches(&lengths, rules.micro_tokens);
        let reference = self.reference_log_probs(&rows, &batches, settings);
        for (row, logprobs) in rows.iter_mut().zip(&reference) {
            row.reference_logprobs = Some(logprobs);
        }

        check_finite(groups)?;
        let before = self.trainer.snapshot();
        let tokens: usize = lengths.iter().sum();
        let mut report = UpdateReport {
            learning_rate: learning_rate(&settings.optimizer, step),
            tokens: tokens * rules.inner_epochs,
            reference_tokens: if reference.is_empty() { 0 } else { tokens },
            ..UpdateReport::default()
        };
        let (total, begun) = (batches.len() * rules.inner_epochs, AtomicUsize::new(0));
        for _ in 0..rules.inner_epochs {
            let update = self.trainer.update(
                &batches,
                |batch| batch.iter().map(|&i| lengths[i]).sum(),
                report.learning_rate,
                settings.optimizer.max_grad_norm,
                |model, batch, device| {
                    let rows: Vec<&TrainingRow<'_>> = batch.iter().map(|&i| &rows[i]).collect();
                    loss(model, &rows, &rules, temperature, device)
                },
                || gate(begun.fetch_add(1, Ordering::Relaxed), total),
            );
            let whole_loss = |stats: &[LossStats]| stats.iter().map(|stats| stats.loss).sum::<f64>();
            let update = match update {
                Ok(update) if !whole_loss(&update.stats).is_finite() => {
                    Err(UpdateError::NotFinite { what: "the loss", value: whole_loss(&update.stats) })
                }
                other => other,
            };
            let update = match update {
                Ok(update) => update,
                // A later epoch that fails undoes the earlier ones: there is no half step.
                Err(error) => {
                    self.trainer.restore(before);
                    return Err(error);
                }
            };
            report.grad_norm = update.grad_norm;
            for stats in update.stats {
                report.stats.loss += stats.loss / rules.inner_epochs as f64;
                report.stats.tokens += stats.tokens;
                report.stats.clipped += stats.clipped;
                report.stats.kl += stats.kl;
            }
        }
        Ok(report)
    }

    /// Log-probabilities of every row's tokens under the reference; empty without one.
    fn reference_log_probs(
        &self,
        rows: &[TrainingRow<'_>],
        batches: &[Vec<usize>],
        settings: &Settings,
    ) -> Vec<Vec<f32>> {
        let Some(reference) = self.reference.as_ref().filter(|_| settings.update.kl_coef > 0.0) else {
            return Vec::new();
        };
        let device = reference.device();
        let mut found = vec![Vec::new(); rows.len()];
        for batch in batches {
            let members: Vec<&TrainingRow<'_>> = batch.iter().map(|&i| &rows[i]).collect();
            let temperature = settings.sampling.temperature.max(1e-6);
            let logprobs = completion_log_probs(reference, &members, temperature, &device);
            let mut values = logprobs.into_data().try_to_vec::<f32>().unwrap_or_default().into_iter();
            for &i in batch {
                found[i] = values.by_ref().take(rows[i].tokens.len()).collect();
            }
        }
        found
    }
}

/// The completions that there is something to learn from, each with the weight that the loss gives its tokens.
fn training_rows<'a>(settings: &Settings, groups: &'a [JudgedGroup]) -> Vec<TrainingRow<'a>> {
    let size = batch_size(settings, groups);
    let mut rows = Vec::new();
    for judged in groups {
        let group = &judged.scored.group;
        for (completion, &advantage) in group.completions.iter().zip(&judged.advantages) {
            // A zero advantage, as all of a dead group have, has a zero gradient; its tokens still count in the norm.
            if completion.tokens.is_empty() || (advantage == 0.0 && settings.update.kl_coef == 0.0) {
                continue;
            }
            rows.push(TrainingRow {
                prompt: &group.prompt_tokens,
                tokens: &completion.tokens,
                sampled_logprobs: &completion.logprobs,
                reference_logprobs: None,
                advantage,
                weight: settings.update.loss_norm.weight(completion.tokens.len(), size),
            });
        }
    }
    rows
}

/// What the loss of a step is divided by is counted in these groups.
pub(crate) fn batch_size(settings: &Settings, groups: &[JudgedGroup]) -> BatchSize {
    BatchSize {
        tokens: groups.iter().map(|g| g.scored.group.generated_tokens()).sum(),
        completions: groups.iter().map(|g| g.advantages.len()).sum(),
        max_new_tokens: settings.sampling.max_new_tokens,
    }
}

/// Linear warm-up, then constant. `step` counts from 1.
fn learning_rate(optimizer: &Optimizer, step: u64) -> f64 {
    optimizer.learning_rate * (step as f64 / optimizer.warmup_steps.max(1) as f64).min(1.0)
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
