//! Attention as one operation, for models whose whole block is none (see [`block`](super::block)).

use burn::tensor::Tensor;

use super::{
    attention::Attention,
    autodiff::{CpuTensor, Input, Kept, Kernel, apply},
    buffers::Buffer,
};

/// Over rows of `t` positions, `qkv: [B T, (H + 2G) c]`: `[B T, H c]`. `None` when the tensor is not f32 of the CPU
/// backend.
pub(crate) fn attend(qkv: &Tensor<2>, attention: &Attention) -> Option<Tensor<2>> {
    apply::<_, 1, 2>(Attend(attention.clone()), [Input::of(qkv)])
}

#[derive(Debug, Clone)]
struct Attend(Attention);

impl Kernel<1> for Attend {
    /// The logarithms of the rows' sums, `[B, H, T]`.
    type Extra = Buffer;

    fn forward(&self, [qkv]: &[CpuTensor; 1]) -> (CpuTensor, Self::Extra) {
        let Attention { t, heads, .. } = self.0;
        let (rows, width) = (qkv.rows(), heads.queries * heads.width);
        let mut out = vec![0.0; rows * width];
        let mut sums = Buffer::new(rows * heads.queries);
        let t = t.max(1);
        let sequences = qkv.values().chunks_exact(t * heads.row()).zip(out.chunks_exact_mut(t * width));
        for ((qkv, out), sums) in sequences.zip(sums.chunks_exact_mut(t * heads.queries)) {
            self.0.forward(qkv, out, sums);
        }
        (CpuTensor::new(out, [rows, width]), sums)
    }

    fn backward(
        &self,
        [qkv]: &[CpuTensor; 1],
        kept: &Kept<Self::Extra>,
        dy: &CpuTensor,
        _: [bool; 1],
    ) -> [Option<CpuTensor>; 1] {
        let Attention { t, heads, .. } = self.0;
        let t = t.max(1);
        let (row, width) = (t * heads.row(), t * heads.queries * heads.width);
        let mut dqkv = vec![0.0; qkv.values().len()];
        let sequences = qkv.values().chunks_exact(row).zip(dqkv.chunks_exact_mut(row));
        let made = kept.value.values().chunks_exact(width).zip(dy.values().chunks_exact(width));
        let sums = kept.extra.chunks_exact(t * heads.queries);
        for (((qkv, dqkv), (out, dy)), sums) in sequences.zip(made).zip(sums) {
            self.0.backward(qkv, out, sums, dy, dqkv);
        }
        [Some(CpuTensor::new(dqkv, qkv.shape()))]
    }
}
