//! What an evaluation found, as `eval --json` prints it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{engine::protocol::BaseReference, reasoning::Analysis};

/// One answered puzzle sample, reduced to what the report needs.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Which puzzle.
    pub puzzle: usize,
    /// Whether the answer is right.
    pub correct: bool,
    /// Whether it is well-formed.
    pub well_formed: bool,
    /// What it earned.
    pub reward: f64,
    /// Canonical form of the answer, for the majority vote.
    pub answer: Option<String>,
    /// Tokens, the end token included.
    pub length: usize,
    /// Whether it was cut off.
    pub truncated: bool,
    /// What was found in it.
    pub analysis: Analysis,
}

/// Shares are of completions, except `repeated_attempt_share` (of attempts), `arithmetic_right` (of steps
/// `a op b = c`) and `true_check_share` (of checks).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvalReport {
    /// Puzzles asked.
    pub puzzles: usize,
    /// Completions for each.
    pub samples: usize,
    /// Sampling temperature.
    pub temperature: f64,
    /// Share of completions that are right.
    pub accuracy: f64,
    /// Wilson's 95 % interval of the accuracy; with several samples a puzzle it takes the puzzles as the units.
    pub accuracy_ci95: [f64; 2],
    /// Share of puzzles whose likeliest completion is right; `None` where it was not asked for.
    pub accuracy_greedy: Option<f64>,
    /// Unbiased pass@k (Chen et al. 2021, <https://arxiv.org/abs/2107.03374>), by k.
    pub pass_at_k: BTreeMap<usize, f64>,
    /// Share of puzzles where the most frequent of the first k answers is right, by k.
    pub majority_at_k: BTreeMap<usize, f64>,
    /// Accuracy when the answer is forced after so many tokens, by tokens.
    pub budget: BTreeMap<usize, f64>,
    /// Mean reward.
    pub reward: f64,
    /// Share with a well-formed answer.
    pub well_formed: f64,
    /// Share of arithmetic steps that are right.
    pub arithmetic_right: f64,
    /// Share with at least one check.
    pub self_checking_share: f64,
    /// Checks per completion.
    pub checks_per_completion: f64,
    /// Share of checks that are true.
    pub true_check_share: Option<f64>,
    /// Self-corrections per completion.
    pub self_corrections_per_completion: f64,
    /// Share of attempts that were made before.
    pub repeated_attempt_share: f64,
    /// Decompositions per completion; left out where there are none, as in tasks without them.
    #[serde(skip_serializing_if = "is_zero")]
    pub decompositions_per_completion: f64,
    /// Share with at least one decomposition; left out where there are none.
    #[serde(skip_serializing_if = "is_zero")]
    pub decomposing_share: f64,
    /// Share of stated misses after which no attempt follows.
    pub stop_after_miss: Option<f64>,
    /// Share of stated hits after which no attempt follows.
    pub stop_after_hit: Option<f64>,
    /// Tokens per completion.
    pub mean_length: f64,
    /// Share cut off.
    pub truncated_share: f64,
}

impl EvalReport {
    /// Reduces samples, `samples` for each of `puzzles` puzzles, in the order of the puzzles.
    pub fn of(all: &[Sample], puzzles: usize, samples: usize, temperature: f64) -> Self {
        let n = all.len().max(1) as f64;
        let mean = |f: &dyn Fn(&Sample) -> f64| all.iter().map(f).sum::<f64>() / n;
        let share = |f: &dyn Fn(&Sample) -> bool| mean(&|s| f64::from(u8::from(f(s))));
        let count = |f: fn(&Analysis) -> usize| all.iter().map(|s| f(&s.analysis)).sum::<usize>();
        let of = |a: usize, b: usize| (b > 0).then(|| a as f64 / b as f64);
        let accuracy = share(&|s| s.correct);
        let by_puzzle: Vec<&[Sample]> = all.chunks(samples.max(1)).collect();
        let ks: Vec<usize> = (0..).map(|i| 1 << i).take_while(|&k| k <= samples).collect();
        let over_puzzles = |f: &dyn Fn(&[Sample]) -> f64| {
            by_puzzle.iter().map(|s| f(s)).sum::<f64>() / by_puzzle.len().max(1) as f64
        };
        let right = |s: &[Sample]| s.iter().filter(|s| s.correct).count();
        Self {
            puzzles,
            samples,
            temperature,
            accuracy,
            accuracy_ci95: wilson(accuracy, puzzles),
            accuracy_greedy: None,
            pass_at_k: ks.iter().map(|&k| (k, over_puzzles(&|s| pass_at_k(s.len(), right(s), k)))).collect(),
            majority_at_k: ks
                .iter()
                .map(|&k| {
                    (k, over_puzzles(&|s| f64::from(u8::from(majority_is_right(&s[..k.min(s.len())])))))
                })
                .collect(),
            budget: BTreeMap::new(),
            reward: mean(&|s| s.reward),
            well_formed: share(&|s| s.well_formed),
            arithmetic_right: of(count(|a| a.arithmetic_right), count(|a| a.arithmetic_steps)).unwrap_or(0.0),
            self_checking_share: share(&|s| s.analysis.checks > 0),
            checks_per_completion: count(|a| a.checks) as f64 / n,
            true_check_share: of(count(|a| a.true_checks), count(|a| a.checks)),
            self_corrections_per_completion: count(|a| a.self_corrections) as f64 / n,
            repeated_attempt_share: of(count(|a| a.repeated_attempts), count(|a| a.attempts)).unwrap_or(0.0),
            decompositions_per_completion: count(|a| a.decompositions) as f64 / n,
            decomposing_share: share(&|s| s.analysis.decompositions > 0),
            stop_after_miss: of(count(|a| a.stops_after_miss), count(|a| a.stated_misses)),
            stop_after_hit: of(count(|a| a.stops_after_hit), count(|a| a.stated_hits)),
            mean_length: mean(&|s| s.length as f64),
            truncated_share: share(&|s| s.truncated),
        }
    }

    /// As reference lines of the charts.
    pub fn as_reference(&self) -> BaseReference {
        BaseReference {
            reward: self.reward,
            accuracy: self.accuracy,
            mean_length: self.mean_length,
            checks: self.checks_per_completion,
            self_corrections: self.self_corrections_per_completion,
            self_checking_share: self.self_checking_share,
            completions: self.puzzles * self.samples,
        }
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// The chance that at least one of `k` draws without replacement from `n` samples, `right` of them right, is
/// right: `1 - C(n - right, k) / C(n, k)`, as a product that cannot overflow.
pub fn pass_at_k(n: usize, right: usize, k: usize) -> f64 {
    if n - right < k {
        return 1.0;
    }
    1.0 - (n - right + 1..=n).map(|i| 1.0 - k as f64 / i as f64).product::<f64>()
}

/// Wilson's score interval at 95 % for a share of `n` trials.
pub fn wilson(share: f64, n: usize) -> [f64; 2] {
    if n == 0 {
        return [0.0, 1.0];
    }
    const Z: f64 = 1.959_963_984_540_054;
    let n = n as f64;
    let centre = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    [((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0)]
}

/// Ties go to the answer that was given first; a sample without an answer does not vote.
fn majority_is_right(samples: &[Sample]) -> bool {
    let mut votes: Vec<(&str, usize, bool)> = Vec::new();
    for sample in samples {
        let Some(answer) = &sample.answer else { continue };
        match votes.iter_mut().find(|(a, ..)| a == answer) {
            Some((_, count, _)) => *count += 1,
            None => votes.push((answer, 1, sample.correct)),
        }
    }
    let most = votes.iter().map(|(_, count, _)| *count).max();
    votes.iter().find(|(_, count, _)| Some(*count) == most).is_some_and(|(.., correct)| *correct)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pass_at_k_counts_subsets() {
        // Of the 6 pairs out of 4 samples with 1 right, 3 hold the right one.
        assert!((pass_at_k(4, 1, 2) - 0.5).abs() < 1e-12);
        assert_eq!(pass_at_k(4, 0, 4), 0.0);
        assert_eq!(pass_at_k(4, 3, 2), 1.0);
        assert!((pass_at_k(10, 3, 1) - 0.3).abs() < 1e-12);
    }

    #[test]
    fn wilson_agrees_with_a_published_value() {
        // 10 of 100: 0.0552 to 0.1744.
        let [low, high] = wilson(0.1, 100);
        assert!((low - 0.0552).abs() < 1e-4 && (high - 0.1744).abs() < 1e-4, "{low} {high}");
    }

    #[test]
    fn the_first_answer_wins_a_tie() {
        let sample = |answer: &str, correct| Sample {
            puzzle: 0,
            correct,
            well_formed: true,
            reward: 0.0,
            answer: Some(answer.into()),
            length: 1,
            truncated: false,
            analysis: Analysis::default(),
        };
        assert!(majority_is_right(&[sample("a", true), sample("b", false)]));
        assert!(!majority_is_right(&[sample("a", true), sample("b", false), sample("b", false)]));
    }
}
