//! Seeded factors and their levels.

use std::ops::RangeInclusive;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::task::{NumberPuzzle, Split};

/// How large the factors of a run are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Range of the first factor.
    pub first: RangeInclusive<i64>,
    /// Range of the second factor.
    pub second: RangeInclusive<i64>,
}

impl Level {
    /// The named levels: digits of the first factor, digits of the second.
    pub(crate) const NAMES: [&'static str; 3] = ["2x2", "2x1", "3x2"];

    /// Looks up a level by name.
    ///
    /// # Errors
    /// A sentence that lists the known levels.
    pub fn parse(name: &str) -> Result<Self, String> {
        let (first, second) = match name {
            "2x2" => (11..=99, 11..=99),
            "2x1" => (11..=99, 2..=9),
            "3x2" => (101..=999, 11..=99),
            other => {
                return Err(format!(
                    "There is no level `{other}`; the levels are {}.",
                    Self::NAMES.join(", ")
                ));
            }
        };
        Ok(Self { first, second })
    }
}

/// The puzzle of two factors; `None` if the product exceeds 64 bits.
pub(crate) fn of_factors(first: i64, second: i64) -> Option<NumberPuzzle> {
    Some(NumberPuzzle { numbers: vec![first, second], target: first.checked_mul(second)? })
}

/// Draws two factors, uniformly over those that do not end in 0.
pub fn draw(level: &Level, split: Split, rng: &mut ChaCha8Rng) -> NumberPuzzle {
    loop {
        let factor = |range: &RangeInclusive<i64>, rng: &mut ChaCha8Rng| rng.random_range(range.clone());
        let (first, second) = (factor(&level.first, rng), factor(&level.second, rng));
        if first % 10 == 0 || second % 10 == 0 {
            continue;
        }
        if let Some(puzzle) = of_factors(first, second).filter(|puzzle| Split::of_puzzle(puzzle) == split) {
            return puzzle;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_target_is_the_product_and_the_split_holds_in_both_orders() {
        for name in Level::NAMES {
            let level = Level::parse(name).unwrap();
            for split in [Split::Train, Split::Heldout] {
                let mut rng = ChaCha8Rng::seed_from_u64(7);
                for _ in 0..200 {
                    let puzzle = draw(&level, split, &mut rng);
                    let [a, b] = puzzle.numbers[..] else { panic!("two factors") };
                    assert_eq!(puzzle.target, a * b);
                    assert_eq!(Split::of_puzzle(&of_factors(b, a).unwrap()), split);
                    assert!(level.first.contains(&a) && level.second.contains(&b));
                }
            }
        }
    }

    #[test]
    fn a_product_beyond_64_bits_is_no_puzzle() {
        assert_eq!(of_factors(i64::MAX, 2), None);
    }
}
