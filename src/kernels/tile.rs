//! The innermost loops of matrix products: a few rows times one panel, in registers.
//!
//! Every number of a result is one sum in the order of the inner dimension, whatever is computed beside it: how many
//! rows there are changes no bits.

use pulp::{Simd, WithSimd};

use super::{panels::Panels, product::Into, unit::dispatch};

/// Vectors side by side in a panel: each number of the left side that is read is used for so many.
const VECTORS: usize = 2;

/// Columns of a panel.
#[inline(always)]
pub(super) fn panel_width<S: Simd>() -> usize {
    VECTORS * S::F32_LANES
}

/// Rows computed at once: the sums of this many nearly fill the registers.
#[inline(always)]
pub(super) fn tile_rows<S: Simd>() -> usize {
    if S::F32_LANES == 16 { 8 } else { 6 }
}

/// `out = left right` or `out += left right`, with the first rows and columns of the right side.
pub(super) struct Tiles<'a> {
    /// From the first number on.
    pub left: &'a [f32],
    /// From one line of `left` to the next. Lines are rows, and where it is turned columns.
    pub left_stride: usize,
    pub turned: bool,
    /// Rows of the left side.
    pub rows: usize,
    pub right: &'a Panels,
    /// Columns of the left side.
    pub inner: usize,
    /// Columns of the right side that are multiplied. Those behind them in the last panel are too.
    pub columns: usize,
    /// From the first row and column on.
    pub out: &'a mut [f32],
    pub out_stride: usize,
    pub into: Into,
}

impl Tiles<'_> {
    pub(super) fn run(self) {
        dispatch(self);
    }
}

impl WithSimd for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { left, left_stride, turned, rows, right, inner, columns, out, out_stride, into } = self;
        let width = panel_width::<S>();
        for index in 0..columns.div_ceil(width) {
            let panel = &right.panel(index)[..inner * width];
            let columns = width.min(right.columns() - index * width);
            let out = &mut out[index * width..];
            if turned {
                down_panel::<S, true>(simd, left, left_stride, rows, panel, out, out_stride, columns, into);
            } else {
                down_panel::<S, false>(simd, left, left_stride, rows, panel, out, out_stride, columns, into);
            }
        }
    }
}

/// All rows times one panel, in tiles of about the same height.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn down_panel<S: Simd, const TURNED: bool>(
    simd: S,
    left: &[f32],
    left_stride: usize,
    rows: usize,
    panel: &[f32],
    out: &mut [f32],
    out_stride: usize,
    columns: usize,
    into: Into,
) {
    let tiles = rows.div_ceil(tile_rows::<S>());
    let mut from = 0;
    for tile in 1..=tiles {
        let to = tile * rows / tiles;
        let left = if TURNED { &left[from..] } else { &left[from * left_stride..] };
        let out = &mut out[from * out_stride..];
        macro_rules! of {
            ($rows:literal) => {{
                let sums = sums::<S, $rows, TURNED>(simd, left, left_stride, panel);
                put::<S, $rows>(simd, &sums, out, out_stride, columns, into);
            }};
        }
        match to - from {
            1 => of!(1),
            2 => of!(2),
            3 => of!(3),
            4 => of!(4),
            5 => of!(5),
            6 => of!(6),
            7 if S::F32_LANES == 16 => of!(7),
            8 if S::F32_LANES == 16 => of!(8),
            _ => {}
        }
        from = to;
    }
}

type Sums<S, const ROWS: usize> = [[<S as Simd>::f32s; VECTORS]; ROWS];

/// `ROWS` rows of the left side times a panel.
#[inline(always)]
fn sums<S: Simd, const ROWS: usize, const TURNED: bool>(
    simd: S,
    left: &[f32],
    stride: usize,
    panel: &[f32],
) -> Sums<S, ROWS> {
    let (panel, _) = S::as_simd_f32s(panel).0.as_chunks::<VECTORS>();
    let inner = panel.len();
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
    let mut add = |x: [f32; ROWS], y: &[S::f32s; VECTORS]| {
        for (sums, x) in sums.iter_mut().zip(x) {
            let x = simd.splat_f32s(x);
            for (sum, y) in sums.iter_mut().zip(y) {
                *sum = simd.mul_add_e_f32s(x, *y, *sum);
            }
        }
    };
    if TURNED {
        for (line, y) in left.chunks(stride).zip(panel) {
            let line = &line[..ROWS];
            add(std::array::from_fn(|r| line[r]), y);
        }
    } else {
        let lines: [&[f32]; ROWS] = std::array::from_fn(|r| &left[r * stride..r * stride + inner]);
        for (i, y) in panel.iter().enumerate() {
            add(std::array::from_fn(|r| lines[r][i]), y);
        }
    }
    sums
}

/// Writes or adds the first `columns` columns of the sums.
#[inline(always)]
fn put<S: Simd, const ROWS: usize>(
    simd: S,
    sums: &Sums<S, ROWS>,
    out: &mut [f32],
    stride: usize,
    columns: usize,
    into: Into,
) {
    for (sums, out) in sums.iter().zip(out.chunks_mut(stride)) {
        if columns == panel_width::<S>() {
            let (out, _) = S::as_mut_simd_f32s(&mut out[..columns]).0.as_chunks_mut::<VECTORS>();
            for (out, sum) in out[0].iter_mut().zip(sums) {
                *out = if into == Into::Sum { simd.add_f32s(*out, *sum) } else { *sum };
            }
        } else {
            // The rest of the last panel is filled up with zeros, which have no place in the result.
            let mut whole = [[simd.splat_f32s(0.0); VECTORS]; 1];
            whole[0] = *sums;
            let numbers: &[f32] = pulp::bytemuck::cast_slice(&whole[0]);
            for (out, sum) in out[..columns].iter_mut().zip(numbers) {
                *out = if into == Into::Sum { *out + sum } else { *sum };
            }
        }
    }
}
