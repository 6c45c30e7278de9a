//! Causal grouped-query attention with rotary positions, block by block of queries.
//!
//! As in FlashAttention (<https://arxiv.org/abs/2205.14135>), the attention weights are never stored: the
//! backward pass recomputes each block from the log-sum-exp of its rows. A block of `BLOCK` positions reads
//! only the keys up to its end, and all query heads of one key/value head share one matrix product.

use std::{ops::Range, sync::Arc};

use burn::tensor::Tensor;

pub use super::heads::Heads;
use super::{
    autodiff::{CpuTensor, Input, Kept, Kernel, apply},
    product::{Into, Matrix, product},
    vector::{dot, exp, exp_sum, largest, mul_add, vectorized},
};

/// Query positions per block.
const BLOCK: usize = 32;

/// Cosines and sines of the rotary angles, `[positions, c / 2]` each.
#[derive(Debug, Clone)]
pub struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    half: usize,
}

impl Angles {
    /// For positions `0..count` and heads of width `c`.
    pub fn new(theta: f64, width: usize, count: usize) -> Self {
        let half = width / 2;
        let angle = |i: usize| (i / half) as f64 / theta.powf((i % half) as f64 / half as f64);
        let all = (0..count * half).map(angle);
        Self {
            cos: all.clone().map(|a| a.cos() as f32).collect(),
            sin: all.map(|a| a.sin() as f32).collect(),
            half,
        }
    }

    /// Rotates one head's vector by the angles of `position` (Hugging Face's "rotate half"), into `out`.
    #[inline(always)]
    pub fn turn(&self, x: &[f32], position: usize, out: &mut [f32]) {
        self.rotate(x, position, 1.0, out);
    }

    #[inline(always)]
    fn rotate(&self, x: &[f32], position: usize, direction: f32, out: &mut [f32]) {
        let at = position * self.half..(position + 1) * self.half;
        let (cos, sin) = (&self.cos[at.clone()], &self.sin[at]);
        let (x1, x2) = x.split_at(self.half);
        let (out1, out2) = out.split_at_mut(self.half);
        for i in 0..self.half {
            let sin = direction * sin[i];
            out1[i] = x1[i] * cos[i] - x2[i] * sin;
            out2[i] = x2[i] * cos[i] + x1[i] * sin;
        }
    }
}

/// Attention over `qkv: [B T, (H + 2G) c]`, with the `T` positions of each row consecutive: `[B T, H c]`.
pub fn attention(qkv: &Tensor<2>, t: usize, heads: Heads, angles: &Arc<Angles>) -> Option<Tensor<2>> {
    apply(Attention { t, heads, angles: angles.clone() }, [Input::of(qkv)])
}

#[derive(Debug, Clone)]
struct Attention {
    t: usize,
    heads: Heads,
    angles: Arc<Angles>,
}

/// What both passes read for one key/value head of one row.
struct Head<'a> {
    heads: Heads,
    angles: &'a Angles,
    /// `[T, (H + 2G) c]`.
    rows: &'a [f32],
    group: usize,
    /// Rotated keys, `[T, c]`.
    keys: Vec<f32>,
}

impl<'a> Head<'a> {
    fn new(kernel: &'a Attention, rows: &'a [f32], group: usize) -> Self {
        let (heads, c) = (kernel.heads, kernel.heads.width);
        let mut keys = vec![0.0; kernel.t * c];
        let start = (heads.queries + group) * c;
        turn_keys(&kernel.angles, &rows[start..], heads.row(), c, &mut keys);
        Self { heads, angles: &kernel.angles, rows, group, keys }
    }

    fn first_query(&self) -> usize {
        self.group * self.heads.repeat() * self.heads.width
    }

    /// The values of positions `0..count`.
    fn values(&self, count: usize) -> Matrix<'_> {
        let c = self.heads.width;
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
        let c = 2 * angles.half;
        for (i, dk) in dk.chunks_exact(c).enumerate() {
            angles.rotate(dk, i, -1.0, &mut out[i * row..i * row + c]);
        }
    }
}

vectorized! {
    /// Turns the block's scores, `[R n, keys]`, into attention weights and stores each row's log-sum-exp,
    /// `[R, T]`.
    fn soften<'a>(scores: &'a mut [f32], block: Range<usize>, scale: f32, sums: &'a mut [f32]) {
        let (n, t) = (block.len(), sums.len() * block.len() * block.end / scores.len());
        for (j, scores) in scores.chunks_exact_mut(block.end).enumerate() {
            let i = block.start + j % n;
            let (seen, unseen) = scores.split_at_mut(i + 1);
            let top = largest(seen) * scale;
            let sum = exp_sum::<S>(seen, scale, top);
            let inverse = 1.0 / sum;
            for weight in seen.iter_mut() {
                *weight *= inverse;
            }
            unseen.fill(0.0);
            sums[j / n * t + i] = top + sum.ln();
        }
    }
}

vectorized! {
    /// Turns the block's scores into attention weights, and gradients with respect to the weights into
    /// gradients with respect to the scores, all `[R n, keys]`. Takes the outputs and their gradients,
    /// `[R n, c]` each, and the log-sum-exp of the rows, `[R, T]`.
    fn by_scores<'a>(weights: &'a mut [f32], slopes: &'a mut [f32], o: &'a [f32], dy: &'a [f32], sums: &'a [f32], block: Range<usize>, c: usize, scale: f32) {
        let (n, t) = (block.len(), sums.len() * block.len() * block.end / weights.len());
        let lines = weights.chunks_exact_mut(block.end).zip(slopes.chunks_exact_mut(block.end));
        let ends = o.chunks_exact(c).zip(dy.chunks_exact(c));
        for (j, ((weights, slopes), (o, dy))) in lines.zip(ends).enumerate() {
            let i = block.start + j % n;
            let (total, mean) = (sums[j / n * t + i], dot::<S>(o, dy));
            let (seen, unseen) = weights.split_at_mut(i + 1);
            let (slopes, unheeded) = slopes.split_at_mut(i + 1);
            for (weight, slope) in seen.iter_mut().zip(slopes) {
                let p = exp::<S>(mul_add::<S>(*weight, scale, -total));
                *weight = p;
                *slope = p * (*slope - mean) * scale;
            }
            unseen.fill(0.0);
            unheeded.fill(0.0);
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

impl Kernel<1> for Attention {
    fn forward(&self, [qkv]: &[CpuTensor; 1]) -> (CpuTensor, Vec<f32>) {
        let Self { t, heads, .. } = *self;
        let (c, r, row) = (heads.width, heads.repeat(), heads.row());
        let all = qkv.values().len() / row;
        let mut out = vec![0.0; all * heads.queries * c];
        // The log-sum-exp for each batch row, head and position.
        let mut sums = vec![0.0; all * heads.queries];
        let mut q = vec![0.0; r * BLOCK * c];
        let mut weights = vec![0.0; r * BLOCK * t];
        let mut mixed = vec![0.0; r * BLOCK * c];
        let batch = qkv.values().chunks_exact(t * row).zip(out.chunks_exact_mut(t * heads.queries * c));
        for ((rows, out), sums) in batch.zip(sums.chunks_exact_mut(heads.queries * t)) {
            for group in 0..heads.groups {
                let head = Head::new(self, rows, group);
                for from in (0..t).step_by(BLOCK) {
                    let to = (from + BLOCK).min(t);
                    let n = to - from;
                    let (q, weights) = (&mut q[..r * n * c], &mut weights[..r * n * to]);
                    head.queries(from, to, q);
                    product(
                        weights,
                        Into::Fresh,
                        Matrix::new(q, r * n, c),
                        Matrix::new(&head.keys, to, c).t(),
                    );
                    let scale = heads.scale();
                    let sums = &mut sums[group * r * t..(group + 1) * r * t];
                    soften(weights, from..to, scale, sums);
                    let mixed = &mut mixed[..r * n * c];
                    product(mixed, Into::Fresh, Matrix::new(weights, r * n, to), head.values(to));
                    for (j, mixed) in mixed.chunks_exact(c).enumerate() {
                        let at = (from + j % n) * heads.queries * c + (group * r + j / n) * c;
                        out[at..at + c].copy_from_slice(mixed);
                    }
                }
            }
        }
        (CpuTensor::new(out, [all, heads.queries * c]), sums)
    }

    /// With weights `P = softmax(S)`, `O = P V`: `dV = P^T dO`, `dP = dO V^T`, `dS = P (dP - sum(dO O))`,
    /// `dQ = dS K`, `dK = dS^T Q`; the gradients of queries and keys are then rotated back.
    fn backward(
        &self,
        [qkv]: &[CpuTensor; 1],
        kept: &Kept,
        dy: &CpuTensor,
        _: [bool; 1],
    ) -> [Option<CpuTensor>; 1] {
        let Self { t, heads, .. } = *self;
        let (c, r, row, scale) = (heads.width, heads.repeat(), heads.row(), heads.scale());
        let mut out = vec![0.0; qkv.values().len()];
        let (mut q, mut dq) = (vec![0.0; r * BLOCK * c], vec![0.0; r * BLOCK * c]);
        let (mut block_o, mut block_do) = (vec![0.0; r * BLOCK * c], vec![0.0; r * BLOCK * c]);
        let (mut weights, mut slopes) = (vec![0.0; r * BLOCK * t], vec![0.0; r * BLOCK * t]);
        let width = t * heads.queries * c;
        let batch = qkv.values().chunks_exact(t * row).zip(out.chunks_exact_mut(t * row));
        let outer = kept.value.values().chunks_exact(width).zip(dy.values().chunks_exact(width));
        let sums = kept.extra.chunks_exact(heads.queries * t);
        for (((rows, out), (o, dy)), sums) in batch.zip(outer).zip(sums) {
            for group in 0..heads.groups {
                let head = Head::new(self, rows, group);
                let (mut dk, mut dv) = (vec![0.0; t * c], vec![0.0; t * c]);
                for from in (0..t).step_by(BLOCK) {
                    let to = (from + BLOCK).min(t);
                    let (n, keys) = (to - from, Matrix::new(&head.keys, to, c));
                    let (q, dq) = (&mut q[..r * n * c], &mut dq[..r * n * c]);
                    let (weights, slopes) = (&mut weights[..r * n * to], &mut slopes[..r * n * to]);
                    let (block_o, block_do) = (&mut block_o[..r * n * c], &mut block_do[..r * n * c]);
                    head.queries(from, to, q);
                    gather(o, heads, group, from..to, block_o);
                    gather(dy, heads, group, from..to, block_do);
                    product(weights, Into::Fresh, Matrix::new(q, r * n, c), keys.t());
                    let gradient = Matrix::new(block_do, r * n, c);
                    product(slopes, Into::Fresh, gradient, head.values(to).t());
                    let sums = &sums[group * r * t..(group + 1) * r * t];
                    by_scores(weights, slopes, block_o, block_do, sums, from..to, c, scale);
                    let slopes = Matrix::new(slopes, r * n, to);
                    product(dq, Into::Fresh, slopes, keys);
                    product(&mut dk[..to * c], Into::Sum, slopes.t(), Matrix::new(q, r * n, c));
                    let weights = Matrix::new(weights, r * n, to);
                    product(&mut dv[..to * c], Into::Sum, weights.t(), gradient);
                    turn_back(&head, from..to, dq, out);
                }
                let key = (heads.queries + group) * c;
                let value = key + heads.groups * c;
                turn_keys_back(&self.angles, &dk, row, &mut out[key..]);
                for (out, dv) in out.chunks_exact_mut(row).zip(dv.chunks_exact(c)) {
                    out[value..value + c].copy_from_slice(dv);
                }
            }
        }
        [Some(CpuTensor::new(out, qkv.shape()))]
    }
}
