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
pub(crate) mod behaviours;
pub mod check;
pub(crate) mod corrections;
pub mod exact;
pub mod expression;
pub(crate) mod lexer;
pub(crate) mod normalize;
pub mod phrases;
pub mod reader;
pub mod shape;

use crate::record::NumberPuzzle;
pub use crate::record::{Analysis, Span, SpanKind, Verdict};

/// Version of the reading rules, those of the tasks included: a hash of their source.
pub(crate) const RULES: &str = env!("AHA_READING_RULES");

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
pub fn analyze(puzzle: &NumberPuzzle, completion: &str) -> Analysis {
    let tokens = normalize::normalize(completion, &lexer::tokenize(completion));
    let reading = reader::read(completion, &tokens, &puzzle.numbers, puzzle.target);
    behaviours::assemble(completion, &reading, puzzle.target)
}
