//! What only the completions themselves can tell the sentinel, counted one at a time.

use crate::record::{Rollout, SpanKind};

/// Maximum length of a loop's unit, in tokens.
const LONGEST_UNIT: usize = 32;
/// Minimum length of a loop, in tokens; it must also contain its unit at least three times.
const SHORTEST_LOOP: usize = 24;
/// Shorter answers occur in a prompt by chance.
const SHORTEST_COPY: usize = 5;

/// Counts over one step's completions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Features {
    /// Completions.
    pub completions: usize,
    /// Completions that repeat the same tokens over and over.
    pub looping: usize,
    /// Right completions.
    pub right: usize,
    /// Right completions without a right calculation before the answer.
    pub right_unsupported: usize,
    /// Right completions whose answer appears verbatim in the prompt.
    pub right_copied: usize,
    /// Steps `a op b = c`.
    pub arithmetic_steps: usize,
    /// Steps whose arithmetic is right.
    pub arithmetic_steps_right: usize,
}

impl Features {
    /// Counts one more completion.
    pub fn add(&mut self, record: &Rollout) {
        self.completions += 1;
        self.looping += usize::from(has_loop(record.token_ids()));
        self.arithmetic_steps += record.analysis.arithmetic_steps;
        self.arithmetic_steps_right += record.analysis.arithmetic_right;
        if record.is_right() {
            self.right += 1;
            self.right_unsupported += usize::from(record.analysis.arithmetic_right == 0);
            self.right_copied += usize::from(is_copied(record));
        }
    }

    /// Share of completions that loop; NaN without completions.
    pub(crate) fn loops(&self) -> f64 {
        self.looping as f64 / self.completions as f64
    }

    /// Share of right answers without a right calculation before them; NaN for fewer than ten right answers.
    pub(crate) fn unsupported(&self) -> f64 {
        if self.right < 10 { f64::NAN } else { self.right_unsupported as f64 / self.right as f64 }
    }

    /// Share of right answers that appear in the prompt; NaN for fewer than ten right answers.
    pub fn copied(&self) -> f64 {
        if self.right < 10 { f64::NAN } else { self.right_copied as f64 / self.right as f64 }
    }

    /// Share of calculations that are right; NaN without calculations.
    pub fn arithmetic_right(&self) -> f64 {
        self.arithmetic_steps_right as f64 / self.arithmetic_steps as f64
    }
}

/// Whether a unit of tokens occurs at least three times in a row, over [`SHORTEST_LOOP`] tokens or more.
fn has_loop(tokens: &[u32]) -> bool {
    (1..=LONGEST_UNIT).any(|unit| {
        let needed = SHORTEST_LOOP.max(3 * unit) - unit;
        let mut run = 0;
        tokens.iter().zip(tokens.iter().skip(unit)).any(|(a, b)| {
            run = if a == b { run + 1 } else { 0 };
            run >= needed
        })
    })
}

fn is_copied(record: &Rollout) -> bool {
    let span = record.analysis.spans.iter().rev().find(|span| span.kind == SpanKind::Answer);
    let answer = span.and_then(|span| record.completion.get(span.start..span.end)).map_or("", str::trim);
    answer.len() >= SHORTEST_COPY && record.problem.prompt.contains(answer)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_three_times_the_same_and_long() {
        let unit: Vec<u32> = (0..10).collect();
        assert!(has_loop(&unit.repeat(3)));
        assert!(!has_loop(&unit.repeat(2)));
        assert!(has_loop(&[7; 24]));
        assert!(!has_loop(&[7; 23]));
        assert!(!has_loop(&(0..200).collect::<Vec<u32>>()));
        let inside = [(100..150).collect::<Vec<u32>>(), unit.repeat(3), (200..210).collect()].concat();
        assert!(has_loop(&inside));
        assert!(!has_loop(&[]));
    }

    #[test]
    fn without_completions_nothing_is_known() {
        let none = Features::default();
        for value in [none.loops(), none.unsupported(), none.copied(), none.arithmetic_right()] {
            assert!(value.is_nan());
        }
    }
}
