//! Formats numbers as labels: short, of nearly constant width, and never longer than necessary.

/// Shown in place of a value that is unknown or not finite.
const MISSING: &str = "–";

/// A measured value in a sentence: `.41`, `5.2`, `118`, `9.8k`, `4.0e-4`.
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

/// Bytes in a unit that people read.
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        b if b < 1e6 => format!("{:.0} KB", (b / 1e3).ceil()),
        b if b < 1e9 => format!("{:.1} MB", b / 1e6),
        b => format!("{:.1} GB", b / 1e9),
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
    fn shares() {
        each(percent, &[(0.93, "93 %"), (0.004, "0.4 %"), (0.0, "0 %"), (1.0, "100 %"), (f64::NAN, "–")]);
    }

    proptest! {
        #[test]
        fn labels_are_short(number in -1e20f64..1e20) {
            prop_assert!(value(number).chars().count() <= 7, "{}", value(number));
        }
    }

    #[test]
    fn sizes_are_read_at_a_glance() {
        assert_eq!([0, 1, 999_999, 5_250_000].map(bytes), ["0 KB", "1 KB", "1000 KB", "5.2 MB"]);
    }
}
