//! Reads a completion and says which reasoning behaviours it shows.
//!
//! Phrases only find candidates; exact arithmetic decides. Pure: text in, [`Analysis`] out. Nothing here
//! ever reaches the reward.

//!
//! [`analyze`] reads in five stages, each of which passes over its input once:
//! - [`lexer`] cuts the text into tokens with byte offsets;
//! - [`normalize`] brings LaTeX, Markdown and operators in words to plain formulas;
//! - [`reader`] finds formulas ([`expression`]) and phrases ([`phrases`]) in them;
//! - [`attempts`] groups steps into attempts by the numbers they use, and [`check`] decides what each
//!   checking sentence states, both in exact fractions ([`exact`]);
//! - [`behaviours`] counts, and lays out the spans.

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

/// Which rules these are, those of the tasks included: a hash of their source.
pub const RULES: &str = env!("AHA_READING_RULES");

/// Reads a completion of `puzzle` (the text after the prompt, whole or cut off anywhere) and says which
/// behaviours it shows. Any text is taken; the time is linear in its length.
///
/// How cases are settled that the words alone leave open:
/// - A *step* is an equation with a calculation on one side. A step that uses a result not yet
///   used goes on with the attempt, and so does one of given numbers not yet used unless a phrase such as
///   `maybe` opens its sentence. Any other begins another attempt in a new sentence; within a sentence
///   only if it needs numbers that are used up while the given numbers alone suffice for it. After a check, a phrase such as
///   `try again` or `back to 64`, or an answer, the next step begins another attempt.
/// - An attempt is *repeated* if the same operations were applied to the same numbers before, in whatever
///   order, wording and steps, and whatever the text says they come to. Two attempts are *different* if
///   neither repeats the other. A result kept by `back to 64` stands for the operations that made it.
/// - A step may be told in words (`adding 6 and 13 gives 19`). `that`, `it` and `the result` stand for the result in
///   hand, and so does an operand that is not named (`subtract 40 to get 44`); where that makes the step wrong and the
///   last number named makes it right, that number is meant. A run-on such as `5 + 3 = 8 * 2 = 16` is two steps. A
///   decimal may be rounded.
/// - A *check* is one sentence or clause. Its comparison fits if it names the target (or none) and a value that the
///   attempt before states (or really comes to, or that the check re-derives), if it holds, and if the value that the
///   attempt states last misses or hits as well. A verdict without a number speaks of the value stated last; `that is
///   not right` fits too where the text states the target and does not come to it. What fits is *true* if the value it
///   speaks of was calculated rightly from the first number on, and *misled* otherwise. In a sentence opened by `check` or `verify`, a calculation that
///   the attempt made re-derives a result; any other begins an attempt. So does one right after `wait ,`. `Yes!`
///   and the verdict after it are one check.
/// - An expression that only writes down again what the steps of the attempt have come to begins no attempt,
///   unless a check or a phrase such as `maybe` stands before it.
/// - A checking phrase with nothing checked is *superficial* if no attempt follows before the answer or
///   the end. It is a hesitation, and no check, if one follows, if a check follows at once
///   (`wait . check : …`), or if the text is cut off within its sentence.
/// - A *self-correction* is counted once per attempt corrected, however often the miss is stated; only a true check
///   corrects, and only an attempt that the answer has not made before is a correction.
/// - An answer is *faithful* if operations of its shape were carried out before it (in steps, in words, or in a check
///   that works them out again) and no step on the way was miscalculated.
/// - A miss or hit is no *stop* if the text is cut off while the next attempt is announced or begun.
/// - The inside of an answer is not read. What follows one is, but follows nothing before it.
pub fn analyze(puzzle: &Puzzle, completion: &str) -> Analysis {
    let tokens = normalize::normalize(completion, &lexer::tokenize(completion));
    let reading = reader::read(completion, &tokens, &puzzle.numbers, puzzle.target);
    behaviours::assemble(completion, &reading, puzzle.target)
}

/// What a highlighted stretch of text is.
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
    /// A "hmm" or "wait" (or an opened check) that checks nothing and is no check.
    Hesitation,
    /// The stretch inside the last `<answer>`.
    Answer,
}

/// How a check came out under exact arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Its verdict is right about the value that the operations really come to, and nothing it speaks of was
    /// miscalculated.
    True,
    /// Its verdict fits the value that the text states, but that value was miscalculated: it judges something that
    /// is not there, and may throw a solution away.
    Misled,
    /// Its verdict does not even fit the stated value, or what it works out again is itself wrong.
    False,
    /// A checking phrase with nothing checked and no new attempt after it.
    Superficial,
}

/// A stretch of the completion, in UTF-8 byte offsets (always on character boundaries).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// What it is.
    pub kind: SpanKind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The claim that was decided, such as `63 is not 19`.
    pub claim: Option<String>,
    /// How the claim came out; `None` where nothing is claimed.
    pub verdict: Option<Verdict>,
    /// Whether a self-correction happens here: as many spans say so as self-corrections are counted. Left out of
    /// records where it does not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub corrects: bool,
}

/// Everything found in one completion. See `design` terms: attempt, check, self-correction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// In order of their start; they do not overlap.
    pub spans: Vec<Span>,
    /// Expressions (or chains of steps) evaluated toward the target.
    pub attempts: usize,
    /// Attempts whose expression was tried before in the same completion (the same operations on the same
    /// numbers, in any order).
    pub repeated_attempts: usize,
    /// All checks: true, misled, false and superficial.
    pub checks: usize,
    /// Checks that are right about what the operations come to.
    pub true_checks: usize,
    /// Checks whose verdict fits a value that was miscalculated. Records of older versions count them as true.
    #[serde(default)]
    pub misled_checks: usize,
    /// Checks whose verdict does not fit, or whose own arithmetic is wrong.
    pub false_checks: usize,
    /// Checking phrases with nothing checked.
    pub superficial_checks: usize,
    /// Attempts that a true check found to have missed and that an attempt not made before follows.
    pub self_corrections: usize,
    /// Times a different attempt starts after a failed or abandoned one.
    pub backtracks: usize,
    /// Occurrences of phrases of the verification list, whatever they are worth.
    pub phrases: usize,
    /// Steps of the form `a op b = c`.
    pub arithmetic_steps: usize,
    /// Those whose arithmetic is right.
    pub arithmetic_right: usize,
    /// Checks that state a miss (`63 is not 19`), true or false but not superficial.
    pub stated_misses: usize,
    /// Of those, the ones after which no further attempt was made.
    pub stops_after_miss: usize,
    /// Checks that state a hit (`19 = 19 , yes`), true or false but not superficial.
    pub stated_hits: usize,
    /// Of those, the ones after which no further attempt was made.
    pub stops_after_hit: usize,
    /// Attempts that take the question apart into parts that add up to it, as the distributive rule does with a
    /// product. A task without such a rule leaves it at 0, and out of its records.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub decompositions: usize,
    /// Whether an attempt of the thought derives the last answer: the same operations on the same numbers, in any
    /// order and wording, with every stated step of it true. `None` where there is no readable answer, and in
    /// records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faithful: Option<bool>,
    /// The first attempt whose operations really come to the target and use each given number once: its number among
    /// the distinct attempts, from 1. `None` where there is none, and in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_hit: Option<usize>,
}

impl Analysis {
    /// Adds up the kinds of checks.
    pub(crate) fn sum_checks(&mut self) {
        self.checks = self.true_checks + self.misled_checks + self.false_checks + self.superficial_checks;
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}
