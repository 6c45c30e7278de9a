//! Cuts a completion into tokens with byte offsets. It accepts any text: whatever it does not recognise
//! becomes [`TokenKind::Other`].

use super::{
    exact::Operator,
    phrases::{UNKNOWN_WORD, WordId, word_id},
};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A word, as its number in the vocabulary of the phrases.
    Word(WordId),
    /// A numeral, possibly with a fraction. Its value is parsed only when needed, which keeps tokens small
    /// even for an endless text of parentheses or digits.
    Number,
    /// An operator. The flag says whether it touches what follows, as the minus in `-5` does.
    Operator(Operator, bool),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `=`
    Equals,
    /// `≠` or `!=`
    NotEquals,
    /// `>`
    Greater,
    /// `<`
    Less,
    /// `,`, `?` or a dash: separates clauses, not sentences.
    Comma,
    /// `:`
    Colon,
    /// `.`, `!`, `;` or the end of a line: ends a sentence.
    Stop,
    /// `✓`
    Tick,
    /// `✗`
    Cross,
    /// `<answer>`
    AnswerOpen,
    /// `</answer>`
    AnswerClose,
    /// `<think>` or `</think>`
    Think,
    /// Anything else.
    Other,
}

/// One token and its place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Kind of token.
    pub kind: TokenKind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Tags with a meaning here; any other is read as a `<` and the text after it.
const TAGS: [(&str, TokenKind); 4] = [
    ("<answer>", TokenKind::AnswerOpen),
    ("</answer>", TokenKind::AnswerClose),
    ("<think>", TokenKind::Think),
    ("</think>", TokenKind::Think),
];

/// All tokens of `text`, in order.
pub(crate) fn tokenize(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::with_capacity(text.len() / 3), word: String::new() };
    while let Some(character) = text[lexer.at..].chars().next() {
        lexer.step(character);
    }
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
    /// Scratch buffer: the current word in the spelling of the phrases.
    word: String,
}

impl Lexer<'_> {
    fn step(&mut self, character: char) {
        if character == '\n' {
            // A line that ends in a comma or a colon continues in the next.
            let goes_on = self.tokens.last().is_none_or(|token| {
                matches!(token.kind, TokenKind::Comma | TokenKind::Colon | TokenKind::Stop)
            });
            match goes_on {
                true => self.at += 1,
                false => self.push(TokenKind::Stop, 1),
            }
        } else if character.is_whitespace() {
            self.at += character.len_utf8();
        } else if character.is_ascii_digit() {
            self.number();
        } else if self.is_times(character) {
            self.push(TokenKind::Operator(Operator::Multiply, false), 1);
        } else if character.is_alphabetic() {
            self.word();
        } else {
            let (kind, length) = self.symbol(character);
            self.push(kind, length);
        }
    }

    /// Whether the letter means multiplication, as in `25x3`.
    fn is_times(&self, character: char) -> bool {
        let touches = |token: &Token| {
            matches!(token.kind, TokenKind::Number | TokenKind::Close) && token.end == self.at
        };
        matches!(character, 'x' | 'X')
            && self.text[self.at + 1..].starts_with(|next: char| next.is_ascii_digit() || next == '(')
            && self.tokens.last().is_some_and(touches)
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        self.tokens.push(Token { kind, start: self.at, end: self.at + length });
        self.at += length;
    }

    fn number(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let digits = |from: usize| rest[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut length = digits(0);
        // Accepts `1,000`, but neither `10,20` nor the list `1,0000`.
        if (1..=3).contains(&length) && rest[0] != b'0' {
            while rest.get(length) == Some(&b',') && digits(length + 1) == 3 {
                length += 4;
            }
        }
        if rest.get(length) == Some(&b'.') {
            let fraction = digits(length + 1);
            if fraction > 0 {
                length += 1 + fraction;
            }
        }
        self.push(TokenKind::Number, length);
    }

    fn word(&mut self) {
        self.word.clear();
        let rest = &self.text[self.at..];
        let mut length = 0;
        let mut characters = rest.chars().peekable();
        while let Some(character) = characters.next() {
            // An apostrophe or a hyphen belongs to a word only between two of its letters.
            let joins = matches!(character, '\'' | '’' | '-')
                && length > 0
                && characters.peek().is_some_and(|next| next.is_alphabetic());
            if !joins && !character.is_alphanumeric() {
                break;
            }
            length += character.len_utf8();
            // No phrase has a longer word, and a text may be one endless word.
            if self.word.len() < 24 {
                match character {
                    '’' => self.word.push('\''),
                    other => self.word.push(other.to_ascii_lowercase()),
                }
            }
        }
        let latex = self.at > 0 && self.text.as_bytes()[self.at - 1] == b'\\';
        let kind = match self.word.as_str() {
            "times" if latex => TokenKind::Operator(Operator::Multiply, false),
            "div" if latex => TokenKind::Operator(Operator::Divide, false),
            word if length == word.len() || word.contains('\'') => TokenKind::Word(word_id(word)),
            _ => TokenKind::Word(UNKNOWN_WORD),
        };
        if matches!(kind, TokenKind::Operator(..)) {
            // Replaces the backslash, which was a token of its own until now.
            self.tokens.pop();
        }
        self.push(kind, length);
    }

    fn symbol(&self, character: char) -> (TokenKind, usize) {
        let rest = &self.text[self.at..];
        let length = character.len_utf8();
        let next = rest[length..].chars().next();
        let touches = next.is_some_and(|next| next.is_ascii_digit() || next == '(');
        let operator = |operator| (TokenKind::Operator(operator, touches), length);
        match character {
            '+' => operator(Operator::Add),
            '-' if next == Some('>') => (TokenKind::Comma, 2),
            '-' | '−' | '–' => operator(Operator::Subtract),
            // Two asterisks are bold type or a power, never a product.
            '*' if next == Some('*') => (TokenKind::Other, 2),
            '*' | '×' | '·' | '∗' | '⋅' => operator(Operator::Multiply),
            '/' | '÷' => operator(Operator::Divide),
            '(' => (TokenKind::Open, length),
            ')' => (TokenKind::Close, length),
            '=' if next == Some('=') => (TokenKind::Equals, 2),
            '=' if next == Some('>') => (TokenKind::Comma, 2),
            '=' => (TokenKind::Equals, length),
            '!' if next == Some('=') => (TokenKind::NotEquals, 2),
            '≠' => (TokenKind::NotEquals, length),
            '<' => TAGS
                .iter()
                .find(|(tag, _)| rest.starts_with(tag))
                .map_or((TokenKind::Less, length), |(tag, kind)| (*kind, tag.len())),
            '>' => (TokenKind::Greater, length),
            ',' | '?' | '—' | '→' | '⇒' => (TokenKind::Comma, length),
            ':' => (TokenKind::Colon, length),
            '.' | '!' | ';' | '…' => (TokenKind::Stop, length),
            '✓' | '✔' | '✅' => (TokenKind::Tick, length),
            '✗' | '✘' | '❌' | '✖' => (TokenKind::Cross, length),
            _ => (TokenKind::Other, length),
        }
    }
}
