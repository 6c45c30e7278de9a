//! Turns free English into the tokens of plain formulas: drops LaTeX and Markdown marks, gives `25 times 3`
//! its operator and `25 * 3, which gives 75` its equals sign. One pass; byte offsets remain those of the
//! text.

mod spoken;
mod words;

use super::{
    exact::Operator,
    lexer::{Token, TokenKind},
    phrases::{self, PhraseKind},
};

/// Rewrites `tokens` of `text` into the form that the reader expects.
pub(crate) fn normalize(text: &str, tokens: &[Token]) -> Vec<Token> {
    let mut pass = Pass {
        text,
        tokens,
        at: 0,
        out: Vec::with_capacity(tokens.len()),
        braces: Vec::new(),
        calculates: false,
        equated: false,
        operand: false,
        last_number: None,
        held: None,
    };
    while pass.at < tokens.len() {
        pass.step();
    }
    pass.out
}

/// Role of a LaTeX brace.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Brace {
    /// The first group of a fraction: the division follows it.
    Numerator,
    /// The second group of a fraction: it only groups.
    Denominator,
    /// Any other brace: dropped.
    Mark,
}

struct Pass<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    out: Vec<Token>,
    braces: Vec<Brace>,
    /// The current formula has an operator.
    calculates: bool,
    /// The current formula has an equals sign.
    equated: bool,
    /// The last token ends an operand.
    operand: bool,
    /// The last number: what `plus 1` adds to when there is no current result.
    last_number: Option<Token>,
    /// The current result: what `that` and `the result` stand for.
    held: Option<Token>,
}

impl Pass<'_> {
    fn slice(&self, index: usize) -> &str {
        self.tokens.get(index).and_then(|token| self.text.get(token.start..token.end)).unwrap_or("")
    }

    fn kind(&self, index: usize) -> Option<TokenKind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// Whether an operand begins at `index`, after any marks.
    fn opens_operand(&self, index: usize) -> bool {
        let next = (index..self.tokens.len().min(index + 6)).find(|at| !self.is_mark(*at));
        next.is_some_and(|at| {
            matches!(self.kind(at), Some(TokenKind::Number | TokenKind::Open))
                || self.slice(at) == "\\" && self.slice(at + 1) == "frac"
        })
    }

    fn is_mark(&self, index: usize) -> bool {
        let latex = index > 0 && self.slice(index - 1) == "\\";
        match self.slice(index) {
            "**" | "`" | "$" | "_" | "{" | "}" | "#" => true,
            "\\" => self.slice(index + 1) != "frac",
            "(" | ")" | "[" | "]" | "boxed" | "text" | "left" | "right" | "displaystyle" => latex,
            _ => false,
        }
    }

    fn emit(&mut self, kind: TokenKind, taken: usize) {
        let start = self.tokens[self.at].start;
        let end = self.tokens[self.at + taken - 1].end;
        let results = self.calculates && self.out.last().is_some_and(|last| last.kind == TokenKind::Equals);
        if kind == TokenKind::Number && (results || self.starts_from(self.at)) {
            self.held = Some(Token { kind, start, end });
        } else if kind == TokenKind::AnswerOpen {
            self.held = None;
        }
        self.at += taken;
        self.out.push(Token { kind, start, end });
        match kind {
            TokenKind::Operator(..) => {
                self.calculates |= self.operand;
                self.operand = false;
            }
            TokenKind::Equals => {
                self.equated = true;
                self.operand = false;
            }
            TokenKind::Number => {
                // `Step 2: add 14` does not add to 2.
                let labels = (self.at..self.tokens.len().min(self.at + 2)).find(|at| !self.is_mark(*at));
                if labels.and_then(|at| self.kind(at)) != Some(TokenKind::Colon) {
                    self.last_number = Some(Token { kind, start, end });
                }
                if self.operand {
                    (self.calculates, self.equated) = (false, false);
                }
                self.operand = true;
            }
            TokenKind::Close => self.operand = true,
            TokenKind::Open => self.operand = false,
            _ => (self.calculates, self.equated, self.operand) = (false, false, false),
        }
    }

    fn step(&mut self) {
        let token = self.tokens[self.at];
        match self.slice(self.at) {
            "\\" if self.slice(self.at + 1) == "frac" && self.slice(self.at + 2) == "{" => {
                self.braces.push(Brace::Numerator);
                self.emit(TokenKind::Open, 3);
            }
            "\\" if matches!(self.slice(self.at + 1), "neq" | "ne") => self.emit(TokenKind::NotEquals, 2),
            "\\" if self.slice(self.at + 1) == "cdot" => {
                self.emit(TokenKind::Operator(Operator::Multiply, false), 2);
            }
            "\\" if self.slice(self.at + 1) == "checkmark" => self.emit(TokenKind::Tick, 2),
            "→" | "->"
                if self.operand && self.calculates && !self.equated && self.opens_operand(self.at + 1) =>
            {
                self.emit(TokenKind::Equals, 1);
            }
            // A row of a table: `| 12 + 3 + 9 | 24 | no |`.
            "|" if self.operand => {
                let result = self.calculates
                    && !self.equated
                    && self.kind(self.at + 1) == Some(TokenKind::Number)
                    && self.slice(self.at + 2) == "|";
                self.emit(if result { TokenKind::Equals } else { TokenKind::Comma }, 1);
            }
            // Emphasis between two operands would read as a power: keeping it breaks the formula.
            "**" if self.operand && self.opens_operand(self.at + 1) => self.emit(token.kind, 1),
            "≈" if self.operand => self.emit(TokenKind::Equals, 1),
            "{" => {
                self.braces.push(Brace::Mark);
                self.at += 1;
            }
            "}" => self.close_brace(),
            _ if self.is_mark(self.at) => self.at += 1,
            _ => self.word_or_other(token),
        }
    }

    fn close_brace(&mut self) {
        match self.braces.pop() {
            Some(Brace::Numerator) => {
                self.emit(TokenKind::Close, 1);
                if self.slice(self.at) == "{" {
                    // One brace is both the division and the opening; the division gets an empty range of its
                    // own.
                    let place = self.tokens[self.at].start;
                    let kind = TokenKind::Operator(Operator::Divide, false);
                    self.out.push(Token { kind, start: place, end: place });
                    self.calculates = true;
                    self.braces.push(Brace::Denominator);
                    self.emit(TokenKind::Open, 1);
                }
            }
            Some(Brace::Denominator) => self.emit(TokenKind::Close, 1),
            _ => self.at += 1,
        }
    }

    /// Whether the text says that it starts with the number at `index`: `start with 61`, `take 61`.
    fn starts_from(&self, index: usize) -> bool {
        let before = |back: usize| index.checked_sub(back).map_or("", |at| self.slice(at));
        let is =
            |back: usize, words: &[&str]| words.iter().any(|word| before(back).eq_ignore_ascii_case(word));
        is(1, &["take", "taking"])
            || is(1, &["with", "from", "at", "to"])
                && is(2, &["start", "starting", "starts", "begin", "beginning", "back", "go", "return"])
    }

    /// Whether an operator in words and its operand stand at `index`.
    fn calculates_at(&self, index: usize) -> bool {
        phrases::longest_match(&self.tokens[index..]).is_some_and(|found| {
            matches!(found.kind, PhraseKind::Calculate(_)) && self.opens_operand(index + found.tokens)
        })
    }

    /// Replaces `that` or `the result` by the current number if an operator stands beside it.
    fn recall(&mut self) -> bool {
        let (Some(held), Some(length)) = (self.held, self.pronoun(self.at)) else { return false };
        let after = self.at + length;
        let ends_formula = !self.operand
            && self.calculates
            && matches!(self.out.last().map(|last| last.kind), Some(TokenKind::Operator(..)));
        let begins_formula = match self.kind(after) {
            // A detached minus may be a dash; only the full `that - 40 = 44` is unambiguous.
            Some(TokenKind::Operator(Operator::Subtract, _)) => {
                self.kind(after + 1) == Some(TokenKind::Number)
                    && self.kind(after + 2) == Some(TokenKind::Equals)
            }
            Some(TokenKind::Operator(..)) => self.opens_operand(after + 1),
            _ => self.calculates_at(after.min(self.tokens.len())),
        };
        if !ends_formula && !begins_formula {
            return false;
        }
        let place = self.tokens[self.at];
        if !ends_formula {
            self.out.push(Token { kind: TokenKind::Comma, start: place.start, end: place.start });
            (self.calculates, self.equated) = (false, false);
        }
        self.out.push(held);
        self.operand = true;
        self.at = after;
        true
    }

    /// Handles `6 subtracted from 61`, where the number named first comes second.
    fn turned_around(&mut self) -> bool {
        let word = self.slice(self.at);
        let taken = ["subtracted", "taken", "deducted"].iter().any(|verb| word.eq_ignore_ascii_case(verb));
        let from = self.at + 1 + usize::from(self.slice(self.at + 1).eq_ignore_ascii_case("away"));
        let alone = self.operand && !self.calculates;
        if !taken || !alone || !self.slice(from).eq_ignore_ascii_case("from") {
            return false;
        }
        let (number, length) = match (self.kind(from + 1), self.held) {
            (Some(TokenKind::Number), _) => (self.tokens[from + 1], 1),
            (_, Some(held)) => match self.pronoun(from + 1) {
                Some(length) => (held, length),
                None => return false,
            },
            _ => return false,
        };
        let Some(second) = self.out.pop_if(|last| last.kind == TokenKind::Number) else { return false };
        let operator = Token { kind: TokenKind::Operator(Operator::Subtract, false), ..self.tokens[self.at] };
        self.out.extend([number, operator, second]);
        (self.calculates, self.equated, self.operand) = (true, false, true);
        self.at = from + 1 + length;
        true
    }

    /// Whether the phrase at `index`, such as `that's` or `which is`, names the result of the calculation
    /// before it.
    fn names_result(&self, index: usize, number_at: usize) -> bool {
        const POINTS: [&str; 6] = ["that", "this", "it", "that's", "it's", "which"];
        const DISTANCES: [&str; 12] = [
            "too", "more", "less", "off", "short", "away", "above", "below", "over", "under", "higher",
            "lower",
        ];
        let written = |at: usize, words: &[&str]| {
            let word = self.slice(at).replace('’', "'");
            words.iter().any(|listed| word.eq_ignore_ascii_case(listed))
        };
        written(index, &POINTS)
            && self.kind(number_at) == Some(TokenKind::Number)
            && !written(number_at + 1, &DISTANCES)
    }

    /// Whether the number at `index` is left over, as in `leaves 3 and 4` and `we have 3 left`.
    pub(super) fn names_unused(&self, index: usize) -> bool {
        let listed = matches!(self.slice(index + 1), "and" | "," | "&");
        listed && self.kind(index + 2) == Some(TokenKind::Number)
            || matches!(self.slice(index + 1), "unused" | "left" | "remaining")
    }

    /// Index of the first token from `index` on that is not a filler such as `a total of`.
    fn past_fillers(&self, index: usize) -> usize {
        let filler = |at: &usize| words::TRAILS.iter().any(|word| self.slice(*at).eq_ignore_ascii_case(word));
        index + (index..index + 4).take_while(filler).count()
    }

    /// Replaces a phrase after an operand by the operator or equals sign that it stands for.
    fn operator_or_equals(&mut self, found: phrases::Match, word_at: usize) -> bool {
        let taken = word_at - self.at + found.tokens;
        let unfinished = self.calculates && !self.equated;
        match found.kind {
            PhraseKind::Calculate(operator) if word_at == self.at => {
                let recalls = self.held.is_some() && self.pronoun(self.at + taken).is_some();
                if !recalls && !self.opens_operand(self.at + taken) {
                    return false;
                }
                self.emit(TokenKind::Operator(operator, false), taken);
                self.calculates = true;
                true
            }
            PhraseKind::Equal if unfinished && self.opens_operand(self.at + taken) => {
                self.emit(TokenKind::Equals, taken);
                true
            }
            PhraseKind::Gives if unfinished => {
                let number = self.past_fillers(self.at + taken);
                let leaves = (word_at..number).any(|at| {
                    let word = self.slice(at);
                    word.starts_with("leav") || word == "have"
                });
                let opens = self.opens_operand(number) && !(leaves && self.names_unused(number));
                if opens {
                    self.emit(TokenKind::Equals, number - self.at);
                }
                opens
            }
            PhraseKind::Nothing if unfinished && self.names_result(word_at, self.at + taken) => {
                self.emit(TokenKind::Equals, taken);
                true
            }
            _ => false,
        }
    }

    fn word_or_other(&mut self, token: Token) {
        let joint =
            matches!(token.kind, TokenKind::Comma | TokenKind::Stop) && self.operand && self.calculates;
        let word_at = self.at + usize::from(joint && !self.equated);
        if self.operand
            && let Some(Token { kind: TokenKind::Word(_), .. }) = self.tokens.get(word_at)
        {
            if word_at == self.at
                && matches!(self.slice(self.at), "x" | "X")
                && self.opens_operand(self.at + 1)
            {
                return self.emit(TokenKind::Operator(Operator::Multiply, false), 1);
            }
            if let Some(found) = phrases::longest_match(&self.tokens[word_at..])
                && self.operator_or_equals(found, word_at)
            {
                return;
            }
        }
        // `4 * 16: 64` states its result; `4 * 16: 64 - 1 = 63` begins another formula.
        let colon = token.kind == TokenKind::Colon && self.operand && self.calculates && !self.equated;
        if colon
            && self.kind(self.at + 1) == Some(TokenKind::Number)
            && matches!(
                self.kind(self.at + 2),
                None | Some(TokenKind::Comma | TokenKind::Stop | TokenKind::Think)
            )
        {
            return self.emit(TokenKind::Equals, 1);
        }
        if matches!(token.kind, TokenKind::Word(_))
            && (self.turned_around() || self.recall() || self.spoken_step())
        {
            return;
        }
        self.emit(token.kind, 1);
    }
}
