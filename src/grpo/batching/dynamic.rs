//! DAPO's dynamic sampling (<https://arxiv.org/abs/2503.14476>, section 3.2): a group whose rewards are all equal, as
//! where every answer is right or every one is wrong, teaches nothing, and another prompt is drawn in its place.
//!
//! Deviations: the paper draws until the batch is full of groups that teach something, however long that takes; here a
//! step draws at most [`MOST_DRAWN`] times as many prompts as it trains on, and what is dead then stays and counts as under
//! `fixed`. The paper asks whether answers are right; here equal rewards are what counts, well-formedness included and
//! penalties left out.
//!
//! The policy looks better than it is: `reward`, `accuracy` and whatever else is counted in the step's completions
//! leave out the prompts that were too easy or too hard. `batch/drawn` says how many prompts the step took, and held-out
//! accuracy is not touched. A replaced group is not journalled; its tokens count in `num_tokens` and `flops`.

use super::{Batching, Wanted};
use crate::{grpo::step::ScoredGroup, metrics::spread::is_dead};

/// A step draws at most this many times the prompts that it trains on.
const MOST_DRAWN: usize = 4;

/// Groups that teach something, as far as they can be had.
pub(super) struct Dynamic;

pub(super) const PART: Dynamic = Dynamic;

impl Batching for Dynamic {
    fn about(&self) -> &'static str {
        "Dynamic sampling: a dead group is replaced by another draw."
    }

    fn replaced(&self, groups: &[ScoredGroup], wanted: Wanted) -> Vec<usize> {
        let left = (MOST_DRAWN * wanted.groups).saturating_sub(wanted.drawn);
        let dead = groups.iter().enumerate().filter(|(_, group)| is_dead(&group.unpenalized()));
        dead.map(|(number, _)| number).take(left).collect()
    }

    fn replaces(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{rollout::RolloutGroup, task::Puzzle};

    fn group(rewards: &[f64]) -> ScoredGroup {
        let group = RolloutGroup {
            puzzle: Puzzle::default(),
            prompt: String::new(),
            prompt_tokens: vec![1],
            completions: Vec::new(),
        };
        let rewards = rewards.to_vec();
        let penalties = vec![Default::default(); rewards.len()];
        let (texts, scores, analyses) = Default::default();
        ScoredGroup { group, texts, scores, rewards, penalties, kl: None, analyses }
    }

    #[test]
    fn dead_groups_are_replaced_until_the_bound_on_draws() {
        let groups = [group(&[0.1; 16]), group(&[1.0, 0.0]), group(&[1.0, 1.0]), group(&[0.0, 0.1])];
        let replaced = |drawn| PART.replaced(&groups, Wanted { groups: 4, drawn });
        assert_eq!(replaced(4), [0, 2]);
        assert_eq!(replaced(15), [0], "the last draw of sixteen");
        assert_eq!(replaced(16), [0; 0]);
        assert_eq!(PART.replaced(&groups[1..2], Wanted { groups: 1, drawn: 1 }), [0; 0]);
    }
}
