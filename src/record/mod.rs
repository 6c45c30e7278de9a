//! The lines of a run's journal. Field names are a file format: scripts depend on them.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{reasoning::Analysis, task::Puzzle};

/// One line of `metrics.jsonl`: what one GRPO step measured. A name that TRL has too means what it means there. Lines
/// without `reward_std_within_groups` were written before that was so, and their fields say what they mean by it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepMetrics {
    /// 1 for the first step; its completions were sampled from the base model.
    pub step: u64,
    /// Mean reward over the step's completions.
    #[serde(deserialize_with = "nan_when_null")]
    pub reward: f64,
    /// Standard deviation of the reward over the step's completions (unbiased); in lines of older versions what is
    /// now `reward_std_within_groups`.
    #[serde(deserialize_with = "nan_when_null")]
    pub reward_std: f64,
    /// Mean over groups of the standard deviation of reward within the group: what GRPO compares. `None` in lines of
    /// older versions.
    pub reward_std_within_groups: Option<f64>,
    /// Share of groups whose rewards are all equal, rounding aside (see [`crate::grpo::advantage::is_dead`]), and
    /// which therefore teach nothing. Older versions compared exactly and missed most groups of equal fractions.
    #[serde(deserialize_with = "nan_when_null")]
    pub frac_reward_zero_std: f64,
    /// Share of completions whose answer is right.
    #[serde(deserialize_with = "nan_when_null")]
    pub accuracy: f64,
    /// Tokens per completion, the end token included.
    #[serde(rename = "completions/mean_length", deserialize_with = "nan_when_null")]
    pub mean_length: f64,
    /// Share of completions cut off at `max_new_tokens`. One that was ended behind its answer (`stop=answer`) is not
    /// cut off, although it has no end token.
    #[serde(rename = "completions/clipped_ratio", deserialize_with = "nan_when_null")]
    pub clipped_ratio: f64,
    /// Mean entropy of the sampling distribution, nats per token.
    #[serde(deserialize_with = "nan_when_null")]
    pub entropy: f64,
    /// Mean k3 estimate of KL(policy || reference), nats per token; `None` where it is not measured. It is the value:
    /// the gradient that the term in the loss has is that of KL(reference || policy), see [`crate::grpo::loss`].
    pub kl: Option<f64>,
    /// Share of completion tokens whose importance ratio was clipped on the side where clipping acts, over all inner
    /// epochs; in lines of older versions `clip_ratio`, the share of the tokens that were trained on.
    #[serde(rename = "clip_ratio/region_mean", alias = "clip_ratio", deserialize_with = "nan_when_null")]
    pub clip_region_mean: f64,
    /// The loss, the mean over inner epochs (in lines of older versions their sum). With one inner epoch every ratio
    /// is 1 and it is minus the weighted mean advantage: small, and no measure of progress.
    #[serde(deserialize_with = "nan_when_null")]
    pub loss: f64,
    /// Global gradient norm before clipping.
    #[serde(deserialize_with = "nan_when_null")]
    pub grad_norm: f64,
    /// Learning rate of this step.
    #[serde(deserialize_with = "nan_when_null")]
    pub learning_rate: f64,
    /// Tokens since the run began, prompts included, each once for each of its completions. Older versions counted
    /// completions alone; a run of one that is gone on with counts its prompts from there on.
    pub num_tokens: u64,
    /// Wall-clock seconds of the step, all phases.
    #[serde(deserialize_with = "nan_when_null")]
    pub step_time: f64,
    /// Checks per completion.
    #[serde(rename = "reasoning/checks", deserialize_with = "nan_when_null")]
    pub checks: f64,
    /// True checks per completion.
    #[serde(rename = "reasoning/true_checks", deserialize_with = "nan_when_null")]
    pub true_checks: f64,
    /// Misled checks per completion: right about a value that was miscalculated.
    #[serde(rename = "reasoning/misled_checks", deserialize_with = "nan_when_null")]
    pub misled_checks: f64,
    /// False checks per completion.
    #[serde(rename = "reasoning/false_checks", deserialize_with = "nan_when_null")]
    pub false_checks: f64,
    /// Superficial checks per completion.
    #[serde(rename = "reasoning/superficial_checks", deserialize_with = "nan_when_null")]
    pub superficial_checks: f64,
    /// Self-corrections per completion.
    #[serde(rename = "reasoning/self_corrections", deserialize_with = "nan_when_null")]
    pub self_corrections: f64,
    /// Verification phrases per completion, whatever they are worth.
    #[serde(rename = "reasoning/phrases", deserialize_with = "nan_when_null")]
    pub phrases: f64,
    /// Share of completions with at least one check.
    #[serde(rename = "reasoning/self_checking_share", deserialize_with = "nan_when_null")]
    pub self_checking_share: f64,
    /// Share of completions that backtrack.
    #[serde(rename = "reasoning/backtracking_share", deserialize_with = "nan_when_null")]
    pub backtracking_share: f64,
    /// Repeated attempts as a share of attempts.
    #[serde(rename = "reasoning/repeated_attempts", deserialize_with = "nan_when_null")]
    pub repeated_attempt_share: f64,
    /// Share of steps `a op b = c` that are right.
    #[serde(rename = "reasoning/arithmetic_right", deserialize_with = "nan_when_null")]
    pub arithmetic_right: f64,
    /// Decompositions per completion; left out of the line where there are none, as in tasks without them.
    #[serde(
        rename = "reasoning/decompositions",
        deserialize_with = "nan_when_null",
        skip_serializing_if = "is_zero"
    )]
    pub decompositions: f64,
    /// Share of completions with at least one decomposition; left out where there are none.
    #[serde(
        rename = "reasoning/decomposing_share",
        deserialize_with = "nan_when_null",
        skip_serializing_if = "is_zero"
    )]
    pub decomposing_share: f64,
    /// Of the right answers, the share that an attempt of their thought derives with every step true; `None` when no
    /// answer was right.
    #[serde(rename = "reasoning/faithful_share")]
    pub faithful_share: Option<f64>,
    /// Share of stated misses after which no attempt follows; `None` when no miss was stated.
    #[serde(rename = "reasoning/stop_after_miss")]
    pub stop_after_miss: Option<f64>,
    /// Share of stated hits after which no attempt follows; `None` when no hit was stated.
    #[serde(rename = "reasoning/stop_after_hit")]
    pub stop_after_hit: Option<f64>,
    /// Held-out accuracy, when this step evaluated.
    #[serde(rename = "eval/accuracy")]
    pub eval_accuracy: Option<f64>,
    /// Unbiased pass@k on held-out puzzles, when this step evaluated; `eval/k` says which k.
    #[serde(rename = "eval/pass_at_k")]
    pub eval_pass_at_k: Option<f64>,
    /// The k of `eval/pass_at_k`. Older versions, whose lines do not have it, always asked for 4.
    #[serde(rename = "eval/k", skip_serializing_if = "Option::is_none")]
    pub eval_k: Option<usize>,
    /// Seconds in the phases.
    #[serde(rename = "time/sample", deserialize_with = "nan_when_null")]
    pub time_sample: f64,
    /// Seconds scoring and analysing.
    #[serde(rename = "time/score", deserialize_with = "nan_when_null")]
    pub time_score: f64,
    /// Seconds in forward, backward and optimizer.
    #[serde(rename = "time/update", deserialize_with = "nan_when_null")]
    pub time_update: f64,
    /// Seconds evaluating and recording.
    #[serde(rename = "time/evaluate", deserialize_with = "nan_when_null")]
    pub time_evaluate: f64,
    /// Generated tokens per second of sampling.
    #[serde(rename = "tokens_per_second/sample", deserialize_with = "nan_when_null")]
    pub sample_tokens_per_second: f64,
    /// Trained tokens (prompt included) per second of updating.
    #[serde(rename = "tokens_per_second/update", deserialize_with = "nan_when_null")]
    pub update_tokens_per_second: f64,
    /// Floating-point operations of sampling, of the update and of the reference model's forward pass since the run
    /// began, estimated from parameter and token counts. Evaluations and pinned answers are not in it.
    #[serde(deserialize_with = "nan_when_null")]
    pub flops: f64,
    /// How many updates the sampling policy had seen: 0 for the base model.
    pub policy_version: u64,
}

/// The k of lines that do not name it.
const K_BEFORE_IT_WAS_NAMED: usize = 4;

impl StepMetrics {
    /// pass@k of the step's evaluation with its k.
    pub fn pass_at_k(&self) -> Option<(usize, f64)> {
        self.eval_pass_at_k.map(|share| (self.eval_k.unwrap_or(K_BEFORE_IT_WAS_NAMED), share))
    }

    /// The wall-clock fields set to zero, for comparing two runs.
    pub fn without_clock(&self) -> Self {
        Self {
            step_time: 0.0,
            time_sample: 0.0,
            time_score: 0.0,
            time_update: 0.0,
            time_evaluate: 0.0,
            sample_tokens_per_second: 0.0,
            update_tokens_per_second: 0.0,
            ..self.clone()
        }
    }
}

/// One line of `rollouts.jsonl`: one scored completion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutRecord {
    /// The step that sampled it.
    pub step: u64,
    /// Which prompt of the step, from 0.
    pub group: usize,
    /// Which completion of the group, from 0.
    pub index: usize,
    /// The task's name.
    pub task: String,
    /// The puzzle (`numbers` and `target` stand beside the other fields).
    #[serde(flatten)]
    pub puzzle: Puzzle,
    /// The text the model continued.
    pub prompt: String,
    /// What it wrote.
    pub completion: String,
    /// Its tokens, the end token included.
    pub token_ids: Vec<u32>,
    /// Log-probability of each token when it was sampled, nats.
    #[serde(deserialize_with = "nans_when_null")]
    pub logprobs: Vec<f32>,
    /// Entropy of the distribution each token was drawn from, nats.
    #[serde(deserialize_with = "nans_when_null")]
    pub entropies: Vec<f32>,
    /// What it earned.
    #[serde(deserialize_with = "nan_when_null")]
    pub reward: f64,
    /// Its advantage within the group.
    #[serde(deserialize_with = "nan_when_null")]
    pub advantage: f64,
    /// Whether the answer is right.
    pub correct: bool,
    /// Whether it was cut off at `max_new_tokens`.
    pub truncated: bool,
    /// The behaviours found in it.
    pub analysis: Analysis,
}

/// One line of `events.jsonl`: what a person or the program did, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// UTC, RFC 3339.
    pub time: String,
    /// The step during or after which it happened.
    pub step: u64,
    /// `started`, `paused`, `resumed`, `stepped`, `set`, `checkpoint`, `warning`, `failed`, `finished`, `forked`,
    /// `pinned`, `unpinned`.
    pub event: String,
    /// In words.
    pub detail: String,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// JSON has no NaN and no infinity: they are written as `null`, and read back as NaN.
pub(crate) fn nan_when_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}

fn nans_when_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f32>, D::Error> {
    let numbers = Vec::<Option<f32>>::deserialize(deserializer)?;
    Ok(numbers.into_iter().map(|number| number.unwrap_or(f32::NAN)).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_older_versions_are_read_under_todays_names() {
        let old =
            r#"{"step": 3, "reward_std": 0.25, "clip_ratio": 0.125, "eval/pass_at_k": 0.5, "num_tokens": 7}"#;
        let read: StepMetrics = serde_json::from_str(old).unwrap();
        assert_eq!((read.clip_region_mean, read.reward_std), (0.125, 0.25));
        assert_eq!((read.reward_std_within_groups, read.pass_at_k()), (None, Some((4, 0.5))));
        let written = serde_json::to_string(&StepMetrics { eval_k: Some(8), ..read }).unwrap();
        assert!(written.contains(r#""clip_ratio/region_mean":0.125"#), "{written}");
        let again: StepMetrics = serde_json::from_str(&written).unwrap();
        assert_eq!(again.pass_at_k(), Some((8, 0.5)));
    }
}
