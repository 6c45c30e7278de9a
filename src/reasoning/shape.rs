//! The shape of an attempt: which operations it applies to which numbers, regardless of order.
//!
//! Two expressions have the same shape if commutation and association turn one into the other: `16 + 4 - 1`
//! and `16 - 1 + 4` cannot differ in value, so the second is nothing new. A shape takes constant space, and
//! constant time to extend, so a chain of any length is read in linear time.

use super::exact::{Exact, Operator};

/// Identifies a shape: equal for equal shapes, and different for different ones except with probability of
/// about 2^-64.
pub type Key = u128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Sum,
    Product,
}

/// The shape of an expression: its terms (or factors) as two multisets, each stored as the sum of its
/// members' keys. `minus` holds the subtracted terms, or the divisors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    kind: Kind,
    plus: u128,
    minus: u128,
}

impl Shape {
    /// A number as written; `None` stands for one too long to hold exactly.
    pub fn number(value: Option<Exact>) -> Self {
        let (numerator, denominator) = value.map_or((0, 0), Exact::parts);
        let plus = u128::from(numerator.unsigned_abs()) << 64 | u128::from(denominator.unsigned_abs());
        let magnitude = Self { kind: Kind::Number, plus, minus: 0 };
        if numerator < 0 { magnitude.negate() } else { magnitude }
    }

    /// `left operator right`.
    pub(crate) fn combine(operator: Operator, left: Self, right: Self) -> Self {
        let kind = match operator {
            Operator::Add | Operator::Subtract => Kind::Sum,
            Operator::Multiply | Operator::Divide => Kind::Product,
        };
        let (plus, minus) = left.terms(kind);
        let (mut right_plus, mut right_minus) = right.terms(kind);
        if matches!(operator, Operator::Subtract | Operator::Divide) {
            (right_plus, right_minus) = (right_minus, right_plus);
        }
        Self { kind, plus: plus.wrapping_add(right_plus), minus: minus.wrapping_add(right_minus) }
    }

    /// `- self`.
    pub(crate) fn negate(self) -> Self {
        let (plus, minus) = self.terms(Kind::Sum);
        Self { kind: Kind::Sum, plus: minus, minus: plus }
    }

    /// The key that identifies this shape in sets and comparisons.
    pub fn key(self) -> Key {
        let tag = self.kind as u64 + 1;
        let words = [self.plus, self.minus].map(|part| [part as u64, (part >> 64) as u64]);
        let mut low = scramble(tag);
        let mut high = scramble(tag ^ 0x9E37_79B9_7F4A_7C15);
        for word in words.into_iter().flatten() {
            low = scramble(low ^ word);
            high = scramble(high.rotate_left(17) ^ word);
        }
        u128::from(high) << 64 | u128::from(low)
    }

    fn terms(self, kind: Kind) -> (u128, u128) {
        if self.kind == kind { (self.plus, self.minus) } else { (self.key(), 0) }
    }
}

/// The finalizer of splitmix64.
fn scramble(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::{super::expression::Formula, *};

    fn key(text: &str) -> Key {
        let tokens = super::super::lexer::tokenize(text);
        let formula = Formula::read(text, &tokens, 0).unwrap();
        assert_eq!(formula.tokens, tokens.len(), "{text}");
        formula.sides[0].plain_shape().key()
    }

    #[test]
    fn order_and_grouping_do_not_matter_but_operations_and_numbers_do() {
        for (left, right) in [
            ("4 * 16 - 1", "16 * 4 - 1"),
            ("(16 + 4) - 1", "16 - (1 - 4)"),
            ("2 * 3 / 4", "3 / 4 * 2"),
            ("8 / (2 / 3)", "8 * 3 / 2"),
            ("5 - 3", "-3 + 5"),
        ] {
            assert_eq!(key(left), key(right), "{left} and {right}");
        }
        for (left, right) in [
            ("4 * 16 - 1", "4 * (16 - 1)"),
            ("4 - 1", "1 - 4"),
            ("4 / 1", "4 * 1"),
            ("2 + 2", "2 * 2"),
            ("1 + 2 + 3", "1 + 5"),
            ("6 / 2 / 1", "6 / (2 / 1)"),
        ] {
            assert_ne!(key(left), key(right), "{left} and {right}");
        }
    }
}
