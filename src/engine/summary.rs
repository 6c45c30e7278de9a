//! One step in numbers: what goes into `metrics.jsonl`.

use crate::{
    config::Config,
    grpo::step::{JudgedGroup, UpdateReport},
    model::config::ModelConfig,
    run::record::{RolloutRecord, StepMetrics},
};

/// Sums that run on from step to step.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// Tokens generated.
    pub tokens: u64,
    /// Floating-point operations, estimated.
    pub flops: f64,
}

/// Wall-clock seconds of the phases.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PhaseTimes {
    /// Sampling.
    pub sample: f64,
    /// Scoring and analysing.
    pub score: f64,
    /// Forward, backward, optimizer.
    pub update: f64,
    /// Evaluating and recording.
    pub evaluate: f64,
}

/// `a / b`, and 0 where nothing was counted.
fn share(a: usize, b: usize) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

/// What rollouts and update say, without the policy's version, the evaluation and the clock.
pub fn metrics(
    step: u64,
    config: &Config,
    model: &ModelConfig,
    groups: &[JudgedGroup],
    update: &UpdateReport,
    totals: &mut Totals,
) -> StepMetrics {
    let completions = || groups.iter().flat_map(|g| &g.scored.group.completions);
    let analyses = || groups.iter().flat_map(|g| &g.scored.analyses);
    let rewards = || groups.iter().flat_map(|g| &g.scored.rewards);
    let n = completions().count();
    let count = |f: fn(&crate::reasoning::Analysis) -> usize| analyses().map(f).sum::<usize>();
    let with = |f: fn(&crate::reasoning::Analysis) -> bool| analyses().filter(|a| f(a)).count();
    let of = |a: usize, b: usize| (b > 0).then(|| share(a, b));

    let generated: usize = completions().map(|c| c.tokens.len()).sum();
    let prompts: usize = groups.iter().map(|g| g.scored.group.prompt_tokens.len() * g.advantages.len()).sum();
    let context = share(generated, n) / 2.0;
    totals.tokens += generated as u64;
    // A backward pass costs twice its forward pass.
    totals.flops +=
        model.forward_flops(context) * ((generated + prompts) as f64 + 3.0 * update.tokens as f64);

    StepMetrics {
        step,
        reward: rewards().sum::<f64>() / n.max(1) as f64,
        reward_std: groups.iter().map(|g| g.reward_std).sum::<f64>() / groups.len().max(1) as f64,
        frac_reward_zero_std: share(groups.iter().filter(|g| g.reward_std == 0.0).count(), groups.len()),
        accuracy: share(groups.iter().flat_map(|g| &g.scored.scores).filter(|s| s.correct).count(), n),
        mean_length: share(generated, n),
        clipped_ratio: share(completions().filter(|c| c.truncated).count(), n),
        entropy: completions().flat_map(|c| &c.entropies).map(|&e| f64::from(e)).sum::<f64>()
            / generated.max(1) as f64,
        kl: (config.kl_coef > 0.0).then(|| update.stats.kl / update.stats.tokens.max(1.0)),
        clip_ratio: update.stats.clipped / update.stats.tokens.max(1.0),
        loss: update.stats.loss,
        grad_norm: update.grad_norm,
        learning_rate: update.learning_rate,
        num_tokens: totals.tokens,
        flops: totals.flops,
        checks: share(count(|a| a.checks), n),
        true_checks: share(count(|a| a.true_checks), n),
        misled_checks: share(count(|a| a.misled_checks), n),
        false_checks: share(count(|a| a.false_checks), n),
        superficial_checks: share(count(|a| a.superficial_checks), n),
        self_corrections: share(count(|a| a.self_corrections), n),
        phrases: share(count(|a| a.phrases), n),
        self_checking_share: share(with(|a| a.checks > 0), n),
        backtracking_share: share(with(|a| a.backtracks > 0), n),
        repeated_attempt_share: share(count(|a| a.repeated_attempts), count(|a| a.attempts)),
        arithmetic_right: share(count(|a| a.arithmetic_right), count(|a| a.arithmetic_steps)),
        decompositions: share(count(|a| a.decompositions), n),
        decomposing_share: share(with(|a| a.decompositions > 0), n),
        faithful_share: faithful_share(groups),
        stop_after_miss: of(count(|a| a.stops_after_miss), count(|a| a.stated_misses)),
        stop_after_hit: of(count(|a| a.stops_after_hit), count(|a| a.stated_hits)),
        ..StepMetrics::default()
    }
}

/// Of the right answers, the share that an attempt of their thought derives.
fn faithful_share(groups: &[JudgedGroup]) -> Option<f64> {
    let right = || {
        let judged = groups.iter().flat_map(|group| group.scored.scores.iter().zip(&group.scored.analyses));
        judged.filter(|(score, _)| score.correct).filter_map(|(_, analysis)| analysis.faithful)
    };
    let all = right().count();
    (all > 0).then(|| share(right().filter(|derived| *derived).count(), all))
}

/// Adds the clock, which two equal runs do not share.
pub fn add_clock(metrics: &mut StepMetrics, times: &PhaseTimes, generated: usize, trained: usize) {
    let rate = |tokens: usize, seconds: f64| if seconds > 0.0 { tokens as f64 / seconds } else { 0.0 };
    metrics.time_sample = times.sample;
    metrics.time_score = times.score;
    metrics.time_update = times.update;
    metrics.time_evaluate = times.evaluate;
    metrics.step_time = times.sample + times.score + times.update + times.evaluate;
    metrics.sample_tokens_per_second = rate(generated, times.sample);
    metrics.update_tokens_per_second = rate(trained, times.update);
}

/// The lines of a group for `rollouts.jsonl`.
pub fn rollout_records(step: u64, task: &str, group: usize, judged: &JudgedGroup) -> Vec<RolloutRecord> {
    let scored = &judged.scored;
    let rollout = &scored.group;
    rollout
        .completions
        .iter()
        .enumerate()
        .map(|(index, completion)| RolloutRecord {
            step,
            group,
            index,
            task: task.to_string(),
            puzzle: rollout.puzzle.clone(),
            prompt: rollout.prompt.clone(),
            completion: scored.texts[index].clone(),
            token_ids: completion.tokens.clone(),
            logprobs: completion.logprobs.clone(),
            entropies: completion.entropies.clone(),
            reward: scored.rewards[index],
            advantage: judged.advantages[index],
            correct: scored.scores[index].correct,
            truncated: completion.truncated,
            analysis: scored.analyses[index].clone(),
        })
        .collect()
}
