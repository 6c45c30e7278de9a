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
    /// What the operations really come to, whatever the text says.
    pub value: Option<Exact>,
    /// Sum of the keys of the numbers that it was made of, each as often as it was used.
    pub numbers: Key,
    /// Whether every step that led here was calculated rightly.
    pub sound: bool,
}

impl Made {
    pub fn number(value: Option<Exact>) -> Self {
        let shape = Shape::number(value);
        Self { shape, value, numbers: shape.key(), sound: true }
    }

    pub fn combine(operator: Operator, left: Self, right: Self) -> Self {
        let values = left.value.zip(right.value);
        Self {
            shape: Shape::combine(operator, left.shape, right.shape),
            value: values.and_then(|(left, right)| left.apply(operator, right)),
            numbers: left.numbers.wrapping_add(right.numbers),
            sound: left.sound && right.sound,
        }
    }

    pub fn negate(self) -> Self {
        Self { shape: self.shape.negate(), value: self.value.map(Exact::negate), ..self }
    }
}

/// Sum of the keys of the numbers that a calculation writes.
pub(super) fn numbers_of(calculation: &Expression) -> Key {
    calculation.numbers().fold(0, |sum, number| sum.wrapping_add(Made::number(number).numbers))
}

/// Results of all attempts, with the last few ways in which each was made.
#[derive(Debug, Default)]
pub(super) struct Known(HashMap<Exact, Vec<Made>>);

impl Known {
    pub fn holds(&self, value: Exact) -> bool {
        self.0.contains_key(&value)
    }

    /// So many ways of making one value are told apart.
    const WAYS: usize = 4;

    pub fn add(&mut self, value: Exact, made: Made) {
        let ways = self.0.entry(value).or_default();
        ways.retain(|way| way.shape != made.shape);
        if ways.len() == Self::WAYS {
            ways.remove(0);
        }
        ways.push(made);
    }

    /// How `value` was made where a calculation that writes numbers of the sum `written` uses it: in the way that leaves
    /// just its other numbers over, if there is one, and else the last time. (After `19 + 15 = 34 , 34 / 1 = 34` the 34
    /// of `34 - 1` is the first.) A value from nowhere stands for itself.
    pub fn fitting(&self, value: Exact, written: Key, all_given: Key) -> Made {
        let alone = Made::number(Some(value));
        let others = written.wrapping_sub(alone.numbers);
        let Some(ways) = self.0.get(&value) else { return alone };
        let fits = ways.iter().rev().find(|way| way.numbers.wrapping_add(others) == all_given);
        fits.or(ways.last()).copied().unwrap_or(alone)
    }
}
