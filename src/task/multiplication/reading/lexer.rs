//! Cuts a completion into words, numbers and signs with byte offsets. Accepts any text.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// A word, as it is written.
    Word(&'a str),
    /// A whole number; `None` if it is too large to matter.
    Number(Option<i128>),
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`, `×`, `·`, or an `x` between numbers.
    Times,
    /// `=`
    Equals,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,` or `:`: separates clauses.
    Clause,
    /// The end of a sentence.
    Stop,
    /// `<answer>`
    AnswerOpen,
    /// `</answer>`
    AnswerClose,
    /// `</think>`
    ThinkClose,
    /// Anything else.
    Other,
}

/// One token and its place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// Kind of token.
    pub kind: Kind<'a>,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Token<'_> {
    /// Whether it is one of these words, ignoring case.
    pub fn is(&self, words: &[&str]) -> bool {
        matches!(self.kind, Kind::Word(word) if words.iter().any(|known| word.eq_ignore_ascii_case(known)))
    }
}

const TAGS: [(&str, Kind<'static>); 4] = [
    ("<answer>", Kind::AnswerOpen),
    ("</answer>", Kind::AnswerClose),
    ("</think>", Kind::ThinkClose),
    ("<think>", Kind::Other),
];

/// All tokens of `text`, in order. White space is dropped, but the end of a line becomes a [`Kind::Stop`].
pub(crate) fn tokenize(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(text.len() / 3);
    let mut at = 0;
    while let Some(character) = text[at..].chars().next() {
        let start = at;
        at += character.len_utf8();
        let kind = match character {
            '\n' => Kind::Stop,
            c if c.is_whitespace() => continue,
            '0'..='9' => {
                at = start + number_length(&text.as_bytes()[start..]);
                // A number longer than any product here is rejected whatever its length.
                let digits: String = text[start..at].chars().filter(char::is_ascii_digit).take(31).collect();
                Kind::Number(digits.parse().ok().filter(|_| digits.len() <= 30))
            }
            '<' => match TAGS.iter().find(|(tag, _)| text[start..].starts_with(tag)) {
                Some((tag, kind)) => {
                    at = start + tag.len();
                    *kind
                }
                None => Kind::Other,
            },
            '+' => Kind::Plus,
            '-' | '−' | '–' => Kind::Minus,
            '*' | '×' | '·' => Kind::Times,
            '=' => Kind::Equals,
            '(' => Kind::Open,
            ')' => Kind::Close,
            ',' | ':' => Kind::Clause,
            '.' | '!' | '?' | ';' => Kind::Stop,
            c if c.is_alphabetic() => {
                let length = text[start..].find(|c: char| !c.is_alphabetic()).unwrap_or(text.len() - start);
                at = start + length;
                match &text[start..at] {
                    "x" | "X" => Kind::Times,
                    word => Kind::Word(word),
                }
            }
            _ => Kind::Other,
        };
        tokens.push(Token { kind, start, end: at });
    }
    tokens
}

/// Length in bytes of the number at the beginning, including commas between thousands.
fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut length = digits(0);
    if length > 3 {
        return length;
    }
    while bytes.get(length) == Some(&b',') && digits(length + 1) == 3 {
        length += 4;
    }
    length
}
