//! Matrix products on slices.
//!
//! The shapes of a small model's training are thin: a few hundred rows, an inner dimension of a few hundred. Here the
//! right side is laid out in [`panels`](super::panels), and the left side is read where it lies
//! ([`tile`](super::tile)): copying it, as general libraries do, costs more than it gains.

use std::{cell::RefCell, ops::Range};

use super::{panels::Panels, tile::Tiles};

/// A matrix in a slice.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    /// From one line's start to the next one's: a line is a row, and where the matrix is turned a column.
    stride: usize,
    turned: bool,
}

impl<'a> Matrix<'a> {
    /// `[rows, cols]`, row-major.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// `[rows, cols]`, with `row_stride` numbers from the start of one row to the start of the next.
    pub(crate) fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(holds(data.len(), rows, cols, row_stride), "the slice is too short for the matrix");
        Self { data, rows, cols, stride: row_stride, turned: false }
    }

    /// The transpose, over the same numbers.
    pub fn t(self) -> Self {
        Self { rows: self.cols, cols: self.rows, turned: !self.turned, ..self }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn columns(&self) -> usize {
        self.cols
    }

    pub(super) fn is_turned(&self) -> bool {
        self.turned
    }

    /// A row, or a column of a turned matrix.
    #[inline(always)]
    pub(super) fn line(&self, index: usize) -> &'a [f32] {
        let length = if self.turned { self.rows } else { self.cols };
        &self.data[index * self.stride..][..length]
    }

    /// Some of its rows and columns.
    fn part(self, rows: Range<usize>, cols: Range<usize>) -> Self {
        let (line, place) = if self.turned { (cols.start, rows.start) } else { (rows.start, cols.start) };
        let data = self.data.get(line * self.stride + place..).unwrap_or_default();
        Self { data, rows: rows.len(), cols: cols.len(), ..self }
    }
}

fn holds(length: usize, rows: usize, cols: usize, row_stride: usize) -> bool {
    rows == 0 || cols == 0 || (cols <= row_stride.max(cols) && (rows - 1) * row_stride + cols <= length)
}

/// What happens to the old contents of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// They are overwritten.
    Fresh,
    /// The product is added to them.
    Sum,
}

/// Numbers of the left side that stay in the second cache while all panels are multiplied with them.
const LEFT: usize = 144 * 384;
/// Of the inner dimension at a time. More would have to be read from farther away; less, and the result is read and
/// written more often.
const INNER: usize = 1024;
/// The same for a turned left side: of each of its lines, of which only a few numbers belong to a tile, a whole cache line
/// is read.
const INNER_TURNED: usize = 256;
/// Columns that are laid out at a time.
const COLUMNS: usize = 1024;

thread_local! {
    /// The right side of the product that the thread computes.
    static RIGHT: RefCell<Panels> = RefCell::default();
}

/// `out = a b` or `out += a b`, where `out: [a.rows, b.cols]`, row after row. Runs on the calling thread.
///
/// # Panics
/// If the shapes do not match.
pub fn product(out: &mut [f32], into: Into, a: Matrix<'_>, b: Matrix<'_>) {
    product_strided(out, b.cols, into, a, b);
}

/// The same with `out_stride` numbers from one row of the result to the next.
///
/// # Panics
/// If the shapes do not match.
pub(super) fn product_strided(out: &mut [f32], out_stride: usize, into: Into, a: Matrix<'_>, b: Matrix<'_>) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert!(k == b.rows && holds(out.len(), m, n, out_stride), "the shapes of a product do not fit");
    if k == 0 && into == Into::Fresh {
        out.chunks_mut(out_stride.max(1)).take(m).for_each(|row| row[..n].fill(0.0));
    }
    RIGHT.with_borrow_mut(|right| {
        for columns in parts(n, COLUMNS) {
            for inner in parts(k, if a.turned { INNER_TURNED } else { INNER }) {
                right.fill(b.part(inner.clone(), columns.clone()));
                let into = if inner.start > 0 { Into::Sum } else { into };
                let width = columns.len();
                multiply(&mut out[columns.start..], out_stride, into, a.part(0..m, inner), right, width);
            }
        }
    });
}

/// The same with a right side that is laid out already.
///
/// # Panics
/// When the shapes do not fit.
pub(crate) fn product_with(out: &mut [f32], into: Into, a: Matrix<'_>, b: &Panels) {
    let n = b.columns();
    assert!(a.cols == b.rows() && a.rows * n <= out.len(), "the shapes of a product do not fit");
    multiply(out, n, into, a, b, n);
}

/// The same with the first `a.cols` rows and the first `columns` columns of the right side, and `out_stride` numbers from
/// one row of the result to the next. Columns behind the last one may be written too, up to a vector's end.
///
/// # Panics
/// When the shapes do not fit.
pub(super) fn product_with_part(
    out: &mut [f32],
    out_stride: usize,
    into: Into,
    a: Matrix<'_>,
    b: &Panels,
    columns: usize,
) {
    assert!(a.cols <= b.rows() && columns <= b.columns(), "the shapes of a product do not fit");
    multiply(out, out_stride, into, a, b, columns);
}

fn multiply(out: &mut [f32], out_stride: usize, into: Into, a: Matrix<'_>, right: &Panels, columns: usize) {
    for rows in parts(a.rows, (LEFT / a.cols.max(1)).clamp(48, 240)) {
        let part = a.part(rows.clone(), 0..a.cols);
        Tiles {
            left: part.data,
            left_stride: part.stride,
            turned: part.turned,
            rows: part.rows,
            right,
            inner: a.cols,
            columns,
            out: &mut out[rows.start * out_stride..],
            out_stride,
            into,
        }
        .run();
    }
}

/// `0..whole` in parts of about the same size, of at most so many.
fn parts(whole: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let count = whole.div_ceil(most);
    (0..count).map(move |i| i * whole / count..(i + 1) * whole / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::unit::forced::with_each;

    fn numbers(count: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    #[test]
    fn products_match_the_definition_in_every_orientation() {
        with_each(products_match_the_definition);
    }

    fn products_match_the_definition() {
        let (m, n, k) = (7, 5, 9);
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let transposed = |x: &[f32], rows: usize, cols: usize| -> Vec<f32> {
            (0..rows * cols).map(|i| x[(i % rows) * cols + i / rows]).collect()
        };
        let (at, bt) = (transposed(&a, m, k), transposed(&b, k, n));
        for (a_, b_) in [
            (Matrix::new(&a, m, k), Matrix::new(&b, k, n)),
            (Matrix::new(&at, k, m).t(), Matrix::new(&b, k, n)),
            (Matrix::new(&a, m, k), Matrix::new(&bt, n, k).t()),
        ] {
            let mut out = vec![1.0; m * n];
            product(&mut out, Into::Sum, a_, b_);
            for (i, found) in out.iter().enumerate() {
                let exact: f32 = (0..k).map(|x| a[i / n * k + x] * b[x * n + i % n]).sum();
                assert!((found - 1.0 - exact).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn a_product_into_some_columns_leaves_the_others_alone() {
        let (m, n, k, stride, from) = (13, 40, 21, 100, 33);
        let (a, b) = (numbers(m * k, 5), numbers(k * n, 6));
        let (a, b) = (Matrix::new(&a, m, k), Matrix::new(&b, k, n));
        let mut dense = vec![0.0; m * n];
        product(&mut dense, Into::Fresh, a, b);
        let mut wide = vec![7.0; m * stride];
        product_strided(&mut wide[from..], stride, Into::Fresh, a, b);
        for (wide, dense) in wide.chunks(stride).zip(dense.chunks(n)) {
            assert_eq!(wide[from..from + n], *dense);
            assert!(wide[..from].iter().chain(&wide[from + n..]).all(|&x| x == 7.0));
        }
    }

    /// The text of a completion must not depend on which others are sampled beside it.
    #[test]
    fn a_row_of_a_product_does_not_depend_on_how_many_rows_there_are() {
        with_each(rows_do_not_depend_on_each_other);
    }

    fn rows_do_not_depend_on_each_other() {
        for (k, n) in [(128, 256), (128, 768), (384, 128)] {
            let (a, b) = (numbers(80 * k, 3), numbers(k * n, 4));
            let mut all = vec![0.0; 80 * n];
            product(&mut all, Into::Fresh, Matrix::new(&a, 80, k), Matrix::new(&b, k, n));
            for rows in [2, 3, 8, 17, 32, 33, 64, 79] {
                let mut some = vec![0.0; rows * n];
                product(&mut some, Into::Fresh, Matrix::new(&a, rows, k), Matrix::new(&b, k, n));
                assert!(some == all[..rows * n], "{rows} rows of [{k}, {n}]");
            }
        }
        let (k, n) = (128, 172);
        let (a, b) = (numbers(80 * k, 3), numbers(k * n, 4));
        let mut all = vec![0.0; 80 * n];
        product(&mut all, Into::Fresh, Matrix::new(&a, 80, k), Matrix::new(&b, n, k).t());
        for rows in 2..80 {
            let mut some = vec![0.0; rows * n];
            product(&mut some, Into::Fresh, Matrix::new(&a, rows, k), Matrix::new(&b, n, k).t());
            assert!(some == all[..rows * n], "{rows} rows of a transposed [{n}, {k}]");
        }
    }
}
