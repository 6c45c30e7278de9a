//! One step of Group Relative Policy Optimization, phase by phase.
//!
//! Read [`Grpo`]'s methods from top to bottom: sample, score, advantage, update. Whoever drives them (the
//! engine) may stop between any two. Deviations from the paper are stated where they are made.

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    advantage::{advantages, is_no_spread, standard_deviation},
    loss::{LossRules, LossStats, TrainingRow, completion_log_probs, loss, micro_batches},
    settings::{Control, Settings},
};
use crate::{
    model::{
        tokenizer::{Tokenizer, TokenizerError},
        trainer::{Trainer, UpdateError},
        transformer::Transformer,
    },
    reasoning::Analysis,
    rollout::{
        RolloutGroup,
        sampler::{self, Observer, Request, RowSeed, SamplingOptions},
    },
    task::{Puzzle, Score, Split, Task},
};

/// The policy, what it is trained on and how.
pub struct Grpo {
    /// Asks and scores.
    pub task: Box<dyn Task>,
    /// Text to tokens and back.
    pub tokenizer: Tokenizer,
    /// The policy and its optimizer.
    pub trainer: Trainer,
    /// The model that KL is measured against; there from the first step on whose `kl_coef` is not 0.
    pub reference: Option<Transformer>,
}

/// A group after the score phase: parallel to `group.completions`.
#[derive(Debug, Clone)]
pub struct ScoredGroup {
    /// The completions.
    pub group: RolloutGroup,
    /// Their text.
    pub texts: Vec<String>,
    /// What the task says of each.
    pub scores: Vec<Score>,
    /// What each earns: the score's reward, or what a control makes of it.
    pub rewards: Vec<f64>,
    /// The reasoning found in each. Never looked at by the reward.
    pub analyses: Vec<Analysis>,
}

/// A group after the advantage phase.
#[derive(Debug, Clone)]
pub struct JudgedGroup {
    /// As scored.
    pub scored: ScoredGroup,
    /// The advantage of each completion.
    pub advantages: Vec<f64>,
    /// Standard deviation of the group's rewards.
    pub reward_std: f64,
}

impl JudgedGroup {
    /// Whether all rewards are equal, so that every advantage is 0.
    pub fn is_dead(&self) -> bool {
        is_no_spread(self.reward_std)
    }
}

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
    /// Before a step: where a live edit turned KL on, what the policy is now becomes the reference.
    pub fn begin_step(&mut self, settings: &Settings) {
        if settings.update.kl_coef > 0.0 && self.reference.is_none() {
            self.reference = Some(self.trainer.inference_model());
        }
    }

    /// The puzzles of a step: drawn from the train side of the split by a generator of their own, so that the
    /// step's puzzles depend on the seed and the step alone.
    pub fn puzzles(&self, settings: &Settings, step: u64) -> Vec<Puzzle> {
        let mut rng = ChaCha8Rng::seed_from_u64(settings.seed ^ 0x70757a7a6c65);
        rng.set_stream(step);
        (0..settings.sampling.prompts_per_step).map(|_| self.task.draw(Split::Train, &mut rng)).collect()
    }

    /// **Sample.** The policy writes `group_size` completions for each puzzle.
    ///
    /// # Errors
    /// When a prompt cannot be encoded. `Ok(None)` when the observer ended it.
    pub fn sample(
        &self,
        settings: &Settings,
        step: u64,
        puzzles: Vec<Puzzle>,
        observer: &dyn Observer,
    ) -> Result<Option<Vec<RolloutGroup>>, TokenizerError> {
        let mut groups = Vec::with_capacity(puzzles.len());
        for puzzle in puzzles {
            let prompt = self.task.prompt(&puzzle);
            let prompt_tokens = self.tokenizer.encode(&prompt)?;
            groups.push(RolloutGroup { puzzle, prompt, prompt_tokens, completions: Vec::new() });
        }
        let options = SamplingOptions::new(
            &self.tokenizer,
            settings.sampling.temperature,
            settings.sampling.max_new_tokens,
            settings.reward.stop.is_answer(),
        );
        let requests: Vec<Request<'_>> = groups
            .iter()
            .enumerate()
            .flat_map(|(g, group)| {
                (0..settings.sampling.group_size).map(move |i| Request {
                    prompt: &group.prompt_tokens,
                    seed: RowSeed { run: settings.seed, row: step << 32 | (g << 16 | i) as u64 },
                })
            })
            .collect();
        let model = self.trainer.inference_model();
        let written = sampler::sample(&model, &requests, options, self.trainer.workers(), observer);
        let Some(mut written) = written.map(Vec::into_iter) else { return Ok(None) };
        for group in &mut groups {
            group.completions = written.by_ref().take(settings.sampling.group_size).collect();
        }
        Ok(Some(groups))
    }

    /// **Score.** The task looks at the answers, and at nothing else. The analysis reads the same texts for the
    /// charts; no number of it goes any further than the journal.
    pub fn score(&self, settings: &Settings, step: u64, groups: Vec<RolloutGroup>) -> Vec<ScoredGroup> {
        let rules = settings.reward.rules();
        let mut coin = ChaCha8Rng::seed_from_u64(settings.seed ^ 0x636f696e);
        coin.set_stream(step);
        let score_group = |group: RolloutGroup| {
            let texts: Vec<String> =
                group.completions.iter().map(|c| self.tokenizer.decode(&c.tokens)).collect();
            let scores: Vec<Score> =
                texts.iter().map(|t| self.task.score(&group.puzzle, t, &rules)).collect();
            let analyses =
                texts.iter().map(|t| self.task.analyze_graded(&group.puzzle, t, rules.answer)).collect();
            let mut rewards: Vec<f64> = scores.iter().map(|s| s.reward).collect();
            match settings.reward.control {
                // Every completion earns 1 or 0 by a coin, whatever it says.
                Control::RandomReward => rewards.fill_with(|| f64::from(u8::from(coin.random_bool(0.5)))),
                // The group's own rewards, each given to any of its completions: mean, spread and dead groups are
                // those of the real reward, and only what earned them is forgotten.
                Control::ShuffledReward => rewards.shuffle(&mut coin),
                Control::None => {}
            }
            ScoredGroup { group, texts, scores, rewards, analyses }
        };
        groups.into_iter().map(score_group).collect()
    }

    /// **Advantage.** Each completion is compared with its group; there is no value network.
    pub fn advantage(&self, settings: &Settings, groups: Vec<ScoredGroup>) -> Vec<JudgedGroup> {
        let judge = |scored: ScoredGroup| JudgedGroup {
            advantages: advantages(&scored.rewards, settings.update.scale_rewards),
            reward_std: standard_deviation(&scored.rewards),
            scored,
        };
        groups.into_iter().map(judge).collect()
    }

    /// **Update.** One AdamW step for each inner epoch on the clipped loss over all completion tokens.
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
        let rules = LossRules {
            clip_eps_low: settings.update.clip_eps_low,
            clip_eps_high: settings.update.clip_eps_high,
            kl_coef: settings.update.kl_coef,
            temperature: settings.sampling.temperature.max(1e-6),
        };
        let all_tokens: usize = groups.iter().map(|g| g.scored.group.generated_tokens()).sum();
        let completions: usize = groups.iter().map(|g| g.advantages.len()).sum();
        let mut rows: Vec<TrainingRow<'_>> = Vec::new();
        for judged in groups {
            let group = &judged.scored.group;
            for (completion, &advantage) in group.completions.iter().zip(&judged.advantages) {
                // A zero advantage, as all of a dead group have, has a zero gradient; its tokens still count in
                // `all_tokens`.
                if completion.tokens.is_empty() || (advantage == 0.0 && rules.kl_coef == 0.0) {
                    continue;
                }
                let length = completion.tokens.len();
                rows.push(TrainingRow {
                    prompt: &group.prompt_tokens,
                    tokens: &completion.tokens,
                    sampled_logprobs: &completion.logprobs,
                    reference_logprobs: None,
                    advantage,
                    weight: settings.update.loss_norm.weight(
                        length,
                        all_tokens,
                        completions,
                        settings.sampling.max_new_tokens,
                    ),
                });
            }
        }
        let lengths: Vec<usize> = rows.iter().map(TrainingRow::length).collect();
        let batches = micro_batches(&lengths, settings.update.micro_tokens);
        let reference = self.reference_log_probs(&rows, &batches, &rules);
        for (row, logprobs) in rows.iter_mut().zip(&reference) {
            row.reference_logprobs = Some(logprobs);
        }

        check_finite(groups)?;
        let before = self.trainer.snapshot();
        let tokens: usize = lengths.iter().sum();
        let mut report = UpdateReport {
            learning_rate: learning_rate(settings, step),
            tokens: tokens * settings.update.inner_epochs,
            reference_tokens: if reference.is_empty() { 0 } else { tokens },
            ..UpdateReport::default()
        };
        let (total, done) =
            (batches.len() * settings.update.inner_epochs, std::sync::atomic::AtomicUsize::new(0));
        for _ in 0..settings.update.inner_epochs {
            let update = self.trainer.update(
                &batches,
                |batch| batch.iter().map(|&i| lengths[i]).sum(),
                report.learning_rate,
                settings.optimizer.max_grad_norm,
                |model, batch, device| {
                    let rows: Vec<&TrainingRow<'_>> = batch.iter().map(|&i| &rows[i]).collect();
                    loss(model, &rows, &rules, device)
                },
                || gate(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed), total),
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
                // A later epoch that goes wrong takes the earlier ones with it: half a step is no step.
                Err(error) => {
                    self.trainer.restore(before);
                    return Err(error);
                }
            };
            report.grad_norm = update.grad_norm;
            for stats in update.stats {
                report.stats.loss += stats.loss / settings.update.inner_epochs as f64;
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
        rules: &LossRules,
    ) -> Vec<Vec<f32>> {
        let Some(reference) = self.reference.as_ref().filter(|_| rules.kl_coef > 0.0) else {
            return Vec::new();
        };
        let device = reference.device();
        let mut found = vec![Vec::new(); rows.len()];
        for batch in batches {
            let members: Vec<&TrainingRow<'_>> = batch.iter().map(|&i| &rows[i]).collect();
            let logprobs = completion_log_probs(reference, &members, rules.temperature, &device);
            let mut values = logprobs.into_data().try_to_vec::<f32>().unwrap_or_default().into_iter();
            for &i in batch {
                found[i] = values.by_ref().take(rows[i].tokens.len()).collect();
            }
        }
        found
    }
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

/// Linear warm-up, then constant. `step` counts from 1.
pub fn learning_rate(settings: &Settings, step: u64) -> f64 {
    settings.optimizer.learning_rate * (step as f64 / settings.optimizer.warmup_steps.max(1) as f64).min(1.0)
}
