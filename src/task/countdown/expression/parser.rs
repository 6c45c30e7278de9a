//! An operator-precedence parser with its own stack.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::Zero;

use super::{Expression, ExpressionError, Item, MAX_BYTES, MAX_DIGITS, MAX_NUMBERS, Operand};
use crate::task::countdown::attempt::Op;

/// Maximum digits of a number after `=`: as many as a product of [`MAX_NUMBERS`] numbers can have.
const MAX_STATED_DIGITS: usize = MAX_NUMBERS * MAX_DIGITS;

/// Parses an expression.
///
/// # Errors
/// The first rule that the text breaks.
pub fn parse(text: &str) -> Result<Expression, ExpressionError> {
    if text.len() > MAX_BYTES {
        return Err(ExpressionError::TooLong(text.len()));
    }
    let parser = Parser { rest: text, postfix: Vec::new(), operands: Vec::new(), pending: Vec::new() };
    parser.read()
}

/// An operator or parenthesis that waits for the end of the operand to its right.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    Parenthesis,
    Negate,
    Binary(Op),
}

struct Parser<'a> {
    rest: &'a str,
    postfix: Vec<Item>,
    operands: Vec<Operand>,
    pending: Vec<Pending>,
}

impl Parser<'_> {
    fn read(mut self) -> Result<Expression, ExpressionError> {
        // `Some` while a number or `(` must follow: the position in words, for the error.
        let mut before = Some(String::new());
        let mut stated = None;
        while let Some(next) = self.skip_space() {
            if is_word_start(next) {
                return Err(self.word());
            }
            match (before.take(), next) {
                (_, '.') => return Err(ExpressionError::Decimal),
                (_, ',') if self.joins_digits() => return Err(ExpressionError::Decimal),
                (_, '^') => return Err(ExpressionError::Power("^")),
                (Some(_), '0'..='9') => self.number()?,
                (Some(_), '(') => {
                    self.pending.push(Pending::Parenthesis);
                    self.advance(next);
                    before = Some("after `(`".into());
                }
                (Some(_), ')') if self.pending.last() == Some(&Pending::Parenthesis) => {
                    return Err(ExpressionError::EmptyParentheses);
                }
                (Some(_), '-' | '−') if self.pending.last() == Some(&Pending::Negate) => {
                    return Err(ExpressionError::DoubleMinus);
                }
                (Some(_), '-' | '−') => {
                    self.pending.push(Pending::Negate);
                    self.advance(next);
                    before = Some("after `-`".into());
                }
                (Some(_), '+') => return Err(ExpressionError::UnaryPlus),
                (Some(_), '*' | '×' | '/' | '÷' | ')' | '=') => {
                    return Err(ExpressionError::MissingNumber(format!("before `{next}`")));
                }
                (None, '0'..='9' | '(') => return Err(ExpressionError::MissingOperator(next)),
                (None, ')') => {
                    self.close()?;
                    self.advance(next);
                }
                (None, '=') => {
                    self.advance(next);
                    stated = Some(parse_stated(self.rest)?);
                    break;
                }
                (_, character) => {
                    let op = operator(character).ok_or(ExpressionError::Character(character))?;
                    self.binary(op);
                    self.advance(next);
                    before = Some(format!("after `{next}`"));
                    if next == '*' && self.rest.starts_with('*') {
                        return Err(ExpressionError::Power("**"));
                    }
                    if next == '/' && self.rest.starts_with('/') {
                        return Err(ExpressionError::FloorDivision);
                    }
                }
            }
        }
        match before {
            Some(before) if before.is_empty() => return Err(ExpressionError::Empty),
            // For `(((`, the unclosed parenthesis is the better description.
            Some(_) if self.pending.last() == Some(&Pending::Parenthesis) => {
                return Err(ExpressionError::Unclosed);
            }
            Some(before) => return Err(ExpressionError::MissingNumber(before)),
            None => self.apply_pending(),
        }
        if !self.pending.is_empty() {
            return Err(ExpressionError::Unclosed);
        }
        Ok(Expression { postfix: self.postfix, operands: self.operands, stated })
    }

    fn skip_space(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn advance(&mut self, past: char) {
        self.rest = &self.rest[past.len_utf8()..];
    }

    /// Whether the comma here joins digits without a space: `1,000`, `1,5`.
    fn joins_digits(&self) -> bool {
        self.rest.get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn number(&mut self) -> Result<(), ExpressionError> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        if rest.starts_with('.') {
            return Err(ExpressionError::Decimal);
        }
        if let Some(exponent) = exponent_after(rest) {
            let digits: String = digits.chars().take(MAX_DIGITS).collect();
            return Err(ExpressionError::Exponent(format!("{digits}{exponent}")));
        }
        if digits.len() > MAX_DIGITS {
            return Err(ExpressionError::TooManyDigits);
        }
        if self.operands.len() == MAX_NUMBERS {
            return Err(ExpressionError::TooManyNumbers);
        }
        let magnitude: i64 = digits.parse().map_err(|_| ExpressionError::TooManyDigits)?;
        let negated = self.pending.last() == Some(&Pending::Negate);
        self.operands.push(Operand { magnitude, negated });
        self.postfix.push(Item::Number(magnitude));
        self.rest = rest;
        self.finish_negation();
        Ok(())
    }

    /// A unary minus applies to one number or one pair of parentheses and no more.
    fn finish_negation(&mut self) {
        if self.pending.pop_if(|top| *top == Pending::Negate).is_some() {
            self.postfix.push(Item::Negate);
        }
    }

    fn close(&mut self) -> Result<(), ExpressionError> {
        self.apply_pending();
        self.pending.pop().ok_or(ExpressionError::Unopened)?;
        self.finish_negation();
        Ok(())
    }

    /// Emits the operators back to the innermost open parenthesis.
    fn apply_pending(&mut self) {
        while let Some(Pending::Binary(op)) = self.pending.pop_if(|top| matches!(top, Pending::Binary(_))) {
            self.postfix.push(Item::Binary(op));
        }
    }

    fn binary(&mut self, op: Op) {
        let binds = |op: Op| matches!(op, Op::Mul | Op::Div);
        while let Some(Pending::Binary(earlier)) = self
            .pending
            .pop_if(|top| matches!(top, Pending::Binary(earlier) if binds(*earlier) || !binds(op)))
        {
            self.postfix.push(Item::Binary(earlier));
        }
        self.pending.push(Pending::Binary(op));
    }

    /// The error for the word here.
    fn word(&self) -> ExpressionError {
        let end = self.rest.find(|c: char| !is_word_start(c) && !c.is_numeric()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let shown: String = word.chars().take(24).collect();
        if rest.trim_start().starts_with('(') {
            ExpressionError::Call(shown)
        } else {
            ExpressionError::Name(shown)
        }
    }
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn operator(symbol: char) -> Option<Op> {
    match symbol {
        '+' => Some(Op::Add),
        '-' | '−' => Some(Op::Sub),
        '*' | '×' => Some(Op::Mul),
        '/' | '÷' => Some(Op::Div),
        _ => None,
    }
}

/// The `e3` in `1e3`.
fn exponent_after(rest: &str) -> Option<String> {
    let after = rest.strip_prefix(['e', 'E'])?;
    let unsigned = after.strip_prefix(['+', '-', '−']).unwrap_or(after);
    let digits = unsigned.chars().take_while(char::is_ascii_digit).take(MAX_DIGITS).count();
    let sign = after.len() - unsigned.len();
    (digits > 0).then(|| rest[..1 + sign + digits].to_owned())
}

/// Parses what follows `=`: a whole number or a fraction, optionally with a minus sign.
fn parse_stated(text: &str) -> Result<BigRational, ExpressionError> {
    let text = text.trim();
    if text.contains('=') {
        return Err(ExpressionError::SeveralEquals);
    }
    if text.contains('.') {
        return Err(ExpressionError::Decimal);
    }
    let unsigned = text.strip_prefix(['-', '−']);
    let (numerator, denominator) = match unsigned.unwrap_or(text).split_once(['/', '÷']) {
        Some((numerator, denominator)) => (numerator, Some(denominator)),
        None => (unsigned.unwrap_or(text), None),
    };
    let whole = |digits: &str| {
        let digits = digits.trim();
        let proper = digits.len() <= MAX_STATED_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        proper.then(|| digits.parse::<BigInt>().ok()).flatten().ok_or(ExpressionError::Stated)
    };
    let denominator = denominator.map_or(Ok(BigInt::from(1)), whole)?;
    if denominator.is_zero() {
        return Err(ExpressionError::DivisionByZero);
    }
    let magnitude = BigRational::new(whole(numerator)?, denominator);
    Ok(if unsigned.is_some() { -magnitude } else { magnitude })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        parse(text).and_then(|expression| expression.value()).expect(text).to_string()
    }

    #[test]
    fn each_broken_rule_is_named() {
        use ExpressionError::*;
        for (text, expected) in [
            ("", Empty),
            (" \n ", Empty),
            ("2 ** 3", Power("**")),
            ("2 ^ 3", Power("^")),
            ("7 // 2", FloorDivision),
            ("1.5 * 4", Decimal),
            (".5", Decimal),
            ("5.", Decimal),
            ("1,000", Decimal),
            ("1, 2", Character(',')),
            ("1e3", Exponent("1e3".into())),
            ("2E-3", Exponent("2E-3".into())),
            ("x + 1", Name("x".into())),
            ("2x", Name("x".into())),
            ("0x10", Name("x10".into())),
            ("1_000", Name("_000".into())),
            ("abs(3)", Call("abs".into())),
            ("sqrt (4)", Call("sqrt".into())),
            ("()", EmptyParentheses),
            ("1 + ( )", EmptyParentheses),
            ("(1 + 2", Unclosed),
            ("(((", Unclosed),
            ("(1 = 1", Unclosed),
            ("1 + 2)", Unopened),
            ("1 5 * 4", MissingOperator('5')),
            ("4(3)", MissingOperator('(')),
            ("(1)(2)", MissingOperator('(')),
            ("1 +", MissingNumber("after `+`".into())),
            ("-", MissingNumber("after `-`".into())),
            ("* 2", MissingNumber("before `*`".into())),
            ("(1 + )", MissingNumber("before `)`".into())),
            (")", MissingNumber("before `)`".into())),
            ("= 3", MissingNumber("before `=`".into())),
            ("2 * / 3", MissingNumber("before `/`".into())),
            ("+5", UnaryPlus),
            ("3 + +5", UnaryPlus),
            ("--5", DoubleMinus),
            ("3 - - -5", DoubleMinus),
            ("5!", Character('!')),
            ("５ + 1", Character('５')),
            ("1 \\times 2", Character('\\')),
            ("1 = 1 = 1", SeveralEquals),
            ("1 = 3 - 2", Stated),
            ("1 =", Stated),
            ("1 = 1.0", Decimal),
            ("1 = 1/0", DivisionByZero),
            ("1234567890123456789", TooManyDigits),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
        assert_eq!(parse("5 / (3 - 3)").unwrap().value(), Err(DivisionByZero));
        assert_eq!(parse("0 / 0").unwrap().value(), Err(DivisionByZero));
    }

    #[test]
    fn sizes_are_bounded_and_depth_is_harmless() {
        let deep = |depth: usize| format!("{}7{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(value(&deep(30_000)), "7");
        assert_eq!(value(&format!("{}7{}", "-(".repeat(20_001), ")".repeat(20_001))), "-7");
        assert_eq!(parse(&"(".repeat(MAX_BYTES)), Err(ExpressionError::Unclosed));
        assert_eq!(parse(&deep(5_000_000)), Err(ExpressionError::TooLong(10_000_001)));
        let ones = |count: usize| vec!["1"; count].join("+");
        assert_eq!(value(&ones(MAX_NUMBERS)), MAX_NUMBERS.to_string());
        assert_eq!(parse(&ones(MAX_NUMBERS + 1)), Err(ExpressionError::TooManyNumbers));
    }

    #[test]
    fn a_stated_value_is_read_and_kept_apart() {
        let stated = |text: &str| parse(text).unwrap().stated().map(ToString::to_string);
        assert_eq!(stated("25 * 3 + 7 - 4 = 78"), Some("78".into()));
        assert_eq!(stated("4 / 6 = 2/3"), Some("2/3".into()));
        assert_eq!(stated("4 - 6 = − 2 "), Some("-2".into()));
        assert_eq!(stated("4 - 6"), None);
        assert_eq!(value("4 - 6 = 17"), "-2");
    }

    #[test]
    fn operands_keep_their_order_and_their_sign() {
        let expression = parse("3 - -4 * -(5)").unwrap();
        assert_eq!(expression.numbers(), [3, 4, 5]);
        let negated: Vec<bool> = expression.operands().iter().map(|operand| operand.negated).collect();
        assert_eq!(negated, [false, true, false]);
    }
}
