//! One step in numbers: what goes into `metrics.jsonl`.

use crate::{
    config::Config,
    grpo::{
        penalties::{self, OVERLONG},
        step::{Batch, JudgedGroup, ScoredGroup},
        update::UpdateReport,
    },
    metrics::{readings::Readings, registry, spread::standard_deviation},
    model::config::ModelConfig,
    reasoning::Analysis,
    record::{Penalties, Problem, Rollout, Step},
    rollout::RolloutGroup,
};

/// Running totals across steps.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// Tokens of prompts and completions, a prompt once for each of its completions.
    pub tokens: u64,
    /// Floating-point operations of sampling and updating, estimated.
    pub flops: f64,
}

/// Wall-clock seconds of the phases.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct PhaseTimes {
    /// Sampling.
    pub sample: f64,
    /// Scoring and analysing.
    pub score: f64,
    /// Forward, backward, optimizer.
    pub update: f64,
    /// Evaluating and recording.
    pub evaluate: f64,
}

/// `a / b`, or 0 if nothing was counted.
fn share(a: usize, b: usize) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

/// Metrics from rollouts and update, without the policy's version, the evaluation and the clock. Long because it is a
/// table: a line a metric.
pub fn metrics(
    step: u64,
    config: &Config,
    model: &ModelConfig,
    batch: &Batch,
    update: &UpdateReport,
    totals: &mut Totals,
) -> Step {
    let groups = &batch.groups;
    let completions = || groups.iter().flat_map(|g| &g.scored.group.completions);
    let rewards = || groups.iter().flat_map(|g| &g.scored.rewards);
    let n = completions().count();
    let mut readings = Readings::default();
    for (score, analysis) in groups.iter().flat_map(|g| g.scored.scores.iter().zip(&g.scored.analyses)) {
        readings.add(score.correct, analysis);
    }

    let generated: usize = completions().map(|c| c.tokens.len()).sum();
    let prompts: usize = groups.iter().map(|g| g.scored.group.prompt_tokens.len() * g.advantages.len()).sum();
    let context = share(generated, n) / 2.0;
    totals.tokens += (generated + prompts + batch.replaced_tokens) as u64;
    // A backward pass costs twice its forward pass; the reference model only has a forward pass.
    let sampled = generated + prompts + batch.replaced_tokens;
    let of_reference = if groups.iter().any(|group| group.scored.kl.is_some()) { sampled } else { 0 };
    let passes = (sampled + of_reference + update.forward_tokens) as f64 + 3.0 * update.tokens as f64;
    totals.flops += model.forward_flops(context) * passes;

    let mut measured = Step::new(step);
    measured.set(&registry::REWARD, rewards().sum::<f64>() / n.max(1) as f64);
    measured.set(&registry::REWARD_STD, standard_deviation(&rewards().copied().collect::<Vec<f64>>()));
    let within = groups.iter().map(|g| g.reward_std).sum::<f64>() / groups.len().max(1) as f64;
    measured.set(&registry::REWARD_STD_WITHIN_GROUPS, within);
    measured.set(
        &registry::FRAC_REWARD_ZERO_STD,
        share(groups.iter().filter(|g| g.is_dead()).count(), groups.len()),
    );
    if config.sampling.batching.replaces() {
        measured.set(&registry::DRAWN, batch.drawn as u64);
    }
    measured.set(
        &registry::ACCURACY,
        share(groups.iter().flat_map(|g| &g.scored.scores).filter(|s| s.correct).count(), n),
    );
    measured.set(&registry::MEAN_LENGTH, share(generated, n));
    let ended: Vec<usize> = completions().filter(|c| !c.truncated).map(|c| c.tokens.len()).collect();
    measured.set(
        &registry::MEAN_TERMINATED_LENGTH,
        (!ended.is_empty()).then(|| share(ended.iter().sum(), ended.len())),
    );
    measured.set(&registry::CLIPPED_RATIO, share(completions().filter(|c| c.truncated).count(), n));
    measured.set(
        &registry::ENTROPY,
        completions().flat_map(|c| &c.entropies).map(|&e| f64::from(e)).sum::<f64>()
            / generated.max(1) as f64,
    );
    measured.set(&registry::KL, kl(config, batch, update, generated));
    for (metric, name) in [(&registry::PENALTY_OVERLONG, OVERLONG), (&registry::PENALTY_KL, penalties::KL)] {
        let taken: Vec<f64> = groups
            .iter()
            .flat_map(|group| &group.scored.penalties)
            .filter_map(|penalties| penalties.get(name).copied())
            .collect();
        if !taken.is_empty() {
            measured.set(metric, -taken.iter().sum::<f64>() / n as f64);
        }
    }
    // Of all tokens, as in TRL: those of dead groups are not trained on and cannot be clipped.
    measured.set(
        &registry::CLIP_REGION_MEAN,
        update.stats.clipped / (generated * config.update.inner_epochs).max(1) as f64,
    );
    let gap = update.gap;
    if gap.tokens > 0.0 {
        measured.set(&registry::SAMPLING_GAP_MEAN, gap.difference / gap.tokens);
        measured.set(&registry::SAMPLING_GAP_MAX, gap.most);
    }
    if let Some((least, most)) = gap.weights {
        measured.set(&registry::SAMPLING_RATIO_MIN, least);
        measured.set(&registry::SAMPLING_RATIO_MEAN, gap.weight / gap.tokens);
        measured.set(&registry::SAMPLING_RATIO_MAX, most);
    }
    measured.set(&registry::LOSS, update.stats.loss);
    measured.set(&registry::GRAD_NORM, update.grad_norm);
    if config.update.updates_per_step() > 1 {
        measured.set(&registry::OPTIMIZER_STEPS, update.optimizer_steps as u64);
    }
    measured.set(&registry::LEARNING_RATE, update.learning_rate);
    measured.set(&registry::NUM_TOKENS, totals.tokens);
    measured.set(&registry::FLOPS, totals.flops);
    readings.put(&mut measured);
    // Only a step that evaluates has them.
    measured.set(&registry::EVAL_ACCURACY, None::<f64>);
    measured.set(&registry::EVAL_PASS_AT_K, None::<f64>);
    measured
}

/// KL to the reference per token: of the completions as they were sampled, or of those that the update saw.
fn kl(config: &Config, batch: &Batch, update: &UpdateReport, generated: usize) -> Option<f64> {
    let of_samples: Option<Vec<&Vec<f64>>> =
        batch.groups.iter().map(|group| group.scored.kl.as_ref()).collect();
    match of_samples {
        Some(sums) if !sums.is_empty() => {
            Some(sums.into_iter().flatten().sum::<f64>() / generated.max(1) as f64)
        }
        _ => (config.update.kl_coef > 0.0).then(|| update.stats.kl / update.stats.tokens.max(1.0)),
    }
}

/// Adds wall-clock times, which differ between two identical runs.
pub(crate) fn add_clock(metrics: &mut Step, times: &PhaseTimes, generated: usize, trained: usize) {
    let rate = |tokens: usize, seconds: f64| if seconds > 0.0 { tokens as f64 / seconds } else { 0.0 };
    metrics.set(&registry::TIME_SAMPLE, times.sample);
    metrics.set(&registry::TIME_SCORE, times.score);
    metrics.set(&registry::TIME_UPDATE, times.update);
    metrics.set(&registry::TIME_EVALUATE, times.evaluate);
    metrics.set(&registry::STEP_TIME, times.sample + times.score + times.update + times.evaluate);
    metrics.set(&registry::SAMPLE_TOKENS_PER_SECOND, rate(generated, times.sample));
    metrics.set(&registry::UPDATE_TOKENS_PER_SECOND, rate(trained, times.update));
}

/// The lines of a group for `rollouts.jsonl`.
pub(crate) fn rollout_records(step: u64, task: &str, group: usize, judged: &JudgedGroup) -> Vec<Rollout> {
    let mut records = scored_records(step, task, group, &judged.scored);
    for (record, &advantage) in records.iter_mut().zip(&judged.advantages) {
        record.advantage = Some(advantage);
    }
    records
}

/// Like [`rollout_records`], before advantages are known.
pub(crate) fn scored_records(step: u64, task: &str, group: usize, scored: &ScoredGroup) -> Vec<Rollout> {
    let mut records = sampled_records(step, task, group, &scored.group, &scored.texts);
    for (index, record) in records.iter_mut().enumerate() {
        record.reward = scored.rewards[index];
        record.penalties = scored.penalties[index].clone();
        record.correct = Some(scored.scores[index].correct);
        record.analysis = scored.analyses[index].clone();
    }
    records
}

/// Like [`rollout_records`], before rewards are known.
pub(crate) fn sampled_records(
    step: u64,
    task: &str,
    group: usize,
    rollout: &RolloutGroup,
    texts: &[String],
) -> Vec<Rollout> {
    let completions = rollout.completions.iter().zip(texts).enumerate();
    completions
        .map(|(index, (completion, text))| Rollout {
            step,
            group,
            index,
            problem: Problem {
                task: task.to_string(),
                puzzle: rollout.puzzle.clone(),
                prompt: rollout.prompt.clone(),
            },
            completion: text.clone(),
            token_ids: Some(completion.tokens.clone()),
            logprobs: Some(completion.logprobs.clone()),
            entropies: Some(completion.entropies.clone()),
            reward: 0.0,
            penalties: Penalties::default(),
            rewards: None,
            advantage: None,
            correct: None,
            truncated: completion.truncated,
            analysis: Analysis::default(),
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        grpo::{advantage, loss::LossStats, registry::Chosen, step::ScoredGroup},
        rollout::{Completion, RolloutGroup},
        task::{NumberPuzzle, RewardRules, countdown::reward},
    };

    /// A group of completions of `length` tokens with these rewards.
    fn judged(rewards: &[f64], length: usize) -> JudgedGroup {
        let puzzle = NumberPuzzle { numbers: vec![4, 1], target: 5 };
        let completion = Completion { tokens: vec![3; length], ..Completion::default() };
        let score = reward::score(&puzzle, "", &RewardRules::default());
        let group = RolloutGroup {
            puzzle: puzzle.into(),
            prompt: String::new(),
            prompt_tokens: vec![1; 5],
            completions: vec![completion; rewards.len()],
        };
        JudgedGroup {
            advantages: advantage::of_group(&*Chosen::<dyn advantage::Advantage>::default(), rewards, false),
            reward_std: standard_deviation(rewards),
            scored: ScoredGroup {
                group,
                texts: vec![String::new(); rewards.len()],
                scores: vec![score; rewards.len()],
                rewards: rewards.to_vec(),
                penalties: vec![Penalties::default(); rewards.len()],
                kl: None,
                analyses: vec![crate::reasoning::Analysis::default(); rewards.len()],
            },
        }
    }

    fn shape() -> ModelConfig {
        ModelConfig::parse(
            br#"{"model_type": "qwen2", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 8, "rms_norm_eps": 1e-6,
            "rope_theta": 10000.0, "max_position_embeddings": 64, "tie_word_embeddings": true}"#,
        )
        .unwrap()
    }

    #[test]
    fn names_that_trl_has_mean_what_they_mean_there() {
        // One group of sixteen equal rewards, whose mean is rounded, and one that is half right.
        let mixed: Vec<f64> = (0..16).map(|i| f64::from(i % 2)).collect();
        let groups = vec![judged(&[0.1; 16], 10), judged(&mixed, 10)];
        let batch = Batch { groups, drawn: 2, replaced_tokens: 0 };
        let config = Config::default().with(["inner_epochs=2"]).unwrap();
        let stats = LossStats { clipped: 32.0, tokens: 320.0, loss: 0.25, ..LossStats::default() };
        let update = UpdateReport { stats, tokens: 480, ..UpdateReport::default() };
        let mut totals = Totals::default();
        let metrics = metrics(1, &config, &shape(), &batch, &update, &mut totals);
        assert_eq!(metrics.get(&registry::FRAC_REWARD_ZERO_STD), 0.5);
        let all: Vec<f64> = [&[0.1; 16][..], &mixed].concat();
        assert_eq!(metrics.get(&registry::REWARD_STD), standard_deviation(&all));
        assert!(
            (metrics.get(&registry::REWARD_STD_WITHIN_GROUPS) - standard_deviation(&mixed) / 2.0).abs()
                < 1e-15
        );
        // 32 prompts of 5 tokens and 32 completions of 10.
        assert_eq!((metrics.count(&registry::NUM_TOKENS), totals.tokens), (Some(480), 480));
        // Of 320 completion tokens, seen twice.
        assert_eq!(metrics.get(&registry::CLIP_REGION_MEAN), 0.05);
        assert_eq!(metrics.get(&registry::LOSS), 0.25);

        let mut with_reference = Totals::default();
        let update = UpdateReport { forward_tokens: 240, ..update };
        super::metrics(1, &config, &shape(), &batch, &update, &mut with_reference);
        let more = with_reference.flops - totals.flops;
        assert!((more - 240.0 * shape().forward_flops(5.0)).abs() < 1.0, "{more}");
    }
}
