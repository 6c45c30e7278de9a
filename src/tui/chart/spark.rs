//! One-row charts.

use super::{Scale, bucket, connect, segments};

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const PLAIN: [char; 8] = ['_', '.', ',', '-', '=', '+', '*', '#'];

/// A curve in `width` characters: eight heights from the bottom to the top of the scale, a space where
/// there is no value.
pub fn sparkline(
    points: impl Iterator<Item = (f64, f64)>,
    x: (f64, f64),
    scale: Scale,
    width: usize,
    ascii: bool,
) -> String {
    let mut line = vec![' '; width];
    let levels = if ascii { PLAIN } else { BLOCKS };
    for segment in segments(points) {
        let mut columns = bucket(&segment, x, width);
        connect(&mut columns);
        for (column, character) in columns.iter().zip(&mut line) {
            if let Some(place) = column.and_then(|(low, high)| scale.place((low + high) / 2.0)) {
                *character = levels[((place * 8.0) as usize).min(7)];
            }
        }
    }
    line.into_iter().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn heights_follow_the_values() {
        let points = (1..=8).map(|x| (f64::from(x), f64::from(x - 1) / 7.0));
        let line = sparkline(points, (1.0, 8.0), Scale::linear(1.0), 8, false);
        assert_eq!(line, "▁▂▃▄▅▆▇█");
    }

    #[test]
    fn a_gap_is_blank_and_the_width_is_kept() {
        let points = [(1.0, 0.0), (2.0, f64::NAN), (3.0, 1.0)];
        assert_eq!(sparkline(points.into_iter(), (1.0, 4.0), Scale::linear(1.0), 4, true), "_ # ");
        assert_eq!(sparkline(std::iter::empty(), (1.0, 4.0), Scale::linear(1.0), 3, true), "   ");
    }
}
