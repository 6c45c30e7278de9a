//! Thins out a long series.

/// The index of the most redundant of these rising steps: the one whose neighbours are closest to each other, the
/// earliest in a tie, never the first or last. Dropping one for each new step keeps them evenly spread.
pub(crate) fn least_missed(steps: &[u64]) -> Option<u64> {
    let gap = |three: &&[u64]| three[2].saturating_sub(three[0]);
    steps.windows(3).min_by_key(gap).map(|three| three[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_long_it_goes_on_what_is_kept_is_evenly_spread() {
        assert_eq!(
            (least_missed(&[]), least_missed(&[1, 2]), least_missed(&[1, 2, 9])),
            (None, None, Some(2))
        );
        let mut kept: Vec<u64> = Vec::new();
        for step in (0..50_000).step_by(5) {
            kept.push(step);
            if kept.len() > 100 {
                let goes = least_missed(&kept);
                kept.retain(|step| Some(*step) != goes);
            }
        }
        assert_eq!((kept.len(), kept[0], kept[99]), (100, 0, 49_995));
        let widest = kept.windows(2).map(|two| two[1] - two[0]).max();
        assert!(widest <= Some(4 * 500), "{widest:?}");
    }
}
