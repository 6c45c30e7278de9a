//! A line in dots. It is the straight line from point to point, however many columns lie between two of them. Where so many
//! points fall on each column that the line would be an area, a bright line goes through their means, and the faint one
//! behind it shows how far they reach.

use std::borrow::Cow;

use super::Scale;

/// Points on each column of dots from which on a line goes through their means.
const MANY: usize = 2;

/// The rows of dots that a line covers in a column, from the top.
pub(super) type Span = Option<(usize, usize)>;

/// Where points lie in dots: columns from the left, rows from the top.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// The first and the last x.
    pub x: (f64, f64),
    /// The vertical axis.
    pub y: Scale,
    /// Dots across.
    pub width: usize,
    /// Dots down.
    pub height: usize,
}

impl Grid {
    /// Columns of dots from the left; not rounded, and not limited to the grid.
    fn across(&self, x: f64) -> f64 {
        (x - self.x.0) / (self.x.1 - self.x.0) * (self.width - 1) as f64
    }

    /// Rows of dots from the top; not rounded.
    fn down(&self, value: f64) -> Option<f64> {
        Some((1.0 - self.y.place(value)?) * (self.height - 1) as f64)
    }

    /// The points themselves, or their mean in each column where they are many.
    pub fn means<'a>(&self, points: &'a [(f64, f64)]) -> Cow<'a, [(f64, f64)]> {
        let is_shown = |point: &&(f64, f64)| (self.x.0..=self.x.1).contains(&point.0);
        if self.width == 0 || points.iter().filter(is_shown).count() <= MANY * self.width {
            return points.into();
        }
        let column = |point: &(f64, f64)| self.across(point.0).round();
        let mean = |of: &[(f64, f64)]| {
            let sum = of.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
            (sum.0 / of.len() as f64, sum.1 / of.len() as f64)
        };
        points.chunk_by(|one, other| column(one) == column(other)).map(mean).collect()
    }

    /// The rows that a line through these points covers, by column. Neighbouring columns share a row, so that nothing is
    /// torn; a point by itself is a dot.
    pub fn trace(&self, points: &[(f64, f64)]) -> Vec<Span> {
        let mut spans = vec![None; self.width];
        let span = self.x.1 - self.x.0;
        if self.width == 0 || self.height == 0 || span.is_nan() || span <= 0.0 {
            return spans;
        }
        let mut before: Option<(f64, f64)> = None;
        for &(x, value) in points {
            let Some(row) = self.down(value) else { continue };
            let here = (self.across(x), row);
            self.draw(before.unwrap_or(here), here, &mut spans);
            before = Some(here);
        }
        spans
    }

    /// Covers a straight line between two places in dots.
    fn draw(&self, from: (f64, f64), to: (f64, f64), spans: &mut [Span]) {
        let (left, right) = if from.0 <= to.0 { (from, to) } else { (to, from) };
        let last = (self.width - 1) as f64;
        let (first_column, last_column) = (left.0.round().max(0.0), right.0.round().min(last));
        if first_column > last_column || !(first_column + last_column).is_finite() {
            return;
        }
        let slope = if right.0 > left.0 { (right.1 - left.1) / (right.0 - left.0) } else { 0.0 };
        let (first, count) = (first_column as usize, (last_column - first_column) as usize + 1);
        for (column, covered) in spans.iter_mut().enumerate().skip(first).take(count) {
            // The part of the line that is in this column.
            let middle = column as f64;
            let (begins, ends) = ((middle - 0.5).max(left.0), (middle + 0.5).min(right.0));
            let row_at = |x: f64| if x >= right.0 { right.1 } else { left.1 + (x - left.0) * slope };
            let rows = if right.0 > left.0 { (row_at(begins), row_at(ends)) } else { (left.1, right.1) };
            let row = |row: f64| (row.round().max(0.0) as usize).min(self.height - 1);
            let (one, other) = (row(rows.0), row(rows.1));
            let (top, bottom) = (one.min(other), one.max(other));
            *covered =
                Some(covered.map_or((top, bottom), |(t, b): (usize, usize)| (t.min(top), b.max(bottom))));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn grid(x: (f64, f64), width: usize, height: usize) -> Grid {
        Grid { x, y: Scale::linear(1.0), width, height }
    }

    #[test]
    fn a_straight_line_is_straight() {
        let grid = grid((0.0, 8.0), 9, 9);
        let rows: Vec<Span> = grid.trace(&[(0.0, 0.0), (8.0, 1.0)]);
        let middles: Vec<usize> =
            rows.iter().map(|span| span.unwrap()).map(|(top, bottom)| (top + bottom) / 2).collect();
        assert!(middles.windows(2).all(|pair| pair[0] >= pair[1]), "{middles:?}");
        assert_eq!((middles[0], middles[4], middles[8]), (8, 4, 0));
        assert_eq!(grid.trace(&[(4.0, 1.0)]).iter().flatten().count(), 1, "a point by itself is a dot");
        assert_eq!(grid.trace(&[(0.0, 0.5), (8.0, 0.5)]), vec![Some((4, 4)); 9]);
    }

    #[test]
    fn a_line_stays_a_line_however_many_points_there_are() {
        let grid = grid((0.0, 9999.0), 100, 40);
        let noisy: Vec<(f64, f64)> =
            (0..10_000).map(|n| (f64::from(n), 0.3 + 0.22 * f64::from(n % 2))).collect();
        let rows = |points: &[(f64, f64)]| -> usize {
            grid.trace(points).into_iter().flatten().map(|(top, bottom)| bottom - top + 1).max().unwrap()
        };
        assert_eq!((rows(&noisy), rows(&grid.means(&noisy))), (9, 1), "the faint one, and the bright one");
        let few = &noisy[..200];
        assert_eq!(grid.means(few).as_ref(), few, "nothing is averaged where there is room for all");
    }

    #[test]
    fn what_is_left_of_the_axis_is_cut_where_it_crosses() {
        let shown = grid((4.0, 8.0), 9, 9).trace(&[(0.0, 0.0), (8.0, 1.0)]);
        assert_eq!(shown[0], Some((4, 4)), "half way up");
        assert!(shown.iter().all(Option::is_some));
        assert!(grid((9.0, 12.0), 9, 9).trace(&[(0.0, 0.0), (8.0, 1.0)]).iter().all(Option::is_none));
    }

    proptest! {
        #[test]
        fn a_line_is_never_torn_and_never_outside(
            values in prop::collection::vec((0.01f64..5.0, -0.5f64..1.5), 2..300),
            width in 1usize..120,
            height in 1usize..60,
            shown in (0.0f64..1.0, 0.001f64..1.0),
        ) {
            let mut x = 0.0;
            let points: Vec<(f64, f64)> = values.iter().map(|(by, y)| { x += by; (x, *y) }).collect();
            let (first, last) = (points[0].0, points[points.len() - 1].0);
            let from = first + shown.0 * (last - first) * 0.9;
            let grid = grid((from, from + shown.1 * (last - first) + 1e-6), width, height);
            let spans = grid.trace(&points);
            prop_assert_eq!(spans.len(), width);
            let covered: Vec<(usize, (usize, usize))> =
                spans.iter().enumerate().filter_map(|(at, span)| Some((at, (*span)?))).collect();
            for pair in covered.windows(2) {
                let ((at, (top, bottom)), (next, (next_top, next_bottom))) = (pair[0], pair[1]);
                prop_assert_eq!(at + 1, next, "no column is left out");
                prop_assert!(top <= next_bottom && next_top <= bottom, "{:?} {:?}", pair[0], pair[1]);
            }
            prop_assert!(covered.iter().all(|(_, (top, bottom))| top <= bottom && *bottom < height));
        }

        #[test]
        fn any_numbers_give_a_picture(
            points in prop::collection::vec((any::<f64>(), any::<f64>()), 0..40),
            x in (any::<f64>(), any::<f64>()),
            width in 0usize..30,
            height in 0usize..20,
        ) {
            let spans = grid(x, width, height).trace(&points);
            prop_assert!(spans.iter().flatten().all(|(top, bottom)| top <= bottom && *bottom < height));
        }
    }
}
