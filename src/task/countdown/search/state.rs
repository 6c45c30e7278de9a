//! The state of a search: the numbers left.

use std::fmt;

use crate::reasoning::exact::{Exact, Operator};

/// A sorted multiset of numbers, so that equal states compare equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State(Vec<Exact>);

impl State {
    /// A state of these numbers, in any order.
    pub fn new(mut numbers: Vec<Exact>) -> Self {
        numbers.sort_unstable();
        Self(numbers)
    }

    /// The numbers, smallest first.
    pub fn numbers(&self) -> &[Exact] {
        &self.0
    }

    /// Whether it contains all of `wanted`, each as often as listed.
    pub fn has(&self, wanted: &[Exact]) -> bool {
        let mut rest = self.0.clone();
        wanted.iter().all(|number| match rest.iter().position(|held| held == number) {
            Some(place) => {
                rest.swap_remove(place);
                true
            }
            None => false,
        })
    }

    /// The state after `left` and `right` have made `result`. An operand that is not there removes nothing.
    pub fn after(&self, left: Exact, right: Exact, result: Exact) -> Self {
        let mut numbers = self.0.clone();
        for operand in [left, right] {
            if let Some(place) = numbers.iter().position(|held| *held == operand) {
                numbers.remove(place);
            }
        }
        let place = numbers.partition_point(|held| *held < result);
        numbers.insert(place, result);
        Self(numbers)
    }

    /// Calls `visit` with every state one operation away, some of them more than once. A result too large to
    /// hold exactly leads nowhere.
    pub(super) fn for_each_next(&self, mut visit: impl FnMut(State)) {
        for (i, left) in self.0.iter().enumerate() {
            for (j, right) in self.0.iter().enumerate() {
                if i == j {
                    continue;
                }
                for operator in Operator::ALL {
                    // Sums and products are the same in either order.
                    let both_ways = matches!(operator, Operator::Subtract | Operator::Divide);
                    if i > j && !both_ways {
                        continue;
                    }
                    if let Some(result) = left.apply(operator, *right) {
                        visit(self.after(*left, *right, result));
                    }
                }
            }
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{{")?;
        for (place, number) in self.0.iter().enumerate() {
            write!(f, "{}{number}", if place > 0 { ", " } else { "" })?;
        }
        write!(f, "}}")
    }
}
