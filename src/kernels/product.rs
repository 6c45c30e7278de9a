//! Matrix products on slices, through the `gemm` crate.
//!
//! The crate's interface is raw pointers; this file is where they are made, from slices whose bounds it checks.
#![allow(unsafe_code)]

use gemm::Parallelism;

/// A matrix in a slice.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// `[rows, cols]`, row after row.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// `[rows, cols]`, with `row_stride` numbers from one row's start to the next one's.
    pub fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(holds(data.len(), rows, cols, row_stride), "the slice is too short for the matrix");
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// The same numbers, transposed.
    pub fn t(self) -> Self {
        Self {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            ..self
        }
    }
}

fn holds(length: usize, rows: usize, cols: usize, row_stride: usize) -> bool {
    rows == 0 || cols == 0 || (cols <= row_stride.max(cols) && (rows - 1) * row_stride + cols <= length)
}

/// What happens to the numbers that were in the result's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// They are overwritten.
    Fresh,
    /// The product is added to them.
    Sum,
}

/// `out = a b` or `out += a b`, where `out: [a.rows, b.cols]`, row after row. Runs on the calling thread.
///
/// # Panics
/// When the shapes do not fit.
pub fn product(out: &mut [f32], into: Into, a: Matrix<'_>, b: Matrix<'_>) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert!(k == b.rows && m * n <= out.len(), "the shapes of a product do not fit");
    if m == 0 || n == 0 {
        return;
    }
    let add = into == Into::Sum;
    // SAFETY: `Matrix` holds only slices that cover its rows and columns, `out` covers `[m, n]` (checked above), and
    // being borrowed mutably it overlaps with neither.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// What a completion says must not depend on which others are sampled beside it.
    #[test]
    fn a_row_of_a_product_does_not_depend_on_how_many_rows_there_are() {
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
