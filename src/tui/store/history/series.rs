//! A curve of any length in bounded memory: the lowest and highest point of each block of steps.

/// Most blocks. A chart has hundreds of columns: a block is narrower than a column, so the picture is that of every step.
const MOST: usize = 4096;

/// Step and value.
type Point = (f64, f64);

/// Consecutive steps of a curve.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// The first step.
    from: f64,
    /// The lowest and the highest point, where any is finite.
    extremes: Option<(Point, Point)>,
    /// Whether a value in it is not finite.
    gap: bool,
}

impl Block {
    fn of(step: f64, value: f64) -> Self {
        let finite = value.is_finite();
        Self { from: step, extremes: finite.then_some(((step, value), (step, value))), gap: !finite }
    }

    /// With the block that follows.
    fn and(self, next: Self) -> Self {
        let extremes = match (self.extremes, next.extremes) {
            (Some((low, high)), Some((next_low, next_high))) => Some((
                if next_low.1 < low.1 { next_low } else { low },
                if next_high.1 > high.1 { next_high } else { high },
            )),
            (one, other) => one.or(other),
        };
        Self { from: self.from, extremes, gap: self.gap || next.gap }
    }

    /// By rising step; NaN is a gap: the line breaks somewhere in the block.
    fn points(self) -> impl Iterator<Item = Point> {
        let gap = self.gap.then_some((self.from, f64::NAN));
        let (first, second) = match self.extremes {
            Some((low, high)) if low.0 == high.0 => (Some(low), None),
            Some((low, high)) if low.0 < high.0 => (Some(low), Some(high)),
            Some((low, high)) => (Some(high), Some(low)),
            None => (None, None),
        };
        [gap, first, second].into_iter().flatten()
    }
}

/// A curve. Each step is a block until there are too many; then neighbouring blocks are merged, repeatedly.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    blocks: Vec<Block>,
    /// Steps of a block.
    size: usize,
    /// Steps in the last block.
    filled: usize,
}

impl Default for Series {
    fn default() -> Self {
        Self { blocks: Vec::new(), size: 1, filled: 1 }
    }
}

impl Series {
    /// Forgets the blocks that begin with this step or later.
    pub(crate) fn keep_before(&mut self, step: u64) {
        self.blocks.truncate(self.blocks.partition_point(|block| block.from < step as f64));
        self.filled = self.size;
    }

    /// Adds the value of the next step.
    pub fn push(&mut self, step: u64, value: f64) {
        let new = Block::of(step as f64, value);
        match self.blocks.last_mut() {
            Some(last) if self.filled < self.size => {
                *last = last.and(new);
                self.filled += 1;
            }
            _ => {
                if self.blocks.len() == MOST {
                    self.blocks = self
                        .blocks
                        .chunks(2)
                        .filter_map(|two| two.iter().copied().reduce(Block::and))
                        .collect();
                    self.size *= 2;
                }
                self.blocks.push(new);
                self.filled = 1;
            }
        }
    }

    /// What a chart draws, by rising step; NaN is a gap.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        self.blocks.iter().flat_map(|block| block.points())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(step: u64) -> f64 {
        if step == 300 { f64::NAN } else { (step as f64 * 0.37).sin() * (step % 77) as f64 }
    }

    fn series(steps: u64) -> Series {
        let mut series = Series::default();
        (0..steps).for_each(|step| series.push(step, value(step)));
        series
    }

    #[test]
    fn a_short_curve_is_all_there() {
        let bits = |point: (f64, f64)| (point.0.to_bits(), point.1.to_bits());
        let all = (0..MOST as u64).map(|step| bits((step as f64, value(step))));
        assert!(series(MOST as u64).points().map(bits).eq(all));
    }

    #[test]
    fn a_curve_of_any_length_keeps_its_extremes_and_its_gaps() {
        for steps in [MOST as u64 + 1, 10_001, 100_000] {
            let long = series(steps);
            let size = steps.div_ceil(MOST as u64).next_power_of_two();
            assert_eq!((long.size as u64, long.blocks.len() as u64), (size, steps.div_ceil(size)));
            let kept: Vec<(f64, f64)> = long.points().collect();
            assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0));
            assert_eq!(kept.iter().filter(|(_, y)| y.is_nan()).count(), 1);
            for from in (0..steps).step_by(size as usize) {
                let block = from..(from + size).min(steps);
                let inside = kept.iter().filter(|(x, _)| block.contains(&(*x as u64))).map(|(_, y)| *y);
                let (few, all) = (inside.collect::<Vec<_>>(), block.map(value).collect::<Vec<_>>());
                let ends = |values: &[f64]| {
                    (
                        values.iter().copied().fold(f64::MAX, f64::min),
                        values.iter().copied().fold(f64::MIN, f64::max),
                    )
                };
                assert_eq!(ends(&few), ends(&all));
            }
        }
    }
}
