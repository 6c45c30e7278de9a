//! Checks: what a sentence says about the attempt before it, and whether that holds.

use super::{HIT, MISS, Reader, formula, lexer::Kind};
use crate::reasoning::{SpanKind, Verdict};

/// What a check says about the attempt before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Hit,
    /// The number is one that the sentence rules out, if it names one.
    Miss(Option<i128>),
}

impl Reader<'_> {
    /// A sentence that only judges what precedes it.
    pub(super) fn verdict(&mut self, at: usize, end: usize) -> usize {
        self.ways.turn();
        let (start, last) = (self.tokens[at].start, self.tokens[end - 1].end);
        let number = self.ways.taken.len();
        if self.stated_miss_of == Some(number) && number > 0 {
            // This miss was already stated: repeating it leads to the next attempt.
            self.span(SpanKind::Backtracking, start, last, None);
            return end;
        }
        let said = self.said(at, end);
        let newest = self.ways.newest().map(|way| (way.stated == Some(self.product), way.sound));
        let verdict = match (newest, said) {
            (None, _) | (_, Said::Nothing) => {
                self.span(SpanKind::Hesitation, start, last, None);
                return end;
            }
            // Two slips may cancel out.
            (Some((true, false)), Said::Hit) => Verdict::Misled,
            (Some((hits, _)), said) if hits == (said == Said::Hit) => Verdict::True,
            _ => Verdict::False,
        };
        self.conclude(said, verdict, number, end);
        self.decided(start, last, verdict);
        end
    }

    /// A sentence opened by `check`.
    pub(super) fn check(&mut self, at: usize) -> usize {
        self.ways.turn();
        self.found.phrases += 1;
        let end = self.sentence_end(at);
        let whole = end < self.tokens.len();
        let (start, last) = (self.tokens[at].start, self.tokens[end - 1].end);
        let subject = self.ways.newest().map(|way| way.stated);
        let subject_sound = self.ways.newest().is_none_or(|way| way.sound);
        let number = self.ways.taken.len();
        let sentence = &self.tokens[at..end];
        let last_digit = sentence.iter().any(|token| token.is(&["digit", "digits", "ends"]));
        let (mut right, mut calculated, mut place) = (true, false, at);
        let mut on_slip = false;
        while place < end {
            match formula::chain(self.tokens, place) {
                Some((chain, next)) => {
                    let holds = self.arithmetic(&chain);
                    right &= holds;
                    on_slip |= self.ways.rests_on_slip(&chain);
                    calculated |= chain.len() > 1 && chain.iter().any(|side| side.number().is_none());
                    if !last_digit {
                        self.equation(&chain, holds);
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
            // What the check computes must be the product, unless an earlier slip led it astray; then the
            // previous attempt counts as a hit if it states the same value.
            let way = self.ways.taken.get(number);
            let computed = way.map_or(Some(self.product), |way| way.stated);
            let astray = on_slip && way.is_some_and(|way| way.adds_up);
            right &= computed == Some(self.product) || astray;
            (stated.map(|stated| Some(stated) == computed), stated)
        };
        right &= match said {
            Said::Nothing => true,
            Said::Hit => hit == Some(true),
            Said::Miss(named) => {
                hit == Some(false) && named.is_none_or(|named| Some(named) == value || Some(named) == stated)
            }
        };
        let confirms_slip = said == Said::Hit && (stated != Some(self.product) || !subject_sound);
        let verdict = match right {
            false => Verdict::False,
            true if on_slip || confirms_slip => Verdict::Misled,
            true => Verdict::True,
        };
        self.conclude(said, verdict, number, end);
        self.decided(start, last, verdict);
        end
    }

    /// The last digit of the product according to the sentence.
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

    /// Counts what a check concludes about attempt `number`.
    fn conclude(&mut self, said: Said, verdict: Verdict, number: usize, end: usize) {
        match said {
            Said::Nothing => {}
            Said::Hit => {
                self.found.stated_hits += 1;
                // The check's own computation does not count as a further attempt after a hit.
                let after = self.ways.taken.len();
                self.found.stops_after_hit += usize::from(!self.goes_on(after, end));
            }
            Said::Miss(_) => {
                self.found.stated_misses += 1;
                self.found.stops_after_miss += usize::from(!self.goes_on(number, end));
                self.stated_miss_of = Some(number);
                if verdict == Verdict::True {
                    self.missed.insert(number);
                }
            }
        }
    }

    /// Whether an attempt follows the first `number` ones before the next answer, or may have been about to
    /// when the text was cut off.
    fn goes_on(&self, number: usize, end: usize) -> bool {
        if self.ways.taken.len() > number {
            return true;
        }
        for (place, token) in self.tokens.iter().enumerate().skip(end) {
            match token.kind {
                Kind::ThinkClose | Kind::AnswerOpen => return false,
                Kind::Times if place > end => return true,
                // Anything this late no longer belongs to the check; the limit keeps the time linear.
                _ if place > end + 60 => return false,
                _ => {}
            }
        }
        true
    }

    fn decided(&mut self, start: usize, last: usize, verdict: Verdict) {
        match verdict {
            Verdict::True => self.found.true_checks += 1,
            Verdict::Misled => self.found.misled_checks += 1,
            _ => self.found.false_checks += 1,
        }
        let claim = self.text[start..last].to_owned();
        self.span(SpanKind::Verification, start, last, Some((claim, verdict)));
    }
}
