//! Reads verdicts such as `too high`, `that works` or `is not 19`, and the value or calculation they refer
//! to.

use super::{Named, Reader, Waiting};
use crate::reasoning::{
    check::{CheckDraft, Relation},
    lexer::{Token, TokenKind},
};

impl Reader<'_> {
    /// The value just named, if at most commas separate it from here.
    pub(super) fn adjacent_value(&self) -> Option<Named> {
        self.value.filter(|named| {
            let between = self.tokens.get(named.next..self.at).unwrap_or_default();
            between.len() <= 2 && between.iter().all(|token| token.kind == TokenKind::Comma)
        })
    }

    /// The draft for a verdict at `start`, including the value before it if there is one.
    pub(super) fn draft_for_verdict(&mut self, start: usize) -> &mut CheckDraft {
        let named = match self.in_draft() {
            true => None,
            false => self.adjacent_value(),
        };
        let draft = self.draft_at(named.map_or(start, |named| named.start));
        if let Some(named) = named {
            draft.name_value(named.value, named.start, named.end);
        }
        draft
    }

    /// Turns a calculation without a stated result into an attempt, because a verdict closely follows it.
    pub(super) fn judge_bare(&mut self) {
        let Some((calculation, next)) = self.bare.take() else { return };
        if self.at.saturating_sub(next) > 6 || self.in_draft() || self.reading.attempts.has_made(&calculation)
        {
            return;
        }
        self.reading.steps += 1;
        self.reading.steps_right += usize::from(calculation.value().is_some());
        let value = calculation.value();
        let place = (self.opening.take().unwrap_or(calculation.start), calculation.end);
        self.reading.attempts.add_step(&calculation, value, true, self.segment, place);
        self.reading.breaks_off = false;
    }

    pub(super) fn too(&mut self, relation: Relation, start: usize, end: usize, length: usize) {
        self.judge_bare();
        self.draft_for_verdict(start).compare(relation, None, start, end);
        self.relation = None;
        self.at += length;
    }

    pub(super) fn verdict(&mut self, right: bool, start: usize, end: usize, length: usize) {
        self.judge_bare();
        self.draft_for_verdict(start).answer(right, start, end);
        self.relation = None;
        self.at += length;
    }

    /// `yes`, `right`, `no`, `✓`: taken as an answer only where nothing else can be meant.
    pub(super) fn weak_answer(&mut self, right: bool, length: usize) {
        let (start, end) = (self.tokens[self.at].start, self.tokens[self.at + length - 1].end);
        let parts =
            |kind: TokenKind| !matches!(kind, TokenKind::Word(_) | TokenKind::Number | TokenKind::Open);
        let bounded_after = self.tokens.get(self.at + length).is_none_or(|token| parts(token.kind));
        let before = self.at.checked_sub(1).map(|index| self.tokens[index].kind);
        let bounded_before = before.is_none_or(|kind| parts(kind) || kind == TokenKind::Number);
        let after_formula = before == Some(TokenKind::Number)
            || before == Some(TokenKind::Comma)
                && self.at.checked_sub(2).is_some_and(|index| {
                    matches!(self.tokens[index].kind, TokenKind::Number | TokenKind::Close)
                });
        let parenthesised = before == Some(TokenKind::Open)
            && self.tokens[self.tokens.len().min(self.at + length)..]
                .iter()
                .take(2)
                .find(|token| token.kind != TokenKind::Stop)
                .is_some_and(|token| token.kind == TokenKind::Close);
        let in_draft = self.in_draft();
        let answers = match in_draft {
            true => bounded_after || bounded_before,
            false => bounded_after && (self.sentence_start || after_formula || parenthesised),
        };
        if answers && !self.answers_aside(length) {
            // A weak word counts as a phrase of the verification list only where it gives a verdict.
            self.reading.phrases += usize::from(!in_draft);
            self.verdict(right, start, end, length);
        } else {
            self.at += length;
        }
        self.sentence_start = false;
    }

    /// Number of words here, such as `the target of`, before the number that they name.
    fn aim_words(&self) -> usize {
        const AIMS: [&str; 8] = ["the", "our", "target", "goal", "number", "value", "of", "desired"];
        let written = |token: &Token| self.text.get(token.start..token.end).unwrap_or("");
        let ahead = &self.tokens[self.tokens.len().min(self.at)..];
        let aim = |token: &&Token| AIMS.iter().any(|word| written(token).eq_ignore_ascii_case(word));
        let count = ahead.iter().take(5).take_while(aim).count();
        let names = ["target", "goal", "desired"];
        let names_it = ahead[..count]
            .iter()
            .any(|token| names.iter().any(|word| written(token).eq_ignore_ascii_case(word)));
        let number = ahead.get(count).is_some_and(|token| token.kind == TokenKind::Number);
        if names_it && number { count } else { 0 }
    }

    pub(super) fn expect_number(&mut self, relation: Relation, length: usize) {
        let start = self.tokens[self.at].start;
        let after_value = self.adjacent_value();
        self.at += length;
        self.at += self.aim_words();
        self.relation = Some(Waiting { relation, start, number_at: self.at, after_value });
        self.sentence_start = false;
    }
}
