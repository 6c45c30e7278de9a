//! Values and the operations that made them.

use std::collections::HashMap;

use crate::reasoning::{
    exact::{Exact, Operator},
    expression::Expression,
    shape::{Key, Shape},
};

/// A value and the operations that made it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub shape: Shape,
    /// The real value of the operations, whatever the text states.
    pub value: Option<Exact>,
    /// Sum of the keys of the numbers that it was made of, each counted as often as it was used.
    pub numbers: Key,
    /// Whether every step leading here was calculated correctly.
    pub sound: bool,
}

impl Made {
    pub fn number(value: Option<Exact>) -> Self {
        let shape = Shape::number(value);
        Self { shape, value, numbers: shape.key(), sound: true }
    }

    pub(crate) fn combine(operator: Operator, left: Self, right: Self) -> Self {
        let values = left.value.zip(right.value);
        Self {
            shape: Shape::combine(operator, left.shape, right.shape),
            value: values.and_then(|(left, right)| left.apply(operator, right)),
            numbers: left.numbers.wrapping_add(right.numbers),
            sound: left.sound && right.sound,
        }
    }

    pub(crate) fn negate(self) -> Self {
        Self { shape: self.shape.negate(), value: self.value.map(Exact::negate), ..self }
    }
}

/// Sum of the keys of the numbers in a calculation.
pub(super) fn numbers_of(calculation: &Expression) -> Key {
    calculation.numbers().fold(0, |sum, number| sum.wrapping_add(Made::number(number).numbers))
}

/// Results of all attempts, each with the last few ways in which it was made.
#[derive(Debug, Default)]
pub struct Known(HashMap<Exact, Vec<Made>>);

impl Known {
    pub fn holds(&self, value: Exact) -> bool {
        self.0.contains_key(&value)
    }

    /// Number of ways remembered for each value.
    const WAYS: usize = 4;

    pub fn add(&mut self, value: Exact, made: Made) {
        let ways = self.0.entry(value).or_default();
        ways.retain(|way| way.shape != made.shape);
        if ways.len() == Self::WAYS {
            ways.remove(0);
        }
        ways.push(made);
    }

    /// How `value` was made, for use in a calculation whose written numbers have keys summing to `written`.
    /// Prefers the way that leaves exactly that calculation's other numbers unused, and otherwise takes the
    /// latest. (After `19 + 15 = 34 , 34 / 1 = 34`, the 34 in `34 - 1` is the first.) A value that was never
    /// made stands for itself.
    pub(crate) fn fitting(&self, value: Exact, written: Key, all_given: Key) -> Made {
        let alone = Made::number(Some(value));
        let others = written.wrapping_sub(alone.numbers);
        let Some(ways) = self.0.get(&value) else { return alone };
        let fits = ways.iter().rev().find(|way| way.numbers.wrapping_add(others) == all_given);
        fits.or(ways.last()).copied().unwrap_or(alone)
    }
}
