//! Charts of our own: bounds are ordered, gaps stay gaps, and no more points are drawn than there are dots.

mod canvas;
mod glyphs;
mod plot;
mod scale;
mod spark;
mod trace;

pub use canvas::Canvas;
pub use glyphs::Glyphs;
pub use plot::{Layer, Plot, Shape};
pub use scale::{Scale, nice_ceiling, step_range};
pub use spark::sparkline;

/// Lowest and highest value in one column of dots.
pub(crate) type Column = Option<(f64, f64)>;

/// Splits points at values that are not finite; nothing is drawn between segments.
pub fn segments(points: impl Iterator<Item = (f64, f64)>) -> Vec<Vec<(f64, f64)>> {
    let mut segments = vec![Vec::new()];
    for (x, y) in points {
        if y.is_finite() && x.is_finite() {
            if let Some(last) = segments.last_mut() {
                last.push((x, y));
            }
        } else {
            segments.push(Vec::new());
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}

/// Puts points into `width` columns over `range`; each keeps its lowest and highest value.
pub fn bucket(points: &[(f64, f64)], range: (f64, f64), width: usize) -> Vec<Column> {
    let mut columns = vec![None; width];
    let span = range.1 - range.0;
    if width == 0 || span.is_nan() || span <= 0.0 {
        return columns;
    }
    for &(x, y) in points {
        let place = (x - range.0) / span * (width - 1) as f64;
        if !y.is_finite() || !(-0.5..width as f64 - 0.5).contains(&place) {
            continue;
        }
        let column: &mut Column = &mut columns[place.round() as usize];
        *column = Some(column.map_or((y, y), |(low, high)| (low.min(y), high.max(y))));
    }
    columns
}

/// Fills the empty columns between two filled ones by a straight line.
pub(crate) fn connect(columns: &mut [Column]) {
    let mut last: Option<(usize, f64)> = None;
    for index in 0..columns.len() {
        let Some((low, high)) = columns[index] else { continue };
        let here = (low + high) / 2.0;
        if let Some((from, value)) = last {
            let slope = (here - value) / (index - from) as f64;
            for (distance, column) in columns[from + 1..index].iter_mut().enumerate() {
                let y = value + slope * (distance + 1) as f64;
                *column = Some((y, y));
            }
        }
        last = Some((index, here));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn buckets_keep_the_extremes() {
        let points: Vec<(f64, f64)> =
            (0..100_000).map(|i| (f64::from(i), if i == 77_777 { 9.0 } else { 1.0 })).collect();
        let columns = bucket(&points, (0.0, 99_999.0), 60);
        assert_eq!(columns.len(), 60);
        assert!(columns.iter().all(Option::is_some));
        assert_eq!(columns.iter().flatten().map(|column| column.1).fold(0.0, f64::max), 9.0);
    }

    #[test]
    fn bad_input_gives_nothing() {
        assert!(bucket(&[(1.0, 1.0)], (5.0, 5.0), 4).iter().all(Option::is_none));
        assert!(bucket(&[(1.0, 1.0)], (9.0, 5.0), 4).iter().all(Option::is_none));
        assert!(bucket(&[(1.0, 1.0)], (f64::NAN, 5.0), 4).iter().all(Option::is_none));
        assert!(bucket(&[(1.0, f64::NAN)], (0.0, 5.0), 4).iter().all(Option::is_none));
        assert!(bucket(&[(1.0, 1.0)], (0.0, 5.0), 0).is_empty());
        assert!(segments([(1.0, f64::NAN)].into_iter()).is_empty());
    }

    #[test]
    fn segments_split_at_gaps_and_lines_connect_within() {
        let points = [(0.0, 0.0), (4.0, 4.0), (5.0, f64::NAN), (6.0, 1.0)];
        let segments = segments(points.into_iter());
        assert_eq!(segments, [vec![(0.0, 0.0), (4.0, 4.0)], vec![(6.0, 1.0)]]);
        let mut columns = bucket(&segments[0], (0.0, 9.0), 10);
        connect(&mut columns);
        assert_eq!(columns[2], Some((2.0, 2.0)));
        assert_eq!(columns[5], None);
    }
}
