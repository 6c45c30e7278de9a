//! Stable axes: bounds move in steps, not with every value.

/// A vertical axis from the bottom to the top of the chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
}

impl Scale {
    /// From zero to a round number at or above `highest`.
    pub fn linear(highest: f64) -> Self {
        Self { low: 0.0, high: nice_ceiling(highest), log: false }
    }

    /// From zero to exactly `highest`, for one-row charts in which every eighth of a row counts.
    pub(crate) fn up_to(highest: f64) -> Self {
        let high = if highest.is_finite() && highest > 1e-9 { highest } else { 1.0 };
        Self { low: 0.0, high, log: false }
    }

    /// A logarithmic axis from a power of ten (or a half of one) below `lowest` to a round number above
    /// `highest`; both must be positive.
    pub fn log(lowest: f64, highest: f64) -> Self {
        let high = nice_ceiling(highest).max(2.0);
        let lowest = if lowest.is_finite() && lowest >= 1.0 { lowest } else { 1.0 };
        let mut low = 10f64.powf(lowest.log10().floor());
        if low * 5.0 <= lowest {
            low *= 5.0;
        } else if low * 2.0 <= lowest {
            low *= 2.0;
        }
        Self { low: low.min(high / 2.0), high, log: true }
    }

    /// Round numbers around values of any sign; from zero if they are positive and their spread is not small beside them.
    pub(crate) fn around(lowest: f64, highest: f64) -> Self {
        let known = lowest.is_finite() && highest.is_finite() && lowest <= highest;
        let (mut low, mut high) = if known { (lowest, highest) } else { (0.0, 1.0) };
        if low > 0.0 && low < 0.7 * high {
            low = 0.0;
        } else if high < 0.0 && high > 0.7 * low {
            high = 0.0;
        }
        if low == 0.0 && (high == 0.0 || high > 1e-300) {
            return Self {
                low,
                high: if high == 0.0 { 1.0 } else { round_up(high).min(f64::MAX) },
                log: false,
            };
        }
        // Equal values lie in the middle.
        let least = f64::max(high.abs(), low.abs()) * 1e-6;
        if high - low <= least {
            let by = high.abs() * 0.1;
            (low, high) = (low - by, high + by);
        }
        let step = round_up((high - low) / 4.0);
        let (below, above) = ((low / step).floor() * step, (high / step).ceil() * step);
        let ordered = below < above && (above - below).is_finite();
        Self { low: if ordered { below } else { 0.0 }, high: if ordered { above } else { 1.0 }, log: false }
    }

    /// A logarithmic axis around positive values, from 1, 2 or 5 times a power of ten to another.
    pub(crate) fn log_around(lowest: f64, highest: f64) -> Self {
        // So far apart that the number of times one is the other is still a number.
        let usable = |value: f64| (1e-150..=1e150).contains(&value);
        if !usable(lowest) || !usable(highest) || lowest > highest {
            return Self { low: 1.0, high: 10.0, log: true };
        }
        let decade = 10f64.powf(lowest.log10().floor());
        let low = [5.0, 2.0, 1.0]
            .map(|by| by * decade)
            .into_iter()
            .find(|low| *low <= lowest)
            .unwrap_or(decade / 10.0);
        let decade = 10f64.powf(highest.log10().floor());
        let high = [1.0, 2.0, 5.0].map(|by| by * decade).into_iter().find(|high| *high >= highest);
        let high = high.unwrap_or(decade * 10.0);
        Self { low, high: if high > low { high } else { low * 10.0 }, log: true }
    }

    /// The value at a share of the way up.
    pub(crate) fn at(&self, share: f64) -> f64 {
        match self.log {
            true => self.low * (self.high / self.low).powf(share),
            false => self.low + (self.high - self.low) * share,
        }
    }

    /// The value at the bottom.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// The value at the top.
    pub fn high(&self) -> f64 {
        self.high
    }

    /// The value half way up.
    pub fn middle(&self) -> f64 {
        self.at(0.5)
    }

    /// Where a value lies, 0 at the bottom and 1 at the top, clamped; `None` if it is not finite.
    pub fn place(&self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let share = if self.log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        Some(share.clamp(0.0, 1.0))
    }
}

/// As [`nice_ceiling`], of numbers of any size.
fn round_up(value: f64) -> f64 {
    let decade = 10f64.powf(value.log10().floor());
    match decade.is_finite() && decade > 0.0 {
        true => nice_ceiling(value / decade) * decade,
        false => value,
    }
}

/// The smallest of 1, 2, 3, 4, 5, 6, 8, 10 times a power of ten that is at least `value`; 1 for anything that is not
/// a positive number.
pub fn nice_ceiling(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 || value < 1e-9 {
        return 1.0;
    }
    let exponent = value.log10().floor() as i32;
    // Dividing keeps 3/10 at 0.3, where 3 * 0.1 is 0.30000000000000004.
    let (up, down) = (10f64.powi(exponent.max(0)), 10f64.powi((-exponent).max(0)));
    let multiples = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0].map(|factor| factor * up / down);
    multiples.into_iter().find(|multiple| *multiple >= value).unwrap_or(10.0 * up / down)
}

/// The steps an axis covers: from 1 to the last one if the run is over, otherwise to the next of 10, 20, 30, 40, 60,
/// 80, 100, 150, …, so that the curve does not shrink with every step.
pub fn step_range(last: u64, over: bool) -> (f64, f64) {
    let last = last.max(2);
    if over {
        return (1.0, last as f64);
    }
    let mut decade = 10u64;
    loop {
        for tenths in [10, 20, 30, 40, 60, 80] {
            let end = decade.saturating_mul(tenths) / 10;
            if end >= last {
                return (1.0, end as f64);
            }
        }
        if decade > u64::MAX / 100 {
            return (1.0, last as f64);
        }
        decade *= 10;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ceilings_are_round_and_above() {
        assert_eq!(nice_ceiling(0.41), 0.5);
        assert_eq!(nice_ceiling(118.0), 200.0);
        assert_eq!(nice_ceiling(5.2), 6.0);
        assert_eq!(nice_ceiling(0.3), 0.3);
        for bad in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert_eq!(nice_ceiling(bad), 1.0);
        }
    }

    #[test]
    fn bounds_are_ordered_and_places_are_within() {
        for scale in [
            Scale::linear(f64::NAN),
            Scale::linear(-1.0),
            Scale::up_to(0.0),
            Scale::up_to(f64::NAN),
            Scale::log(0.0, 0.0),
            Scale::log(500.0, 2.0),
            Scale::log(f64::NAN, f64::INFINITY),
        ] {
            assert!(scale.low() < scale.high(), "{scale:?}");
            for value in [-1e9, 0.0, 1.0, 77.0, 1e12] {
                let place = scale.place(value).unwrap();
                assert!((0.0..=1.0).contains(&place));
            }
            assert_eq!(scale.place(f64::NAN), None);
        }
    }

    #[test]
    fn an_axis_around_values_is_round_and_holds_them() {
        let ends = |scale: Scale| (scale.low(), scale.high());
        assert_eq!(ends(Scale::around(0.12, 0.41)), (0.0, 0.5));
        assert_eq!(ends(Scale::around(-0.02, 0.013)), (-0.02, 0.02));
        assert_eq!(ends(Scale::around(97.0, 104.0)), (96.0, 104.0));
        assert_eq!(ends(Scale::around(-8.0, -1.0)), (-8.0, 0.0));
        let (low, high) = ends(Scale::around(4e-4, 4e-4));
        assert!(low < 4e-4 && high > 4e-4 && high < 6e-4, "{low} {high}");
        assert_eq!(ends(Scale::log_around(0.003, 0.7)), (0.002, 1.0));
        assert_eq!(Scale::log_around(1.0, 100.0).middle().round(), 10.0);
    }

    proptest! {
        #[test]
        fn whatever_the_values_an_axis_is_ordered_and_holds_them(
            one in any::<f64>(),
            other in any::<f64>(),
            close in -1e6f64..1e6,
        ) {
            for (low, high) in [(one, other), (one, one), (close, close * 1.000_1), (close, close + 3.0)] {
                for scale in [Scale::around(low, high), Scale::log_around(low, high)] {
                    prop_assert!(scale.low() < scale.high(), "{:?} {} {}", scale, low, high);
                    prop_assert!(scale.at(0.5).is_finite(), "{:?}", scale);
                }
            }
            let (low, high) = (close, close + 3.0);
            let scale = Scale::around(low, high);
            let slack = 1e-9 * (1.0 + high.abs());
            prop_assert!(scale.low() <= low + slack && scale.high() >= high - slack, "{:?} {} {}", scale, low, high);
        }
    }

    #[test]
    fn a_live_axis_leaves_room() {
        assert_eq!(step_range(0, false), (1.0, 10.0));
        assert_eq!(step_range(37, false), (1.0, 40.0));
        assert_eq!(step_range(37, true), (1.0, 37.0));
        assert_eq!(step_range(101, false), (1.0, 200.0));
        assert_eq!(step_range(0, true), (1.0, 2.0));
    }
}
