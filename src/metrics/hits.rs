//! How often each further attempt hits, compared with what blind search would have hit.
//!
//! Only attempts that a completion has not made before count, and whether they hit is decided by what their
//! operations really evaluate to. The hit rate of attempt `k` is compared with the probability that a blind
//! searcher's `k`-th attempt hits on the same puzzles, after the same number of misses. A model that only
//! keeps guessing, and never repeats a guess, has the hit rate of the random searcher.

use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::blind::Blind;
use crate::record::Analysis;

/// Number of attempts counted separately; later ones are ignored.
pub(crate) const ATTEMPTS: usize = 12;

/// Sums over the completions that reached an attempt of this number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Attempt {
    /// Completions that made it, having not hit before.
    made: usize,
    /// Completions that hit with it.
    hits: usize,
    /// Summed probabilities that the random searcher's next attempt hits.
    random: f64,
    /// The same for the searcher whose last step looks ahead.
    looking_ahead: f64,
    /// Summed probabilities that the random searcher hits within this many attempts, over all completions.
    random_within: f64,
    /// The same for the searcher whose last step looks ahead.
    looking_ahead_within: f64,
}

/// Hit rates by the number of the attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct HitRates {
    completions: usize,
    attempts: [Attempt; ATTEMPTS],
}

/// The rates of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HitRate {
    /// Its number, from 1; attempts made before in the same completion do not count.
    pub attempt: usize,
    /// Completions that made it, having not hit before.
    pub made: usize,
    /// Share of these completions that hit with it.
    pub hit_rate: f64,
    /// The hit rate expected of random attempts.
    pub random: f64,
    /// The hit rate expected of random attempts whose last step looks ahead.
    pub looking_ahead: f64,
    /// Share of all completions that hit with this attempt or an earlier one.
    pub solved: f64,
    /// Share that the random searcher solves within this many attempts.
    pub random_solved: f64,
    /// Share that the searcher that looks ahead solves within this many attempts.
    pub looking_ahead_solved: f64,
}

impl HitRates {
    /// Adds a completion of a puzzle, given what blind search can draw from in it.
    pub fn add(&mut self, analysis: &Analysis, blind: &Blind) {
        self.completions += 1;
        let different = analysis.attempts.saturating_sub(analysis.repeated_attempts);
        let made = analysis.first_hit.unwrap_or(different);
        for (before, attempt) in self.attempts.iter_mut().enumerate() {
            attempt.random_within += blind.random(before + 1);
            attempt.looking_ahead_within += blind.looking_ahead(before + 1);
            if before < made {
                attempt.made += 1;
                attempt.hits += usize::from(analysis.first_hit == Some(before + 1));
                attempt.random += blind.random_next(before);
                attempt.looking_ahead += blind.looking_ahead_next(before);
            }
        }
    }

    /// Adds all counts of `other`.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.completions += other.completions;
        for (mine, theirs) in self.attempts.iter_mut().zip(&other.attempts) {
            mine.made += theirs.made;
            mine.hits += theirs.hits;
            mine.random += theirs.random;
            mine.looking_ahead += theirs.looking_ahead;
            mine.random_within += theirs.random_within;
            mine.looking_ahead_within += theirs.looking_ahead_within;
        }
    }

    /// Whether nothing was counted, as in a task without blind search.
    pub fn is_empty(&self) -> bool {
        self.completions == 0
    }

    /// One row for every attempt that some completion made.
    pub fn rows(&self) -> impl Iterator<Item = HitRate> + '_ {
        let all = self.completions.max(1) as f64;
        let mut solved = 0;
        (1..).zip(&self.attempts).take_while(|(_, attempt)| attempt.made > 0).map(move |(number, attempt)| {
            solved += attempt.hits;
            let made = attempt.made as f64;
            HitRate {
                attempt: number,
                made: attempt.made,
                hit_rate: attempt.hits as f64 / made,
                random: attempt.random / made,
                looking_ahead: attempt.looking_ahead / made,
                solved: solved as f64 / all,
                random_solved: attempt.random_within / all,
                looking_ahead_solved: attempt.looking_ahead_within / all,
            }
        })
    }
}

/// Serializes as the list of its rows.
impl Serialize for HitRates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for row in self.rows() {
            list.serialize_element(&row)?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn analysis(attempts: usize, repeated_attempts: usize, first_hit: Option<usize>) -> Analysis {
        Analysis { attempts, repeated_attempts, first_hit, ..Analysis::default() }
    }

    #[test]
    fn three_completions_by_hand() {
        let blind = Blind { attempts: 10, right: 1, pairs: 4, ending: 1 };
        let mut rates = HitRates::default();
        rates.add(&analysis(4, 1, Some(2)), &blind);
        rates.add(&analysis(3, 2, None), &blind);
        rates.add(&analysis(0, 0, None), &blind);
        let rows: Vec<HitRate> = rates.rows().collect();
        assert_eq!(rows.iter().map(|row| (row.attempt, row.made)).collect::<Vec<_>>(), [(1, 2), (2, 1)]);
        assert_eq!((rows[0].hit_rate, rows[0].solved), (0.0, 0.0));
        assert_eq!((rows[1].hit_rate, rows[1].solved), (1.0, 1.0 / 3.0));
        assert!((rows[1].random - 1.0 / 9.0).abs() < 1e-12, "the first of ten was wrong");
        assert!((rows[1].random_solved - 0.2).abs() < 1e-12);
        assert!((rows[1].looking_ahead - 1.0 / 3.0).abs() < 1e-12);
        let mut twice = rates;
        twice.merge(&rates);
        assert_eq!(twice.rows().map(|row| row.hit_rate).collect::<Vec<_>>(), [0.0, 1.0]);
        assert_eq!(twice.rows().next().map(|row| row.made), Some(4));
    }
}
