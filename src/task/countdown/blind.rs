//! The exact expected result of blind search: the baseline for a model that searches.
//!
//! Both searchers know the rules and nothing else. They make the attempts that the corpus writes (every
//! number once, every value whole and from 1 to 99), and never repeat one. One draws whole attempts at
//! random. The other draws all steps but the last at random, and then looks for an operation on the two
//! remaining numbers that reaches the target. What each finds within `k` attempts is a matter of counting;
//! see [`Blind`].

use std::collections::HashMap;

use super::attempt::Op;
use crate::{
    metrics::blind::Blind,
    reasoning::{
        exact::Exact,
        shape::{Key, Shape},
    },
    task::NumberPuzzle,
};

/// A number still to be used, and the operations that made it.
#[derive(Clone, Copy)]
struct Held {
    value: i64,
    shape: Shape,
}

/// Whether each attempt, and each pair of last numbers, reaches the target.
#[derive(Default)]
struct Found {
    attempts: HashMap<Key, bool>,
    pairs: HashMap<(Key, Key), bool>,
}

/// Counts what blind search can draw from in a puzzle. Attempts are distinguished as in the analysis: by
/// their operations, regardless of order.
pub(crate) fn blind(puzzle: &NumberPuzzle) -> Blind {
    let number = |&value: &i64| Held { value, shape: Shape::number(Exact::integer(value)) };
    let mut found = Found::default();
    let held: Vec<Held> = puzzle.numbers.iter().map(number).collect();
    if held.len() > 1 {
        found.go_on(&held, puzzle.target);
    }
    Blind {
        attempts: found.attempts.len(),
        right: found.attempts.values().filter(|&&reaches| reaches).count(),
        pairs: found.pairs.len(),
        ending: found.pairs.values().filter(|&&reaches| reaches).count(),
    }
}

impl Found {
    fn go_on(&mut self, held: &[Held], target: i64) {
        for i in 0..held.len() {
            for j in (0..held.len()).filter(|&j| j != i) {
                for op in Op::ALL {
                    // As in the corpus, one quotient suffices for two equal values.
                    if op == Op::Div && held[i].value == held[j].value && i > j {
                        continue;
                    }
                    let Some(joined) = join(held[i], op, held[j]) else { continue };
                    if held.len() == 2 {
                        let reaches = joined.value == target;
                        self.attempts.insert(joined.shape.key(), reaches);
                        let (a, b) = (held[i].shape.key(), held[j].shape.key());
                        *self.pairs.entry((a.min(b), a.max(b))).or_default() |= reaches;
                        continue;
                    }
                    let others = (0..held.len()).filter(|&k| k != i && k != j).map(|k| held[k]);
                    let rest: Vec<Held> = others.chain([joined]).collect();
                    self.go_on(&rest, target);
                }
            }
        }
    }
}

fn join(a: Held, op: Op, b: Held) -> Option<Held> {
    let shape = Shape::combine(op.operator(), a.shape, b.shape);
    Some(Held { value: op.apply(a.value, b.value)?, shape })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use rand::{SeedableRng, seq::SliceRandom};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{
        eval::heldout_puzzles,
        task::{
            Task,
            countdown::{Countdown, attempt, puzzle::Level},
        },
    };

    fn puzzle(numbers: &[i64], target: i64) -> NumberPuzzle {
        NumberPuzzle { numbers: numbers.to_vec(), target }
    }

    #[test]
    fn two_numbers_by_hand() {
        // 12 + 3, 12 - 3, 12 * 3, 12 / 3: one of the four is right, and the only pair can reach the target.
        assert_eq!(blind(&puzzle(&[3, 12], 36)), Blind { attempts: 4, right: 1, pairs: 1, ending: 1 });
        assert_eq!(blind(&puzzle(&[3, 12], 37)), Blind { attempts: 4, right: 0, pairs: 1, ending: 0 });
        assert_eq!(blind(&puzzle(&[3], 3)), Blind::default());
    }

    fn heldout(task: &Countdown, count: usize) -> Vec<NumberPuzzle> {
        heldout_puzzles(task, count).iter().filter_map(NumberPuzzle::of).collect()
    }

    #[test]
    fn the_attempts_are_those_that_the_corpus_writes_each_once() {
        let task = Countdown { level: Level::parse("4x20").unwrap() };
        let puzzles = [heldout(&task, 20), heldout(&Countdown { level: Level::FIRST }, 50)];
        for puzzle in puzzles.iter().flatten() {
            let written = attempt::enumerate(&puzzle.numbers);
            let forms = |right: bool| {
                written
                    .iter()
                    .filter(|attempt| !right || attempt.value() == puzzle.target)
                    .map(|attempt| task.canonical_answer(&attempt.expression).unwrap())
                    .collect::<HashSet<String>>()
                    .len()
            };
            let blind = blind(puzzle);
            assert_eq!((blind.attempts, blind.right), (forms(false), forms(true)), "{puzzle:?}");
        }
    }

    #[test]
    fn the_count_is_what_a_simulated_search_finds() {
        // Five standard errors of a share over 4,000 shuffles are below .04.
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for puzzle in heldout(&Countdown { level: Level::FIRST }, 20) {
            let blind = blind(&puzzle);
            let mut order: Vec<bool> = (0..blind.attempts).map(|i| i < blind.right).collect();
            for k in [1, 3, 8] {
                let mut hits = 0;
                for _ in 0..4000 {
                    order.shuffle(&mut rng);
                    hits += usize::from(order.iter().take(k).any(|&right| right));
                }
                let found = f64::from(u32::try_from(hits).unwrap()) / 4000.0;
                assert!((found - blind.random(k)).abs() < 0.04, "{puzzle:?} {k}");
            }
        }
    }

    #[test]
    fn what_the_readme_says_of_blind_search_at_the_first_level() {
        let puzzles = heldout(&Countdown { level: Level::FIRST }, 500);
        let blinds: Vec<Blind> = puzzles.iter().map(blind).collect();
        let mean = |f: &dyn Fn(&Blind) -> f64| blinds.iter().map(f).sum::<f64>() / blinds.len() as f64;
        let random = [1, 4, 8, 12].map(|k| mean(&|blind| blind.random(k)));
        let ahead = [1, 4, 5, 8].map(|k| mean(&|blind| blind.looking_ahead(k)));
        let close = |found: &[f64], known: &[f64]| found.iter().zip(known).all(|(a, b)| (a - b).abs() < 0.01);
        assert!(close(&random, &[0.10, 0.37, 0.69, 0.86]), "{random:?}");
        assert!(close(&ahead, &[0.24, 0.70, 0.78, 0.96]), "{ahead:?}");
    }
}
