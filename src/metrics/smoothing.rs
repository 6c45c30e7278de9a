//! The debiased exponential moving average.

/// An exponential moving average without a bias toward its start: the weights of the values seen so far
/// always sum to 1, so the first output is the first value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ema {
    keep: f64,
    sum: f64,
    weight: f64,
}

impl Ema {
    /// `keep` is the factor by which a value's weight shrinks with every further value: 0 follows the values,
    /// 0.9 smooths over about ten. Clamped to 0..=0.9999; anything not finite means 0.
    pub fn new(keep: f64) -> Self {
        let keep = if keep.is_finite() { keep.clamp(0.0, 0.9999) } else { 0.0 };
        Self { keep, sum: 0.0, weight: 0.0 }
    }

    /// Adds one value and returns the average so far. A value that is not finite is a gap: it is ignored and
    /// returns `None`.
    pub fn push(&mut self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        self.sum = self.keep * self.sum + (1.0 - self.keep) * value;
        self.weight = self.keep * self.weight + (1.0 - self.keep);
        Some(self.sum / self.weight)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_value_is_not_pulled_to_zero_and_a_constant_stays() {
        let mut ema = Ema::new(0.9);
        for _ in 0..50 {
            assert!((ema.push(0.4).unwrap() - 0.4).abs() < 1e-12);
        }
    }

    #[test]
    fn gaps_leave_no_trace() {
        let (mut with, mut without) = (Ema::new(0.5), Ema::new(0.5));
        assert_eq!(with.push(1.0), without.push(1.0));
        assert_eq!(with.push(f64::NAN), None);
        assert_eq!(with.push(f64::INFINITY), None);
        assert_eq!(with.push(2.0), without.push(2.0));
    }

    #[test]
    fn two_values_weigh_as_the_definition_says() {
        let mut ema = Ema::new(0.75);
        ema.push(1.0);
        // Weights .75 * .25 and .25, divided by their sum.
        let expected = (0.1875 * 1.0 + 0.25 * 3.0) / 0.4375;
        assert!((ema.push(3.0).unwrap() - expected).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn it_is_the_weighted_mean_of_what_was_pushed(
            keep in 0.0f64..0.99,
            values in prop::collection::vec(-1e6f64..1e6, 1..40),
        ) {
            let mut ema = Ema::new(keep);
            let mut last = 0.0;
            for value in &values {
                last = ema.push(*value).unwrap();
            }
            let weights: Vec<f64> = (0..values.len()).rev().map(|age| keep.powi(age as i32)).collect();
            let direct = values.iter().zip(&weights).map(|(v, w)| v * w).sum::<f64>() / weights.iter().sum::<f64>();
            prop_assert!((last - direct).abs() <= 1e-9 * (1.0 + direct.abs().max(1e6)));
        }
    }
}
