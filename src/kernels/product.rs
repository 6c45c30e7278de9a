//! Matrix products on slices, through the `gemm` crate.
//!
//! The crate's interface takes raw pointers. This file alone creates them, from slices whose bounds it
//! checks.
//!
//! The crate's usual entry point chooses an instruction set by itself, once for the whole process. To run
//! products on a lower unit, the same as all other kernels, this file calls the entry point behind it. That
//! also avoids a trap: if the crate detects FMA it assumes AVX2, and if it detects AVX-512F it assumes the
//! rest of AVX-512, and it panics where that is wrong.
#![allow(unsafe_code)]

use gemm::Parallelism;

use super::unit::VectorUnit;

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
    /// `[rows, cols]`, row-major.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// `[rows, cols]`, with `row_stride` numbers from the start of one row to the start of the next.
    pub fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(holds(data.len(), rows, cols, row_stride), "the slice is too short for the matrix");
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// The transpose, over the same numbers.
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

/// What happens to the old contents of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// They are overwritten.
    Fresh,
    /// The product is added to them.
    Sum,
}

/// `out = a b` or `out += a b`, where `out: [a.rows, b.cols]` is row-major. Runs on the calling thread.
///
/// # Panics
/// If the shapes do not match.
pub fn product(out: &mut [f32], into: Into, a: Matrix<'_>, b: Matrix<'_>) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert!(k == b.rows && m * n <= out.len(), "the shapes of a product do not fit");
    if m == 0 || n == 0 {
        return;
    }
    let add = into == Into::Sum;
    let gemm = match VectorUnit::in_use() {
        #[cfg(target_arch = "x86_64")]
        VectorUnit::Avx2 => lower::with_avx2,
        #[cfg(target_arch = "x86_64")]
        VectorUnit::None => lower::with_none,
        _ => gemm::gemm::<f32> as Gemm,
    };
    // SAFETY: `Matrix` holds only slices that cover its rows and columns, `out` covers `[m, n]` (checked
    // above), and its mutable borrow rules out overlap with either.
    unsafe {
        gemm(
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

/// `out (m x n) = alpha out + beta a (m x k) b (k x n)`. Each matrix is a pointer and its column and row
/// strides.
type Gemm = unsafe fn(
    m: usize,
    n: usize,
    k: usize,
    out: *mut f32,
    out_cols: isize,
    out_rows: isize,
    read_out: bool,
    a: *const f32,
    a_cols: isize,
    a_rows: isize,
    b: *const f32,
    b_cols: isize,
    b_rows: isize,
    alpha: f32,
    beta: f32,
    conj_out: bool,
    conj_a: bool,
    conj_b: bool,
    parallelism: Parallelism,
);

/// The crate's products on a lower unit than it would choose; repeats definitions that the crate keeps
/// private.
#[cfg(target_arch = "x86_64")]
mod lower {
    use gemm::Parallelism;
    use gemm_common::{
        gemm::gemm_basic_generic,
        simd::{MixedSimd, Scalar, V3},
    };
    use gemm_f32::microkernel::{fma, scalar};

    macro_rules! gemm_with {
        ($name:ident, $simd:ty, $kernels:path, $lanes:literal) => {
            /// # Safety
            /// As [`gemm::gemm`], on a processor that has the unit.
            #[allow(clippy::too_many_arguments)]
            pub(super) unsafe fn $name(
                m: usize,
                n: usize,
                k: usize,
                out: *mut f32,
                out_cols: isize,
                out_rows: isize,
                read_out: bool,
                a: *const f32,
                a_cols: isize,
                a_rows: isize,
                b: *const f32,
                b_cols: isize,
                b_rows: isize,
                alpha: f32,
                beta: f32,
                conj_out: bool,
                conj_a: bool,
                conj_b: bool,
                parallelism: Parallelism,
            ) {
                use $kernels as kernels;
                let Some(simd) = <$simd as MixedSimd<f32, f32, f32, f32>>::try_new() else {
                    unreachable!("the unit was found when the program began");
                };
                // SAFETY: the caller upholds the contract of `gemm::gemm`.
                unsafe {
                    gemm_basic_generic::<
                        _,
                        f32,
                        $lanes,
                        { kernels::MR_DIV_N * $lanes },
                        { kernels::NR },
                        { kernels::MR_DIV_N },
                        { kernels::H_M },
                        { kernels::H_N },
                    >(
                        simd,
                        m,
                        n,
                        k,
                        out,
                        out_cols,
                        out_rows,
                        read_out,
                        a,
                        a_cols,
                        a_rows,
                        b,
                        b_cols,
                        b_rows,
                        alpha,
                        beta,
                        conj_out,
                        conj_a,
                        conj_b,
                        |a, b, c| a * b + c,
                        &kernels::UKR,
                        &kernels::H_UKR,
                        false,
                        parallelism,
                    );
                }
            }
        };
    }

    gemm_with!(with_avx2, V3, fma::f32, 8);
    gemm_with!(with_none, Scalar, scalar::f32, 1);
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
