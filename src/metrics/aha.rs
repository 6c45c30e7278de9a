//! The aha step: the first step from which self-correction stays clearly above the base's level.

use super::Ema;

/// Definition of the mark, in words that match the constants below.
pub(crate) const DEFINITION: &str = "from this step on, for at least 3 steps, self-corrections per completion (moving \
    average, weight 0.6 on the past) stay above 3 times the base's (at least 0.01); the mark moves or disappears \
    when they fall back";

/// Weight that the smoothed curve keeps from one step to the next.
pub(crate) const SMOOTHING: f64 = 0.6;

/// How many times the base counts as above it.
pub(crate) const TIMES_BASE: f64 = 3.0;

/// Lower bound of the base, in self-corrections per completion. A base never seen to correct itself is taken
/// to do so once in a hundred completions; otherwise the first lucky completion would set the mark.
pub(crate) const BASE_FLOOR: f64 = 0.01;

/// Number of measured steps for which the curve must have stayed above.
pub(crate) const STEPS_ABOVE: usize = 3;

/// The first step from which the smoothed number of self-corrections per completion stays above
/// [`TIMES_BASE`] times `base` up to the last step, for at least [`STEPS_ABOVE`] measured steps.
///
/// `self_corrections` holds `(step, per completion)` in order; values that are not finite are skipped. `base`
/// is raised to at least [`BASE_FLOOR`]; a base that is not finite gives `None`. While a run continues, its
/// mark can move or vanish: a curve that falls back has not stayed above.
pub fn aha_step(self_corrections: &[(u64, f64)], base: f64) -> Option<u64> {
    if !base.is_finite() {
        return None;
    }
    let mut watch = AhaWatch::default();
    for (step, value) in self_corrections {
        watch.push(*step, *value, base);
    }
    watch.mark()
}

/// [`aha_step`] computed step by step: the mark after the steps so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AhaWatch {
    average: Ema,
    /// The first of the current steps above the threshold, and their number.
    above: Option<(u64, usize)>,
}

impl Default for AhaWatch {
    fn default() -> Self {
        Self { average: Ema::new(SMOOTHING), above: None }
    }
}

impl AhaWatch {
    /// Adds the next step. `base` must be finite and the same for all steps.
    pub fn push(&mut self, step: u64, self_corrections: f64, base: f64) {
        // Slightly raised, so that rounding of the average does not lift a curve on the threshold above it.
        let threshold = TIMES_BASE * base.max(BASE_FLOOR) * (1.0 + 1e-9);
        let Some(smoothed) = self.average.push(self_corrections) else { return };
        self.above = match (smoothed > threshold, self.above) {
            (false, _) => None,
            (true, Some((first, steps))) => Some((first, steps + 1)),
            (true, None) => Some((step, 1)),
        };
    }

    /// The aha step.
    pub fn mark(&self) -> Option<u64> {
        self.above.filter(|(_, steps)| *steps >= STEPS_ABOVE).map(|(first, _)| first)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_has_the_numbers_that_decide() {
        for number in [SMOOTHING, TIMES_BASE, BASE_FLOOR, STEPS_ABOVE as f64] {
            assert!(DEFINITION.contains(&number.to_string()), "{number}");
        }
    }

    fn curve(values: &[f64]) -> Vec<(u64, f64)> {
        values.iter().enumerate().map(|(i, value)| (i as u64 + 1, *value)).collect()
    }

    #[test]
    fn a_jump_is_marked_where_the_smoothed_curve_crosses() {
        // Base .1, threshold .3. After the jump to 1.0 at step 4, the smoothed value is above at once.
        let points = curve(&[0.1, 0.1, 0.1, 1.0, 1.0, 1.0]);
        assert_eq!(aha_step(&points, 0.1), Some(4));
        // A jump to .4 crosses one step later: the smoothed value is .238 at step 4 and .308 at step 5.
        let points = curve(&[0.1, 0.1, 0.1, 0.4, 0.4, 0.4, 0.4, 0.4]);
        assert_eq!(aha_step(&points, 0.1), Some(5));
    }

    #[test]
    fn it_must_last_three_steps_and_to_the_end() {
        assert_eq!(aha_step(&curve(&[0.1, 1.0, 1.0]), 0.1), None);
        assert_eq!(aha_step(&curve(&[0.1, 1.0, 1.0, 1.0]), 0.1), Some(2));
        let hump = curve(&[0.1, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(aha_step(&hump, 0.1), None);
        let second_rise = curve(&[0.1, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(aha_step(&second_rise, 0.1), Some(9));
    }

    #[test]
    fn one_step_of_noise_does_not_break_it() {
        let points = curve(&[0.1, 1.0, 1.0, 1.0, 0.2, 1.0, 1.0]);
        assert_eq!(aha_step(&points, 0.1), Some(2));
    }

    #[test]
    fn a_base_of_zero_has_a_floor() {
        assert_eq!(aha_step(&curve(&[0.0, 0.02, 0.02, 0.02, 0.02]), 0.0), None);
        assert_eq!(aha_step(&curve(&[0.0, 0.2, 0.2, 0.2]), 0.0), Some(2));
        assert_eq!(aha_step(&curve(&[0.0, 0.2, 0.2, 0.2]), -5.0), Some(2));
    }

    #[test]
    fn a_flat_curve_an_empty_one_and_bad_numbers_have_none() {
        assert_eq!(aha_step(&curve(&[0.1; 30]), 0.1), None);
        assert_eq!(aha_step(&[], 0.1), None);
        assert_eq!(aha_step(&curve(&[1.0; 30]), f64::NAN), None);
        assert_eq!(aha_step(&curve(&[f64::NAN; 30]), 0.1), None);
        // Gaps count as neither above nor below.
        assert_eq!(aha_step(&curve(&[0.1, 1.0, f64::NAN, 1.0, f64::INFINITY]), 0.1), None);
        assert_eq!(aha_step(&curve(&[0.1, 1.0, f64::NAN, 1.0, f64::INFINITY, 1.0]), 0.1), Some(2));
    }

    #[test]
    fn exactly_three_times_is_not_above() {
        assert_eq!(aha_step(&curve(&[1.5; 10]), 0.5), None);
    }
}
