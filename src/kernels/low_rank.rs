//! Low-rank additions to a block's matrices, as in LoRA (<https://arxiv.org/abs/2106.09685>): `x w + scale (x a) b`.
//!
//! The weights of all additions of a block are one vector, so that a block has one tensor more, whatever is added to.

use std::ops::Range;

use super::{
    buffers::Buffer,
    product::{Into, Matrix, product, product_strided},
};

/// One of a block's matrices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// Queries, keys, values.
    Qkv,
    /// From attention to the residual stream.
    Output,
    /// Gate and up.
    GateUp,
    /// From the feed-forward to the residual stream.
    Down,
}

/// One addition: `a: [input, rank]`, and behind it `b: [rank, columns]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which matrix it is added to.
    pub site: Site,
    /// Rows of that matrix.
    pub input: usize,
    /// The columns of that matrix which it is added to.
    pub columns: Range<usize>,
    /// Where in the vector its numbers begin.
    pub start: usize,
}

/// All additions of a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The inner dimension of each.
    pub rank: usize,
    /// What each is multiplied by.
    pub scale: f32,
    /// One after the other in the vector.
    pub parts: Vec<Part>,
}

impl Part {
    /// Where `a` lies in the vector.
    pub fn a(&self, rank: usize) -> Range<usize> {
        self.start..self.start + self.input * rank
    }

    /// Where `b` lies.
    pub fn b(&self, rank: usize) -> Range<usize> {
        let start = self.a(rank).end;
        start..start + rank * self.columns.len()
    }
}

impl Plan {
    /// The additions to a matrix.
    pub fn at(&self, site: Site) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| part.site == site)
    }

    /// Numbers of the vector.
    pub fn size(&self) -> usize {
        self.parts.last().map_or(0, |part| part.b(self.rank).end)
    }

    fn factors<'a>(&self, part: &Part, weights: &'a [f32]) -> (Matrix<'a>, Matrix<'a>) {
        let r = self.rank;
        let a = Matrix::new(&weights[part.a(r)], part.input, r);
        (a, Matrix::new(&weights[part.b(r)], r, part.columns.len()))
    }

    /// `scale x a`: `[n, rank]`.
    fn narrowed(&self, x: Matrix<'_>, a: Matrix<'_>) -> Buffer {
        let mut narrow = Buffer::new(x.rows() * self.rank);
        product(&mut narrow, Into::Fresh, x, a);
        narrow.iter_mut().for_each(|value| *value *= self.scale);
        narrow
    }

    /// Adds to `out: [n, width]`, the product of `x` with the matrix at `site`.
    pub(super) fn add(&self, site: Site, weights: &[f32], x: &[f32], out: &mut [f32], width: usize) {
        let n = out.len() / width.max(1);
        for part in self.at(site) {
            let (a, b) = self.factors(part, weights);
            let narrow = self.narrowed(Matrix::new(x, n, part.input), a);
            let narrow = Matrix::new(&narrow, n, self.rank);
            product_strided(&mut out[part.columns.start..], width, Into::Sum, narrow, b);
        }
    }

    /// From the gradient by that product, `dy: [n, width]`: adds to the one by `x` and to the one by the weights.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn add_back(
        &self,
        site: Site,
        weights: &[f32],
        x: &[f32],
        dy: &[f32],
        width: usize,
        dx: &mut [f32],
        slopes: &mut [f32],
    ) {
        let (n, r) = (dy.len() / width.max(1), self.rank);
        for part in self.at(site) {
            let (a, b) = self.factors(part, weights);
            let x = Matrix::new(x, n, part.input);
            let dy = Matrix::strided(&dy[part.columns.start..], n, part.columns.len(), width);
            let narrow = self.narrowed(x, a);
            product(&mut slopes[part.b(r)], Into::Sum, Matrix::new(&narrow, n, r).t(), dy);
            let dnarrow = self.narrowed(dy, b.t());
            let dnarrow = Matrix::new(&dnarrow, n, r);
            product(&mut slopes[part.a(r)], Into::Sum, x.t(), dnarrow);
            product(dx, Into::Sum, dnarrow, a.t());
        }
    }
}
