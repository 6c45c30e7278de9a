//! The results of an evaluation, as `eval --json` prints them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{BaseReference, by_numbers::OfSize, frontier::Drawn};
use crate::{metrics::hits::HitRates, reasoning::Analysis, record::Point};

/// One answered puzzle sample, reduced to what the report needs.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its answer and its tokens, the end token included.
    pub drawn: Drawn,
    /// Whether it is well-formed.
    pub well_formed: bool,
    /// What it earned.
    pub reward: f64,
    /// Whether it was cut off.
    pub truncated: bool,
    /// What was found in it.
    pub analysis: Analysis,
}

/// Shares are of completions, except `repeated_attempt_share` (of attempts), `arithmetic_right` (of steps
/// `a op b = c`), `true_check_share` and `misled_check_share` (of checks) and `faithful_share` (of right answers).
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
    /// 95 % interval of the accuracy, clustered by puzzle: see [`crate::metrics::interval::Estimate`].
    pub accuracy_ci95: [f64; 2],
    /// Share of puzzles whose greedy completion is right; `None` if not requested.
    pub accuracy_greedy: Option<f64>,
    /// Unbiased pass@k (Chen et al. 2021, <https://arxiv.org/abs/2107.03374>), by k.
    pub pass_at_k: BTreeMap<usize, f64>,
    /// How often the most frequent of k answers is right, by k; with k = 1 it is the accuracy.
    pub majority_at_k: BTreeMap<usize, f64>,
    /// Accuracy when the answer is forced after a number of tokens, by that number.
    pub budget: BTreeMap<usize, f64>,
    /// The same with intervals, tokens, best of k and majority vote: first without a budget, then one per
    /// budget.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frontier: Vec<Point>,
    /// Share of puzzles that can be solved in the language of our base models, where every value is whole and from 1
    /// to 99: the most that such a model can reach. `None` in a task without blind search.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<f64>,
    /// The results by how many numbers a puzzle gives; empty if all give equally many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_numbers: Vec<OfSize>,
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
    /// Share of true checks.
    pub true_check_share: Option<f64>,
    /// Share of misled checks: right about a value that was miscalculated.
    pub misled_check_share: Option<f64>,
    /// Share of right answers that an attempt in their thought derives with every step true.
    pub faithful_share: Option<f64>,
    /// Self-corrections per completion.
    pub self_corrections_per_completion: f64,
    /// Share of attempts that repeat an earlier one.
    pub repeated_attempt_share: f64,
    /// Decompositions per completion; omitted if there are none, as in tasks without them.
    #[serde(skip_serializing_if = "is_zero")]
    pub decompositions_per_completion: f64,
    /// Share with at least one decomposition; omitted if there are none.
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
    /// Hit rate by attempt number, beside blind search; `None` in a task without it. Only written, never read
    /// back.
    #[serde(skip_deserializing, skip_serializing_if = "HitRates::is_empty")]
    pub hit_rates: HitRates,
}

impl EvalReport {
    /// Reduces samples, `samples` for each of `puzzles` puzzles, in the order of the puzzles.
    pub fn of(all: &[Sample], puzzles: usize, samples: usize, temperature: f64) -> Self {
        let n = all.len().max(1) as f64;
        let mean = |f: &dyn Fn(&Sample) -> f64| all.iter().map(f).sum::<f64>() / n;
        let share = |f: &dyn Fn(&Sample) -> bool| mean(&|s| f64::from(u8::from(f(s))));
        let count = |f: fn(&Analysis) -> usize| all.iter().map(|s| f(&s.analysis)).sum::<usize>();
        let of = |a: usize, b: usize| (b > 0).then(|| a as f64 / b as f64);
        let drawn: Vec<Drawn> = all.iter().map(|sample| sample.drawn.clone()).collect();
        let free = Point::of(None, &drawn, samples);
        let accuracy = free.accuracy();
        let mut hit_rates = HitRates::default();
        for sample in all {
            if let Some(blind) = &sample.drawn.blind {
                hit_rates.add(&sample.analysis, blind);
            }
        }
        Self {
            puzzles,
            samples,
            temperature,
            accuracy: accuracy.value,
            accuracy_ci95: accuracy.ci95,
            accuracy_greedy: None,
            pass_at_k: free.at_k.iter().map(|at| (at.k, at.best_of.value)).collect(),
            majority_at_k: free
                .at_k
                .iter()
                .map(|at| (at.k, at.majority.unwrap_or(at.best_of).value))
                .collect(),
            budget: BTreeMap::new(),
            frontier: vec![free],
            ceiling: drawn
                .iter()
                .map(|one| Some(f64::from(u8::from(one.blind?.right > 0))))
                .sum::<Option<f64>>()
                .map(|solvable| solvable / n),
            by_numbers: Vec::new(),
            reward: mean(&|s| s.reward),
            well_formed: share(&|s| s.well_formed),
            arithmetic_right: of(count(|a| a.arithmetic_right), count(|a| a.arithmetic_steps)).unwrap_or(0.0),
            self_checking_share: share(&|s| s.analysis.checks > 0),
            checks_per_completion: count(|a| a.checks) as f64 / n,
            true_check_share: of(count(|a| a.true_checks), count(|a| a.checks)),
            misled_check_share: of(count(|a| a.misled_checks), count(|a| a.checks)),
            faithful_share: of(
                all.iter().filter(|s| s.drawn.correct && s.analysis.faithful == Some(true)).count(),
                all.iter().filter(|s| s.drawn.correct && s.analysis.faithful.is_some()).count(),
            ),
            self_corrections_per_completion: count(|a| a.self_corrections) as f64 / n,
            repeated_attempt_share: of(count(|a| a.repeated_attempts), count(|a| a.attempts)).unwrap_or(0.0),
            decompositions_per_completion: count(|a| a.decompositions) as f64 / n,
            decomposing_share: share(&|s| s.analysis.decompositions > 0),
            stop_after_miss: of(count(|a| a.stops_after_miss), count(|a| a.stated_misses)),
            stop_after_hit: of(count(|a| a.stops_after_hit), count(|a| a.stated_hits)),
            mean_length: mean(&|s| s.drawn.tokens as f64),
            truncated_share: share(&|s| s.truncated),
            hit_rates,
        }
    }

    /// Adds the results with one thinking budget.
    pub fn add(&mut self, point: Point) {
        if let Some(budget) = point.budget {
            self.budget.insert(budget, point.accuracy().value);
        }
        self.frontier.push(point);
    }

    /// As reference lines of the charts.
    pub(crate) fn as_reference(&self) -> BaseReference {
        BaseReference {
            reward: self.reward,
            well_formed: Some(self.well_formed),
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
