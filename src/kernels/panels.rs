//! The right side of a product, laid out in the order in which it is read.
//!
//! A panel holds a few columns, as many as [`tile`](super::tile) multiplies at once, row after row: what one pass
//! over the inner dimension reads is one stretch of memory. As in BLIS (<https://doi.org/10.1145/2764454>).

use super::{buffers::Buffer, product::Matrix, tile::panel_width, vector::vectorized};

/// Numbers in a cache line, with which every panel begins.
const LINE: usize = 16;

/// Rows of a panel that are written at a time.
const STRETCH: usize = 64;

/// A matrix `[k, n]` in panels, `[n / width, k, width]`; the last one is filled up with zeros.
#[derive(Debug, Default)]
pub(crate) struct Panels {
    data: Buffer,
    /// Where in `data` the first panel begins.
    start: usize,
    k: usize,
    n: usize,
    width: usize,
}

impl Panels {
    /// Of this matrix.
    pub fn of(matrix: Matrix<'_>) -> Self {
        let mut panels = Self::default();
        panels.fill(matrix);
        panels
    }

    /// Holds this matrix from now on.
    pub fn fill(&mut self, matrix: Matrix<'_>) {
        lay_out(self, matrix);
    }

    /// The inner dimension.
    pub fn rows(&self) -> usize {
        self.k
    }

    /// How many columns the matrix has.
    pub fn columns(&self) -> usize {
        self.n
    }

    /// One panel, `[k, width]`.
    #[inline(always)]
    pub(super) fn panel(&self, index: usize) -> &[f32] {
        let size = self.k * self.width;
        let from = self.start + index * size;
        &self.data[from..from + size]
    }
}

vectorized! {
    /// [`Panels::fill`].
    fn lay_out<'a>(panels: &'a mut Panels, matrix: Matrix<'a>) {
        let (k, n, w) = (matrix.rows(), matrix.columns(), panel_width::<S>());
        let whole = n.div_ceil(w) * k * w;
        if panels.data.len() < whole + LINE {
            panels.data = Buffer::new(whole + LINE);
        }
        let start = panels.data.as_ptr().align_offset(LINE * size_of::<f32>()).min(LINE);
        (panels.start, panels.k, panels.n, panels.width) = (start, k, n, w);
        if whole == 0 {
            return;
        }
        for (p, panel) in panels.data[start..start + whole].chunks_exact_mut(k * w).enumerate() {
            let (first, count) = (p * w, w.min(n - p * w));
            if count < w {
                panel.fill(0.0);
            }
            if matrix.is_turned() {
                // In stretches that stay in the first cache while all columns are written into them.
                for (i, lines) in panel.chunks_mut(STRETCH * w).enumerate() {
                    for j in 0..count {
                        let from = &matrix.line(first + j)[i * STRETCH..];
                        for (x, line) in from.iter().zip(lines.chunks_exact_mut(w)) {
                            line[j] = *x;
                        }
                    }
                }
            } else {
                for (i, line) in panel.chunks_exact_mut(w).enumerate() {
                    let from = &matrix.line(i)[first..first + count];
                    // Of a length that is known when this is compiled.
                    if count == w { line.copy_from_slice(from) } else { line[..count].copy_from_slice(from) }
                }
            }
        }
    }
}
