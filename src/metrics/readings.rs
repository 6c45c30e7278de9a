//! What the completions of a step show of reasoning, as the metrics of its line.

use super::registry::{
    ARITHMETIC_RIGHT, BACKTRACKING_SHARE, CHECKS, DECOMPOSING_SHARE, DECOMPOSITIONS, FAITHFUL_SHARE,
    FALSE_CHECKS, MISLED_CHECKS, PHRASES, REPEATED_ATTEMPTS, SELF_CHECKING_SHARE, SELF_CORRECTIONS,
    STOP_AFTER_HIT, STOP_AFTER_MISS, SUPERFICIAL_CHECKS, TRUE_CHECKS,
};
use crate::record::{Analysis, Step};

/// Counts over the completions of one step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Readings {
    completions: usize,
    /// The counts of all analyses, summed; its spans and verdicts stay empty.
    sum: Analysis,
    self_checking: usize,
    backtracking: usize,
    decomposing: usize,
    /// Right answers of which it is known whether their thought derives them, and those that it does.
    judged: usize,
    faithful: usize,
}

impl Readings {
    /// Counts one more completion.
    pub fn add(&mut self, correct: bool, found: &Analysis) {
        let sum = &mut self.sum;
        self.completions += 1;
        sum.attempts += found.attempts;
        sum.repeated_attempts += found.repeated_attempts;
        sum.checks += found.checks;
        sum.true_checks += found.true_checks;
        sum.misled_checks += found.misled_checks;
        sum.false_checks += found.false_checks;
        sum.superficial_checks += found.superficial_checks;
        sum.self_corrections += found.self_corrections;
        sum.phrases += found.phrases;
        sum.arithmetic_steps += found.arithmetic_steps;
        sum.arithmetic_right += found.arithmetic_right;
        sum.stated_misses += found.stated_misses;
        sum.stops_after_miss += found.stops_after_miss;
        sum.stated_hits += found.stated_hits;
        sum.stops_after_hit += found.stops_after_hit;
        sum.decompositions += found.decompositions;
        self.self_checking += usize::from(found.checks > 0);
        self.backtracking += usize::from(found.backtracks > 0);
        self.decomposing += usize::from(found.decompositions > 0);
        if let Some(faithful) = found.faithful.filter(|_| correct) {
            self.judged += 1;
            self.faithful += usize::from(faithful);
        }
    }

    /// Writes the metrics down; none where nothing was read.
    pub fn put(&self, step: &mut Step) {
        let (sum, n) = (&self.sum, self.completions);
        if n == 0 {
            return;
        }
        let known = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let share = |part: usize, whole: usize| known(part, whole).unwrap_or(0.0);
        step.set(&CHECKS, share(sum.checks, n));
        step.set(&TRUE_CHECKS, share(sum.true_checks, n));
        step.set(&MISLED_CHECKS, share(sum.misled_checks, n));
        step.set(&FALSE_CHECKS, share(sum.false_checks, n));
        step.set(&SUPERFICIAL_CHECKS, share(sum.superficial_checks, n));
        step.set(&SELF_CORRECTIONS, share(sum.self_corrections, n));
        step.set(&PHRASES, share(sum.phrases, n));
        step.set(&SELF_CHECKING_SHARE, share(self.self_checking, n));
        step.set(&BACKTRACKING_SHARE, share(self.backtracking, n));
        step.set(&REPEATED_ATTEMPTS, share(sum.repeated_attempts, sum.attempts));
        step.set(&ARITHMETIC_RIGHT, share(sum.arithmetic_right, sum.arithmetic_steps));
        step.set(&DECOMPOSITIONS, share(sum.decompositions, n));
        step.set(&DECOMPOSING_SHARE, share(self.decomposing, n));
        step.set(&FAITHFUL_SHARE, known(self.faithful, self.judged));
        step.set(&STOP_AFTER_MISS, known(sum.stops_after_miss, sum.stated_misses));
        step.set(&STOP_AFTER_HIT, known(sum.stops_after_hit, sum.stated_hits));
    }
}
