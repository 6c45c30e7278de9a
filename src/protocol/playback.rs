//! What is said and asked while the record of a finished run is played again.

use std::{fmt, str::FromStr};

/// How fast a record is played: 1 is as fast as the run was.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Speed(f64);

impl Speed {
    /// As fast as the run was.
    pub const AS_IT_WAS: Self = Self(1.0);
    const SLOWEST: f64 = 0.01;
    const FASTEST: f64 = 10_000.0;
    /// Where the keys for slower and faster stop.
    const NOTCHES: [f64; 13] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

    /// Seconds of the run per second.
    pub fn times(self) -> f64 {
        self.0
    }

    /// The next notch above.
    #[must_use]
    pub fn faster(self) -> Self {
        Self::NOTCHES.into_iter().find(|notch| *notch > self.0).map_or(self, Self)
    }

    /// The next notch below.
    #[must_use]
    pub fn slower(self) -> Self {
        Self::NOTCHES.into_iter().rev().find(|notch| *notch < self.0).map_or(self, Self)
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x", self.0)
    }
}

impl FromStr for Speed {
    type Err = String;

    /// Reads `10x`, `10` or `0.5x`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_end_matches(['x', 'X', '×']);
        match number.parse::<f64>() {
            Ok(times) if (Self::SLOWEST..=Self::FASTEST).contains(&times) => Ok(Self(times)),
            _ => Err(format!(
                "a speed is a number from {} to {} and an x, such as 10x or 0.5x",
                Self::SLOWEST,
                Self::FASTEST
            )),
        }
    }
}

/// A request to whoever plays a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Play {
    /// At the next lower speed.
    Slower,
    /// At the next higher speed.
    Faster,
    /// So many steps on, or back if negative. Within a step, one back is to its beginning.
    By(isize),
    /// To the end of this step; 0 is the beginning.
    To(u64),
}

/// How a record is being played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playing {
    /// How fast.
    pub speed: Speed,
    /// The first step of the record.
    pub first: u64,
    /// The last step of the record.
    pub last: u64,
    /// Seconds of the run before this point, without pauses.
    pub seconds: f64,
    /// Whether all of it has been played.
    pub over: bool,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_read_as_it_is_written() {
        for (text, shown) in [("10x", "10x"), ("2", "2x"), (" 0.5X", "0.5x"), ("3×", "3x")] {
            assert_eq!(text.parse::<Speed>().unwrap().to_string(), shown);
        }
        for bad in ["", "x", "0", "-1x", "nan", "inf", "1e9x", "ten", "1x0"] {
            let refusal = bad.parse::<Speed>().unwrap_err();
            assert!(refusal.contains("such as 10x"), "{bad}: {refusal}");
        }
    }

    #[test]
    fn keys_go_from_notch_to_notch_and_stop_at_both_ends() {
        let speed = |text: &str| text.parse::<Speed>().unwrap();
        assert_eq!(speed("3x").faster(), speed("5x"));
        assert_eq!(speed("3x").slower(), speed("2x"));
        assert_eq!(speed("5x").slower(), speed("2x"));
        assert_eq!((speed("1000x").faster(), speed("0.1x").slower()), (speed("1000x"), speed("0.1x")));
        assert_eq!(speed("5000x").slower(), speed("1000x"));
    }
}
