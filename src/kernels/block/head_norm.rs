//! The norms of queries and keys inside a block, forward and backward.

use super::Parts;
use crate::kernels::{
    attention::Heads,
    buffers::Buffer,
    norm::{norm_rows, norm_rows_back},
};

/// The norms of queries and keys over the rows of one sequence, for models that have them.
pub(super) struct HeadNorm {
    /// Queries and keys normed, values as they are, `[T, row]`.
    normed: Buffer,
    /// What each head of each row was multiplied by, `[T, H + G]`.
    inverse: Buffer,
}

impl HeadNorm {
    pub(super) fn new(parts: &Parts<'_>) -> Self {
        let rows = if parts.qk_norm.is_some() { parts.t } else { 0 };
        let heads = parts.heads.queries + parts.heads.groups;
        Self { normed: Buffer::new(rows * parts.row), inverse: Buffer::new(rows * heads) }
    }

    /// What attention is to read for `qkv: [T, row]`.
    pub(super) fn forward<'a>(&'a mut self, parts: &Parts<'_>, eps: f32, qkv: &'a [f32]) -> &'a [f32] {
        let (Some(scales), Heads { queries, groups, width }) = (parts.qk_norm, parts.heads) else {
            return qkv;
        };
        let rows = qkv.chunks_exact(parts.row).zip(self.normed.chunks_exact_mut(parts.row));
        for ((x, out), inverse) in rows.zip(self.inverse.chunks_exact_mut(queries + groups)) {
            let (q, k) = (0..queries * width, queries * width..(queries + groups) * width);
            out[k.end..].copy_from_slice(&x[k.end..]);
            let (first, second) = inverse.split_at_mut(queries);
            norm_rows(&x[q.clone()], scales[0], eps, &mut out[q], first);
            norm_rows(&x[k.clone()], scales[1], eps, &mut out[k], second);
        }
        &self.normed
    }

    /// The gradient by what [`Self::forward`] returned, to the one by what it was given.
    pub(super) fn backward(
        &self,
        parts: &Parts<'_>,
        qkv: &[f32],
        dqkv: &mut [f32],
        slopes: &mut [Vec<f32>; 2],
    ) {
        let (Some(scales), Heads { queries, groups, width }) = (parts.qk_norm, parts.heads) else { return };
        let mut dx = Buffer::new((queries + groups) * width);
        let [dqueries, dkeys] = slopes;
        let rows = qkv.chunks_exact(parts.row).zip(dqkv.chunks_exact_mut(parts.row));
        for ((x, dy), inverse) in rows.zip(self.inverse.chunks_exact(queries + groups)) {
            let (q, k) = (0..queries * width, queries * width..(queries + groups) * width);
            let (first, second) = inverse.split_at(queries);
            dx.fill(0.0);
            norm_rows_back(&x[q.clone()], scales[0], &dy[q.clone()], first, &mut dx[q], dqueries);
            norm_rows_back(&x[k.clone()], scales[1], &dy[k.clone()], second, &mut dx[k], dkeys);
            dy[..dx.len()].copy_from_slice(&dx);
        }
    }
}
