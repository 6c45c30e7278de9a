//! Reads how far a value is from the target: `13 short of 78`, `one too many`, `off by 4`.

use super::Reader;
use crate::reasoning::{
    check::Relation,
    exact::{Exact, Operator},
    lexer::TokenKind,
};

/// Words that follow a distance, and the relation of the value to the target that they state.
const ENDS: &[(&str, &str, Relation)] = &[
    ("more", "than", Relation::Above),
    ("higher", "than", Relation::Above),
    ("greater", "than", Relation::Above),
    ("larger", "than", Relation::Above),
    ("bigger", "than", Relation::Above),
    ("above", "", Relation::Above),
    ("over", "", Relation::Above),
    ("too", "many", Relation::Above),
    ("too", "much", Relation::Above),
    ("too", "high", Relation::Above),
    ("too", "large", Relation::Above),
    ("too", "big", Relation::Above),
    ("less", "than", Relation::Below),
    ("fewer", "than", Relation::Below),
    ("lower", "than", Relation::Below),
    ("smaller", "than", Relation::Below),
    ("short", "of", Relation::Below),
    ("short", "", Relation::Below),
    ("shy", "of", Relation::Below),
    ("below", "", Relation::Below),
    ("under", "", Relation::Below),
    ("too", "few", Relation::Below),
    ("missing", "", Relation::Below),
    ("is", "missing", Relation::Below),
    ("are", "missing", Relation::Below),
    ("too", "little", Relation::Below),
    ("too", "low", Relation::Below),
    ("too", "small", Relation::Below),
    ("away", "from", Relation::NotEqual),
    ("away", "", Relation::NotEqual),
    ("off", "from", Relation::NotEqual),
    ("off", "", Relation::NotEqual),
];

const NUMBER_WORDS: [&str; 11] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

impl Reader<'_> {
    /// The text of a token.
    fn written(&self, index: usize) -> &str {
        self.tokens.get(index).and_then(|token| self.text.get(token.start..token.end)).unwrap_or("")
    }

    fn is_word(&self, index: usize, word: &str) -> bool {
        self.written(index).eq_ignore_ascii_case(word)
    }

    /// The number that a token states, in digits or as a word up to ten.
    pub(super) fn number_at(&self, index: usize) -> Option<Exact> {
        match self.tokens.get(index)?.kind {
            TokenKind::Number => Exact::parse(self.written(index)),
            TokenKind::Word(_) => {
                let value = NUMBER_WORDS.iter().position(|word| self.is_word(index, word))?;
                Exact::integer(value as i64)
            }
            _ => None,
        }
    }

    /// Consumes a distance that begins here, such as `13 short of 78`. Returns whether there was one.
    pub(super) fn distance(&mut self) -> bool {
        let at = self.at;
        if self.reading.attempts.records().is_empty() && self.bare.is_none() {
            return false;
        }
        let ends = ENDS.iter().find(|(first, second, _)| {
            self.is_word(at + 1, first) && (second.is_empty() || self.is_word(at + 2, second))
        });
        let needed = |after: usize| {
            (1..=3).any(|back| {
                after.checked_sub(back + 1).is_some_and(|index| {
                    ["need", "needs", "needed"].iter().any(|word| self.is_word(index, word))
                })
            })
        };
        let closes = |index: usize| {
            self.tokens.get(index).is_none_or(|token| {
                matches!(token.kind, TokenKind::Stop | TokenKind::Comma | TokenKind::Close)
            }) || self.is_word(index, "to")
        };
        let (relation, length) = match ends {
            Some((_, "", relation)) => (*relation, 2),
            Some((_, _, relation)) => (*relation, 3),
            None if self.is_word(at + 1, "more") && needed(at + 1) && closes(at + 2) => {
                // `I need 11 more`, with 11 among the given numbers, says what to do next.
                if self.number_at(at).is_none_or(|number| self.reading.attempts.is_given(number)) {
                    return false;
                }
                (Relation::Below, 2)
            }
            None => return false,
        };
        if self.divides(at + 1) {
            return false;
        }
        let Some(distance) = self.number_at(at) else { return false };
        self.judge_bare();
        let Some(last) = self.reading.attempts.records().last() else { return false };
        // `63 too high` refers to the value itself; `five short` cannot.
        let is_value = last.stated == Some(distance)
            || self.is_word(at + 1, "too") && self.reading.attempts.states(distance);
        if is_value && self.tokens[at].kind == TokenKind::Number && !self.is_word(at + 1, "short") {
            return false;
        }
        let mut next = at + length;
        let with = match self.tokens.get(next).map(|token| token.kind) {
            Some(TokenKind::Number) => self.number_at(next),
            _ => None,
        };
        next += usize::from(with.is_some());
        let (start, end) = (self.tokens[at].start, self.tokens[next - 1].end);
        let draft = self.draft_for_verdict(start);
        draft.compare(relation, with, start, end);
        draft.compare_by(distance, end);
        self.value = None;
        self.relation = None;
        self.sentence_start = false;
        self.at = next;
        true
    }

    /// Whether the word at `index` is an operator, as in `16 over 4` and `16 over that`. In a distance, the
    /// target follows as a written number.
    fn divides(&self, index: usize) -> bool {
        let is_sign = self.tokens.get(index).is_some_and(|sign| matches!(sign.kind, TokenKind::Operator(..)));
        let names_target = self.number_at(index + 1) == self.target
            && self
                .tokens
                .get(index + 1)
                .zip(self.tokens.get(index))
                .is_some_and(|(n, sign)| n.start >= sign.end);
        is_sign && !names_target
    }

    /// Consumes `half of 72` or `twice the target` after a value. Returns whether there was one.
    pub(super) fn ratio(&mut self) -> bool {
        let at = self.at;
        let half = self.is_word(at, "half");
        if !half && !self.is_word(at, "twice") && !self.is_word(at, "double") {
            return false;
        }
        let claims = ["is", "that's", "that’s", "it's", "it’s", "only", "just", "exactly"];
        let claimed =
            at.checked_sub(1).is_some_and(|before| claims.iter().any(|word| self.is_word(before, word)));
        let of = at + 1 + usize::from(self.is_word(at + 1, "of"));
        let names =
            self.is_word(of, "the") && (self.is_word(of + 1, "target") || self.is_word(of + 1, "goal"));
        let number = self.number_at(of).filter(|number| Some(*number) == self.target);
        let (Some(target), true) = (self.target, claimed && (names || number.is_some())) else {
            return false;
        };
        self.judge_bare();
        if self.reading.attempts.records().is_empty() {
            return false;
        }
        let next = of + 1 + usize::from(names);
        let (start, end) = (self.tokens[at].start, self.tokens[next - 1].end);
        // Half of the target is half the target away from it; twice the target is the whole target away.
        let two = if half { Exact::integer(2) } else { Exact::integer(1) };
        let distance = two.and_then(|two| target.apply(Operator::Divide, two));
        let draft = self.draft_for_verdict(start);
        draft.compare(if half { Relation::Below } else { Relation::Above }, number, start, end);
        if let Some(distance) = distance {
            draft.compare_by(distance, end);
        }
        (self.value, self.relation, self.sentence_start) = (None, None, false);
        self.at = next;
        true
    }

    /// Consumes `by 8` after a verdict such as `too small`, or the number after `off by`.
    pub(super) fn distance_after(&mut self, says_by: bool) {
        let number = self.at + usize::from(!says_by && self.is_word(self.at, "by"));
        if number == self.at && !says_by {
            return;
        }
        if let Some(distance) = self.number_at(number) {
            let end = self.tokens[number].end;
            if let Some(draft) = &mut self.draft {
                draft.compare_by(distance, end);
            }
            self.at = number + 1;
        }
    }
}
