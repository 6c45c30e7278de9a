//! Chains of steps from the given numbers to one value, as the model writes them.
//!
//! An attempt uses every given number once. Every intermediate value is a whole number in 1..=99, so that
//! each step is one fact of small arithmetic.

use crate::reasoning::{
    exact::{Exact, Operator},
    shape::{Key, Shape},
};

/// The largest intermediate value of an attempt; the model's vocabulary has a token for every value up to it.
pub(crate) const MAX_VALUE: i64 = 99;

/// One of the four operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// Addition.
    Add,
    /// Subtraction.
    Sub,
    /// Multiplication.
    Mul,
    /// Exact division.
    Div,
}

impl Op {
    /// All four operations.
    pub const ALL: [Op; 4] = [Op::Add, Op::Sub, Op::Mul, Op::Div];

    /// `+`, `-`, `*` or `/`.
    pub fn symbol(self) -> &'static str {
        match self {
            Op::Add => "+",
            Op::Sub => "-",
            Op::Mul => "*",
            Op::Div => "/",
        }
    }

    /// The same operation in what reads completions.
    pub(super) fn operator(self) -> Operator {
        match self {
            Op::Add => Operator::Add,
            Op::Sub => Operator::Subtract,
            Op::Mul => Operator::Multiply,
            Op::Div => Operator::Divide,
        }
    }

    /// `a op b`, if it is a whole number in 1..=[`MAX_VALUE`].
    pub fn apply(self, a: i64, b: i64) -> Option<i64> {
        let result = match self {
            Op::Add => a.checked_add(b)?,
            Op::Sub => a.checked_sub(b)?,
            Op::Mul => a.checked_mul(b)?,
            Op::Div if b != 0 && a % b == 0 => a / b,
            Op::Div => return None,
        };
        (1..=MAX_VALUE).contains(&result).then_some(result)
    }
}

/// `a op b = result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// Left operand.
    pub a: i64,
    /// Operation.
    pub op: Op,
    /// Right operand.
    pub b: i64,
    /// Value.
    pub result: i64,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {} = {}", self.a, self.op.symbol(), self.b, self.result)
    }
}

/// Steps that use every given number once, and the expression they build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// In the order in which they are made.
    pub steps: Vec<Step>,
    /// The same steps as one expression, `( 16 + 4 ) - 1`.
    pub expression: String,
    /// Equal for attempts that differ only in the order of what they do.
    pub form: Key,
}

impl Attempt {
    /// The result of the last step.
    pub fn value(&self) -> i64 {
        self.steps.last().map_or(0, |step| step.result)
    }
}

#[derive(Clone)]
struct Held {
    value: i64,
    text: String,
    shape: Shape,
    /// Whether it is a single number, which needs no parentheses inside a larger expression.
    atom: bool,
}

/// Every attempt possible with `numbers`, in a fixed order. `+` and `*` take the larger operand first; `-`
/// and `/` take both orders if the result is whole and positive.
pub fn enumerate(numbers: &[i64]) -> Vec<Attempt> {
    let number = |&value: &i64| Held {
        value,
        text: value.to_string(),
        shape: Shape::number(Exact::integer(value)),
        atom: true,
    };
    let held: Vec<Held> = numbers.iter().map(number).collect();
    let mut found = Vec::new();
    extend(&held, &mut Vec::new(), &mut found);
    found
}

fn extend(held: &[Held], steps: &mut Vec<Step>, found: &mut Vec<Attempt>) {
    if let [last] = held {
        if !steps.is_empty() {
            let (expression, form) = (last.text.clone(), last.shape.key());
            found.push(Attempt { steps: steps.clone(), expression, form });
        }
        return;
    }
    for i in 0..held.len() {
        for j in 0..held.len() {
            if i == j {
                continue;
            }
            for op in Op::ALL {
                let (a, b) = (&held[i], &held[j]);
                let commutes = matches!(op, Op::Add | Op::Mul);
                // One order suffices for a commutative pair, and for two equal numbers.
                if (commutes && (a.value, j) < (b.value, i)) || (!commutes && a.value == b.value && i > j) {
                    continue;
                }
                let Some(result) = op.apply(a.value, b.value) else { continue };
                let wrap = |h: &Held| if h.atom { h.text.clone() } else { format!("( {} )", h.text) };
                let joined = Held {
                    value: result,
                    text: format!("{} {} {}", wrap(a), op.symbol(), wrap(b)),
                    shape: Shape::combine(op.operator(), a.shape, b.shape),
                    atom: false,
                };
                let mut rest: Vec<Held> = held
                    .iter()
                    .enumerate()
                    .filter(|(k, _)| *k != i && *k != j)
                    .map(|(_, h)| h.clone())
                    .collect();
                rest.push(joined);
                steps.push(Step { a: a.value, op, b: b.value, result });
                extend(&rest, steps, found);
                steps.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_numbers_give_each_whole_result_once() {
        let mut seen: Vec<String> = enumerate(&[3, 12]).iter().map(|a| a.steps[0].to_string()).collect();
        seen.sort();
        assert_eq!(seen, ["12 * 3 = 36", "12 + 3 = 15", "12 - 3 = 9", "12 / 3 = 4"]);
        assert_eq!(enumerate(&[5, 5]).len(), 3, "5 - 5 is not positive, the rest once each");
    }

    #[test]
    fn every_attempt_uses_every_number_and_stays_in_range() {
        for attempt in enumerate(&[4, 1, 16]) {
            assert_eq!(attempt.steps.len(), 2);
            assert!(attempt.steps.iter().all(|s| s.op.apply(s.a, s.b) == Some(s.result)));
            let digits: Vec<&str> =
                attempt.expression.split(' ').filter(|t| t.parse::<i64>().is_ok()).collect();
            assert_eq!(digits.len(), 3, "{}", attempt.expression);
        }
    }
}
