//! Finds everything that given numbers can make, by exhaustive search over exact fractions.
//!
//! Unlike an [attempt](super::attempt), a solution may pass through any fraction or negative value. The
//! search runs over sets of the given numbers: the values of a set are made from the values of its two parts,
//! over all ways to split it. Only absolute values are stored, because the sign is always free: from `x` and
//! `y`, both `x - y` and `y - x` can be made, and a unary minus flips any value.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    ops::RangeInclusive,
};

use num_bigint::BigInt;
use num_rational::{BigRational, Ratio};
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub, Signed, Zero};
use thiserror::Error;

use super::{attempt::Op, expression::canonical::Canonical};

/// Maximum count of numbers searched; each further number multiplies the expressions by about thirty.
pub(crate) const MAX_NUMBERS: usize = 6;

/// Numbers that the search refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SolverError {
    /// None, or more than [`MAX_NUMBERS`].
    #[error("The solver takes 1 to {MAX_NUMBERS} numbers, but {0} were given.")]
    Count(usize),
    /// A negative number.
    #[error("The solver takes numbers from 0 up, but {0} was given.")]
    Negative(i64),
    /// A number whose fractions could exceed the range of exact arithmetic.
    #[error("The number {0} is too large for the solver: {1} numbers may each be at most {2}.")]
    TooLarge(i64, usize, i64),
}

/// Up to `limit` distinct solutions in canonical form ([`Expression::canonical`]), in a fixed order: shortest
/// first, then by text. Empty exactly if the puzzle cannot be solved.
///
/// [`Expression::canonical`]: super::expression::Expression::canonical
///
/// # Errors
/// Numbers that the search refuses.
pub fn solve(numbers: &[i64], target: i64, limit: usize) -> Result<Vec<String>, SolverError> {
    let search = Search::new(numbers)?;
    Ok(search.expressions(&Value::from_integer(target.into()), limit))
}

/// Whether any expression reaches `target`.
///
/// # Errors
/// Numbers that the search refuses.
pub fn is_solvable(numbers: &[i64], target: i64) -> Result<bool, SolverError> {
    let search = Search::new(numbers)?;
    Ok(search.reaches(search.all(), &Value::from_integer(i128::from(target).abs())))
}

/// The reachable value nearest to `target`, and an expression for it. Of two equally near values, the
/// smaller.
///
/// # Errors
/// Numbers that the search refuses.
pub fn nearest(numbers: &[i64], target: i64) -> Result<(BigRational, String), SolverError> {
    let search = Search::new(numbers)?;
    let target = Value::from_integer(target.into());
    let mut best: Option<(Value, Value)> = None;
    search.for_each_value(search.all(), |magnitude| {
        for value in [magnitude, -magnitude] {
            let Some(distance) = value.checked_sub(&target) else { continue };
            let found = (distance.abs(), value);
            if best.is_none_or(|best| found < best) {
                best = Some(found);
            }
        }
    });
    // A set of numbers always has a value: their sum.
    let value = best.map_or_else(Value::zero, |(_, value)| value);
    let expression = search.expressions(&value, 1).pop().unwrap_or_default();
    Ok((BigRational::new(BigInt::from(*value.numer()), BigInt::from(*value.denom())), expression))
}

/// The whole values within `range` that the numbers can reach; empty if the search refuses the numbers.
pub fn reachable_integers(numbers: &[i64], range: RangeInclusive<i64>) -> BTreeSet<i64> {
    let mut found = BTreeSet::new();
    if let Ok(search) = Search::new(numbers) {
        search.for_each_value(search.all(), |value| {
            if let (true, Ok(whole)) = (value.is_integer(), i64::try_from(*value.numer())) {
                found.extend([whole, -whole].into_iter().filter(|whole| range.contains(whole)));
            }
        });
    }
    found
}

type Value = Ratio<i128>;

/// A set of given numbers: bit `i` stands for the `i`-th.
type Subset = usize;

struct Search {
    numbers: Vec<i64>,
    /// The absolute values of every set except the full one, which is by far the largest and only ever
    /// scanned.
    values: Vec<HashSet<Value>>,
}

impl Search {
    fn new(numbers: &[i64]) -> Result<Self, SolverError> {
        if !(1..=MAX_NUMBERS).contains(&numbers.len()) {
            return Err(SolverError::Count(numbers.len()));
        }
        let largest = largest_number(numbers.len());
        for &number in numbers {
            if number < 0 {
                return Err(SolverError::Negative(number));
            }
            if number > largest {
                return Err(SolverError::TooLarge(number, numbers.len(), largest));
            }
        }
        let mut search = Self { numbers: numbers.to_vec(), values: vec![HashSet::new()] };
        for subset in 1..search.all() {
            let mut values = HashSet::new();
            search.for_each_value(subset, |value| {
                values.insert(value);
            });
            search.values.push(values);
        }
        Ok(search)
    }

    fn all(&self) -> Subset {
        (1 << self.numbers.len()) - 1
    }

    /// Calls `visit` with every absolute value of `subset`, some of them more than once. The values of its
    /// parts must already be stored.
    fn for_each_value(&self, subset: Subset, mut visit: impl FnMut(Value)) {
        if let Some(number) = self.single(subset) {
            visit(Value::from_integer(number.into()));
        }
        for (left, right) in partings(subset) {
            for x in &self.values[left] {
                for y in &self.values[right] {
                    let results = [
                        x.checked_add(y),
                        x.checked_sub(y).map(|difference| difference.abs()),
                        x.checked_mul(y),
                        x.checked_div(y),
                        y.checked_div(x),
                    ];
                    results.into_iter().flatten().for_each(&mut visit);
                }
            }
        }
    }

    fn single(&self, subset: Subset) -> Option<i64> {
        subset.is_power_of_two().then(|| self.numbers[subset.trailing_zeros() as usize])
    }

    fn reaches(&self, subset: Subset, magnitude: &Value) -> bool {
        if let Some(values) = self.values.get(subset) {
            return values.contains(magnitude);
        }
        let mut found = false;
        self.for_each_split(subset, magnitude, |_| found = true);
        // The full set of a single number has no parts.
        found || self.single(subset).is_some_and(|number| Value::from_integer(number.into()) == *magnitude)
    }

    /// Calls `visit` with every last operation that gives `magnitude`, ignoring the order and signs of its
    /// operands.
    fn for_each_split(&self, subset: Subset, magnitude: &Value, mut visit: impl FnMut(Split)) {
        let v = magnitude;
        for (left, right) in partings(subset) {
            // Works backwards from the side with fewer values.
            let (few, many) = if self.values[left].len() <= self.values[right].len() {
                (left, right)
            } else {
                (right, left)
            };
            for x in &self.values[few] {
                let mut offer = |op, y: Option<Value>, few_first: bool| {
                    let Some(y) = y.filter(|y| !y.is_negative() && self.values[many].contains(y)) else {
                        return;
                    };
                    let (x, y) = ((few, *x), (many, y));
                    let (first, second) = if few_first { (x, y) } else { (y, x) };
                    visit(Split { op, first, second });
                };
                offer(Op::Add, v.checked_sub(x), true);
                offer(Op::Sub, x.checked_sub(v), true);
                if !v.is_zero() {
                    // For zero this would be the same difference reversed.
                    offer(Op::Sub, v.checked_add(x), false);
                }
                if !x.is_zero() {
                    offer(Op::Mul, v.checked_div(x), true);
                    offer(Op::Div, v.checked_mul(x), false);
                }
                if !v.is_zero() {
                    offer(Op::Div, x.checked_div(v).filter(|y| !y.is_zero()), true);
                }
                if v.is_zero() && x.is_zero() {
                    // Any other factor will do, and any nonzero divisor.
                    for y in &self.values[many] {
                        offer(Op::Mul, Some(*y), true);
                        offer(Op::Div, Some(*y).filter(|y| !y.is_zero()), true);
                    }
                }
            }
        }
    }

    fn expressions(&self, target: &Value, limit: usize) -> Vec<String> {
        let mut known = HashMap::new();
        let found = self.trees(self.all(), &target.abs(), &mut known);
        let texts = found.into_iter().map(|tree| match target.is_negative() {
            true => tree.negate().to_string(),
            false => tree.to_string(),
        });
        let mut sorted: Vec<String> = texts.collect();
        sorted.sort_unstable_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        sorted.truncate(limit);
        sorted
    }

    /// Every canonical expression of `subset` with this absolute value, written so that its value is positive
    /// or zero.
    fn trees(
        &self,
        subset: Subset,
        magnitude: &Value,
        known: &mut HashMap<(Subset, Value), HashSet<Canonical>>,
    ) -> HashSet<Canonical> {
        if let Some(found) = known.get(&(subset, *magnitude)) {
            return found.clone();
        }
        let mut found = HashSet::new();
        if let Some(number) =
            self.single(subset).filter(|number| Value::from_integer((*number).into()) == *magnitude)
        {
            found.insert(Canonical::number(number));
        }
        let mut splits = Vec::new();
        self.for_each_split(subset, magnitude, |split| splits.push(split));
        for Split { op, first, second } in splits {
            let seconds = self.trees(second.0, &second.1, known);
            for left in self.trees(first.0, &first.1, known) {
                for right in &seconds {
                    found.insert(Canonical::combine(left.clone(), op, right.clone()));
                }
            }
        }
        known.insert((subset, *magnitude), found.clone());
        found
    }
}

/// `first op second`: two sets, each with the absolute value it must make.
struct Split {
    op: Op,
    first: (Subset, Value),
    second: (Subset, Value),
}

/// Both parts of every split of `subset` into two non-empty sets.
fn partings(subset: Subset) -> impl Iterator<Item = (Subset, Subset)> {
    (1..subset).filter(move |part| part & subset == *part).filter_map(move |part| {
        let rest = subset & !part;
        (part < rest).then_some((part, rest))
    })
}

/// The largest value that each of `count` numbers may have without exceeding the range of exact arithmetic.
///
/// Let the size of a fraction be the larger of its numerator and denominator. A product or quotient has at
/// most the product of both sizes, a sum or difference at most twice that; so `count` numbers of at most M
/// reach 2^count * M^count. Working back from a value to the other operand may need the square of that.
pub(crate) fn largest_number(count: usize) -> i64 {
    let count = count.clamp(1, MAX_NUMBERS);
    let bits = (126 - 2 * count) / (2 * count);
    (1_i64 << bits.min(52)) - 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn known_puzzles_have_exactly_their_known_solutions() {
        // Each of these is known for its single solution, which goes through a fraction.
        assert_eq!(solve(&[3, 3, 8, 8], 24, 10).unwrap(), ["8 / (3 - 8 / 3)"]);
        assert_eq!(solve(&[1, 3, 4, 6], 24, 10).unwrap(), ["6 / (1 - 3 / 4)"]);
        assert_eq!(solve(&[1, 5, 5, 5], 24, 10).unwrap(), ["5 * (5 - 1 / 5)"]);
        assert_eq!(solve(&[4, 1, 16], 19, 10).unwrap(), ["4 + 16 - 1"]);
        assert_eq!(solve(&[7], 7, 10).unwrap(), ["7"]);
        assert_eq!(solve(&[2, 3], -5, 10).unwrap(), ["-(2 + 3)"]);
        assert_eq!(solve(&[2, 3], -1, 10).unwrap(), ["2 - 3"]);
        assert_eq!(solve(&[2, 2], 0, 10).unwrap(), ["2 - 2"]);
        assert_eq!(solve(&[0, 3], 0, 10).unwrap(), ["0 * 3", "0 / 3"]);
        assert!(solve(&[1, 1, 1, 1], 24, 10).unwrap().is_empty());
        assert!(!is_solvable(&[1, 1, 1, 1], 24).unwrap());
        assert_eq!(solve(&[1, 1, 1, 1], 24, usize::MAX).unwrap().len(), 0);
    }

    #[test]
    fn the_limit_keeps_the_first_of_all() {
        let all = solve(&[1, 2, 3, 4], 24, usize::MAX).unwrap();
        assert!(all.len() > 3);
        assert_eq!(solve(&[1, 2, 3, 4], 24, 3).unwrap(), all[..3]);
    }

    #[test]
    fn the_nearest_value_is_exact_and_reached() {
        let nearest = |numbers: &[i64], target| {
            let (value, expression) = nearest(numbers, target).unwrap();
            (value.to_string(), expression)
        };
        assert_eq!(nearest(&[4, 1, 16], 19), ("19".into(), "4 + 16 - 1".into()));
        assert_eq!(nearest(&[2, 3], 100), ("6".into(), "2 * 3".into()));
        assert_eq!(nearest(&[2, 3], -100), ("-6".into(), "-(2 * 3)".into()));
        assert_eq!(nearest(&[1, 3], 0), ("-1/3".into(), "-(1 / 3)".into()));
    }

    #[test]
    fn numbers_that_cannot_be_searched_are_refused() {
        assert_eq!(solve(&[], 1, 1), Err(SolverError::Count(0)));
        assert_eq!(is_solvable(&[1; 7], 7), Err(SolverError::Count(7)));
        assert_eq!(is_solvable(&[3, -2], 1), Err(SolverError::Negative(-2)));
        assert!(matches!(nearest(&[1, 2, i64::MAX], 1), Err(SolverError::TooLarge(i64::MAX, 3, _))));
        assert!(reachable_integers(&[1; 7], 1..=9).is_empty());
    }

    #[test]
    fn reachable_integers_are_the_solvable_targets() {
        let numbers = [3, 5, 7, 11];
        let expected: Vec<i64> = (-30..=99).filter(|t| is_solvable(&numbers, *t).unwrap()).collect();
        let found: Vec<i64> = reachable_integers(&numbers, -30..=99).into_iter().collect();
        assert_eq!(found, expected);
        assert!(found.len() > 20);
    }

    #[test]
    fn the_largest_numbers_stay_exact() {
        for count in 2..=MAX_NUMBERS {
            let numbers: Vec<i64> = (0..count as i64).map(|below| largest_number(count) - below).collect();
            assert!(is_solvable(&numbers, numbers.iter().sum()).unwrap());
            // A tower of sums and quotients whose numerator and denominator are both huge.
            let whole: Vec<Value> =
                numbers.iter().map(|number| Value::from_integer((*number).into())).collect();
            let tower = whole[1..].iter().enumerate().fold(whole[0], |value, (level, number)| {
                if level % 2 == 0 { number / value } else { number + value }
            });
            let found = Search::new(&numbers).unwrap().expressions(&tower, usize::MAX);
            assert!(!found.is_empty(), "{numbers:?} make {tower}");
        }
    }
}
