//! Numbers in a fixed number of columns, so that nothing moves when they change.

use std::time::Duration;

/// Shown for unknown or non-finite values.
pub(in crate::tui) const UNKNOWN: &str = "-";

/// A count, where it is known.
pub(in crate::tui) fn counted(count: Option<usize>) -> String {
    count.map_or_else(|| UNKNOWN.to_owned(), |count| count.to_string())
}

/// `value` with `decimals` places, right-aligned in `width` columns; more columns only where the value
/// does not fit.
pub fn fixed(value: f64, decimals: usize, width: usize) -> String {
    if value.is_finite() { format!("{value:>width$.decimals$}") } else { format!("{UNKNOWN:>width$}") }
}

/// Three significant digits and a unit letter in five columns: ` 118 `, `9.81k`, `1.21M`.
pub(crate) fn si(value: f64) -> String {
    if !value.is_finite() {
        return format!("{UNKNOWN:>4} ");
    }
    let mut scaled = value;
    let mut unit = ' ';
    for next in ['k', 'M', 'G', 'T', 'P', 'E'] {
        // 999.5 would round to 1000.
        if scaled.abs() < 999.5 {
            break;
        }
        scaled /= 1000.0;
        unit = next;
    }
    let decimals = match scaled.abs() {
        _ if unit == ' ' && scaled.fract() == 0.0 => 0,
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    };
    format!("{scaled:>4.decimals$}{unit}")
}

/// `02:41`, or `1:02:41` from an hour on.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// Dollars, to a hundredth of a cent below ten dollars.
pub(crate) fn dollars(amount: f64) -> String {
    if !amount.is_finite() {
        UNKNOWN.to_owned()
    } else if amount < 10.0 {
        format!("${amount:.4}")
    } else {
        format!("${amount:.2}")
    }
}

/// A number in short form for an axis: `0.5`, `12`, `1.2k`.
pub fn axis(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        UNKNOWN.to_owned()
    } else if size >= 1000.0 {
        si(value).trim().to_owned()
    } else if size >= 10.0 || size == 0.0 {
        format!("{value:.0}")
    } else if size >= 1.0 {
        trim_zeros(format!("{value:.1}"))
    } else {
        trim_zeros(format!("{value:.3}"))
    }
}

fn trim_zeros(number: String) -> String {
    number.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn si_keeps_its_width() {
        for value in
            [0.0, 0.004, 1.0, 9.99, 42.0, 99.96, 118.0, 999.4, 999.6, 9_810.0, 99_960.0, 1.21e6, 3.1e12]
        {
            assert_eq!(si(value).chars().count(), 5, "{value} gives {:?}", si(value));
        }
        assert_eq!(si(9_810.0), "9.81k");
        assert_eq!(si(118.0), " 118 ");
        assert_eq!(si(999.6), "1.00k");
        assert_eq!(si(f64::NAN), "   - ");
    }

    #[test]
    fn times_and_money() {
        assert_eq!(clock(Duration::from_secs(161)), "02:41");
        assert_eq!(clock(Duration::from_secs(3_761)), "1:02:41");
        assert_eq!(dollars(0.000_44), "$0.0004");
        assert_eq!(dollars(30.0), "$30.00");
    }

    #[test]
    fn axis_numbers_are_short() {
        let shown: Vec<String> = [0.0, 0.5, 0.05, 1.0, 2.5, 150.0, 1500.0].map(axis).to_vec();
        assert_eq!(shown, ["0", "0.5", "0.05", "1", "2.5", "150", "1.50k"]);
    }
}
