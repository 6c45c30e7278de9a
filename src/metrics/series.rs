//! One measurement over the steps of a run, grouped into as many columns as a chart has.

use std::ops::RangeInclusive;

use super::Ema;

/// Values by step, in order. A value that is not finite is kept as a gap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    steps: Vec<u64>,
    /// One value per step; NaN is a gap.
    values: Vec<f64>,
}

/// The content of one column of a chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Column {
    /// No step falls into it: a line may continue across.
    Empty,
    /// Steps fall into it, but none has a finite value: a line must break here.
    Gap,
    /// At least one finite value.
    Values(Bucket),
}

/// The finite values of one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Step of the first finite value.
    pub first_step: u64,
    /// Step of the last finite value.
    pub last_step: u64,
    /// The minimum.
    pub min: f64,
    /// The maximum.
    pub max: f64,
    /// The mean.
    pub mean: f64,
    /// The last.
    pub last: f64,
    /// Number of values.
    pub count: usize,
}

impl Series {
    /// A series without points.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a point. A step at or before the last one replaces it and everything after it, as a run does
    /// when it is resumed from an earlier checkpoint.
    pub fn push(&mut self, step: u64, value: f64) {
        if self.steps.last().is_some_and(|last| *last >= step) {
            self.truncate_from(step);
        }
        self.steps.push(step);
        self.values.push(if value.is_finite() { value } else { f64::NAN });
    }

    /// Drops the points of `step` and later.
    pub fn truncate_from(&mut self, step: u64) {
        let kept = self.steps.partition_point(|held| *held < step);
        self.steps.truncate(kept);
        self.values.truncate(kept);
    }

    /// Number of points, gaps included.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are no points.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// First and last step, gaps included.
    pub fn step_range(&self) -> Option<RangeInclusive<u64>> {
        Some(*self.steps.first()?..=*self.steps.last()?)
    }

    /// The finite points in order.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = (u64, f64)> + '_ {
        self.all().filter(|(_, value)| value.is_finite())
    }

    /// The last finite point.
    pub fn last(&self) -> Option<(u64, f64)> {
        self.points().next_back()
    }

    /// The finite point nearest to `step`, for a crosshair; of two equally near, the earlier.
    pub fn nearest(&self, step: u64) -> Option<(u64, f64)> {
        let split = self.steps.partition_point(|held| *held < step);
        let point = |i: usize| (self.steps[i], self.values[i]);
        let before = (0..split).rev().map(point).find(|(_, value)| value.is_finite());
        let after = (split..self.len()).map(point).find(|(_, value)| value.is_finite());
        match (before, after) {
            (Some(before), Some(after)) if step - before.0 <= after.0 - step => Some(before),
            (before, after) => after.or(before),
        }
    }

    /// Minimum and maximum of the finite values, in this order.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        self.points().fold(None, |bounds, (_, value)| match bounds {
            None => Some((value, value)),
            Some((low, high)) => Some((low.min(value), high.max(value))),
        })
    }

    /// The debiased exponential moving average of the series, with its gaps; see [`Ema`] for `keep`.
    pub fn smoothed(&self, keep: f64) -> Series {
        let mut ema = Ema::new(keep);
        let values = self.values.iter().map(|value| ema.push(*value).unwrap_or(f64::NAN)).collect();
        Series { steps: self.steps.clone(), values }
    }

    /// The whole series in `width` columns of equally many steps; see [`Series::columns_between`].
    pub fn columns(&self, width: usize) -> Vec<Column> {
        match self.step_range() {
            Some(range) => self.columns_between(range, width),
            None => vec![Column::Empty; width],
        }
    }

    /// The steps of `range` in `width` columns: step `s` falls into column
    /// `(s - first) * width / (last - first + 1)`. Takes time linear in the points of the range.
    pub fn columns_between(&self, range: RangeInclusive<u64>, width: usize) -> Vec<Column> {
        let mut columns = vec![Column::Empty; width];
        let (first, last) = (*range.start(), *range.end());
        if width == 0 || first > last {
            return columns;
        }
        let steps = u128::from(last - first) + 1;
        let from = self.steps.partition_point(|held| *held < first);
        let to = self.steps.partition_point(|held| *held <= last);
        for (step, value) in self.steps[from..to].iter().zip(&self.values[from..to]) {
            let column = (u128::from(step - first) * width as u128 / steps) as usize;
            columns[column].take(*step, *value);
        }
        columns
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = (u64, f64)> + '_ {
        self.steps.iter().copied().zip(self.values.iter().copied())
    }
}

impl Column {
    /// The bucket, if there is one.
    pub fn bucket(&self) -> Option<&Bucket> {
        match self {
            Column::Values(bucket) => Some(bucket),
            Column::Empty | Column::Gap => None,
        }
    }

    fn take(&mut self, step: u64, value: f64) {
        match self {
            Column::Values(bucket) if value.is_finite() => bucket.take(step, value),
            Column::Values(_) => {}
            Column::Empty | Column::Gap if value.is_finite() => {
                *self = Column::Values(Bucket {
                    first_step: step,
                    last_step: step,
                    min: value,
                    max: value,
                    mean: value,
                    last: value,
                    count: 1,
                });
            }
            Column::Empty | Column::Gap => *self = Column::Gap,
        }
    }
}

impl Bucket {
    fn take(&mut self, step: u64, value: f64) {
        self.count += 1;
        // A running mean cannot overflow where the sum of the values would.
        let count = self.count as f64;
        self.mean += value / count - self.mean / count;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.last = value;
        self.last_step = step;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn series(points: &[(u64, f64)]) -> Series {
        let mut series = Series::new();
        for (step, value) in points {
            series.push(*step, *value);
        }
        series
    }

    #[test]
    fn a_gap_breaks_the_line_and_an_empty_column_does_not() {
        let series = series(&[(1, 1.0), (2, f64::NAN), (4, 3.0)]);
        let columns = series.columns(4);
        assert!(matches!(columns[0], Column::Values(_)));
        assert_eq!(columns[1], Column::Gap);
        assert_eq!(columns[2], Column::Empty);
        assert_eq!(columns[3].bucket().unwrap().last, 3.0);
        assert_eq!(series.bounds(), Some((1.0, 3.0)));
        assert_eq!(series.points().count(), 2);
        assert_eq!(series.len(), 3);
    }

    #[test]
    fn no_points_no_width_and_extreme_steps_are_fine() {
        assert_eq!(Series::new().columns(3), vec![Column::Empty; 3]);
        assert_eq!(Series::new().bounds(), None);
        assert_eq!(Series::new().last(), None);
        assert_eq!(Series::new().nearest(3), None);
        let extreme = series(&[(0, f64::MAX), (1, -f64::MAX), (u64::MAX, 1.0)]);
        assert_eq!(extreme.columns(0), vec![]);
        let columns = extreme.columns(2);
        assert_eq!(columns[0].bucket().unwrap().mean, 0.0);
        assert_eq!(columns[1].bucket().unwrap().count, 1);
        let backwards = RangeInclusive::new(5, 2);
        assert_eq!(extreme.columns_between(backwards, 2), vec![Column::Empty; 2]);
    }

    #[test]
    fn a_repeated_step_takes_the_place_of_what_followed() {
        let mut series = series(&[(1, 1.0), (2, 2.0), (3, 3.0)]);
        series.push(2, 9.0);
        assert_eq!(series.points().collect::<Vec<_>>(), vec![(1, 1.0), (2, 9.0)]);
        series.truncate_from(0);
        assert!(series.is_empty());
    }

    #[test]
    fn the_crosshair_finds_the_nearest_finite_point() {
        let series = series(&[(10, 1.0), (12, f64::NAN), (14, 2.0)]);
        assert_eq!(series.nearest(0), Some((10, 1.0)));
        assert_eq!(series.nearest(12), Some((10, 1.0)));
        assert_eq!(series.nearest(13), Some((14, 2.0)));
        assert_eq!(series.nearest(14), Some((14, 2.0)));
        assert_eq!(series.nearest(99), Some((14, 2.0)));
    }

    #[test]
    fn smoothing_keeps_steps_and_gaps() {
        let series = series(&[(1, 1.0), (2, f64::INFINITY), (5, 3.0)]);
        let smooth = series.smoothed(0.5);
        assert_eq!(smooth.len(), 3);
        let points: Vec<(u64, f64)> = smooth.points().collect();
        // (.25 * 1 + .5 * 3) / .75
        assert_eq!(points[0], (1, 1.0));
        assert_eq!(points[1].0, 5);
        assert!((points[1].1 - 1.75 / 0.75).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn columns_agree_with_sorting_every_step_by_hand(
            points in prop::collection::btree_map(
                0u64..500,
                prop_oneof![9 => -1e3f64..1e3, 1 => Just(f64::NAN)],
                0..80,
            ),
            (a, b) in (0u64..500, 0u64..500),
            width in 1usize..60,
        ) {
            let points: Vec<(u64, f64)> = points.into_iter().collect();
            let (first, last) = (a.min(b), a.max(b));
            let columns = series(&points).columns_between(first..=last, width);
            prop_assert_eq!(columns.len(), width);
            for (index, column) in columns.iter().enumerate() {
                let here: Vec<(u64, f64)> = points
                    .iter()
                    .copied()
                    .filter(|(step, _)| (first..=last).contains(step))
                    .filter(|(step, _)| (step - first) as usize * width / (last - first + 1) as usize == index)
                    .collect();
                let finite: Vec<(u64, f64)> = here.iter().copied().filter(|point| point.1.is_finite()).collect();
                match column {
                    Column::Empty => prop_assert!(here.is_empty()),
                    Column::Gap => prop_assert!(!here.is_empty() && finite.is_empty()),
                    Column::Values(bucket) => {
                        let values: Vec<f64> = finite.iter().map(|point| point.1).collect();
                        prop_assert_eq!(bucket.count, values.len());
                        prop_assert_eq!(bucket.first_step, finite[0].0);
                        prop_assert_eq!(bucket.last_step, finite[finite.len() - 1].0);
                        prop_assert_eq!(bucket.last, values[values.len() - 1]);
                        prop_assert_eq!(bucket.min, values.iter().copied().fold(f64::INFINITY, f64::min));
                        prop_assert_eq!(bucket.max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                        let mean = values.iter().sum::<f64>() / values.len() as f64;
                        prop_assert!((bucket.mean - mean).abs() < 1e-9);
                    }
                }
            }
        }
    }
}
