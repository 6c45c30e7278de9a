//! Arithmetic expressions as answers write them: parsed strictly, evaluated exactly.
//!
//! The grammar is whole numbers, `+ - * /` (also `×`, `÷`, `−`), a unary minus on one number or one pair of
//! parentheses, parentheses, white space, and at most one trailing `= value`. Parsing and evaluation use
//! their own stacks, so no input can overflow the thread's stack, and all sizes are checked first.

pub(super) mod canonical;
mod parser;

use num_rational::BigRational;
use num_traits::Zero;
use thiserror::Error;

use self::canonical::Canonical;
pub use self::parser::parse;
use super::attempt::Op;

/// Longest expression accepted, in bytes.
pub(crate) const MAX_BYTES: usize = 64 << 10;

/// Maximum number of numbers in one expression.
pub(crate) const MAX_NUMBERS: usize = 64;

/// Maximum digits of one number, so that every number fits an `i64`.
pub(crate) const MAX_DIGITS: usize = 18;

/// The rule that a text breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ExpressionError {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// More than [`MAX_BYTES`].
    #[error("it is {0} bytes long; the limit is {MAX_BYTES}")]
    TooLong(usize),
    /// More than [`MAX_NUMBERS`].
    #[error("it has more than {MAX_NUMBERS} numbers")]
    TooManyNumbers,
    /// More than [`MAX_DIGITS`] in one number.
    #[error("it has a number of more than {MAX_DIGITS} digits")]
    TooManyDigits,
    /// `**` or `^`.
    #[error("powers (`{0}`) are not allowed: only + - * / are")]
    Power(&'static str),
    /// `//`.
    #[error("floor division (`//`) is not allowed: only + - * / are")]
    FloorDivision,
    /// `1.5`, `.5`, `5.`.
    #[error("decimals are not allowed: numbers are whole")]
    Decimal,
    /// `1e3`.
    #[error("exponents (`{0}`) are not allowed: numbers are written out in digits")]
    Exponent(String),
    /// A word.
    #[error("names (`{0}`) are not allowed: only numbers and + - * / are")]
    Name(String),
    /// A word before a parenthesis.
    #[error("calls (`{0}(`) are not allowed: only numbers and + - * / are")]
    Call(String),
    /// `()`.
    #[error("empty parentheses are not allowed")]
    EmptyParentheses,
    /// `(1`.
    #[error("a parenthesis is never closed")]
    Unclosed,
    /// `1)`.
    #[error("a closing parenthesis has no opening one")]
    Unopened,
    /// `1 5`, `4(3)`.
    #[error("an operator is missing before `{0}`: values side by side are not joined or multiplied")]
    MissingOperator(char),
    /// `1 +`, `(* 2)`.
    #[error("a number is missing {0}")]
    MissingNumber(String),
    /// `+5`.
    #[error("a plus sign before a value is not allowed")]
    UnaryPlus,
    /// `--5`.
    #[error("two minus signs in a row are not allowed")]
    DoubleMinus,
    /// Anything else.
    #[error("the character {0:?} is not allowed: only digits, + - * / and parentheses are")]
    Character(char),
    /// `1 = 1 = 1`.
    #[error("only one `=` is allowed")]
    SeveralEquals,
    /// `1 = 3 - 2`.
    #[error("`=` must be followed by one whole number or one fraction")]
    Stated,
    /// A division by zero: by a value, which [`Expression::value`] finds, or in a stated fraction.
    #[error("division by zero has no value")]
    DivisionByZero,
}

/// A number of an expression, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operand {
    /// The value of the digits.
    pub magnitude: i64,
    /// Whether a unary minus stands directly before the digits.
    pub negated: bool,
}

/// A text that follows the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// In postfix order: operands before their operator.
    postfix: Vec<Item>,
    operands: Vec<Operand>,
    stated: Option<BigRational>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Item {
    Number(i64),
    Negate,
    Binary(Op),
}

impl Expression {
    /// The numbers it uses, in text order, without unary minus signs.
    pub fn numbers(&self) -> Vec<i64> {
        self.operands.iter().map(|operand| operand.magnitude).collect()
    }

    /// The numbers it uses, in text order, each with whether it carries a minus sign.
    pub(crate) fn operands(&self) -> &[Operand] {
        &self.operands
    }

    /// The value after a trailing `=`, if there is one. It is not compared with the expression's value here.
    pub fn stated(&self) -> Option<&BigRational> {
        self.stated.as_ref()
    }

    /// The exact value of the expression, without a trailing `= value`.
    ///
    /// # Errors
    /// [`ExpressionError::DivisionByZero`].
    pub fn value(&self) -> Result<BigRational, ExpressionError> {
        self.fold(
            |number| BigRational::from_integer(number.into()),
            |value| -value,
            |left, op, right| match op {
                Op::Add => Ok(left + right),
                Op::Sub => Ok(left - right),
                Op::Mul => Ok(left * right),
                Op::Div if right.is_zero() => Err(ExpressionError::DivisionByZero),
                Op::Div => Ok(left / right),
            },
        )
    }

    /// The same text for all expressions that differ only in the order and grouping of sums and products, in
    /// spacing, in redundant parentheses or in where a minus sign stands: `1+(2*3)` and `3 * 2 + 1` both give
    /// `1 + 2 * 3`. Omits a trailing `= value`. Intended for expressions that have a value.
    pub fn canonical(&self) -> String {
        self.canonical_tree().to_string()
    }

    fn canonical_tree(&self) -> Canonical {
        let tree = self.fold(Canonical::number, Canonical::negate, |left, op, right| {
            Ok(Canonical::combine(left, op, right))
        });
        // `fold` fails only if its closures do.
        tree.unwrap_or_else(|_| Canonical::number(0))
    }

    fn fold<T>(
        &self,
        number: impl Fn(i64) -> T,
        negate: impl Fn(T) -> T,
        binary: impl Fn(T, Op, T) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        let mut stack = Vec::new();
        for item in &self.postfix {
            let next = match *item {
                Item::Number(value) => Some(number(value)),
                Item::Negate => stack.pop().map(&negate),
                Item::Binary(op) => match (stack.pop(), stack.pop()) {
                    (Some(right), Some(left)) => Some(binary(left, op, right)?),
                    _ => None,
                },
            };
            stack.extend(next);
        }
        // `parse` produces no empty expression and no operator without operands.
        stack.pop().ok_or(ExpressionError::Empty)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        parse(text).and_then(|expression| expression.value()).expect(text).to_string()
    }

    #[test]
    fn precedence_grouping_and_every_symbol() {
        for (text, expected) in [
            ("25 * 3 + 7 - 4", "78"),
            ("25×3+7−4", "78"),
            ("2 - 3 - 4", "-5"),
            ("2 - (3 - 4)", "3"),
            ("24 / 4 / 3", "2"),
            ("24 ÷ (4 ÷ 3)", "18"),
            ("7 / 3", "7/3"),
            ("1 / 3 + 1 / 6", "1/2"),
            ("-3 * -(2 - 5)", "-9"),
            ("- ( 3 ) - -4", "1"),
            ("-(-5)", "5"),
            ("3 * -2 + 1", "-5"),
            ("007", "7"),
            (" ( ( ( 16+4 ) ) )\n- 1\t", "19"),
            ("999999999999999999 * 999999999999999999", "999999999999999998000000000000000001"),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn canonical_forms_join_what_is_the_same_and_part_what_is_not() {
        let canonical = |text: &str| parse(text).unwrap().canonical();
        for (text, expected) in [
            ("(16 + 4) - 1", "4 + 16 - 1"),
            ("4 - (1 - 16)", "4 + 16 - 1"),
            ("3 * (7 - 2) * 5", "3 * 5 * (7 - 2)"),
            ("12 / (4 / 2)", "2 * 12 / 4"),
            ("12 / 4 / 2", "12 / 2 / 4"),
            ("-(2 + 3)", "-(2 + 3)"),
            ("-2 - 3", "-(2 + 3)"),
            ("-2 * 3", "-(2 * 3)"),
            ("-(2 - 3)", "3 - 2"),
            ("1 + -(2 * 3)", "1 - 2 * 3"),
            ("-5", "-5"),
            ("5 * (3 + 1 / 2) = 9", "5 * (3 + 1 / 2)"),
            ("8 / (3 - 8 / 3)", "8 / (3 - 8 / 3)"),
        ] {
            assert_eq!(canonical(text), expected, "{text}");
            assert_eq!(canonical(expected), expected, "the form of a form is itself");
        }
        assert_ne!(canonical("6 * 1"), canonical("6 / 1"));
        assert_ne!(canonical("2 + 2"), canonical("2 * 2"));
    }
}
