//! Exact fractions of bounded size, in which every claim is decided.

use std::{cmp::Ordering, fmt};

/// Numerators and denominators stay below this, so that one operation in `i128` cannot overflow.
const LIMIT: i128 = 1 << 60;

/// A fraction in lowest terms with a positive denominator. Equal values are equal bit by bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Exact {
    numerator: i64,
    denominator: i64,
}

impl Exact {
    /// `numerator / denominator`; `None` if the denominator is 0 or the value is too large to hold exactly.
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs()) as i128;
        let sign = denominator.signum();
        let numerator = sign * numerator / divisor;
        let denominator = sign * denominator / divisor;
        if numerator.abs() >= LIMIT || denominator >= LIMIT {
            return None;
        }
        Some(Self {
            numerator: i64::try_from(numerator).ok()?,
            denominator: i64::try_from(denominator).ok()?,
        })
    }

    /// A whole number; `None` if it is too large to hold exactly.
    pub(crate) fn integer(value: i64) -> Option<Self> {
        Self::new(i128::from(value), 1)
    }

    /// Parses a decimal numeral such as `19`, `7.5` or `1,000`; `None` if it is not a numeral or is too long.
    pub fn parse(numeral: &str) -> Option<Self> {
        let (whole, fraction) = numeral.split_once('.').unwrap_or((numeral, ""));
        if whole.len() + fraction.len() > 18 {
            return None;
        }
        let mut numerator: i128 = 0;
        let mut denominator: i128 = 1;
        for digit in whole.bytes().filter(|byte| *byte != b',') {
            numerator = numerator * 10 + digit_value(digit)?;
        }
        for digit in fraction.bytes() {
            numerator = numerator * 10 + digit_value(digit)?;
            denominator *= 10;
        }
        Self::new(numerator, denominator)
    }

    /// Applies `operator`; `None` for a division by zero or a result too large to hold exactly.
    pub fn apply(self, operator: Operator, right: Self) -> Option<Self> {
        let (a, b) = (i128::from(self.numerator), i128::from(self.denominator));
        let (c, d) = (i128::from(right.numerator), i128::from(right.denominator));
        match operator {
            Operator::Add => Self::new(a * d + c * b, b * d),
            Operator::Subtract => Self::new(a * d - c * b, b * d),
            Operator::Multiply => Self::new(a * c, b * d),
            Operator::Divide => Self::new(a * d, b * c),
        }
    }

    /// The value with its sign flipped.
    pub(crate) fn negate(self) -> Self {
        Self { numerator: -self.numerator, ..self }
    }

    /// Numerator and denominator.
    pub fn parts(self) -> (i64, i64) {
        (self.numerator, self.denominator)
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = i128::from(self.numerator) * i128::from(other.denominator);
        let right = i128::from(other.numerator) * i128::from(self.denominator);
        left.cmp(&right)
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One of the four operations of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `+`
    Add,
    /// `-` or `−`
    Subtract,
    /// `*` or `×`
    Multiply,
    /// `/` or `÷`
    Divide,
}

impl Operator {
    /// All four operators.
    pub const ALL: [Operator; 4] = [Self::Add, Self::Subtract, Self::Multiply, Self::Divide];

    /// The operator's ASCII sign.
    pub fn sign(self) -> char {
        match self {
            Self::Add => '+',
            Self::Subtract => '-',
            Self::Multiply => '*',
            Self::Divide => '/',
        }
    }
}

fn digit_value(digit: u8) -> Option<i128> {
    digit.is_ascii_digit().then(|| i128::from(digit - b'0'))
}

fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    // Nearly every value fits in 64 bits, where a remainder is many times cheaper.
    while b != 0 {
        if let (Ok(mut small), Ok(mut rest)) = (u64::try_from(a), u64::try_from(b)) {
            while rest != 0 {
                (small, rest) = (rest, small % rest);
            }
            return u128::from(small);
        }
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_exact_and_in_lowest_terms() {
        let third = Exact::new(-2, -6).unwrap();
        assert_eq!(third.parts(), (1, 3));
        let three = Exact::integer(3).unwrap();
        assert_eq!(third.apply(Operator::Multiply, three), Exact::integer(1));
        assert_eq!(Exact::parse("7.50"), Exact::new(15, 2));
        assert_eq!(Exact::parse("0"), Exact::integer(0));
        assert!(Exact::parse("1.4").unwrap() < Exact::new(3, 2).unwrap());
        assert!(Exact::parse("2").unwrap().negate() < third);
    }

    #[test]
    fn what_cannot_be_held_exactly_is_refused() {
        assert_eq!(Exact::parse(&"9".repeat(19)), None);
        assert_eq!(Exact::integer(i64::MIN), None);
        let zero = Exact::integer(0).unwrap();
        let large = Exact::integer((1 << 60) - 1).unwrap();
        assert_eq!(large.apply(Operator::Divide, zero), None);
        for operator in [Operator::Add, Operator::Multiply] {
            assert_eq!(large.apply(operator, large), None);
        }
        let tiny = Exact::new(1, (1 << 60) - 1).unwrap();
        assert_eq!(tiny.apply(Operator::Multiply, tiny), None);
        assert_eq!(large.apply(Operator::Subtract, large), Some(zero));
    }
}
