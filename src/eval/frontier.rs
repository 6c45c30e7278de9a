//! How much accuracy a thinking budget buys, in one long thought or in several short ones. Pure.

use crate::{
    metrics::blind::Blind,
    record::{AtK, Estimate, Point},
};

/// A completion, reduced to what the curves need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drawn {
    /// Whether the answer is right.
    pub correct: bool,
    /// Canonical form of the answer, for the majority vote: equivalent sums and products are one answer.
    pub answer: Option<String>,
    /// Tokens before the end of the thought; all of them if it never ended.
    pub thinking: usize,
    /// All tokens: the thought, its end, the answer.
    pub tokens: usize,
    /// Whether the thought was cut short and the answer forced.
    pub forced: bool,
    /// How many different attempts it made.
    pub attempts: usize,
    /// The search space of blind search in its puzzle; `None` in a task without it.
    pub blind: Option<Blind>,
}

impl Point {
    /// Reduces completions, `samples` per puzzle, in the order of the puzzles.
    pub fn of(budget: Option<usize>, all: &[Drawn], samples: usize) -> Self {
        let samples = samples.max(1);
        let n = all.len().max(1) as f64;
        let mean = |f: fn(&Drawn) -> usize| all.iter().map(f).sum::<usize>() as f64 / n;
        let ks = (0..).map(|i| 1 << i).take_while(|&k| k <= samples);
        let over = |f: &dyn Fn(&[Drawn]) -> f64| {
            let values: Vec<f64> = all.chunks(samples).map(f).collect();
            Estimate::over_puzzles(&values, samples)
        };
        let blind = |chance: fn(&Blind, usize) -> f64| {
            let known = !all.is_empty() && all.iter().all(|drawn| drawn.blind.is_some());
            let of_one = |drawn: &Drawn| drawn.blind.as_ref().map(|blind| chance(blind, drawn.attempts));
            known.then(|| over(&|of| of.iter().filter_map(of_one).sum::<f64>() / of.len() as f64))
        };
        let right = |of: &[Drawn]| of.iter().filter(|drawn| drawn.correct).count();
        Self {
            budget,
            thinking_tokens: mean(|drawn| drawn.thinking),
            tokens: mean(|drawn| drawn.tokens),
            forced_share: mean(|drawn| usize::from(drawn.forced)),
            random: blind(Blind::random),
            looking_ahead: blind(Blind::looking_ahead),
            at_k: ks
                .map(|k| AtK {
                    k,
                    best_of: over(&|of| pass_at_k(of.len(), right(of), k)),
                    majority: (k > 1).then(|| over(&|of| majority_at_k(of, k))),
                })
                .collect(),
        }
    }

    /// The share of completions that are right.
    pub fn accuracy(&self) -> Estimate {
        self.at_k.first().map_or_else(Estimate::default, |first| first.best_of)
    }

    /// The results of `k` completions; `None` if not measured.
    pub fn at(&self, k: usize) -> Option<&AtK> {
        self.at_k.iter().find(|at| at.k == k)
    }
}

/// The chance that at least one of `k` draws without replacement from `n` samples, `right` of them right, is
/// right: `1 - C(n - right, k) / C(n, k)`, as a product that cannot overflow.
pub fn pass_at_k(n: usize, right: usize, k: usize) -> f64 {
    if n - right < k {
        return 1.0;
    }
    1.0 - (n - right + 1..=n).map(|i| 1.0 - k as f64 / i as f64).product::<f64>()
}

/// How often the majority of `k` samples is right: the mean over all disjoint groups of k, so that every
/// sample is used once.
pub(crate) fn majority_at_k(samples: &[Drawn], k: usize) -> f64 {
    let groups = samples.chunks_exact(k.max(1));
    let count = groups.len();
    if count == 0 {
        return f64::from(u8::from(majority_is_right(samples)));
    }
    groups.filter(|group| majority_is_right(group)).count() as f64 / count as f64
}

/// The earliest answer wins a tie; a sample without an answer does not vote.
fn majority_is_right(samples: &[Drawn]) -> bool {
    let mut votes: Vec<(&str, usize, bool)> = Vec::new();
    for sample in samples {
        let Some(answer) = &sample.answer else { continue };
        match votes.iter_mut().find(|(a, ..)| a == answer) {
            Some((_, count, _)) => *count += 1,
            None => votes.push((answer, 1, sample.correct)),
        }
    }
    let most = votes.iter().map(|(_, count, _)| *count).max();
    votes.iter().find(|(_, count, _)| Some(*count) == most).is_some_and(|(.., correct)| *correct)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(answer: Option<&str>, correct: bool) -> Drawn {
        Drawn {
            correct,
            answer: answer.map(Into::into),
            thinking: 10,
            tokens: 14,
            forced: false,
            attempts: 1,
            blind: None,
        }
    }

    #[test]
    fn pass_at_k_counts_subsets() {
        // Of the 6 pairs out of 4 samples with 1 right, 3 contain the right one.
        assert!((pass_at_k(4, 1, 2) - 0.5).abs() < 1e-12);
        assert_eq!(pass_at_k(4, 0, 4), 0.0);
        assert_eq!(pass_at_k(4, 3, 2), 1.0);
        assert!((pass_at_k(10, 3, 1) - 0.3).abs() < 1e-12);
    }

    #[test]
    fn pass_at_k_is_the_share_of_all_subsets() {
        for n in 1..=8usize {
            for right in 0..=n {
                for k in 1..=n {
                    let of_size = |subset: &u32| subset.count_ones() as usize == k;
                    let subsets = (0..1u32 << n).filter(of_size).count();
                    let hit = (0..1u32 << n).filter(of_size).filter(|s| s & ((1 << right) - 1) != 0).count();
                    let counted = hit as f64 / subsets as f64;
                    assert!((pass_at_k(n, right, k) - counted).abs() < 1e-12, "{n} {right} {k}");
                }
            }
        }
    }

    #[test]
    fn the_first_answer_wins_a_tie_and_silence_does_not_vote() {
        let (a, b, none) = (drawn(Some("a"), true), drawn(Some("b"), false), drawn(None, false));
        assert!(majority_is_right(&[a.clone(), b.clone()]));
        assert!(!majority_is_right(&[a.clone(), b.clone(), b.clone()]));
        assert!(majority_is_right(&[none.clone(), none.clone(), a.clone()]));
        assert!(!majority_is_right(&[none]));
        assert!(!majority_is_right(&[b, a]));
    }

    #[test]
    fn a_vote_uses_every_sample_once() {
        let samples: Vec<Drawn> = [true, false, true, true, false, false, true, true]
            .map(|right| drawn(Some(if right { "a" } else { "b" }), right))
            .into();
        // One voter is the accuracy. Pairs, the first wins a tie: right, right, wrong, right.
        assert_eq!(majority_at_k(&samples, 1), 5.0 / 8.0);
        assert_eq!(majority_at_k(&samples, 2), 3.0 / 4.0);
        // Fours: 3 to 1, and a tie in which a wrong answer came first.
        assert_eq!(majority_at_k(&samples, 4), 0.5);
        assert_eq!(majority_at_k(&samples, 8), 1.0);
    }

    #[test]
    fn a_point_worked_out_by_hand() {
        // Three puzzles, four samples each: 1, 4 and 0 of them right.
        let (a, b) = (drawn(Some("a"), true), drawn(Some("b"), false));
        let all: Vec<Drawn> = [[&a, &b, &b, &b], [&a; 4], [&b; 4]].concat().into_iter().cloned().collect();
        let point = Point::of(Some(24), &all, 4);
        let ks: Vec<usize> = point.at_k.iter().map(|at| at.k).collect();
        assert_eq!(ks, [1, 2, 4]);
        assert!((point.accuracy().value - 5.0 / 12.0).abs() < 1e-12);
        assert!((point.at_k[1].best_of.value - (0.5 + 1.0) / 3.0).abs() < 1e-12);
        assert!((point.at_k[2].best_of.value - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(point.at_k[0].majority, None);
        // Pairs of the first puzzle: a tie in which the right answer came first, then two wrong ones.
        assert!((point.at_k[1].majority.unwrap_or_default().value - (0.5 + 1.0) / 3.0).abs() < 1e-12);
        assert!((point.at_k[2].majority.unwrap_or_default().value - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!((point.thinking_tokens, point.tokens, point.forced_share), (10.0, 14.0, 0.0));
        assert_eq!(point.at(3), None);
    }
}
