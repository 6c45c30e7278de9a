//! Causal grouped-query attention with rotary positions, block by block of queries.
//!
//! As in FlashAttention (<https://arxiv.org/abs/2205.14135>), the weights are never kept: the backward pass makes
//! each block again from the logarithm of its rows' sums. A block of [`BLOCK`] positions looks only at the keys up
//! to its end, and all query heads of one key/value head go through the same product. Keys and values are laid out
//! once for all blocks.

use std::{ops::Range, sync::Arc};

pub use super::{angles::Angles, heads::Heads};
use super::{
    buffers::Buffer,
    panels::Panels,
    product::{Into, Matrix, product_with_part},
    vector::{LANES, dot, exp, mul_add, soften_from, vectorized},
};

/// Query positions of one block: fewer see fewer keys in vain, more make larger products.
const BLOCK: usize = 24;

/// Attention over rows of `t` positions: the shape of what both passes do.
#[derive(Debug, Clone)]
pub(crate) struct Attention {
    /// Positions of a row.
    pub t: usize,
    /// The heads.
    pub heads: Heads,
    /// The angles of at least this many positions.
    pub angles: Arc<Angles>,
    /// What the products of queries and keys are multiplied by.
    pub scale: f32,
    /// Positions that a query sees, itself included; `usize::MAX` for all before it.
    pub window: usize,
}

/// What both passes read for one key/value head of one row.
struct Head<'a> {
    heads: Heads,
    angles: &'a Angles,
    /// `[T, (H + 2G) c]`.
    rows: &'a [f32],
    group: usize,
    /// Turned keys, `[T, c]`.
    turned: Buffer,
}

impl<'a> Head<'a> {
    fn new(kernel: &'a Attention, rows: &'a [f32], group: usize) -> Self {
        let (heads, c) = (kernel.heads, kernel.heads.width);
        let mut turned = Buffer::new(kernel.t * c);
        let start = (heads.queries + group) * c;
        turn_keys(&kernel.angles, &rows[start..], heads.row(), c, &mut turned);
        Self { heads, angles: &kernel.angles, rows, group, turned }
    }

    fn first_query(&self) -> usize {
        self.group * self.heads.repeat() * self.heads.width
    }

    /// The turned keys.
    fn keys(&self) -> Matrix<'_> {
        let c = self.heads.width;
        Matrix::new(&self.turned, self.turned.len() / c, c)
    }

    /// The values.
    fn values(&self) -> Matrix<'_> {
        let c = self.heads.width;
        let count = self.turned.len() / c;
        let start = (self.heads.queries + self.heads.groups + self.group) * c;
        Matrix::strided(&self.rows[start..], count, c, self.heads.row())
    }

    /// The rotated queries of a block, `[R n, c]`: by head, then by position.
    fn queries(&self, from: usize, to: usize, out: &mut [f32]) {
        turn_queries(self, from, to, out);
    }
}

vectorized! {
    /// Rotates the first `c` numbers of each row: `[T, c]`.
    fn turn_keys<'a>(angles: &'a Angles, rows: &'a [f32], row: usize, c: usize, out: &'a mut [f32]) {
        for (i, out) in out.chunks_exact_mut(c).enumerate() {
            angles.turn(&rows[i * row..i * row + c], i, out);
        }
    }
}

vectorized! {
    /// [`Head::queries`].
    fn turn_queries<'a>(head: &'a Head<'a>, from: usize, to: usize, out: &'a mut [f32]) {
        let (c, n) = (head.heads.width, to - from);
        for (j, out) in out.chunks_exact_mut(c).enumerate() {
            let i = from + j % n;
            let at = i * head.heads.row() + head.first_query() + j / n * c;
            head.angles.turn(&head.rows[at..at + c], i, out);
        }
    }
}

vectorized! {
    /// Rotates the block's gradients with respect to the queries back, and writes them where the queries
    /// were.
    fn turn_back<'a>(head: &'a Head<'a>, block: Range<usize>, dq: &'a [f32], out: &'a mut [f32]) {
        let (c, n) = (head.heads.width, block.len());
        for (j, dq) in dq.chunks_exact(c).enumerate() {
            let i = block.start + j % n;
            let at = i * head.heads.row() + head.first_query() + j / n * c;
            head.angles.rotate(dq, i, -1.0, &mut out[at..at + c]);
        }
    }
}

vectorized! {
    /// Rotates gradients with respect to the keys, `[T, c]`, back into the first numbers of each row.
    fn turn_keys_back<'a>(angles: &'a Angles, dk: &'a [f32], row: usize, out: &'a mut [f32]) {
        let c = 2 * angles.half();
        for (i, dk) in dk.chunks_exact(c).enumerate() {
            angles.rotate(dk, i, -1.0, &mut out[i * row..i * row + c]);
        }
    }
}

vectorized! {
    /// Makes the block's scores, `[R n, stride]`, weights, and keeps the logarithms of their sums, `[R, T]`.
    fn soften_block<'a>(scores: &'a mut [f32], stride: usize, block: Range<usize>, window: usize, scale: f32, sums: &'a mut [f32]) {
        let (n, t) = (block.len(), sums.len() * block.len() * stride / scores.len());
        for (j, scores) in scores.chunks_exact_mut(stride).enumerate() {
            let i = block.start + j % n;
            let first = (i + 1).saturating_sub(window);
            sums[j / n * t + i] = soften_from::<S>(scores, first, i + 1, block.end, scale);
        }
    }
}

vectorized! {
    /// The block's scores to weights, and gradients by weights to gradients by scores, `[R n, stride]` each; given the
    /// outputs, the gradients by them (`[R n, c]` each) and the logarithms of the sums, `[R, T]`.
    fn by_scores<'a>(weights: &'a mut [f32], slopes: &'a mut [f32], stride: usize, o: &'a [f32], dy: &'a [f32], sums: &'a [f32], block: Range<usize>, window: usize, c: usize, scale: f32) {
        let (n, t) = (block.len(), sums.len() * block.len() * stride / weights.len());
        let lines = weights.chunks_exact_mut(stride).zip(slopes.chunks_exact_mut(stride));
        let ends = o.chunks_exact(c).zip(dy.chunks_exact(c));
        for (j, ((weights, slopes), (o, dy))) in lines.zip(ends).enumerate() {
            let i = block.start + j % n;
            let (total, mean) = (sums[j / n * t + i], dot::<S>(o, dy));
            // Whole vectors; what is made of keys that are not seen is thrown away.
            let first = (i + 1).saturating_sub(window);
            let whole = first - first % LANES..(i + 1).next_multiple_of(LANES);
            for (weight, slope) in weights[whole.clone()].iter_mut().zip(&mut slopes[whole.clone()]) {
                let p = exp::<S>(mul_add::<S>(*weight, scale, -total));
                *weight = p;
                *slope = p * (*slope - mean) * scale;
            }
            weights[..first].fill(0.0);
            slopes[..first].fill(0.0);
            weights[i + 1..whole.end.max(block.end)].fill(0.0);
            slopes[i + 1..whole.end.max(block.end)].fill(0.0);
        }
    }
}

/// Copies the block's rows of `[T, H c]` to `[R n, c]`.
fn gather(from: &[f32], heads: Heads, group: usize, block: Range<usize>, to: &mut [f32]) {
    let c = heads.width;
    let places = (0..heads.repeat()).flat_map(|head| block.clone().map(move |i| (head, i)));
    for ((head, i), to) in places.zip(to.chunks_exact_mut(c)) {
        let at = i * heads.queries * c + (group * heads.repeat() + head) * c;
        to.copy_from_slice(&from[at..at + c]);
    }
}

impl Attention {
    /// Over one row `qkv: [T, (H + 2G) c]`, into `out: [T, H c]`. Keeps for each head and position the logarithm of the
    /// sum of exponentials in `sums: [H, T]`.
    pub fn forward(&self, qkv: &[f32], out: &mut [f32], sums: &mut [f32]) {
        let Self { t, heads, scale, window, .. } = *self;
        let (c, r, stride) = (heads.width, heads.repeat(), t.next_multiple_of(LANES));
        let (mut q, mut weights) = (Buffer::new(r * BLOCK * c), Buffer::zeros(r * BLOCK * stride));
        let (mut keys, mut values) = (Panels::default(), Panels::default());
        for (group, sums) in sums.chunks_exact_mut(r * t).enumerate() {
            let head = Head::new(self, qkv, group);
            keys.fill(head.keys().t());
            values.fill(head.values());
            for from in (0..t).step_by(BLOCK) {
                let to = (from + BLOCK).min(t);
                let n = to - from;
                let (q, weights) = (&mut q[..r * n * c], &mut weights[..r * n * stride]);
                head.queries(from, to, q);
                product_with_part(weights, stride, Into::Fresh, Matrix::new(q, r * n, c), &keys, to);
                soften_block(weights, stride, from..to, window, scale, sums);
                for (j, weights) in weights.chunks_exact(n * stride).enumerate() {
                    let out = &mut out[from * heads.queries * c + (group * r + j) * c..];
                    let weights = Matrix::strided(weights, n, to, stride);
                    product_with_part(out, heads.queries * c, Into::Fresh, weights, &values, c);
                }
            }
        }
    }

    /// The derivative over one row, into `out: [T, (H + 2G) c]`, given what [`Self::forward`] had and made, and the
    /// derivative by its result, `dy: [T, H c]`.
    ///
    /// With weights `P = softmax(S)`, `O = P V`: `dV = P^T dO`, `dP = dO V^T`, `dS = P (dP - sum(dO O))`,
    /// `dQ = dS K`, `dK = dS^T Q`; then queries and keys are turned back.
    pub fn backward(&self, qkv: &[f32], o: &[f32], sums: &[f32], dy: &[f32], out: &mut [f32]) {
        let Self { t, heads, .. } = *self;
        let (c, r, row) = (heads.width, heads.repeat(), heads.row());
        let mut work = Work::new(t, heads);
        for (group, sums) in sums.chunks_exact(r * t).enumerate() {
            let head = Head::new(self, qkv, group);
            work.begin(&head);
            for from in (0..t).step_by(BLOCK) {
                work.block(self, &head, from..(from + BLOCK).min(t), o, dy, sums, out);
            }
            let key = (heads.queries + group) * c;
            let value = key + heads.groups * c;
            turn_keys_back(&self.angles, &work.dk, row, &mut out[key..]);
            for (out, dv) in out.chunks_exact_mut(row).zip(work.dv.chunks_exact(c)) {
                out[value..value + c].copy_from_slice(dv);
            }
        }
    }
}

/// What the backward pass has of one key/value head of one row.
struct Work {
    /// Keys and values, and both transposed.
    keys: Panels,
    keys_t: Panels,
    values_t: Panels,
    /// A block's queries and gradients by its outputs, as they are multiplied from the right.
    queries: Panels,
    gradients: Panels,
    /// `[R n, c]` each.
    q: Buffer,
    dq: Buffer,
    o: Buffer,
    d_o: Buffer,
    /// `[R n, stride]` each.
    weights: Buffer,
    slopes: Buffer,
    stride: usize,
    /// Gradients by turned keys and by values, `[T, c]` each.
    dk: Buffer,
    dv: Buffer,
}

impl Work {
    fn new(t: usize, heads: Heads) -> Self {
        let (stride, rows) = (t.next_multiple_of(LANES), heads.repeat() * BLOCK);
        let block = || Buffer::new(rows * heads.width);
        let (all, scores) = (|| Buffer::new(t * heads.width), || Buffer::zeros(rows * stride));
        Self {
            keys: Panels::default(),
            keys_t: Panels::default(),
            values_t: Panels::default(),
            queries: Panels::default(),
            gradients: Panels::default(),
            q: block(),
            dq: block(),
            o: block(),
            d_o: block(),
            weights: scores(),
            slopes: scores(),
            stride,
            dk: all(),
            dv: all(),
        }
    }

    fn begin(&mut self, head: &Head<'_>) {
        self.keys.fill(head.keys());
        self.keys_t.fill(head.keys().t());
        self.values_t.fill(head.values().t());
        self.dk.fill(0.0);
        self.dv.fill(0.0);
    }

    /// One block: gradients by its queries into `out`, those by keys and values are added up.
    #[allow(clippy::too_many_arguments)]
    fn block(
        &mut self,
        kernel: &Attention,
        head: &Head<'_>,
        block: Range<usize>,
        o: &[f32],
        dy: &[f32],
        sums: &[f32],
        out: &mut [f32],
    ) {
        let (heads, stride, to) = (head.heads, self.stride, block.end);
        let (c, rows) = (heads.width, heads.repeat() * block.len());
        let (q, dq) = (&mut self.q[..rows * c], &mut self.dq[..rows * c]);
        let (o_block, do_block) = (&mut self.o[..rows * c], &mut self.d_o[..rows * c]);
        let (weights, slopes) = (&mut self.weights[..rows * stride], &mut self.slopes[..rows * stride]);
        head.queries(block.start, to, q);
        gather(o, heads, head.group, block.clone(), o_block);
        gather(dy, heads, head.group, block.clone(), do_block);
        let (queries, gradients) = (Matrix::new(q, rows, c), Matrix::new(do_block, rows, c));
        product_with_part(weights, stride, Into::Fresh, queries, &self.keys_t, to);
        product_with_part(slopes, stride, Into::Fresh, gradients, &self.values_t, to);
        let Attention { window, scale, .. } = *kernel;
        by_scores(weights, slopes, stride, o_block, do_block, sums, block.clone(), window, c, scale);
        let (weights, slopes) =
            (Matrix::strided(weights, rows, to, stride), Matrix::strided(slopes, rows, to, stride));
        product_with_part(dq, c, Into::Fresh, slopes, &self.keys, c);
        self.queries.fill(queries);
        self.gradients.fill(gradients);
        product_with_part(&mut self.dk, c, Into::Sum, slopes.t(), &self.queries, c);
        product_with_part(&mut self.dv, c, Into::Sum, weights.t(), &self.gradients, c);
        turn_back(head, block, dq, out);
    }
}
