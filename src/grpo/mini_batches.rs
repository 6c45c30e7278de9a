//! Mini-batches: the groups of a step in parts, and an optimizer step on each.
//!
//! The second part is learned from by a policy that the first one has changed. From then on ratios differ from 1, and clip
//! bounds act. The log-probabilities that ratios start from stay those of the policy that sampled.
//!
//! Groups stay whole, so that what a part pushes up and what it pushes down still come from the same prompts. They are
//! shuffled anew in every inner epoch, by seed and step alone. The parts differ by at most one group, and there are never
//! more of them than groups. A single part is the whole batch, unshuffled. Deviation: TRL splits shuffled completions,
//! which takes groups apart; verl splits the batch in its own order.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The numbers of the groups in each part, in ascending order.
pub(super) fn deal(groups: usize, parts: usize, shuffle: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..groups).collect();
    let parts = parts.clamp(1, groups.max(1));
    if parts > 1 {
        order.shuffle(shuffle);
    }
    let bounds = |part: usize| groups * part / parts..groups * (part + 1) / parts;
    let part = |part: usize| {
        let mut part = order[bounds(part)].to_vec();
        part.sort_unstable();
        part
    };
    (0..parts).map(part).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn every_group_is_in_one_part_and_the_parts_are_of_one_size() {
        let mut shuffle = ChaCha8Rng::seed_from_u64(1);
        for (groups, parts) in [(16, 4), (7, 3), (2, 5), (1, 1), (5, 1)] {
            let dealt = deal(groups, parts, &mut shuffle);
            assert_eq!(dealt.len(), parts.min(groups));
            let (least, most) = (groups / dealt.len(), groups.div_ceil(dealt.len()));
            assert!(dealt.iter().all(|part| (least..=most).contains(&part.len()) && part.is_sorted()));
            let mut all = dealt.concat();
            all.sort_unstable();
            assert_eq!(all, (0..groups).collect::<Vec<_>>());
        }
        assert_eq!(deal(0, 4, &mut shuffle), [[0; 0]], "nothing to learn from");
    }

    #[test]
    fn they_are_dealt_anew_each_time_by_the_seed_alone() {
        let dealt = |seed: u64| {
            let mut shuffle = ChaCha8Rng::seed_from_u64(seed);
            [deal(16, 4, &mut shuffle), deal(16, 4, &mut shuffle)]
        };
        assert_eq!(dealt(1), dealt(1));
        assert_ne!(dealt(1)[0], dealt(1)[1]);
        assert_ne!(dealt(1), dealt(2));
    }
}
