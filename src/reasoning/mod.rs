//! Reads a completion and says which reasoning behaviours it shows.
//!
//! Phrases only find candidates; exact arithmetic decides. The analysis is pure: text in, [`Analysis`] out.
//! Nothing here ever reaches the reward.
//!
//! [`analyze`] works in five stages, each a single pass over its input:
//! - [`lexer`] cuts the text into tokens with byte offsets;
//! - [`normalize`] turns LaTeX, Markdown and operators in words into plain formulas;
//! - [`reader`] finds formulas ([`expression`]) and phrases ([`phrases`]) in them;
//! - [`attempts`] groups steps into attempts by the numbers they use, and [`check`] decides what each
//!   checking sentence states, both in exact fractions ([`exact`]);
//! - [`behaviours`] counts the behaviours and lays out the spans.

pub mod attempts;
pub mod behaviours;
pub mod check;
pub mod corrections;
pub mod exact;
pub mod expression;
pub mod lexer;
pub mod normalize;
pub mod phrases;
pub mod reader;
pub mod shape;

use serde::{Deserialize, Serialize};

use crate::task::Puzzle;

/// Version of the reading rules, those of the tasks included: a hash of their source.
pub const RULES: &str = env!("AHA_READING_RULES");

/// Reads a completion of `puzzle` (the text after the prompt, whole or cut off anywhere) and says which
/// behaviours it shows. Accepts any text; takes time linear in its length.
///
/// How cases are settled that the words alone leave open:
/// - A *step* is an equation with a calculation on one side. A step that uses a result not yet used continues
///   the attempt. So does a step that uses only given numbers not yet used, unless a phrase such as `maybe`
///   opens its sentence. Any other step begins another attempt if it opens a new sentence; within a sentence,
///   it does so only if it needs numbers that are used up while the given numbers alone would suffice. After
///   a check, an answer, or a phrase such as `try again` or `back to 64`, the next step begins another
///   attempt.
/// - An attempt is *repeated* if the same operations were applied to the same numbers before, in any order,
///   wording and steps, and whatever results the text states. Two attempts are *different* if neither repeats
///   the other. A result kept by `back to 64` stands for the operations that made it.
/// - A step may be told in words (`adding 6 and 13 gives 19`). `that`, `it` and `the result` stand for the
///   current result, and so does a missing operand (`subtract 40 to get 44`). If that makes the step wrong
///   and the last number named makes it right, that number is meant. A run-on such as `5 + 3 = 8 * 2 = 16` is
///   two steps. A decimal may be rounded.
/// - A *check* is one sentence or clause. Its comparison fits if three things hold: it names the target (or
///   no number) and a value that the previous attempt states or really evaluates to, or that the check
///   re-derives; the relation is true; and the value that the attempt states last misses or hits as well. A
///   verdict without a number refers to the value stated last; `that is not right` also fits where the text
///   states the target but its operations do not reach it. A check that fits is *true* if the value it refers
///   to was calculated correctly from the first number on, and *misled* otherwise. In a sentence opened by
///   `check` or `verify`, a calculation that the attempt made re-derives a result; any other begins an
///   attempt. The same goes for a calculation right after `wait ,`. `Yes!` and the verdict after it are one
///   check.
/// - An expression that only restates what the steps of the attempt have reached begins no attempt, unless a
///   check or a phrase such as `maybe` precedes it.
/// - A checking phrase with nothing checked is *superficial* if no attempt follows before the answer or the
///   end. It is a hesitation, not a check, if an attempt follows, if a check follows at once
///   (`wait . check : …`), or if the text is cut off within its sentence.
/// - A *self-correction* is counted once per attempt corrected, however often the miss is stated. Only a true
///   check corrects, and only an attempt that the answer has not made before is a correction.
/// - An answer is *faithful* if operations of its shape were carried out before it (in steps, in words, or in
///   a check that re-derives them) and no step on the way was miscalculated.
/// - A miss or hit is not a *stop* if the text is cut off while the next attempt is announced or begun.
/// - The inside of an answer is not read. Text after an answer is read, but follows nothing before it.
pub fn analyze(puzzle: &Puzzle, completion: &str) -> Analysis {
    let tokens = normalize::normalize(completion, &lexer::tokenize(completion));
    let reading = reader::read(completion, &tokens, &puzzle.numbers, puzzle.target);
    behaviours::assemble(completion, &reading, puzzle.target)
}

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
    /// Its verdict fits the value that the text states, but that value was miscalculated. Such a check may
    /// reject a solution.
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
    /// Checking phrases with nothing checked.
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
