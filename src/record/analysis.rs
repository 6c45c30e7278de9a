//! What was found in a completion.

use serde::{Deserialize, Serialize};

/// What a highlighted span of text shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// The text compares a value with the target or re-derives a result: a *check*.
    Verification,
    /// After a failed or abandoned attempt a different one starts.
    Backtracking,
    /// An intermediate goal is stated.
    Subgoal,
    /// Works backwards from the target.
    BackwardChaining,
    /// A "hmm", a "wait" or an opened check that checks nothing and does not count as a check.
    Hesitation,
    /// The inside of the last `<answer>`.
    Answer,
}

/// Outcome of a check under exact arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its verdict is right about the value that the operations really evaluate to, and nothing it refers to
    /// was miscalculated.
    True,
    /// Its verdict fits the value that the text states, but that value was miscalculated. Such a check may reject a
    /// solution.
    Misled,
    /// Its verdict does not fit even the stated value, or what it re-derives is itself wrong.
    False,
    /// A checking phrase with nothing checked and no new attempt after it.
    Superficial,
}

/// A span of the completion, in UTF-8 byte offsets (always on character boundaries).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Behaviour that the span shows.
    pub kind: SpanKind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The claim that was decided, such as `63 is not 19`.
    pub claim: Option<String>,
    /// Verdict on the claim; `None` if nothing is claimed.
    pub verdict: Option<Verdict>,
    /// Whether a self-correction happens here. Exactly one span is marked per counted self-correction.
    /// Omitted from records when false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrects: bool,
}

/// Everything found in one completion. `docs/instruments.md` defines the terms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// Sorted by start; they do not overlap.
    pub spans: Vec<Span>,
    /// Expressions (or chains of steps) evaluated toward the target.
    pub attempts: usize,
    /// Attempts whose expression was tried before in the same completion (the same operations on the same
    /// numbers, in any order).
    pub repeated_attempts: usize,
    /// All checks: true, misled, false and superficial.
    pub checks: usize,
    /// Checks that are right about what the operations evaluate to.
    pub true_checks: usize,
    /// Checks whose verdict fits a value that was miscalculated. Records of older versions count them as
    /// true.
    #[serde(default)]
    pub misled_checks: usize,
    /// Checks whose verdict does not fit, or whose own arithmetic is wrong.
    pub false_checks: usize,
    /// Checking phrases that check nothing.
    pub superficial_checks: usize,
    /// Attempts that a true check found to have missed, each followed by an attempt not made before.
    pub self_corrections: usize,
    /// Times a different attempt starts after a failed or abandoned one.
    pub backtracks: usize,
    /// Occurrences of phrases on the verification list, whether or not they check anything.
    pub phrases: usize,
    /// Steps of the form `a op b = c`.
    pub arithmetic_steps: usize,
    /// Steps whose arithmetic is right.
    pub arithmetic_right: usize,
    /// Checks that state a miss (`63 is not 19`), true or false but not superficial.
    pub stated_misses: usize,
    /// Stated misses after which no further attempt was made.
    pub stops_after_miss: usize,
    /// Checks that state a hit (`19 = 19 , yes`), true or false but not superficial.
    pub stated_hits: usize,
    /// Stated hits after which no further attempt was made.
    pub stops_after_hit: usize,
    /// Attempts that split the problem into parts that add up to it, as the distributive rule does with a
    /// product. Stays 0, and out of the records, for a task without such a rule.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub decompositions: usize,
    /// Whether an attempt in the thought derives the last answer: the same operations on the same numbers, in
    /// any order and wording, with every stated step true. `None` if there is no readable answer, and in
    /// records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faithful: Option<bool>,
    /// Number of the first attempt whose operations really reach the target and use each given number once,
    /// counting distinct attempts from 1. `None` if there is none, and in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_hit: Option<usize>,
}

impl Analysis {
    /// Sets `checks` to the sum over the four verdicts.
    pub(crate) fn sum_checks(&mut self) {
        self.checks = self.true_checks + self.misled_checks + self.false_checks + self.superficial_checks;
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
