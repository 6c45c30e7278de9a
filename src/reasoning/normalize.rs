//! Brings free English to the tokens of plain formulas: LaTeX and Markdown marks fall away, `25 times 3` gets
//! its operator and `25 * 3, which gives 75` its equals sign. One pass; byte offsets stay those of the text.

mod spoken;

use super::{
    exact::Operator,
    lexer::{Token, TokenKind},
    phrases::{self, PhraseKind},
};

/// `tokens` of `text` as the reader wants them.
pub fn normalize(text: &str, tokens: &[Token]) -> Vec<Token> {
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
    };
    while pass.at < tokens.len() {
        pass.step();
    }
    pass.out
}

/// What a LaTeX brace stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Brace {
    /// The first of a fraction's two: the division follows it.
    Numerator,
    /// The second: it only groups.
    Denominator,
    /// Anything else: it falls away.
    Mark,
}

struct Pass<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    out: Vec<Token>,
    braces: Vec<Brace>,
    /// The formula in hand has an operator.
    calculates: bool,
    /// The formula in hand has an equals sign.
    equated: bool,
    /// The last token ends an operand.
    operand: bool,
    /// The last number: what `plus 1` adds to.
    last_number: Option<Token>,
}

impl Pass<'_> {
    fn slice(&self, index: usize) -> &str {
        self.tokens.get(index).and_then(|token| self.text.get(token.start..token.end)).unwrap_or("")
    }

    fn kind(&self, index: usize) -> Option<TokenKind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// Whether an operand begins at `index`, behind any marks.
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
                // `Step 2: add 14` adds to no 2.
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
            // A mark of emphasis between two operands would be a power: it stays, and breaks the formula.
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
                    // One brace is both the division and the opening: the division has its place alone.
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
            if let Some(found) = phrases::longest_match(&self.tokens[word_at..]) {
                let taken = word_at - self.at + found.tokens;
                if self.opens_operand(self.at + taken) {
                    match found.kind {
                        PhraseKind::Calculate(operator) if word_at == self.at => {
                            return self.emit(TokenKind::Operator(operator, false), taken);
                        }
                        PhraseKind::Equal | PhraseKind::Gives if self.calculates && !self.equated => {
                            return self.emit(TokenKind::Equals, taken);
                        }
                        _ => {}
                    }
                }
            }
        }
        if matches!(token.kind, TokenKind::Word(_)) && self.spoken_step() {
            return;
        }
        self.emit(token.kind, 1);
    }
}
