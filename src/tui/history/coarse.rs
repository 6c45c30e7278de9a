//! Long curves, with fewer points than steps: of each block of steps its lowest and its highest.

/// Steps of a block. A chart has hundreds of columns, a run with blocks many thousands of steps: a block is narrower
/// than a column, so the picture is the same.
const BLOCK: usize = 64;

/// Runs with fewer steps are drawn from every step.
pub const LONG: usize = 16_384;

/// One curve in whole blocks; what follows the last whole block is not in here.
#[derive(Debug, Clone, Default)]
pub struct Coarse {
    points: Vec<(f64, f64)>,
    blocks: usize,
}

impl Coarse {
    /// Takes in the blocks that are whole by now; `points` are all of the curve, by rising x, and those of earlier
    /// calls have not changed.
    pub fn extend(&mut self, points: &[(f64, f64)]) {
        for block in points[self.covered()..].chunks_exact(BLOCK) {
            self.blocks += 1;
            let finite = || block.iter().copied().filter(|(_, y)| y.is_finite());
            let lowest = finite().reduce(|a, b| if b.1 < a.1 { b } else { a });
            let highest = finite().reduce(|a, b| if b.1 > a.1 { b } else { a });
            // A gap stays one: the line breaks somewhere in this block.
            if finite().count() < block.len() {
                self.points.push((block[0].0, f64::NAN));
            }
            let (Some(lowest), Some(highest)) = (lowest, highest) else { continue };
            let (first, second) = if lowest.0 <= highest.0 { (lowest, highest) } else { (highest, lowest) };
            self.points.push(first);
            if second.0 > first.0 {
                self.points.push(second);
            }
        }
    }

    /// How many points of the curve the blocks stand for.
    pub fn covered(&self) -> usize {
        self.blocks * BLOCK
    }

    /// The points of the blocks, by rising x; NaN is a gap.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_keeps_its_extremes_and_its_gaps() {
        let curve: Vec<(f64, f64)> = (0..1000)
            .map(|i| {
                (
                    f64::from(i),
                    if i == 300 { f64::NAN } else { (f64::from(i) * 0.37).sin() * f64::from(i % 77) },
                )
            })
            .collect();
        let mut coarse = Coarse::default();
        for n in [10, 64, 130, 700, 1000] {
            coarse.extend(&curve[..n]);
        }
        let mut at_once = Coarse::default();
        at_once.extend(&curve);
        let bits = |c: &Coarse| c.points().iter().map(|p| (p.0.to_bits(), p.1.to_bits())).collect::<Vec<_>>();
        assert_eq!(bits(&coarse), bits(&at_once));
        assert_eq!(coarse.covered(), 1000 / BLOCK * BLOCK);
        let kept = coarse.points();
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0) && kept.len() <= 3 * 1000 / BLOCK);
        assert_eq!(kept.iter().filter(|(_, y)| y.is_nan()).count(), 1);
        for block in curve[..coarse.covered()].chunks(BLOCK) {
            let inside = |p: &&(f64, f64)| p.0 >= block[0].0 && p.0 <= block[BLOCK - 1].0;
            let high = |points: &mut dyn Iterator<Item = f64>| points.fold(f64::MIN, f64::max);
            let low = |points: &mut dyn Iterator<Item = f64>| points.fold(f64::MAX, f64::min);
            let (all, few) = (|| block.iter().map(|p| p.1), || kept.iter().filter(inside).map(|p| p.1));
            assert_eq!(high(&mut all()), high(&mut few()));
            assert_eq!(low(&mut all()), low(&mut few()));
        }
    }
}
