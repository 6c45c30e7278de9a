//! An answer of the side engine, as far as it is written.

use std::cell::{Ref, RefCell};

use crate::{
    protocol::side::{Answer, Answering, Source, WrittenToken},
    reasoning::Analysis,
    task::{Puzzle, Task},
};

/// An answer, as far as it is written.
#[derive(Debug, Clone, Default)]
pub struct Pane {
    /// Who answers; `None` before it begins.
    pub who: Option<Answering>,
    /// Its tokens.
    pub tokens: Vec<WrittenToken>,
    /// Where each token's text begins, in bytes of the text.
    pub starts: Vec<usize>,
    /// The text.
    pub text: String,
    /// What came of it.
    pub answer: Option<Answer>,
    /// How much of the text was read, and what was found in it.
    analysis: RefCell<(usize, Analysis)>,
}

impl Pane {
    /// The answer grew.
    pub fn push(&mut self, token: WrittenToken) {
        self.starts.push(self.text.len());
        self.text.push_str(&token.text);
        self.tokens.push(token);
    }

    /// The answer shrank.
    pub(crate) fn shorten(&mut self, kept: usize) {
        if let Some(&end) = self.starts.get(kept) {
            self.text.truncate(end);
            self.starts.truncate(kept);
            self.tokens.truncate(kept);
            self.analysis.get_mut().0 = usize::MAX;
        }
    }

    /// What is found in the text so far. It is read once.
    pub fn analysis(&self, task: &dyn Task, puzzle: &Puzzle) -> Ref<'_, Analysis> {
        if self.analysis.borrow().0 != self.text.len() {
            *self.analysis.borrow_mut() = (self.text.len(), task.analyze(puzzle, &self.text));
        }
        Ref::map(self.analysis.borrow(), |(_, analysis)| analysis)
    }

    /// The first hesitation, if any: the likeliest token to delete.
    pub(crate) fn first_wait(&self) -> usize {
        let wait = |token: &WrittenToken| token.text.trim().eq_ignore_ascii_case("wait");
        self.tokens.iter().position(wait).unwrap_or(0)
    }
}

/// How a token is written in messages.
pub fn quoted(token: &WrittenToken) -> String {
    match token.source {
        Source::End => "the end".into(),
        _ if token.text.is_empty() => "a part of a character".into(),
        _ => format!("{:?}", token.text.trim()),
    }
}
