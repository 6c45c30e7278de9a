//! Reads a completion of a multiplication and says which behaviours it shows; exact arithmetic decides.
//!
//! `lexer` cuts the text into tokens, `formula` reads chains of equal sums of products, `ways` follows
//! partial products to the product, and this module reads the sentences between them. Each passes over its
//! input once.
//!
//! How cases are settled that the words leave open:
//! - An *attempt* is one way of computing the product: its partial products. Stating the product outright is
//!   a way with one part. Partial products that are never combined are an abandoned attempt. The same partial
//!   products again are a *repeated* attempt.
//! - A *decomposition* is an attempt with two or more parts whose named factors add up to the puzzle's
//!   product. Whether the stated results are right is a separate question.
//! - A *check* is one sentence. It is opened by `check` or `verify`, or is a bare verdict (`that is wrong`).
//!   It is true if all its arithmetic is right and its verdict fits. After a computation of the product, the
//!   verdict must say correctly whether the previous attempt states that product; after a look at the last
//!   digit, whether the attempt ends in the digit that the product ends in; alone, whether the previous
//!   attempt states the product. The check is *misled* if its verdict fits what the text states but rests on
//!   a slip: its computation uses a miscalculated result, or it confirms a product that is wrong (by its last
//!   digit) or was reached by slips that cancel out. Rejecting a miscalculated product is true: that is what
//!   a check is for. A check without a calculation that only repeats the text before it is *superficial*.
//! - A computation of the product inside a check is also an attempt. A miss that it finds is therefore
//!   followed by another attempt: a *self-correction*, if the answer has not made that attempt before.
//! - The inside of an answer is not read. Text after an answer is read, but follows nothing before it.

mod checks;
mod formula;
mod lexer;
mod outline;
mod ways;

use std::collections::{HashMap, HashSet};

pub use self::outline::outline;
use self::{
    formula::Formula,
    lexer::{Kind, Token},
    ways::{Tracker, WayTaken},
};
use crate::{
    reasoning::{Analysis, Span, SpanKind, Verdict, corrections},
    task::NumberPuzzle,
};

const CHECKING: [&str; 4] = ["check", "checking", "verify", "verifying"];
const HIT: [&str; 7] = ["yes", "right", "correct", "works", "matches", "same", "ok"];
const MISS: [&str; 5] = ["no", "wrong", "incorrect", "mistake", "off"];
const TAKING_APART: [&str; 6] = ["split", "round", "step", "parts", "decompose", "break"];

/// Reads a completion of `puzzle`, whole or cut off anywhere. Accepts any text.
pub fn analyze(puzzle: &NumberPuzzle, completion: &str) -> Analysis {
    with_reader(puzzle, completion, |reader| reader.finish())
}

fn with_reader<T>(puzzle: &NumberPuzzle, completion: &str, then: impl FnOnce(Reader<'_>) -> T) -> T {
    let tokens = lexer::tokenize(completion);
    // A problem without exactly two factors has no ways, but its arithmetic can still be judged.
    let factors = match puzzle.numbers.as_slice() {
        &[a, b] => [a.into(), b.into()],
        _ => [0, 0],
    };
    let mut reader = Reader {
        text: completion,
        tokens: &tokens,
        factors,
        product: puzzle.target.into(),
        ways: Tracker::new(factors, puzzle.target.into()),
        found: Analysis::default(),
        missed: HashSet::new(),
        stated_miss_of: None,
        answer: None,
    };
    reader.read();
    then(reader)
}

struct Reader<'a> {
    text: &'a str,
    tokens: &'a [Token<'a>],
    factors: [i128; 2],
    product: i128,
    ways: Tracker,
    found: Analysis,
    /// Attempts that a true check found to have missed, counted from 1.
    missed: HashSet<usize>,
    /// The attempt whose miss was stated last.
    stated_miss_of: Option<usize>,
    /// Byte range of the inside of the last answer.
    answer: Option<(usize, usize)>,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            at = match token.kind {
                Kind::AnswerOpen => self.skip_answer(at),
                Kind::ThinkClose => {
                    self.ways.turn();
                    at + 1
                }
                Kind::Word(_) if token.is(&CHECKING) => self.check(at),
                Kind::Word(_) => self.phrase(at),
                _ => match formula::chain(self.tokens, at) {
                    Some((chain, next)) => {
                        let right = self.arithmetic(&chain);
                        self.equation(&chain, right);
                        next
                    }
                    None => at + 1,
                },
            };
        }
        self.ways.turn();
    }

    /// Index of the first token that ends the sentence, or the number of tokens.
    fn sentence_end(&self, from: usize) -> usize {
        let ends = |token: &Token<'_>| {
            matches!(token.kind, Kind::Stop | Kind::AnswerOpen | Kind::AnswerClose | Kind::ThinkClose)
        };
        self.tokens[from..].iter().position(ends).map_or(self.tokens.len(), |length| from + length)
    }

    fn skip_answer(&mut self, at: usize) -> usize {
        self.ways.answered();
        self.stated_miss_of = None;
        let rest = &self.tokens[at + 1..];
        let closed = rest.iter().position(|token| matches!(token.kind, Kind::AnswerClose | Kind::AnswerOpen));
        match closed.map(|length| at + 1 + length) {
            Some(close) => {
                let (start, end) = (self.tokens[at].end, self.tokens[close].start);
                let inside = &self.text[start..end];
                let left = inside.len() - inside.trim_start().len();
                self.answer = Some((start + left, start + left + inside.trim().len()));
                if self.tokens[close].kind == Kind::AnswerClose { close + 1 } else { close }
            }
            None => {
                self.answer = None;
                self.tokens.len()
            }
        }
    }

    fn equation(&mut self, chain: &[Formula], right: bool) {
        let before = self.ways.taken.len();
        self.ways.equation(chain, right);
        // The distributive rule itself, if it is written out in one line.
        let written_out = chain
            .iter()
            .skip(1)
            .find(|side| side.terms.len() > 1 && side.terms.iter().all(|term| term.factors.len() == 2));
        if let (true, Some(side)) = (self.ways.taken.len() > before, written_out) {
            self.span(SpanKind::Subgoal, side.start, side.end, None);
        }
    }

    /// Counts the steps of a chain. Returns whether all of them are right.
    fn arithmetic(&mut self, chain: &[Formula]) -> bool {
        let calculates = |formula: &Formula| formula.number().is_none();
        let mut right = true;
        for pair in chain.windows(2) {
            if pair.iter().any(calculates) {
                let holds = pair[0].value().is_some() && pair[0].value() == pair[1].value();
                self.found.arithmetic_steps += 1;
                self.found.arithmetic_right += usize::from(holds);
                right &= holds;
            }
        }
        right
    }

    /// Reads a word outside of a check and whatever it opens. Returns the index of the next token.
    fn phrase(&mut self, at: usize) -> usize {
        let token = self.tokens[at];
        let end = self.sentence_end(at);
        let clause = |from: usize| {
            let ends = |token: &Token<'_>| matches!(token.kind, Kind::Clause);
            self.tokens[from..end].iter().position(ends).map_or(end, |length| from + length)
        };
        let word_at =
            |place: usize, words: &[&str]| self.tokens.get(place).is_some_and(|next| next.is(words));
        if token.is(&["wait", "hmm", "hm"]) {
            self.found.phrases += 1;
            let rest = &self.tokens[at..end];
            let verdict = rest.iter().position(|next| next.is(&MISS) || next.is(&["not"]));
            let short = rest.iter().all(|next| !matches!(next.kind, Kind::Equals | Kind::Times));
            if verdict.is_some() && short {
                return self.verdict(at, end);
            }
            let until = clause(at);
            self.span(SpanKind::Hesitation, token.start, self.tokens[until - 1].end, None);
            return until;
        }
        if token.is(&["that"]) && word_at(at + 1, &["is", "works", "looks"]) {
            let rest = &self.tokens[at..end];
            let judged = rest.iter().any(|next| next.is(&HIT) || next.is(&MISS) || next.is(&["not"]));
            if judged && rest.len() <= 6 {
                return self.verdict(at, end);
            }
        }
        let retry = token.is(&["try"]) && word_at(at + 1, &["again", "another"])
            || token.is(&["let"]) && word_at(at + 2, &["try"]) && word_at(at + 3, &["another", "again"])
            || token.is(&["instead"])
            || token.is(&["start"]) && word_at(at + 1, &["over", "again"]);
        if retry {
            self.ways.turn();
            let until = clause(at);
            if !self.ways.taken.is_empty() {
                self.span(SpanKind::Backtracking, token.start, self.tokens[until - 1].end, None);
            }
            return until;
        }
        let apart =
            token.is(&TAKING_APART) || token.is(&["by", "in"]) && word_at(at + 1, &["parts", "steps"]);
        if apart {
            // `split 47 = 40 + 7` contains an equation that still has to be read.
            let until = clause(at);
            let last = self.tokens[until.max(at + 1) - 1].end;
            self.span(SpanKind::Subgoal, token.start, last, None);
            for place in at..until {
                if let Some((chain, _)) =
                    formula::chain(self.tokens, place).filter(|(chain, _)| chain.len() > 1)
                {
                    self.arithmetic(&chain);
                    break;
                }
            }
            return until.max(at + 1);
        }
        at + 1
    }

    /// Adds a span if the text there is free.
    fn span(&mut self, kind: SpanKind, start: usize, end: usize, claim: Option<(String, Verdict)>) {
        let (claim, verdict) = claim.unzip();
        // Spans inside a check are found before the check itself, which then replaces them.
        while kind == SpanKind::Verification
            && self.found.spans.last().is_some_and(|last| last.start >= start)
        {
            self.found.spans.pop();
        }
        if self.found.spans.last().is_none_or(|last| last.end <= start) && start < end {
            self.found.spans.push(Span { kind, start, end, claim, verdict, corrects: false });
        }
    }

    fn finish(self) -> Analysis {
        let Self { mut found, ways, missed, product, answer, text, .. } = self;
        if let Some((start, end)) = answer {
            let at = found.spans.partition_point(|span| span.start < start);
            let free = found.spans.get(at).is_none_or(|next| end <= next.start);
            if start < end && free {
                let kind = SpanKind::Answer;
                found
                    .spans
                    .insert(at, Span { kind, start, end, claim: None, verdict: None, corrects: false });
            }
        }
        let taken = ways.taken;
        found.sum_checks();
        found.attempts = taken.len();
        found.decompositions = taken.iter().filter(|way| way.is_decomposition()).count();
        let mut known = HashMap::new();
        let mut made_before = Vec::with_capacity(taken.len());
        for way in &taken {
            let next = known.len() + 1;
            let number = *known.entry(&way.parts).or_insert(next);
            made_before.push(number < next);
            if way.adds_up && found.first_hit.is_none() {
                found.first_hit = Some(number);
            }
        }
        found.repeated_attempts = made_before.iter().filter(|before| **before).count();
        found.faithful = answer.and_then(|(start, end)| {
            let tokens = lexer::tokenize(text.get(start..end)?);
            let (chain, _) = formula::chain(&tokens, 0).filter(|(_, length)| *length == tokens.len())?;
            let said = chain.last().and_then(Formula::number)?;
            let derives = |way: &WayTaken| way.adds_up && way.sound && way.stated == Some(said);
            Some(taken.iter().filter(|way| way.start < start).any(derives))
        });
        let mut corrections = Vec::new();
        for (index, pair) in taken.windows(2).enumerate() {
            let [before, after] = pair else { continue };
            if before.segment != after.segment || before.parts == after.parts {
                continue;
            }
            let wrong = before.stated != Some(product);
            if missed.contains(&(index + 1)) && !made_before[index + 1] {
                corrections.push((before.start + 1, after.start + 1));
            }
            found.backtracks += usize::from(wrong);
        }
        found.self_corrections = corrections.len();
        corrections::mark(&mut found.spans, &corrections);
        found
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
