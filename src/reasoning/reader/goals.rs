//! Reads what the text means to do next: another try, an intermediate goal, or what is wanted.

use super::{EventKind, Reader};
use crate::reasoning::{exact::Exact, lexer::TokenKind};

impl Reader<'_> {
    pub(super) fn retry(&mut self, kept: Option<Exact>, start: usize, end: usize, length: usize) {
        self.finish_draft(false);
        if !self.reading.attempts.records().is_empty() {
            self.event(EventKind::Retry, start, end);
        }
        self.reading.attempts.announce(kept);
        self.reading.breaks_off = true;
        self.value = None;
        self.relation = None;
        self.at += length;
    }

    /// `we still need 3`: an intermediate goal, unless the number is the target itself.
    pub(super) fn subgoal(&mut self, start: usize, length: usize, words_between: usize) {
        self.at += length;
        // `so I need` may continue with `to get` or `to reach a` before its number.
        let words = self.tokens[self.at..].iter().take(words_between);
        self.at += words.take_while(|token| matches!(token.kind, TokenKind::Word(_))).count();
        let Some(token) = self.tokens.get(self.at).filter(|token| token.kind == TokenKind::Number) else {
            return;
        };
        let more = self.tokens.get(self.at + 1).and_then(|next| self.text.get(next.start..next.end));
        let given = self.number_at(self.at).is_some_and(|goal| self.reading.attempts.is_given(goal));
        if more == Some("more") && !given
            || matches!(
                self.tokens.get(self.at + 1).map(|next| next.kind),
                Some(TokenKind::Operator(..) | TokenKind::Equals)
            )
        {
            return;
        }
        let goal = Exact::parse(&self.text[token.start..token.end]);
        if goal.is_some() && goal != self.target {
            let end = token.end;
            self.finish_draft(false);
            self.event(EventKind::Subgoal, start, end);
            self.at += 1;
        }
    }

    pub(super) fn keep(&mut self, start: usize, length: usize) {
        let kind_at = |index: usize| self.tokens.get(index).map(|token| token.kind);
        let mut number = self.at + length;
        if kind_at(number) == Some(TokenKind::Comma) {
            number += 1;
        }
        let named = kind_at(number) == Some(TokenKind::Number)
            && !matches!(kind_at(number + 1), Some(TokenKind::Operator(..) | TokenKind::Equals));
        if named {
            let token = self.tokens[number];
            let kept = Exact::parse(&self.text[token.start..token.end]);
            self.retry(kept, start, token.end, number + 1 - self.at);
        } else {
            self.at += length;
        }
    }

    /// Whether the number after the phrase is the target and the attempt has already reached it.
    pub(super) fn restates(&self, length: usize) -> bool {
        let number = self.number_at(self.at + length);
        number == self.target && number.is_some_and(|number| self.reading.attempts.states(number))
    }

    /// Whether the word here stands for the current result, as in `that's 88`.
    pub(super) fn points(&self) -> bool {
        ["that", "this", "it", "that's", "that’s", "it's", "it’s"].iter().any(|word| self.is_written(word))
    }

    /// The length of a phrase including an adverb after it, as in `that's already 72`.
    pub(super) fn past_adverb(&self, length: usize) -> usize {
        let token = self.tokens.get(self.at + length);
        let word = token.and_then(|token| self.text.get(token.start..token.end)).unwrap_or("");
        length
            + usize::from(
                ["already", "indeed", "also"].iter().any(|adverb| word.eq_ignore_ascii_case(adverb)),
            )
    }

    /// Whether the word before the colon here announces an answer: `Answer: 25 * 3`.
    pub(super) fn heads_answer(&self) -> bool {
        let before = self.at.checked_sub(1).map(|index| self.tokens[index]);
        let word = before.and_then(|token| self.text.get(token.start..token.end)).unwrap_or("");
        ["answer", "solution", "equation", "expression"].iter().any(|head| word.eq_ignore_ascii_case(head))
    }

    /// Whether the token here is `word`, ignoring case.
    pub(super) fn is_written(&self, word: &str) -> bool {
        let token = self.tokens[self.at];
        self.text.get(token.start..token.end).is_some_and(|written| written.eq_ignore_ascii_case(word))
    }

    /// Whether the word here ends a sentence right after a number.
    pub(super) fn trails(&self) -> bool {
        let kind = |index: usize| self.tokens.get(index).map(|token| token.kind);
        self.at.checked_sub(1).and_then(kind) == Some(TokenKind::Number)
            && kind(self.at + 1).is_none_or(|next| next == TokenKind::Stop)
    }

    /// Whether the phrase here only describes what is wanted: `an expression that equals the target`.
    pub(super) fn describes(&self) -> bool {
        let word = |back: usize| {
            let token = self.at.checked_sub(back).map(|index| self.tokens[index])?;
            matches!(token.kind, TokenKind::Word(_)).then_some(&self.text[token.start..token.end])
        };
        let joins =
            ["so", "and", "but", "since", "because", "see", "yes", "no", "think", "know", "means", "oh"];
        let relative = word(1).is_some_and(|before| before.eq_ignore_ascii_case("that"))
            && word(2).is_some_and(|before| !joins.iter().any(|join| before.eq_ignore_ascii_case(join)));
        relative || word(1).is_some_and(|before| before.eq_ignore_ascii_case("to"))
    }
}
