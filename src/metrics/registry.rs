//! The metrics that this program knows: one row each. What writes, draws, tabulates and explains metrics goes through
//! these rows, so that a new one is a row here and the line that measures it.

use crate::record::{Measured, Step};

/// What a metric counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// What an answer is paid in.
    Reward,
    /// A part of one.
    Share,
    /// So many in each completion.
    PerCompletion,
    /// Tokens.
    Tokens,
    /// Nats for each token.
    Nats,
    /// Tokens a second.
    TokensPerSecond,
    /// Seconds.
    Seconds,
    /// Floating-point operations.
    Flop,
    /// A number without a unit.
    Number,
}

impl Unit {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Share => "share of one",
            Self::PerCompletion => "per completion",
            Self::Tokens => "tokens",
            Self::Nats => "nats per token",
            Self::TokensPerSecond => "tokens per second",
            Self::Seconds => "seconds",
            Self::Flop => "floating-point operations",
            Self::Number => "number",
        }
    }
}

/// Which way a metric is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// Neither by itself.
    Neither,
}

impl Better {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::Neither => "neither",
        }
    }
}

/// A chart that metrics are drawn in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chart {
    /// Reward and accuracy.
    Reward,
    /// Length of the completions.
    Length,
    /// Checks and what is counted beside them.
    Checks,
    /// Right answers, and those that their thought derives.
    Answers,
}

/// Another engine whose names are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Hugging Face's.
    Trl,
    /// Volcano Engine's.
    Verl,
}

/// One row.
#[derive(Debug)]
pub struct Metric {
    /// Its name in `metrics.jsonl`.
    pub name: &'static str,
    /// What it counts in.
    pub unit: Unit,
    /// Which way it is to go.
    pub better: Better,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// Names that it had in lines of older versions.
    pub older: &'static [&'static str],
    /// What other engines call it.
    pub elsewhere: &'static [(Engine, &'static str)],
    /// Decimals that are shown.
    pub decimals: usize,
    /// The charts that it is drawn in.
    pub charts: &'static [Chart],
    /// Its name beside its value in a chart.
    pub label: &'static str,
    /// Its name in the summary of a headless run, where it is in it.
    pub summary: Option<&'static str>,
    /// Whether the summary for people has it too.
    pub printed: bool,
    /// Whether it depends on the clock: two equal runs do not share it.
    pub clock: bool,
    /// Whether a line leaves it out where it is zero.
    pub zero_is_left_out: bool,
    /// Whether it is measured in some steps only, so that a line goes from one of them to the next.
    pub now_and_then: bool,
}

impl Metric {
    const fn new(name: &'static str, unit: Unit, better: Better, about: &'static str) -> Self {
        Self {
            name,
            unit,
            better,
            about,
            older: &[],
            elsewhere: &[],
            decimals: match unit {
                Unit::Tokens | Unit::Flop | Unit::TokensPerSecond => 0,
                Unit::PerCompletion | Unit::Seconds => 1,
                Unit::Reward | Unit::Share | Unit::Nats | Unit::Number => 2,
            },
            charts: &[],
            label: name,
            summary: None,
            printed: false,
            clock: false,
            zero_is_left_out: false,
            now_and_then: false,
        }
    }

    const fn elsewhere(self, elsewhere: &'static [(Engine, &'static str)]) -> Self {
        Self { elsewhere, ..self }
    }

    const fn older(self, older: &'static [&'static str]) -> Self {
        Self { older, ..self }
    }

    const fn drawn(self, label: &'static str, charts: &'static [Chart]) -> Self {
        Self { label, charts, ..self }
    }

    const fn summed_up(self, name: &'static str) -> Self {
        Self { summary: Some(name), ..self }
    }

    const fn printed(self) -> Self {
        Self { printed: true, ..self }
    }

    const fn clock(self) -> Self {
        Self { clock: true, ..self }
    }

    const fn now_and_then(self) -> Self {
        Self { now_and_then: true, ..self }
    }

    const fn left_out_at_zero(self) -> Self {
        Self { zero_is_left_out: true, ..self }
    }

    /// Its place among [`ALL`].
    fn place(name: &str) -> usize {
        ALL.iter().position(|metric| metric.name == name).unwrap_or(ALL.len())
    }
}

/// A static for each row, and the list of all.
macro_rules! rows {
    ($($row:ident = $name:literal, $unit:ident, $better:ident, $about:literal
        $(, $what:ident($($given:expr),*))*;)*) => {
        $(
            #[doc = $about]
            pub static $row: Metric =
                Metric::new($name, Unit::$unit, Better::$better, $about)$(.$what($($given),*))*;
        )*
        /// All of them, in the order of a line.
        pub static ALL: &[&Metric] = &[$(&$row),*];
    };
}

use Chart::{Answers, Checks, Length, Reward};
use Engine::{Trl, Verl};

rows! {
    REWARD = "reward", Reward, Higher, "Mean reward over the step's completions.",
        elsewhere(&[(Trl, "reward"), (Verl, "critic/rewards/mean")]),
        drawn("reward", &[Reward]), summed_up("reward"), printed();
    REWARD_STD = "reward_std", Reward, Neither, "Standard deviation of the reward over the step's completions \
        (unbiased); in older lines, which lack `reward_std_within_groups`, it is that instead.",
        elsewhere(&[(Trl, "reward_std")]);
    REWARD_STD_WITHIN_GROUPS = "reward_std_within_groups", Reward, Neither, "Standard deviation of the reward within \
        a group, averaged over groups: the spread that GRPO learns from.";
    FRAC_REWARD_ZERO_STD = "frac_reward_zero_std", Share, Lower, "Share of dead groups: all rewards equal up to \
        rounding, so that they teach nothing.",
        elsewhere(&[(Trl, "frac_reward_zero_std")]);
    DRAWN = "batch/drawn", Number, Neither, "Prompts drawn in the step, including those whose groups were replaced; \
        only if `batching` replaces groups.";
    ACCURACY = "accuracy", Share, Higher, "Share of completions whose answer is right.",
        drawn("accuracy", &[Reward, Answers]), summed_up("accuracy"), printed();
    MEAN_LENGTH = "completions/mean_length", Tokens, Neither, "Tokens per completion, including the end token.",
        elsewhere(&[(Trl, "completions/mean_length"), (Verl, "response_length/mean")]),
        drawn("length", &[Length]), summed_up("mean_length"), printed();
    MEAN_TERMINATED_LENGTH = "completions/mean_terminated_length", Tokens, Neither, "Tokens per completion that was \
        not cut off; null if all were.",
        elsewhere(&[(Trl, "completions/mean_terminated_length")]), drawn("ended", &[Length]);
    CLIPPED_RATIO = "completions/clipped_ratio", Share, Lower, "Share of completions cut off at `max_new_tokens`; \
        one that stopped after its answer (`stop=answer`) does not count.",
        elsewhere(&[(Trl, "completions/clipped_ratio"), (Verl, "response_length/clip_ratio")]),
        summed_up("truncated_share");
    ENTROPY = "entropy", Nats, Neither, "Mean entropy of the sampling distribution.",
        elsewhere(&[(Trl, "entropy"), (Verl, "actor/entropy")]), summed_up("entropy");
    KL = "kl", Nats, Lower, "Mean estimate of KL(policy || reference), by `kl_estimator`; null if not measured.",
        elsewhere(&[(Trl, "kl"), (Verl, "actor/kl_loss")]);
    PENALTY_OVERLONG = "rewards/overlong/mean", Reward, Neither, "What `overlong_penalty` takes off the mean reward; only \
        in steps in which it takes anything.";
    PENALTY_KL = "rewards/kl/mean", Reward, Neither, "What KL to the reference takes off the mean reward; only if \
        `kl_in=reward`.";
    CLIP_REGION_MEAN = "clip_ratio/region_mean", Share, Neither, "Share of completion tokens whose importance ratio \
        was clipped, counting only the side on which clipping acts, over all updates of the step.",
        older(&["clip_ratio"]), elsewhere(&[(Trl, "clip_ratio/region_mean"), (Verl, "actor/pg_clipfrac")]);
    SAMPLING_GAP_MEAN = "sampling/sampling_logp_difference/mean", Nats, Lower, "Mean distance of the trainer's \
        log-probability of a token from the sampler's, over the completions of the step's first update; only if there \
        was one.",
        elsewhere(&[(Trl, "sampling/sampling_logp_difference/mean")]);
    SAMPLING_GAP_MAX = "sampling/sampling_logp_difference/max", Nats, Lower, "The greatest such distance.",
        elsewhere(&[(Trl, "sampling/sampling_logp_difference/max")]);
    SAMPLING_RATIO_MIN = "sampling/importance_sampling_ratio/min", Number, Neither, "The least weight that `correction` \
        gave a token; only with one.",
        elsewhere(&[(Trl, "sampling/importance_sampling_ratio/min")]);
    SAMPLING_RATIO_MEAN = "sampling/importance_sampling_ratio/mean", Number, Neither, "The mean of those weights.",
        elsewhere(&[(Trl, "sampling/importance_sampling_ratio/mean")]);
    SAMPLING_RATIO_MAX = "sampling/importance_sampling_ratio/max", Number, Neither, "The greatest of those weights.",
        elsewhere(&[(Trl, "sampling/importance_sampling_ratio/max")]);
    LOSS = "loss", Number, Neither, "Loss, averaged over the step's updates. With one update a step every ratio is 1 and \
        the loss is minus the weighted mean advantage: small, and not a measure of progress.",
        elsewhere(&[(Trl, "loss"), (Verl, "actor/pg_loss")]);
    GRAD_NORM = "grad_norm", Number, Neither, "Global norm of the gradient before clipping, averaged over the step's updates.",
        elsewhere(&[(Trl, "grad_norm"), (Verl, "actor/grad_norm")]);
    OPTIMIZER_STEPS = "optimizer_steps", Number, Neither, "Optimizer updates of this step; only if `mini_batches` or \
        `inner_epochs` may make several.";
    LEARNING_RATE = "learning_rate", Number, Neither, "Learning rate of this step.",
        elsewhere(&[(Trl, "learning_rate"), (Verl, "actor/lr")]);
    NUM_TOKENS = "num_tokens", Tokens, Neither, "Tokens since the run began, including prompts; a prompt counts once \
        per completion.",
        elsewhere(&[(Trl, "num_tokens")]);
    STEP_TIME = "step_time", Seconds, Lower, "Wall-clock time of the step, all phases.",
        elsewhere(&[(Trl, "step_time"), (Verl, "timing_s/step")]), clock();
    CHECKS = "reasoning/checks", PerCompletion, Neither, "All checks: true, misled, false and superficial.",
        drawn("self-checks", &[Checks]), summed_up("checks"), printed();
    TRUE_CHECKS = "reasoning/true_checks", PerCompletion, Higher, "Checks that rightly judge a value that was \
        calculated correctly.",
        drawn("true", &[Checks]), summed_up("true_checks");
    MISLED_CHECKS = "reasoning/misled_checks", PerCompletion, Lower, "Checks that rightly judge a stated value that \
        was miscalculated.",
        drawn("misled", &[Checks]);
    FALSE_CHECKS = "reasoning/false_checks", PerCompletion, Lower, "Checks whose verdict contradicts the value that \
        the text states.",
        drawn("false", &[Checks]);
    SUPERFICIAL_CHECKS = "reasoning/superficial_checks", PerCompletion, Lower, "Checking phrases that check nothing.",
        drawn("superficial", &[Checks]);
    SELF_CORRECTIONS = "reasoning/self_corrections", PerCompletion, Higher, "True checks that find a miss and are followed \
        by a new attempt.",
        summed_up("self_corrections"), printed();
    PHRASES = "reasoning/phrases", PerCompletion, Neither, "Verification phrases, whether or not they check \
        anything.";
    SELF_CHECKING_SHARE = "reasoning/self_checking_share", Share, Higher, "Share of completions with at least one check.",
        summed_up("self_checking_share");
    BACKTRACKING_SHARE = "reasoning/backtracking_share", Share, Neither, "Share of completions that backtrack.";
    REPEATED_ATTEMPTS = "reasoning/repeated_attempts", Share, Lower, "Repeated attempts as a share of attempts.",
        summed_up("repeated_attempt_share");
    ARITHMETIC_RIGHT = "reasoning/arithmetic_right", Share, Higher, "Share of steps `a op b = c` that are right.";
    DECOMPOSITIONS = "reasoning/decompositions", PerCompletion, Neither, "Attempts that decompose the problem; \
        omitted if there are none, as in tasks without them.",
        drawn("decomposed", &[Checks]), summed_up("decompositions"), printed(), left_out_at_zero();
    DECOMPOSING_SHARE = "reasoning/decomposing_share", Share, Neither, "Share of completions that decompose the \
        problem; omitted if there are none.",
        summed_up("decomposing_share"), left_out_at_zero();
    FAITHFUL_SHARE = "reasoning/faithful_share", Share, Higher, "Share of right answers that are faithful: an \
        attempt in the thought derives them, every step true; null if no answer was right.",
        drawn("faithful", &[Answers]);
    STOP_AFTER_MISS = "reasoning/stop_after_miss", Share, Lower, "Share of stated misses that no attempt follows; \
        null if no miss was stated.";
    STOP_AFTER_HIT = "reasoning/stop_after_hit", Share, Higher, "Share of stated hits that no attempt follows; null \
        if no hit was stated.";
    EVAL_ACCURACY = "eval/accuracy", Share, Higher, "Held-out accuracy; null in steps without an evaluation.",
        now_and_then();
    EVAL_PASS_AT_K = "eval/pass_at_k", Share, Higher, "Unbiased pass@k on held-out puzzles; null in steps without an \
        evaluation.",
        now_and_then();
    EVAL_K = "eval/k", Number, Neither, "The k of `eval/pass_at_k`; 4 in lines that omit it.",
        now_and_then();
    TIME_SAMPLE = "time/sample", Seconds, Lower, "Time of sampling.", elsewhere(&[(Verl, "timing_s/gen")]), clock();
    TIME_SCORE = "time/score", Seconds, Lower, "Time of scoring and analysing.",
        elsewhere(&[(Verl, "timing_s/reward")]), clock();
    TIME_UPDATE = "time/update", Seconds, Lower, "Time of forward, backward and optimizer.",
        elsewhere(&[(Verl, "timing_s/update_actor")]), clock();
    TIME_EVALUATE = "time/evaluate", Seconds, Lower, "Time of evaluating and recording.", clock();
    SAMPLE_TOKENS_PER_SECOND = "tokens_per_second/sample", TokensPerSecond, Higher, "Tokens written per second of \
        sampling.", clock();
    UPDATE_TOKENS_PER_SECOND = "tokens_per_second/update", TokensPerSecond, Higher, "Tokens trained on, including \
        prompts, per second of updating.", clock();
    FLOPS = "flops", Flop, Neither, "Floating-point operations since the run began, for sampling, updates and the \
        reference, estimated from parameter and token counts. Evaluations and pinned answers are not included.";
    POLICY_VERSION = "policy_version", Number, Neither, "Updates behind the sampling policy; 0 for the base.";
}

/// The k of lines that do not name it.
const K_BEFORE_IT_WAS_NAMED: u64 = 4;

/// The metrics of a chart.
pub(crate) fn of_chart(chart: Chart) -> impl Iterator<Item = &'static Metric> {
    ALL.iter().copied().filter(move |metric| metric.charts.contains(&chart))
}

/// The metrics that any chart draws.
pub(crate) fn charted() -> impl Iterator<Item = &'static Metric> {
    ALL.iter().copied().filter(|metric| !metric.charts.is_empty())
}

impl Step {
    /// A metric's value; NaN where it was not measured or is no number.
    pub fn get(&self, metric: &Metric) -> f64 {
        match self.find(metric) {
            Some(measured) => measured.number(),
            None if metric.zero_is_left_out => 0.0,
            None => f64::NAN,
        }
    }

    /// A metric's value where it is a finite number.
    pub fn known(&self, metric: &Metric) -> Option<f64> {
        Some(self.get(metric)).filter(|value| value.is_finite())
    }

    /// A metric that is a count.
    pub fn count(&self, metric: &Metric) -> Option<u64> {
        match self.find(metric)? {
            Measured::Whole(count) => Some(*count),
            _ => None,
        }
    }

    /// Whether the line has a metric, be it without a value.
    pub fn has(&self, metric: &Metric) -> bool {
        self.find(metric).is_some()
    }

    fn find(&self, metric: &Metric) -> Option<&Measured> {
        self.named(metric.name).or_else(|| metric.older.iter().find_map(|older| self.named(older)))
    }

    /// Writes a metric down, at its place in the line.
    pub fn set(&mut self, metric: &Metric, value: impl Into<Measured>) {
        let value = value.into();
        if metric.zero_is_left_out && value.number() == 0.0 {
            self.remove(metric.name);
            return;
        }
        let own = Metric::place(metric.name);
        self.put(metric.name, value, |other| Metric::place(other) > own);
    }

    /// The same step with a metric.
    #[must_use]
    pub fn with(mut self, metric: &Metric, value: impl Into<Measured>) -> Self {
        self.set(metric, value);
        self
    }

    /// pass@k of the step's evaluation with its k.
    pub fn pass_at_k(&self) -> Option<(usize, f64)> {
        let k = self.count(&EVAL_K).unwrap_or(K_BEFORE_IT_WAS_NAMED);
        Some((usize::try_from(k).ok()?, self.known(&EVAL_PASS_AT_K)?))
    }

    /// The step without what depends on the clock, for comparing two runs.
    #[must_use]
    pub fn without_clock(&self) -> Self {
        let mut step = self.clone();
        ALL.iter().filter(|metric| metric.clock).for_each(|metric| step.remove(metric.name));
        step
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
