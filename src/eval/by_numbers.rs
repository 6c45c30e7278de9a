//! An evaluation by how many numbers a puzzle gives: at a level that mixes them, one accuracy says little.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::report::{EvalReport, Sample};
use crate::{
    record::Estimate,
    task::{NumberPuzzle, Puzzle},
};

/// The results with the puzzles of one size. Shares are as in [`EvalReport`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OfSize {
    /// How many numbers are given.
    pub numbers: usize,
    /// Puzzles of this size.
    pub puzzles: usize,
    /// Share of completions that are right.
    pub accuracy: Estimate,
    /// Unbiased pass@k, by k.
    pub pass_at_k: BTreeMap<usize, f64>,
    /// Share of puzzles that can be solved in the language of our base models.
    pub ceiling: Option<f64>,
    /// What a random searcher solves with as many distinct attempts as each completion made.
    pub random: Option<f64>,
    /// The same for a searcher whose last step looks ahead.
    pub looking_ahead: Option<f64>,
    /// Share of arithmetic steps that are right.
    pub arithmetic_right: f64,
    /// Share of right answers that their thought derives.
    pub faithful_share: Option<f64>,
    /// Tokens per completion.
    pub mean_length: f64,
    /// Share cut off.
    pub truncated_share: f64,
}

impl OfSize {
    fn of(numbers: usize, report: &EvalReport) -> Self {
        let free = report.frontier.first();
        let blind = |of: Option<Estimate>| of.map(|estimate| estimate.value);
        Self {
            numbers,
            puzzles: report.puzzles,
            accuracy: Estimate { value: report.accuracy, ci95: report.accuracy_ci95 },
            pass_at_k: report.pass_at_k.clone(),
            ceiling: report.ceiling,
            random: blind(free.and_then(|free| free.random)),
            looking_ahead: blind(free.and_then(|free| free.looking_ahead)),
            arithmetic_right: report.arithmetic_right,
            faithful_share: report.faithful_share,
            mean_length: report.mean_length,
            truncated_share: report.truncated_share,
        }
    }
}

/// The results by size, the smallest first; none if all puzzles give equally many numbers. `all` has `samples` for
/// each of the puzzles, in their order.
pub(super) fn by_numbers(
    puzzles: &[Puzzle],
    all: &[Sample],
    samples: usize,
    temperature: f64,
) -> Vec<OfSize> {
    let mut of_size: BTreeMap<usize, (usize, Vec<Sample>)> = BTreeMap::new();
    for (puzzle, of_puzzle) in puzzles.iter().zip(all.chunks(samples.max(1))) {
        let Some(given) = NumberPuzzle::of(puzzle) else { return Vec::new() };
        let (count, found) = of_size.entry(given.numbers.len()).or_default();
        *count += 1;
        found.extend_from_slice(of_puzzle);
    }
    if of_size.len() < 2 {
        return Vec::new();
    }
    let of = |(numbers, (count, found)): (usize, (usize, Vec<Sample>))| {
        OfSize::of(numbers, &EvalReport::of(&found, count, samples, temperature))
    };
    of_size.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{eval::frontier::Drawn, metrics::blind::Blind, reasoning::Analysis};

    fn puzzle(numbers: &[i64]) -> Puzzle {
        NumberPuzzle { numbers: numbers.to_vec(), target: 10 }.into()
    }

    fn sample(correct: bool, right: usize) -> Sample {
        let blind = Some(Blind { attempts: 4, right, pairs: 2, ending: right.min(2) });
        Sample {
            drawn: Drawn { correct, attempts: 1, blind, ..Drawn::default() },
            well_formed: true,
            reward: 0.0,
            truncated: false,
            analysis: Analysis::default(),
        }
    }

    #[test]
    fn sizes_are_told_apart_and_the_whole_is_their_mean() {
        let puzzles = [puzzle(&[1, 2, 3]), puzzle(&[1, 2, 3, 4]), puzzle(&[4, 5, 6]), puzzle(&[4, 5, 6, 7])];
        let all =
            [(true, 1), (true, 1), (false, 2), (true, 2), (true, 1), (false, 1), (false, 0), (false, 0)]
                .map(|(correct, right)| sample(correct, right));
        let found = by_numbers(&puzzles, &all, 2, 1.0);
        let told = |size: &OfSize| (size.numbers, size.puzzles, size.accuracy.value, size.ceiling);
        assert_eq!(
            found.iter().map(told).collect::<Vec<_>>(),
            [(3, 2, 0.75, Some(1.0)), (4, 2, 0.25, Some(0.5))]
        );
        // With one attempt each: one of four is right; of four numbers, two of four in one puzzle and none in the other.
        assert_eq!(found[0].random, Some(0.25));
        assert_eq!(found[1].random, Some(0.25));
        assert_eq!(EvalReport::of(&all, 4, 2, 1.0).ceiling, Some(0.75));
        assert_eq!(by_numbers(&puzzles[..1], &all[..2], 2, 1.0), []);
    }
}
