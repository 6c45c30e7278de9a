//! Shares with their 95 % intervals.
//!
//! The completions of one puzzle are alike: an easy puzzle is answered rightly again and again. To take them for
//! independent trials would make every interval too narrow. So each puzzle gives one value, and the interval follows
//! from how these values spread from puzzle to puzzle.

use crate::record::Estimate;

impl Estimate {
    /// The mean of one value for each puzzle, between 0 and 1, each taken from `completions` of them.
    ///
    /// The interval is Wilson's, with as many trials as would spread that much if they were independent:
    /// `n · p(1 − p) / variance of the values` (the effective sample size of clustered samples, see Korn and Graubard
    /// 1998 and Franco et al. 2019, <https://doi.org/10.1093/jssam/smy019>). That is never fewer than the puzzles and
    /// never more than the completions. With one completion a puzzle it is Wilson's own interval; unlike a normal
    /// interval it stays within 0 and 1, and it keeps its width where all values are equal.
    pub(crate) fn over_puzzles(values: &[f64], completions: usize) -> Self {
        let n = values.len();
        if n == 0 {
            return Self { value: 0.0, ci95: [0.0, 1.0] };
        }
        let value = values.iter().sum::<f64>() / n as f64;
        let variance = values.iter().map(|v| (v - value).powi(2)).sum::<f64>() / n as f64;
        let independent = value * (1.0 - value);
        let most = (n * completions.max(1)) as f64;
        let trials = if independent <= 1e-12 {
            n as f64
        } else {
            (n as f64 * independent / variance.max(1e-12)).clamp(n as f64, most)
        };
        Self { value, ci95: wilson(value, trials) }
    }

    /// Half of the interval's width.
    pub(crate) fn half_width(&self) -> f64 {
        (self.ci95[1] - self.ci95[0]) / 2.0
    }
}

/// Wilson's score interval at 95 % for a share of this many trials.
pub(crate) fn wilson(share: f64, trials: f64) -> [f64; 2] {
    if trials.is_nan() || trials <= 0.0 {
        return [0.0, 1.0];
    }
    const Z: f64 = 1.959_963_984_540_054;
    let centre = share + Z * Z / (2.0 * trials);
    let spread = Z * (share * (1.0 - share) / trials + Z * Z / (4.0 * trials * trials)).sqrt();
    let scale = 1.0 + Z * Z / trials;
    [((centre - spread) / scale).max(0.0), ((centre + spread) / scale).min(1.0)]
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn wilson_agrees_with_a_published_value() {
        // 10 of 100: 0.0552 to 0.1744.
        let [low, high] = wilson(0.1, 100.0);
        assert!((low - 0.0552).abs() < 1e-4 && (high - 0.1744).abs() < 1e-4, "{low} {high}");
    }

    #[test]
    fn with_one_completion_a_puzzle_it_is_wilson() {
        let values: Vec<f64> = (0..50).map(|i| f64::from(u8::from(i % 5 == 0))).collect();
        let ours = Estimate::over_puzzles(&values, 1);
        let [low, high] = wilson(0.2, 50.0);
        assert!((ours.value - 0.2).abs() < 1e-12);
        assert!((ours.ci95[0] - low).abs() < 1e-9 && (ours.ci95[1] - high).abs() < 1e-9);
    }

    #[test]
    fn the_two_extremes_of_likeness() {
        // Every puzzle is always right or always wrong: eight completions say no more than one.
        let alike: Vec<f64> = (0..40).map(|i| f64::from(u8::from(i % 2 == 0))).collect();
        assert_eq!(Estimate::over_puzzles(&alike, 8).ci95, wilson(0.5, 40.0));
        // Every puzzle is right as often as any other: all completions count.
        assert_eq!(Estimate::over_puzzles(&[0.5; 40], 8).ci95, wilson(0.5, 320.0));
        // Nothing is ever right: the interval still has the width for this many puzzles.
        assert_eq!(Estimate::over_puzzles(&[0.0; 40], 8).ci95, wilson(0.0, 40.0));
        assert_eq!(Estimate::over_puzzles(&[], 8).ci95, [0.0, 1.0]);
    }

    /// Puzzles of very different difficulty: a third is hopeless, a third easy, the rest in between.
    fn drawn(rng: &mut ChaCha8Rng, puzzles: usize, completions: usize) -> Vec<f64> {
        let one = |rng: &mut ChaCha8Rng, i: usize| {
            let chance = match i % 3 {
                0 => 0.02,
                1 => 0.95,
                _ => rng.random::<f64>(),
            };
            let right = (0..completions).filter(|_| rng.random::<f64>() < chance).count();
            right as f64 / completions as f64
        };
        (0..puzzles)
            .map(|_| {
                let kind = rng.random_range(0..3usize);
                one(rng, kind)
            })
            .collect()
    }

    #[test]
    fn it_agrees_with_a_bootstrap_over_puzzles() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let values = drawn(&mut rng, 500, 8);
        let ours = Estimate::over_puzzles(&values, 8);
        let mut means: Vec<f64> = (0..4000)
            .map(|_| (0..500).map(|_| values[rng.random_range(0..500usize)]).sum::<f64>() / 500.0)
            .collect();
        means.sort_by(f64::total_cmp);
        let bootstrap = [means[100], means[3899]];
        for (ours, theirs) in ours.ci95.iter().zip(bootstrap) {
            assert!((ours - theirs).abs() < 0.004, "{ours} {theirs}");
        }
    }

    #[test]
    fn it_holds_the_truth_as_often_as_it_says_and_independent_trials_would_not() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let truth = (0.02 + 0.95 + 0.5) / 3.0;
        let (mut held, mut naive) = (0, 0);
        for _ in 0..2000 {
            let values = drawn(&mut rng, 60, 8);
            let ours = Estimate::over_puzzles(&values, 8);
            let within = |[low, high]: [f64; 2]| u32::from(low <= truth && truth <= high);
            held += within(ours.ci95);
            naive += within(wilson(ours.value, 480.0));
        }
        assert!((1850..1950).contains(&held), "{held} of 2000");
        assert!(naive < 1400, "{naive} of 2000");
    }
}
