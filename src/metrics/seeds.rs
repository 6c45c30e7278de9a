//! One number of several runs that differ in their seed alone.

use serde::Serialize;

use super::spread::{mean, standard_deviation};

/// Mean, spread and interval over seeds. What too few runs tell is not known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct OverSeeds {
    /// How many runs have the number.
    pub(crate) n: usize,
    /// Their mean.
    pub(crate) mean: Option<f64>,
    /// The unbiased standard deviation between them; of two runs or more.
    pub(crate) spread: Option<f64>,
    /// The 95 % interval of the mean by Student's t, lower end first; of two runs or more.
    pub(crate) ci95: Option<[f64; 2]>,
}

impl OverSeeds {
    /// Of one number for each run; what is not a number is not known of that run.
    pub(crate) fn of(values: &[f64]) -> Self {
        let known: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        let n = known.len();
        let middle = (n > 0).then(|| mean(&known));
        let spread = (n > 1).then(|| standard_deviation(&known));
        let ci95 = middle.zip(spread).map(|(middle, spread)| {
            let half = quantile(n - 1) * spread / (n as f64).sqrt();
            [middle - half, middle + half]
        });
        Self { n, mean: middle, spread, ci95 }
    }
}

/// The 97.5 % quantile of Student's t, from any table of it; beyond, the expansion serves.
const QUANTILES: [f64; 10] = [
    12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157,
    2.228_139,
];

/// The 97.5 % quantile of Student's t; by the expansion around the normal distribution (Abramowitz and Stegun, 26.7.5)
/// where that is exact to five digits.
fn quantile(freedom: usize) -> f64 {
    if let Some(known) = QUANTILES.get(freedom.saturating_sub(1)) {
        return *known;
    }
    let (z, n) = (1.959_963_984_540_054_f64, freedom as f64);
    let polynomials = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
        (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5) - 1920.0 * z.powi(3) - 945.0 * z)
            / 92_160.0,
    ];
    polynomials.iter().zip(1..).fold(z, |sum, (polynomial, power)| sum + polynomial / n.powi(power))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_agrees_with_published_quantiles() {
        for (freedom, known) in
            [(1, 12.7062), (2, 4.3027), (11, 2.2010), (15, 2.1314), (30, 2.0423), (120, 1.9799)]
        {
            assert!((quantile(freedom) - known).abs() < 1e-4, "{freedom}: {}", quantile(freedom));
        }
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        assert_eq!(OverSeeds::of(&[]), OverSeeds { n: 0, mean: None, spread: None, ci95: None });
        assert_eq!(
            OverSeeds::of(&[f64::NAN, 0.5]),
            OverSeeds { n: 1, mean: Some(0.5), spread: None, ci95: None }
        );
        // By hand: deviation 0.1, half 4.302653 * 0.1 / sqrt(3).
        let three = OverSeeds::of(&[0.2, 0.3, 0.4]);
        let [low, high] = three.ci95.unwrap();
        assert!((three.spread.unwrap() - 0.1).abs() < 1e-12, "{three:?}");
        assert!((low - 0.051_586).abs() < 1e-5 && (high - 0.548_414).abs() < 1e-5, "{three:?}");
    }

    proptest! {
        #[test]
        fn the_mean_lies_in_its_interval_and_the_order_of_runs_does_not_matter(
            mut values in proptest::collection::vec(-1e3f64..1e3, 2..40)
        ) {
            let before = OverSeeds::of(&values);
            let [low, high] = before.ci95.unwrap();
            prop_assert!(low <= before.mean.unwrap() && before.mean.unwrap() <= high);
            values.reverse();
            let after = OverSeeds::of(&values);
            prop_assert!((after.mean.unwrap() - before.mean.unwrap()).abs() < 1e-9);
            prop_assert!((after.spread.unwrap() - before.spread.unwrap()).abs() < 1e-9);
        }
    }
}
