//! Reads a completion of a multiplication and says which behaviours it shows; exact arithmetic decides.
//!
//! [`lexer`] cuts the text into tokens, [`formula`] reads chains of equal sums of products, [`ways`] follows partial
//! products to the product, and what is here reads the sentences between them. Each passes over its input once.
//!
//! How cases are settled that the words leave open:
//! - An *attempt* is one way of computing the product: its partial products. Stating the product outright is a way of
//!   one part. Partial products that are never put together are an attempt that was left off. The same partial products
//!   once more are a *repeated* attempt.
//! - A *decomposition* is an attempt of two parts or more that add up to the product of the puzzle, by the factors that
//!   it names; whether what the text says they come to is right is another matter.
//! - A *check* is one sentence. It is opened by `check` or `verify`, or is a bare verdict (`that is wrong`). It is true
//!   if all arithmetic in it is right and its verdict fits: after a computation of the product, whether the attempt
//!   before states that product; after a look at the last digit, whether the attempt ends in the digit that the product
//!   ends in; alone, whether the attempt before states the product. A check without a calculation that only repeats what
//!   stood there is *superficial*.
//! - A computation of the product inside a check is an attempt as well, so a miss that it finds is followed by a
//!   different attempt: a *self-correction*.
//! - The inside of an answer is not read. What follows one is, but follows nothing before it.

mod formula;
mod lexer;
mod ways;

use std::collections::HashSet;

use self::{
    formula::{Formula, Term},
    lexer::{Kind, Token},
    ways::Tracker,
};
use crate::{
    reasoning::{Analysis, Span, SpanKind, Verdict},
    task::{Puzzle, Tried},
};

const CHECKING: [&str; 4] = ["check", "checking", "verify", "verifying"];
const HIT: [&str; 7] = ["yes", "right", "correct", "works", "matches", "same", "ok"];
const MISS: [&str; 5] = ["no", "wrong", "incorrect", "mistake", "off"];
const TAKING_APART: [&str; 6] = ["split", "round", "step", "parts", "decompose", "break"];

/// Reads a completion of `puzzle`, whole or cut off anywhere. Any text is taken.
pub fn analyze(puzzle: &Puzzle, completion: &str) -> Analysis {
    with_reader(puzzle, completion, |reader| reader.finish())
}

/// The ways that a completion took, each with its partial products below it.
pub fn outline(puzzle: &Puzzle, completion: &str) -> Vec<Tried> {
    with_reader(puzzle, completion, |reader| {
        let mut lines = Vec::new();
        for way in &reader.ways.taken {
            let product =
                |factors: &[i128]| factors.iter().map(i128::to_string).collect::<Vec<_>>().join(" * ");
            let mut words = String::new();
            for (i, Term { sign, factors }) in way.said.iter().enumerate() {
                words += match (*sign < 0, i) {
                    (true, 0) => "- ",
                    (true, _) => " - ",
                    (false, 0) => "",
                    (false, _) => " + ",
                };
                words += &product(factors);
            }
            let stated = way.stated.filter(|_| way.adds_up);
            lines.push(Tried {
                depth: 0,
                words,
                stated: stated.map(|stated| stated.to_string()),
                right: stated.map(|stated| stated == reader.product),
            });
            for Term { factors, .. } in way.said.iter().filter(|_| way.said.len() > 1) {
                let value = reader.ways.stated_product(factors);
                let exact = factors.iter().try_fold(1i128, |product, factor| product.checked_mul(*factor));
                lines.push(Tried {
                    depth: 1,
                    words: product(factors),
                    stated: value.map(|value| value.to_string()),
                    right: value.map(|value| Some(value) == exact),
                });
            }
        }
        lines
    })
}

fn with_reader<T>(puzzle: &Puzzle, completion: &str, then: impl FnOnce(Reader<'_>) -> T) -> T {
    let tokens = lexer::tokenize(completion);
    // Another number of factors than two has no ways here, but its arithmetic can still be judged.
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

/// What a check says of the attempt before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Hit,
    /// With the number that it says is not it.
    Miss(Option<i128>),
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
    /// The attempt of which a miss was stated last.
    stated_miss_of: Option<usize>,
    /// The inside of the last answer, bytes.
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
                        self.arithmetic(&chain);
                        self.equation(&chain);
                        next
                    }
                    None => at + 1,
                },
            };
        }
        self.ways.turn();
    }

    /// The first token that ends the sentence, or how many tokens there are.
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

    fn equation(&mut self, chain: &[Formula]) {
        let before = self.ways.taken.len();
        self.ways.equation(chain);
        // The rule itself, where it is written out in one line.
        let written_out = chain
            .iter()
            .skip(1)
            .find(|side| side.terms.len() > 1 && side.terms.iter().all(|term| term.factors.len() == 2));
        if let (true, Some(side)) = (self.ways.taken.len() > before, written_out) {
            self.span(SpanKind::Subgoal, side.start, side.end, None);
        }
    }

    /// Counts the steps of a chain; whether all of them are right.
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

    /// A word outside of a check, and what it opens; the token after it.
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
            // `split 47 = 40 + 7` holds an equation that is still to be read.
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

    /// A sentence that only judges what stands before it.
    fn verdict(&mut self, at: usize, end: usize) -> usize {
        self.ways.turn();
        let (start, last) = (self.tokens[at].start, self.tokens[end - 1].end);
        let number = self.ways.taken.len();
        if self.stated_miss_of == Some(number) && number > 0 {
            // Said once already: it leads over to the next attempt.
            self.span(SpanKind::Backtracking, start, last, None);
            return end;
        }
        let said = self.said(at, end);
        let stated = self.ways.newest().map(|way| way.stated);
        let right = match (stated, said) {
            (None, _) | (_, Said::Nothing) => {
                self.span(SpanKind::Hesitation, start, last, None);
                return end;
            }
            (Some(stated), Said::Hit) => stated == Some(self.product),
            (Some(stated), Said::Miss(_)) => stated != Some(self.product),
        };
        self.conclude(said, right, number, end);
        self.decided(start, last, right);
        end
    }

    /// A sentence that is opened by `check`.
    fn check(&mut self, at: usize) -> usize {
        self.ways.turn();
        self.found.phrases += 1;
        let end = self.sentence_end(at);
        let whole = end < self.tokens.len();
        let (start, last) = (self.tokens[at].start, self.tokens[end - 1].end);
        let subject = self.ways.newest().map(|way| way.stated);
        let number = self.ways.taken.len();
        let sentence = &self.tokens[at..end];
        let last_digit = sentence.iter().any(|token| token.is(&["digit", "digits", "ends"]));
        let (mut right, mut calculated, mut place) = (true, false, at);
        while place < end {
            match formula::chain(self.tokens, place) {
                Some((chain, next)) => {
                    right &= self.arithmetic(&chain);
                    calculated |= chain.len() > 1 && chain.iter().any(|side| side.number().is_none());
                    if !last_digit {
                        self.equation(&chain);
                    }
                    place = next;
                }
                None => place += 1,
            }
        }
        self.ways.turn();
        let said = self.said(at, end);
        if said == Said::Nothing && !whole {
            self.span(SpanKind::Hesitation, start, last, None);
            return end;
        }
        if !calculated && !last_digit {
            let denies = matches!(said, Said::Miss(_)) && subject.is_some();
            if !denies {
                self.found.superficial_checks += 1;
                let claim = self.text[start..last].to_owned();
                self.span(SpanKind::Verification, start, last, Some((claim, Verdict::Superficial)));
                return end;
            }
        }
        let stated = subject.flatten();
        let (hit, value) = if last_digit {
            let ends = self.factors[0] % 10 * (self.factors[1] % 10) % 10;
            right &= self.claimed_ending(at, end).is_none_or(|claimed| claimed == ends);
            (stated.map(|stated| stated % 10 == ends), stated.map(|stated| stated % 10))
        } else {
            // What the check computes must be the product; then the attempt before hits if it says the same.
            let computed = self.ways.taken.get(number).map_or(Some(self.product), |way| way.stated);
            right &= computed == Some(self.product);
            (stated.map(|stated| stated == self.product), stated)
        };
        right &= match said {
            Said::Nothing => true,
            Said::Hit => hit == Some(true),
            Said::Miss(named) => {
                hit == Some(false) && named.is_none_or(|named| Some(named) == value || Some(named) == stated)
            }
        };
        self.conclude(said, right, number, end);
        self.decided(start, last, right);
        end
    }

    /// The digit that the sentence says the product ends in.
    fn claimed_ending(&self, at: usize, end: usize) -> Option<i128> {
        let ends = (at..end).find(|&place| self.tokens[place].is(&["ends", "end"]))?;
        match self.tokens.get(ends + 1..end)?.iter().find(|token| matches!(token.kind, Kind::Number(_)))?.kind
        {
            Kind::Number(digit) => digit,
            _ => None,
        }
    }

    /// The last verdict of the sentence.
    fn said(&self, at: usize, end: usize) -> Said {
        let mut said = Said::Nothing;
        let mut place = at;
        while place < end {
            let token = self.tokens[place];
            if token.is(&["not", "isn"]) {
                said = match self.tokens.get(place + 1).map(|next| next.kind) {
                    Some(Kind::Number(number)) => Said::Miss(number),
                    _ => Said::Miss(None),
                };
                // `not right` is one verdict.
                place += 1;
            } else if token.is(&HIT) {
                said = Said::Hit;
            } else if token.is(&MISS) {
                said = Said::Miss(None);
            }
            place += 1;
        }
        said
    }

    /// Counts what a check concludes of the attempt of this number.
    fn conclude(&mut self, said: Said, right: bool, number: usize, end: usize) {
        // A text that is cut off may have been about to go on.
        let more = |reader: &Self| reader.goes_on(number, end);
        match said {
            Said::Nothing => {}
            Said::Hit => {
                self.found.stated_hits += 1;
                // The check's own computation is no further attempt after a hit.
                let after = self.ways.taken.len();
                self.found.stops_after_hit += usize::from(!self.goes_on(after, end));
            }
            Said::Miss(_) => {
                self.found.stated_misses += 1;
                self.found.stops_after_miss += usize::from(!more(self));
                self.stated_miss_of = Some(number);
                if right {
                    self.missed.insert(number);
                }
            }
        }
    }

    /// Whether an attempt begins after the first `number` ones and before the next answer, or may have been about to
    /// where the text is cut off.
    fn goes_on(&self, number: usize, end: usize) -> bool {
        if self.ways.taken.len() > number {
            return true;
        }
        for (place, token) in self.tokens.iter().enumerate().skip(end) {
            match token.kind {
                Kind::ThinkClose | Kind::AnswerOpen => return false,
                Kind::Times if place > end => return true,
                // Far enough: what follows so late is another matter, and the time stays linear.
                _ if place > end + 60 => return false,
                _ => {}
            }
        }
        true
    }

    fn decided(&mut self, start: usize, last: usize, right: bool) {
        let verdict = if right { Verdict::True } else { Verdict::False };
        match verdict {
            Verdict::True => self.found.true_checks += 1,
            _ => self.found.false_checks += 1,
        }
        let claim = self.text[start..last].to_owned();
        self.span(SpanKind::Verification, start, last, Some((claim, verdict)));
    }

    /// Adds a span where the text is free.
    fn span(&mut self, kind: SpanKind, start: usize, end: usize, claim: Option<(String, Verdict)>) {
        let (claim, verdict) = claim.unzip();
        // What a span of a check covers is found before the check is: it is part of it.
        while kind == SpanKind::Verification
            && self.found.spans.last().is_some_and(|last| last.start >= start)
        {
            self.found.spans.pop();
        }
        if self.found.spans.last().is_none_or(|last| last.end <= start) && start < end {
            self.found.spans.push(Span { kind, start, end, claim, verdict });
        }
    }

    fn finish(self) -> Analysis {
        let Self { mut found, ways, missed, product, answer, .. } = self;
        if let Some((start, end)) = answer {
            let at = found.spans.partition_point(|span| span.start < start);
            let free = found.spans.get(at).is_none_or(|next| end <= next.start);
            if start < end && free {
                let span = Span { kind: SpanKind::Answer, start, end, claim: None, verdict: None };
                found.spans.insert(at, span);
            }
        }
        let taken = ways.taken;
        found.checks = found.true_checks + found.false_checks + found.superficial_checks;
        found.attempts = taken.len();
        found.decompositions = taken.iter().filter(|way| way.is_decomposition()).count();
        let mut known = HashSet::new();
        found.repeated_attempts = taken.iter().filter(|way| !known.insert(&way.parts)).count();
        for (index, pair) in taken.windows(2).enumerate() {
            let [before, after] = pair else { continue };
            if before.segment != after.segment || before.parts == after.parts {
                continue;
            }
            let wrong = before.stated != Some(product);
            found.self_corrections += usize::from(missed.contains(&(index + 1)));
            found.backtracks += usize::from(wrong);
        }
        found
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
