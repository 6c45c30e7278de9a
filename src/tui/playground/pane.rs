//! One of the two answers on screen.

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
    /// The token under the cursor.
    pub cursor: usize,
    /// First token of each drawn line, from the last picture.
    pub lines: Vec<usize>,
    analysis: Analysis,
    analyzed: usize,
}

impl Pane {
    /// The answer grew.
    pub fn push(&mut self, token: WrittenToken) {
        self.starts.push(self.text.len());
        self.text.push_str(&token.text);
        self.tokens.push(token);
    }

    /// The answer shrank.
    pub fn shorten(&mut self, kept: usize) {
        if let Some(&end) = self.starts.get(kept) {
            self.text.truncate(end);
            self.starts.truncate(kept);
            self.tokens.truncate(kept);
            self.analyzed = usize::MAX;
        }
    }

    /// What is found in the text so far.
    pub fn analysis(&mut self, task: &dyn Task, puzzle: &Puzzle) -> &Analysis {
        if self.analyzed != self.text.len() {
            self.analysis = task.analyze(puzzle, &self.text);
            self.analyzed = self.text.len();
        }
        &self.analysis
    }

    /// The numbers of the tokens before the cursor.
    pub fn before(&self) -> Vec<u32> {
        self.tokens.iter().take(self.cursor).map(|token| token.id).collect()
    }

    /// The token under the cursor.
    pub fn current(&self) -> Option<&WrittenToken> {
        self.tokens.get(self.cursor)
    }

    /// Moves the cursor by tokens.
    pub fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.tokens.len().saturating_sub(1));
    }

    /// Moves the cursor by lines, as far from their beginning as it was.
    pub fn line(&mut self, down: bool) {
        let at = self.lines.partition_point(|&first| first <= self.cursor).saturating_sub(1);
        let to = if down { at + 1 } else { at.wrapping_sub(1) };
        let (Some(&here), Some(&there)) = (self.lines.get(at), self.lines.get(to)) else { return };
        let last = self.lines.get(to + 1).map_or(self.tokens.len(), |&next| next).saturating_sub(1);
        self.cursor = (there + self.cursor.saturating_sub(here)).min(last).max(there);
    }

    /// To the first hesitation, where there is one: what one most likely wants to take out.
    pub fn to_first_wait(&mut self) {
        let wait = |token: &WrittenToken| token.text.trim().eq_ignore_ascii_case("wait");
        self.cursor = self.tokens.iter().position(wait).unwrap_or(0);
    }
}

/// How a token is written where it is spoken of.
pub fn quoted(token: &WrittenToken) -> String {
    match token.source {
        Source::End => "the end".into(),
        _ => format!("{:?}", token.text.trim()),
    }
}
