//! Whole steps in words: `multiply 25 and 3 to get 75`, `subtracting 1 from 20 gives 19`, `plus 1 is 19`.

use super::Pass;
use crate::reasoning::{
    exact::Operator,
    lexer::{Token, TokenKind},
};

/// How many tokens a step in words may take.
const REACH: usize = 16;

/// The verbs and nouns that name an operation.
const OPERATIONS: &[(&str, Operator)] = &[
    ("add", Operator::Add),
    ("adding", Operator::Add),
    ("added", Operator::Add),
    ("plus", Operator::Add),
    ("sum", Operator::Add),
    ("subtract", Operator::Subtract),
    ("subtracting", Operator::Subtract),
    ("subtracted", Operator::Subtract),
    ("minus", Operator::Subtract),
    ("difference", Operator::Subtract),
    ("multiply", Operator::Multiply),
    ("multiplying", Operator::Multiply),
    ("multiplied", Operator::Multiply),
    ("times", Operator::Multiply),
    ("product", Operator::Multiply),
    ("divide", Operator::Divide),
    ("dividing", Operator::Divide),
    ("divided", Operator::Divide),
    ("quotient", Operator::Divide),
];

/// Words that may stand between the operands and the result, or before the operands.
const FILLERS: &[&str] = &[
    "the",
    "number",
    "numbers",
    "result",
    "it",
    "that",
    "this",
    "then",
    "of",
    "between",
    "us",
    "me",
    "both",
    "another",
    "remaining",
];

/// Words that join two operands.
const JOINS: &[&str] = &["and", "by", "to", "with", "from", "times"];

/// Words that lead to the result.
const LINKS: &[&str] = &[
    "is",
    "gives",
    "get",
    "gets",
    "equals",
    "makes",
    "yields",
    "giving",
    "obtain",
    "gave",
    "have",
    "results",
    "resulting",
    "brings",
    "leaves",
    "leads",
];

/// Words that may stand before a link: `to get`, `which is`, `we get`, `resulting in`.
const LEADS: &[&str] =
    &["to", "which", "we", "i", "you", "and", "that", "this", "it", "result", "the", "so", "would"];

impl Pass<'_> {
    /// Takes a step in words that begins here, and says whether there was one.
    pub(super) fn spoken_step(&mut self) -> bool {
        let Some((_, operator)) =
            OPERATIONS.iter().find(|(word, _)| self.slice(self.at).eq_ignore_ascii_case(word)).copied()
        else {
            return false;
        };
        let end = self.tokens.len().min(self.at + REACH);
        let near: Vec<usize> = (self.at + 1..end).filter(|index| !self.is_mark(*index)).collect();
        let mut cursor = Cursor { pass: self, near: &near, next: 0 };
        cursor.skip(FILLERS);
        let joined_first = cursor.skip(&["by"]);
        let Some(first) = cursor.number() else { return false };
        let join = (!joined_first).then(|| cursor.word(JOINS)).flatten();
        let second = match join {
            Some(join) => {
                cursor.skip(&["the", "number"]);
                match cursor.number() {
                    Some(second) => Some((join, second)),
                    // `add 4 to get 47`: the join was the beginning of the link.
                    None if join == "to" || join == "and" => None,
                    None => return false,
                }
            }
            None => None,
        };
        let Some((link, result)) = cursor.result() else { return false };
        let place = self.tokens[self.at];
        let (left, right) = match second {
            Some(("from", second)) => (self.tokens[second], self.tokens[first]),
            Some((_, second)) => (self.tokens[first], self.tokens[second]),
            None => match self.last_number {
                Some(last) => (last, self.tokens[first]),
                None => return false,
            },
        };
        // Whatever formula was in hand ends here.
        let parting = Token { kind: TokenKind::Comma, start: place.start, end: place.start };
        let operator = Token { kind: TokenKind::Operator(operator, false), ..place };
        let equals = Token { kind: TokenKind::Equals, ..self.tokens[link] };
        self.out.extend([parting, left, operator, right, equals, self.tokens[result]]);
        self.last_number = Some(self.tokens[result]);
        (self.calculates, self.equated, self.operand) = (true, true, true);
        self.at = result + 1;
        true
    }
}

/// Walks over the tokens that are no marks.
struct Cursor<'a, 'b> {
    pass: &'a Pass<'b>,
    near: &'a [usize],
    next: usize,
}

impl Cursor<'_, '_> {
    fn index(&self) -> Option<usize> {
        self.near.get(self.next).copied()
    }

    fn word(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let written = self.pass.slice(self.index()?);
        let found = words.iter().find(|word| written.eq_ignore_ascii_case(word))?;
        self.next += 1;
        Some(found)
    }

    /// Skips any of `words`; whether there were some.
    fn skip(&mut self, words: &[&'static str]) -> bool {
        let before = self.next;
        while self.word(words).is_some() {}
        self.next > before
    }

    fn number(&mut self) -> Option<usize> {
        let index = self.index().filter(|index| self.pass.kind(*index) == Some(TokenKind::Number))?;
        self.next += 1;
        Some(index)
    }

    /// The link and the number it leads to, where that number is no operand of a formula.
    fn result(&mut self) -> Option<(usize, usize)> {
        // The join may have taken the `to` of `to get`.
        if self.index().is_some_and(|index| self.pass.kind(index) == Some(TokenKind::Comma)) {
            self.next += 1;
        }
        self.skip(LEADS);
        let link = self.index()?;
        let linked = self.word(LINKS).is_some()
            || self.pass.kind(link) == Some(TokenKind::Equals) && {
                self.next += 1;
                true
            };
        if !linked {
            return None;
        }
        self.skip(&["us", "me", "a", "the", "result", "of", "equal", "to", "in", "up"]);
        let result = self.number()?;
        let calculates = self.index().is_some_and(|index| {
            matches!(self.pass.kind(index), Some(TokenKind::Operator(..) | TokenKind::Equals))
        });
        (!calculates).then_some((link, result))
    }
}
