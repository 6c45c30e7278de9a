//! Ways to split a product, as the corpus writes them.
//!
//! Each applies the distributive rule: one factor becomes a sum or a difference of round numbers, and the
//! partial products are combined again.

use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// How a product is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Way {
    /// `23 * 47 = 23 * 40 + 23 * 7`.
    SplitSecond,
    /// `23 * 47 = 20 * 47 + 3 * 47`.
    SplitFirst,
    /// `23 * 47 = 23 * 50 - 23 * 3`, where the second factor ends in 7 or more.
    RoundSecond,
    /// `23 * 17 = 20 * 10 + 20 * 7 + 3 * 10 + 3 * 7`.
    SplitBoth,
}

/// One partial product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// 1, or -1 if the part is subtracted.
    pub sign: i64,
    /// Left factor.
    pub a: i64,
    /// Right factor.
    pub b: i64,
}

impl Part {
    /// Its value, ignoring the sign.
    pub fn value(&self) -> i64 {
        self.a * self.b
    }
}

impl Way {
    /// All four ways.
    pub const ALL: [Way; 4] = [Way::SplitSecond, Way::SplitFirst, Way::RoundSecond, Way::SplitBoth];

    /// Relative frequency among the ways.
    fn weight(self) -> u32 {
        match self {
            Way::SplitSecond => 4,
            Way::SplitFirst => 3,
            Way::SplitBoth => 2,
            Way::RoundSecond => 1,
        }
    }

    /// The partial products of `a * b`; `None` if the way does not apply.
    pub fn parts(self, a: i64, b: i64) -> Option<Vec<Part>> {
        let (tens_a, ones_a, tens_b, ones_b) = (a - a % 10, a % 10, b - b % 10, b % 10);
        let part = |sign, a, b| Part { sign, a, b };
        match self {
            Way::SplitSecond if b > 10 && ones_b > 0 => Some(vec![part(1, a, tens_b), part(1, a, ones_b)]),
            Way::SplitFirst if a > 10 && ones_a > 0 => Some(vec![part(1, tens_a, b), part(1, ones_a, b)]),
            Way::RoundSecond if b > 10 && ones_b >= 7 => {
                Some(vec![part(1, a, tens_b + 10), part(-1, a, 10 - ones_b)])
            }
            Way::SplitBoth if a > 10 && b > 10 && ones_a > 0 && ones_b > 0 => Some(vec![
                part(1, tens_a, tens_b),
                part(1, tens_a, ones_b),
                part(1, ones_a, tens_b),
                part(1, ones_a, ones_b),
            ]),
            _ => None,
        }
    }

    /// The way as one expression, `23 * 40 + 23 * 7`.
    pub fn in_words(self, a: i64, b: i64) -> Option<String> {
        let mut words = String::new();
        for (i, part) in self.parts(a, b)?.iter().enumerate() {
            let sign = if part.sign < 0 { " - " } else { " + " };
            words += &format!("{}{} * {}", if i > 0 { sign } else { "" }, part.a, part.b);
        }
        Some(words)
    }

    /// Chooses a way that applies and was not taken yet, preferring the better known ones.
    pub fn choose(a: i64, b: i64, taken: &[Way], rng: &mut ChaCha8Rng) -> Option<Way> {
        let open: Vec<Way> =
            Self::ALL.into_iter().filter(|way| !taken.contains(way) && way.parts(a, b).is_some()).collect();
        open.choose_weighted(rng, |way| way.weight()).ok().copied()
    }

    /// Text that announces the way: the factor that is split.
    pub fn opening(self, a: i64, b: i64, rng: &mut ChaCha8Rng) -> String {
        let split = |n: i64| format!("split {n} = {} + {} :", n - n % 10, n % 10);
        match (self, rng.random_range(0..4)) {
            (_, 0) => "by parts :".into(),
            (Way::SplitSecond, _) => split(b),
            (Way::SplitFirst, _) => split(a),
            (Way::RoundSecond, _) => format!("round {b} = {} - {} :", b - b % 10 + 10, 10 - b % 10),
            (Way::SplitBoth, _) => "step by step :".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_every_way_add_up() {
        for a in 2..=120 {
            for b in 2..=99 {
                for way in Way::ALL {
                    let Some(parts) = way.parts(a, b) else { continue };
                    let sum: i64 = parts.iter().map(|part| part.sign * part.value()).sum();
                    assert_eq!(sum, a * b, "{way:?} {a} {b}");
                    assert!(parts.iter().all(|part| part.a > 0 && part.b > 0));
                }
            }
        }
    }
}
