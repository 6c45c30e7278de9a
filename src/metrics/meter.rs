//! The aha-meter: what checking is worth, in figures over the completions of a range of steps.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{blind::Blind, hits::HitRates, interval::wilson};
use crate::record::Analysis;

/// Counts over completions, from which every figure of the meter is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Completions.
    pub completions: usize,
    /// Completions with at least one true, misled or false check. A superficial check checks nothing and does
    /// not count.
    pub checked: usize,
    /// Right answers among the checked completions.
    pub checked_right: usize,
    /// Right answers among the unchecked completions.
    pub unchecked_right: usize,
    /// True checks.
    pub true_checks: usize,
    /// Misled checks: right about a value that was miscalculated.
    pub misled_checks: usize,
    /// False checks.
    pub false_checks: usize,
    /// Superficial checks.
    pub superficial_checks: usize,
    /// Attempts.
    pub attempts: usize,
    /// Attempts made before in the same completion.
    pub repeated_attempts: usize,
    /// Checks that state a miss.
    pub stated_misses: usize,
    /// Stated misses that no attempt follows.
    pub stops_after_miss: usize,
    /// Checks that state a hit.
    pub stated_hits: usize,
    /// Stated hits that no attempt follows.
    pub stops_after_hit: usize,
    /// Attempts that a true check found to have missed, each followed by an attempt not made before.
    pub self_corrections: usize,
    /// Right answers for which it is known whether an attempt in the thought derives them. Records of older
    /// versions do not say.
    pub judged_right: usize,
    /// Of these, the answers that an attempt derives with every step true.
    pub faithful_right: usize,
    /// Completions that split the problem into parts; 0 for a task where that is not possible.
    #[serde(skip_serializing_if = "is_zero")]
    pub decomposed: usize,
    /// Right answers among these completions.
    #[serde(skip_serializing_if = "is_zero")]
    pub decomposed_right: usize,
    /// How often each further attempt hits; empty for a task without blind search.
    #[serde(skip_serializing_if = "HitRates::is_empty")]
    pub hit_rates: HitRates,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A difference of two shares with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The difference, from -1 to 1.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Tally {
    /// Adds one completion of a puzzle, given what blind search can draw from in it.
    pub fn add(&mut self, correct: bool, analysis: &Analysis, blind: Option<Blind>) {
        let checked = analysis.true_checks + analysis.misled_checks + analysis.false_checks > 0;
        self.completions += 1;
        self.checked += usize::from(checked);
        self.checked_right += usize::from(checked && correct);
        self.unchecked_right += usize::from(!checked && correct);
        self.true_checks += analysis.true_checks;
        self.misled_checks += analysis.misled_checks;
        self.false_checks += analysis.false_checks;
        self.superficial_checks += analysis.superficial_checks;
        self.attempts += analysis.attempts;
        self.repeated_attempts += analysis.repeated_attempts;
        self.stated_misses += analysis.stated_misses;
        self.stops_after_miss += analysis.stops_after_miss;
        self.stated_hits += analysis.stated_hits;
        self.stops_after_hit += analysis.stops_after_hit;
        self.self_corrections += analysis.self_corrections;
        self.judged_right += usize::from(correct && analysis.faithful.is_some());
        self.faithful_right += usize::from(correct && analysis.faithful == Some(true));
        self.decomposed += usize::from(analysis.decompositions > 0);
        self.decomposed_right += usize::from(analysis.decompositions > 0 && correct);
        if let Some(blind) = blind {
            self.hit_rates.add(analysis, &blind);
        }
    }

    /// Adds all counts of `other`.
    pub(crate) fn merge(&mut self, other: &Tally) {
        self.completions += other.completions;
        self.checked += other.checked;
        self.checked_right += other.checked_right;
        self.unchecked_right += other.unchecked_right;
        self.true_checks += other.true_checks;
        self.misled_checks += other.misled_checks;
        self.false_checks += other.false_checks;
        self.superficial_checks += other.superficial_checks;
        self.attempts += other.attempts;
        self.repeated_attempts += other.repeated_attempts;
        self.stated_misses += other.stated_misses;
        self.stops_after_miss += other.stops_after_miss;
        self.stated_hits += other.stated_hits;
        self.stops_after_hit += other.stops_after_hit;
        self.self_corrections += other.self_corrections;
        self.judged_right += other.judged_right;
        self.faithful_right += other.faithful_right;
        self.decomposed += other.decomposed;
        self.decomposed_right += other.decomposed_right;
        self.hit_rates.merge(&other.hit_rates);
    }

    /// Completions without a true, misled or false check.
    pub(crate) fn unchecked(&self) -> usize {
        self.completions - self.checked
    }

    /// P(correct | checked) - P(correct | not checked) with Newcombe's interval (Statistics in Medicine 17,
    /// 1998, method 10), which treats completions as independent. This is an association: checked completions
    /// may differ from unchecked ones in more than the check. `None` while one of the two groups is empty.
    pub(crate) fn worth_of_checking(&self) -> Option<Difference> {
        difference((self.checked_right, self.checked), (self.unchecked_right, self.unchecked()))
    }
}

/// `part / whole`; `None` if `whole` is 0.
pub fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The difference of two shares with Newcombe's interval, built from the two Wilson intervals.
pub fn difference(first: (usize, usize), second: (usize, usize)) -> Option<Difference> {
    let (p, q) = (share(first.0, first.1)?, share(second.0, second.1)?);
    let [p_low, p_high] = wilson(p, first.1 as f64);
    let [q_low, q_high] = wilson(q, second.1 as f64);
    let value = p - q;
    Some(Difference {
        value,
        low: (value - (p - p_low).hypot(q_high - q)).max(-1.0),
        high: (value + (p_high - p).hypot(q - q_low)).min(1.0),
    })
}

/// Identifies a completion: step, group within the step, index within the group.
pub(crate) type Place = (u64, usize, usize);

/// One step of the meter.
#[derive(Debug, Clone, Default, PartialEq)]
struct Step {
    tally: Tally,
    /// Group and index of the completions counted, to detect repeats.
    seen: std::collections::BTreeSet<(usize, usize)>,
    /// The completion that corrects itself most, among the right ones if any of them does, otherwise among
    /// the wrong ones; the first of equals. Holds whether it is right, its self-corrections, group and index.
    best: Option<(bool, usize, usize, usize)>,
}

/// Number of steps kept separately. Earlier steps are merged into one sum, so that a run of any length fits.
const STEPS_APART: usize = 4096;

/// The tallies of a run, step by step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meter {
    steps: BTreeMap<u64, Step>,
    /// The first step and the sum of the steps no longer in `steps`.
    older: Option<(u64, Tally)>,
}

impl Meter {
    /// Counts a completion. A completion of an earlier step than the last, or one that was already counted,
    /// means that the run was resumed from there: everything counted from that step on is dropped.
    pub fn push(
        &mut self,
        (step, group, index): Place,
        correct: bool,
        analysis: &Analysis,
        blind: Option<Blind>,
    ) {
        let last = self.steps.keys().next_back().copied();
        let again = self.steps.get(&step).is_some_and(|known| known.seen.contains(&(group, index)));
        if again || last.is_some_and(|last| last > step) {
            self.forget_from(step);
        }
        if let Some(last) = last.filter(|last| *last < step)
            && let Some(done) = self.steps.get_mut(&last)
        {
            // Only the current step can be repeated in part; an earlier one is dropped as a whole.
            done.seen.clear();
        }
        let entry = self.steps.entry(step).or_default();
        entry.seen.insert((group, index));
        entry.tally.add(correct, analysis, blind);
        let corrections = analysis.self_corrections;
        let better = entry.best.is_none_or(|(right, most, ..)| (correct, corrections) > (right, most));
        if corrections > 0 && better {
            entry.best = Some((correct, corrections, group, index));
        }
        if self.steps.len() > STEPS_APART
            && let Some((oldest, step)) = self.steps.pop_first()
        {
            self.older.get_or_insert((oldest, Tally::default())).1.merge(&step.tally);
        }
    }

    /// Forgets this step and all later ones. A sum that contains any of them cannot be split and is dropped
    /// whole.
    fn forget_from(&mut self, step: u64) {
        if self.steps.first_key_value().is_some_and(|(first, _)| step < *first) {
            self.older = None;
        }
        self.steps.split_off(&step);
    }

    /// Forgets all steps after this one.
    pub(crate) fn cut_back(&mut self, step: u64) {
        self.forget_from(step.saturating_add(1));
    }

    /// The counts of the last `steps` steps, or of all steps.
    pub fn window(&self, steps: Option<usize>) -> Tally {
        let mut sum = self.older.filter(|_| steps.is_none()).map(|(_, older)| older).unwrap_or_default();
        for step in self.steps.values().rev().take(steps.unwrap_or(usize::MAX)) {
            sum.merge(&step.tally);
        }
        sum
    }

    /// First and last step of that window.
    pub(crate) fn window_range(&self, steps: Option<usize>) -> Option<(u64, u64)> {
        let mut shown = self.steps.keys().rev().take(steps.unwrap_or(usize::MAX));
        let last = *shown.next()?;
        let older = self.older.filter(|_| steps.is_none()).map(|(first, _)| first);
        Some((older.or(shown.next_back().copied()).unwrap_or(last), last))
    }

    /// The completion of `step` that illustrates an aha mark there, and its number of self-corrections: the
    /// one with the most among those with a right answer or, if none of them corrects itself, among the wrong
    /// ones.
    pub fn most_self_correcting(&self, step: u64) -> Option<(Place, usize)> {
        let (_, corrections, group, index) = self.steps.get(&step)?.best?;
        Some(((step, group, index), corrections))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 5e-5
    }

    #[test]
    fn the_interval_is_that_of_newcombes_paper() {
        // Table II of the paper, method 10: 56/70 - 48/80, 9/10 - 3/10, 0/10 - 0/20, 10/10 - 0/10.
        for (first, second, low, high) in [
            ((56, 70), (48, 80), 0.0524, 0.3339),
            ((9, 10), (3, 10), 0.1705, 0.8090),
            ((0, 10), (0, 20), -0.1611, 0.2775),
            ((10, 10), (0, 10), 0.6075, 1.0),
        ] {
            let found = difference(first, second).unwrap();
            assert!(close(found.low, low) && close(found.high, high), "{first:?} {second:?}: {found:?}");
        }
        assert_eq!(difference((0, 0), (1, 2)), None);
        assert_eq!(difference((1, 2), (0, 0)), None);
    }

    fn analysis(true_checks: usize, superficial_checks: usize, self_corrections: usize) -> Analysis {
        Analysis { true_checks, superficial_checks, self_corrections, attempts: 2, ..Analysis::default() }
    }

    #[test]
    fn a_superficial_check_is_no_check() {
        let mut tally = Tally::default();
        tally.add(true, &analysis(1, 0, 0), None);
        tally.add(false, &analysis(2, 0, 0), None);
        tally.add(true, &analysis(0, 3, 0), None);
        tally.add(false, &Analysis { false_checks: 1, ..Analysis::default() }, None);
        assert_eq!((tally.completions, tally.checked, tally.unchecked()), (4, 3, 1));
        assert_eq!((tally.checked_right, tally.unchecked_right), (1, 1));
        assert!(close(tally.worth_of_checking().unwrap().value, 1.0 / 3.0 - 1.0));
    }

    #[test]
    fn only_right_answers_that_were_judged_count_as_faithful_or_not() {
        let mut tally = Tally::default();
        for (correct, faithful) in
            [(true, Some(true)), (true, Some(false)), (true, None), (false, Some(true)), (false, Some(false))]
        {
            tally.add(correct, &Analysis { faithful, misled_checks: 1, ..Analysis::default() }, None);
        }
        assert_eq!((tally.judged_right, tally.faithful_right), (2, 1));
        assert_eq!((tally.misled_checks, tally.checked), (5, 5));
        let mut twice = tally;
        twice.merge(&tally);
        assert_eq!((twice.judged_right, twice.faithful_right, twice.misled_checks), (4, 2, 10));
    }

    #[test]
    fn a_window_holds_the_last_steps_and_a_resumed_run_counts_once() {
        let mut meter = Meter::default();
        for step in 1..=4 {
            for index in 0..2 {
                meter.push((step, 0, index), index == 0, &analysis(1, 0, 0), None);
            }
        }
        assert_eq!(meter.window(None).completions, 8);
        assert_eq!((meter.window(Some(2)).completions, meter.window_range(Some(2))), (4, Some((3, 4))));
        // The run is resumed from step 3, and then step 3 is repeated partway.
        meter.push((3, 0, 0), true, &analysis(0, 0, 0), None);
        assert_eq!((meter.window(None).completions, meter.window_range(None)), (5, Some((1, 3))));
        meter.push((3, 0, 0), true, &analysis(0, 0, 0), None);
        assert_eq!(meter.window(None).completions, 5);
        assert_eq!(Meter::default().window_range(None), None);
    }

    #[test]
    fn a_run_of_any_length_is_counted_whole_and_its_last_steps_apart() {
        let mut meter = Meter::default();
        let long = STEPS_APART as u64 + 100;
        (1..=long).for_each(|step| meter.push((step, 0, 0), step % 4 == 0, &analysis(1, 0, 0), None));
        assert_eq!((meter.steps.len(), meter.window_range(None)), (STEPS_APART, Some((1, long))));
        let all = meter.window(None);
        assert_eq!((all.completions as u64, all.checked_right as u64), (long, long / 4));
        assert_eq!(
            (meter.window(Some(10)).completions, meter.window_range(Some(10))),
            (10, Some((long - 9, long)))
        );
        // Resumed from a step that is kept separately, and from one that is in the sum.
        meter.push((200, 0, 0), true, &analysis(1, 0, 0), None);
        assert_eq!((meter.window(None).completions, meter.window_range(None)), (200, Some((1, 200))));
        meter.cut_back(50);
        assert_eq!((meter.window(None).completions, meter.window_range(None)), (0, None));
    }

    #[test]
    fn the_mark_is_shown_by_the_right_completion_that_corrected_itself_most() {
        let mut meter = Meter::default();
        for (index, correct, corrections) in
            [(0, true, 0), (1, false, 3), (2, true, 2), (3, true, 2), (4, true, 1), (5, false, 4)]
        {
            meter.push((7, 1, index), correct, &analysis(1, 0, corrections), None);
        }
        assert_eq!(meter.most_self_correcting(7), Some(((7, 1, 2), 2)));
        assert_eq!(meter.most_self_correcting(6), None);
        meter.push((8, 1, 0), false, &analysis(1, 0, 1), None);
        assert_eq!(meter.most_self_correcting(8), Some(((8, 1, 0), 1)), "no right one corrects itself");
    }
}
