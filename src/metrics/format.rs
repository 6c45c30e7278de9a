//! Formats numbers as labels: short, of nearly constant width, and never longer than necessary.

/// Shown in place of a value that is unknown or not finite.
pub const MISSING: &str = "–";

/// A measured value beside a chart: `.41`, `5.2`, `118`, `9.8k`, `4.0e-4`.
///
/// Below 1 the leading zero is omitted; from 1,000 on a unit prefix follows without a space.
pub fn value(value: f64) -> String {
    if !value.is_finite() {
        return MISSING.into();
    }
    let size = value.abs();
    if value == 0.0 {
        "0".into()
    } else if size < 0.001 {
        format!("{value:.1e}")
    } else if size < 0.0995 {
        without_leading_zero(format!("{value:.3}"))
    } else if size < 0.995 {
        without_leading_zero(format!("{value:.2}"))
    } else if size < 9.95 {
        format!("{value:.1}")
    } else if size < 999.5 {
        format!("{value:.0}")
    } else {
        let (number, prefix) = scaled(value);
        format!("{number}{prefix}")
    }
}

/// A quantity before its unit, `1.2 M` tokens, `3.1 T`FLOP, `118`, with a space before the prefix.
pub fn quantity(value: f64) -> String {
    if !value.is_finite() {
        return MISSING.into();
    }
    match scaled(value) {
        (number, "") => number,
        (number, prefix) => format!("{number} {prefix}"),
    }
}

/// A count before its unit, `9.8k` tok/s, without a space before the prefix.
pub fn rate(value: f64) -> String {
    if !value.is_finite() {
        return MISSING.into();
    }
    let (number, prefix) = scaled(value);
    format!("{number}{prefix}")
}

/// A fraction of one in percent: `93 %`, `0.4 %`.
pub fn percent(share: f64) -> String {
    if !share.is_finite() {
        return MISSING.into();
    }
    let percent = share * 100.0;
    if percent == 0.0 || percent.abs() >= 9.95 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// Seconds as a clock: `02:41`, `1:02:41`, `3d 04:05`.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "--:--".into();
    }
    let whole = seconds as u64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes:02}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{days}d {hours:02}:{minutes:02}"),
    }
}

/// Dollars: `$0.0004`, `$0.12`, `$30`. Two significant digits below a dollar, cents below a hundred.
pub fn dollars(amount: f64) -> String {
    if !amount.is_finite() {
        return MISSING.into();
    }
    let size = amount.abs();
    let digits = if size == 0.0 || size >= 100.0 || (size.fract() == 0.0) {
        0
    } else if size >= 0.1 {
        2
    } else {
        // Two significant digits, down to a millionth of a dollar.
        (1.0 - size.log10().floor()).min(6.0) as usize
    };
    let mut number = format!("{size:.digits$}");
    if digits > 2 && number.ends_with('0') {
        number.pop();
    }
    format!("{}${number}", if amount < 0.0 { "-" } else { "" })
}

/// At most `most` round values within `low..=high`, for the ticks of an axis: multiples of 1, 2 or 5 times a
/// power of ten. Swaps bounds in the wrong order; returns none for bounds that are not finite.
pub fn ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    // Checked first, because `min` and `max` ignore a NaN.
    let given_finite = low.is_finite() && high.is_finite();
    let (low, high) = (low.min(high), low.max(high));
    let span = high - low;
    if !given_finite || !span.is_finite() || most == 0 {
        return vec![];
    }
    // Any closer, and the multiples of a step are no longer distinct numbers.
    if span <= low.abs().max(high.abs()) * 1e-12 {
        return vec![low];
    }
    let exponent = (span / most as f64).log10().floor() as i32;
    let steps = (exponent..=exponent + 2).flat_map(|power| [1.0, 2.0, 5.0].map(|unit| (unit, power)));
    for (unit, power) in steps {
        // Dividing by a power of ten keeps .3 at .3; multiplying by .1 would give .30000000000000004.
        let (up, down) = (10f64.powi(power.max(0)), 10f64.powi((-power).max(0)));
        let multiple = |k: f64| k * unit * up / down;
        // Tolerates a billionth of a step: .3 / .1 is slightly below 3.
        let (first, last) = ((low / multiple(1.0) - 1e-9).ceil(), (high / multiple(1.0) + 1e-9).floor());
        if first.is_finite() && last.is_finite() && last - first < most as f64 {
            let count = (last - first).max(-1.0) as i64;
            // Adding 0.0 turns a negative zero into a positive one.
            return (0..=count).map(|i| multiple(first + i as f64) + 0.0).collect();
        }
    }
    vec![]
}

/// The label of one tick, given the distance between ticks: with just enough decimals to distinguish
/// neighbours.
pub fn tick_label(tick: f64, distance: f64) -> String {
    if !tick.is_finite() || !distance.is_finite() {
        return MISSING.into();
    }
    let distance = distance.abs();
    if tick == 0.0 {
        return "0".into();
    }
    if tick.abs() < 1e-3 && distance < 1e-3 {
        return format!("{tick:e}");
    }
    let (divisor, prefix) = if distance >= 100.0 { divisor(tick) } else { (1.0, "") };
    let decimals = match distance / divisor {
        small if small > 0.0 && small < 1.0 => (-small.log10()).ceil().min(6.0) as usize,
        _ => 0,
    };
    without_leading_zero(format!("{:.decimals$}", tick / divisor)) + prefix
}

const PREFIXES: [(f64, &str); 6] =
    [(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];

/// The unit prefix for a number of this size. Allows for half a unit in the last place, so that 999,960
/// becomes `1.0 M` and not `1000 k`.
fn divisor(value: f64) -> (f64, &'static str) {
    PREFIXES.into_iter().find(|(size, _)| value.abs() >= size * 0.9995).unwrap_or((1.0, ""))
}

fn scaled(value: f64) -> (String, &'static str) {
    let (divisor, prefix) = divisor(value);
    let number = value / divisor;
    let number = if number == 0.0 {
        "0".into()
    } else if number.abs() < 9.95 && (divisor > 1.0 || number.fract() != 0.0) {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    };
    (number, prefix)
}

fn without_leading_zero(number: String) -> String {
    match (number.strip_prefix("0."), number.strip_prefix("-0.")) {
        (Some(rest), _) => format!(".{rest}"),
        (_, Some(rest)) => format!("-.{rest}"),
        _ => number,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn each(function: impl Fn(f64) -> String, cases: &[(f64, &str)]) {
        for (given, expected) in cases {
            assert_eq!(function(*given), *expected, "for {given}");
        }
    }

    #[test]
    fn values() {
        each(
            value,
            &[
                (0.0, "0"),
                (0.41, ".41"),
                (-0.41, "-.41"),
                (0.041, ".041"),
                (0.0004, "4.0e-4"),
                (0.994, ".99"),
                (0.996, "1.0"),
                (0.0996, ".10"),
                (1.0, "1.0"),
                (5.2, "5.2"),
                (9.96, "10"),
                (118.3, "118"),
                (999.4, "999"),
                (999.6, "1.0k"),
                (9_800.0, "9.8k"),
                (f64::NAN, "–"),
                (f64::NEG_INFINITY, "–"),
            ],
        );
    }

    #[test]
    fn quantities_and_rates() {
        each(
            quantity,
            &[
                (0.0, "0"),
                (118.0, "118"),
                (7.0, "7"),
                (7.25, "7.2"),
                (1_234_567.0, "1.2 M"),
                (999_960.0, "1.0 M"),
                (12_345.0, "12 k"),
                (3.1e12, "3.1 T"),
                (2.5e30, "2500000000000 E"),
                (f64::INFINITY, "–"),
            ],
        );
        each(rate, &[(9_800.0, "9.8k"), (12_100.0, "12k"), (412.0, "412"), (f64::NAN, "–")]);
    }

    #[test]
    fn shares_money_and_time() {
        each(percent, &[(0.93, "93 %"), (0.004, "0.4 %"), (0.0, "0 %"), (1.0, "100 %"), (f64::NAN, "–")]);
        each(
            dollars,
            &[
                (0.0, "$0"),
                (0.0004, "$0.0004"),
                (0.00041, "$0.00041"),
                (0.012, "$0.012"),
                (0.12, "$0.12"),
                (1.5, "$1.50"),
                (30.0, "$30"),
                (1234.5, "$1234"),
                (-0.12, "-$0.12"),
                (1e-9, "$0.00000"),
                (f64::NAN, "–"),
            ],
        );
        each(
            duration,
            &[
                (0.0, "00:00"),
                (161.9, "02:41"),
                (3_761.0, "1:02:41"),
                (273_900.0, "3d 04:05"),
                (-1.0, "--:--"),
                (f64::NAN, "--:--"),
            ],
        );
    }

    #[test]
    fn ticks_are_round_and_labelled_apart() {
        assert_eq!(ticks(0.0, 1.0, 6), vec![0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);
        assert_eq!(ticks(0.13, 0.52, 5), vec![0.2, 0.3, 0.4, 0.5]);
        assert_eq!(ticks(37.0, 1.0, 4), vec![10.0, 20.0, 30.0]);
        assert_eq!(ticks(-0.1, 0.1, 3), vec![-0.1, 0.0, 0.1]);
        assert_eq!(ticks(3.0, 3.0, 4), vec![3.0]);
        assert_eq!(ticks(f64::NAN, 1.0, 4), Vec::<f64>::new());
        assert_eq!(ticks(-f64::MAX, f64::MAX, 4), Vec::<f64>::new());
        assert_eq!(ticks(0.0, 1.0, 0), Vec::<f64>::new());
        let labels = |low, high, most| {
            let at: Vec<f64> = ticks(low, high, most);
            at.iter().map(|tick| tick_label(*tick, at[1] - at[0])).collect::<Vec<_>>()
        };
        assert_eq!(labels(0.0, 1.0, 3), ["0", ".5", "1.0"]);
        assert_eq!(labels(0.0, 0.3, 4), ["0", ".1", ".2", ".3"]);
        assert_eq!(labels(0.0, 120.0, 4), ["0", "50", "100"]);
        assert_eq!(labels(0.0, 2_000_000.0, 3), ["0", "1M", "2M"]);
        assert_eq!(labels(0.0, 4e-4, 3), ["0", "2e-4", "4e-4"]);
    }

    proptest! {
        #[test]
        fn ticks_lie_inside_in_order_and_there_are_few(
            low in -1e6f64..1e6, span in 1e-3f64..1e6, most in 1usize..12,
        ) {
            let at = ticks(low, low + span, most);
            prop_assert!(at.len() <= most);
            let slack = span * 1e-9;
            prop_assert!(at.iter().all(|tick| *tick >= low - slack && *tick <= low + span + slack));
            prop_assert!(at.windows(2).all(|pair| pair[0] < pair[1]));
            // Three places always have room for at least one round value.
            prop_assert!(most < 3 || !at.is_empty());
        }

        #[test]
        fn labels_are_short(number in -1e20f64..1e20) {
            prop_assert!(value(number).chars().count() <= 7, "{}", value(number));
        }
    }
}
