//! Follows checking sentences from opening to decision, and reads answers.

use super::{EventKind, Reader};
use crate::reasoning::{
    check::{CheckDraft, Decision, Opener},
    expression::Formula,
    lexer::{Token, TokenKind},
};

impl Reader<'_> {
    /// Decides the draft, if there is one.
    pub(super) fn finish_draft(&mut self, at_end: bool) {
        if let Some(draft) = self.draft.take() {
            let decision = draft.decide(&self.reading.attempts, self.target);
            // Before anything was tried, a verdict such as `which is the target` refers to nothing.
            let stands_alone = ["that", "this", "it", "yes", "no"].iter().any(|word| {
                self.text
                    .get(draft.start..draft.start + word.len())
                    .is_some_and(|t| t.eq_ignore_ascii_case(word))
            });
            if draft.opener == Opener::None && decision == Decision::Bare && !stands_alone {
                self.sentence_closed = false;
                return;
            }
            let cut_off = at_end && !self.sentence_closed && !self.says_enough(&draft);
            let kind = EventKind::Check { decision, claim: draft.claim, cut_off };
            if !self.joins_last_check(&draft, decision) {
                self.event(kind, draft.start, draft.end);
            }
            if decision != Decision::Bare {
                self.reading.attempts.part();
            }
        }
        (self.sentence_closed, self.aside) = (false, false);
    }

    /// Whether the draft's sentence, with which the text ends, says what it is about:
    /// `let me recheck it one last time`. A begun formula or a colon means that more was to come.
    fn says_enough(&self, draft: &CheckDraft) -> bool {
        let mut rest = self.tokens.iter().rev().take_while(|token| token.start >= draft.end).peekable();
        let words = rest.by_ref().take_while(|token| matches!(token.kind, TokenKind::Word(_))).count();
        words > 2 && rest.peek().is_none()
    }

    /// Whether the checking sentence that ends here has checked nothing yet and is not about a result but
    /// about the problem, the rules, or how often a number is used.
    pub(super) fn announces_aside(&self) -> bool {
        const ASIDES: [&str; 14] = [
            "number",
            "numbers",
            "problem",
            "statement",
            "question",
            "rule",
            "rules",
            "format",
            "constraints",
            "conditions",
            "instructions",
            "once",
            "twice",
            "used",
        ];
        let Some(draft) = self.draft.as_ref().filter(|draft| !draft.states_something()) else { return false };
        let rest = self.tokens[..self.at].iter().rev().take_while(|token| token.start >= draft.end).take(24);
        rest.filter_map(|token| self.text.get(token.start..token.end))
            .any(|word| ASIDES.iter().any(|aside| word.eq_ignore_ascii_case(aside)))
    }

    /// Whether the `yes` or `good` here, `length` tokens long, answers a checking sentence that was not about
    /// a result, or continues with something else: `Let me verify. Yes, all numbers are used.`
    pub(super) fn answers_aside(&self, length: usize) -> bool {
        let pending = self.draft.as_ref().is_some_and(|draft| !draft.states_something());
        if !self.sentence_closed || !pending {
            return false;
        }
        let comma = self.tokens.get(self.at + length).is_some_and(|token| token.kind == TokenKind::Comma);
        let next = self.tokens.get(self.at + length + 1);
        let word = next.and_then(|token| self.text.get(token.start..token.end)).unwrap_or("");
        let others = ["i", "i'm", "i’m", "all", "every", "each", "everything", "both"];
        self.aside || comma && others.iter().any(|other| word.eq_ignore_ascii_case(other))
    }

    /// Whether a checking sentence is being read.
    pub(super) fn in_draft(&self) -> bool {
        self.draft.is_some() && !self.sentence_closed
    }

    /// The draft of this sentence; opens one at `start` if there is none.
    pub(super) fn draft_at(&mut self, start: usize) -> &mut CheckDraft {
        if self.sentence_closed {
            self.finish_draft(false);
        }
        self.draft.get_or_insert_with(|| CheckDraft::new(Opener::None, start, start))
    }

    pub(super) fn open_draft(&mut self, opener: Opener, start: usize, end: usize, length: usize) {
        if self.draft.as_ref().is_some_and(CheckDraft::states_something) {
            self.finish_draft(false);
        }
        match &mut self.draft {
            // `hmm , wait , check :` is a single opening.
            Some(draft) => {
                draft.end = end;
                if opener == Opener::Check {
                    draft.opener = Opener::Check;
                }
            }
            None => self.draft = Some(CheckDraft::new(opener, start, end)),
        }
        self.reading.breaks_off = false;
        self.value = None;
        self.relation = None;
        self.at += length;
    }

    pub(super) fn answer(&mut self) {
        self.end_sentence();
        self.finish_draft(false);
        self.reading.attempts.part();
        self.segment += 1;
        let open = self.tokens[self.at];
        self.at += 1;
        let closes = |token: &Token| matches!(token.kind, TokenKind::AnswerOpen | TokenKind::AnswerClose);
        let length = self.tokens[self.at..].iter().take_while(|token| !closes(token)).count();
        self.reading.faithful = Formula::read(self.text, &self.tokens[..self.at + length], self.at)
            .filter(|formula| formula.tokens == length && !formula.unfinished)
            .and_then(|formula| formula.sides.into_iter().next())
            .map(|answer| self.reading.attempts.derives(&answer));
        self.at += length;
        let end = self.tokens.get(self.at).map_or(self.text.len(), |token| token.start);
        let inside = &self.text[open.end..end];
        let start = open.end + (inside.len() - inside.trim_start().len());
        let end = start.max(open.end + inside.trim_end().len());
        self.event(EventKind::Answer, start, end);
    }
}
