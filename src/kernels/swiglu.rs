//! `silu(gate) * up` without an intermediate (<https://arxiv.org/abs/2002.05202>).

use burn::tensor::Tensor;

use super::{
    autodiff::{CpuTensor, Input, Kept, Kernel, apply},
    vector::{sigmoid, vectorized},
};

/// `silu(gate) * up` for `gate_up: [N, 2 f]`, gate and up side by side: `[N, f]`.
pub fn swiglu(gate_up: &Tensor<2>) -> Option<Tensor<2>> {
    apply(SwiGlu, [Input::of(gate_up)])
}

vectorized! {
    /// The same on slices: `gate_up: [N, 2 f]` into `out: [N, f]`.
    pub fn swiglu_rows<'a>(gate_up: &'a [f32], f: usize, out: &'a mut [f32]) {
        for (row, out) in gate_up.chunks_exact(2 * f).zip(out.chunks_exact_mut(f)) {
            let (gate, up) = row.split_at(f);
            for i in 0..f {
                out[i] = gate[i] * sigmoid::<S>(gate[i]) * up[i];
            }
        }
    }
}

vectorized! {
    /// With `s = sigmoid(gate)`: `dgate = dy up s (1 + gate (1 - s))`, `dup = dy gate s`, side by side in
    /// `out`.
    fn slopes<'a>(gate_up: &'a [f32], dy: &'a [f32], f: usize, out: &'a mut [f32]) {
        let rows = gate_up.chunks_exact(2 * f).zip(dy.chunks_exact(f));
        for ((row, dy), out) in rows.zip(out.chunks_exact_mut(2 * f)) {
            let (gate, up) = row.split_at(f);
            let (dgate, dup) = out.split_at_mut(f);
            for i in 0..f {
                let s = sigmoid::<S>(gate[i]);
                dgate[i] = dy[i] * up[i] * s * (1.0 + gate[i] * (1.0 - s));
                dup[i] = dy[i] * gate[i] * s;
            }
        }
    }
}

#[derive(Debug, Clone)]
struct SwiGlu;

impl Kernel<1> for SwiGlu {
    fn forward(&self, [gate_up]: &[CpuTensor; 1]) -> (CpuTensor, Vec<f32>) {
        let (rows, f) = (gate_up.rows(), gate_up.width() / 2);
        let mut out = vec![0.0; rows * f];
        swiglu_rows(gate_up.values(), f, &mut out);
        (CpuTensor::new(out, [rows, f]), Vec::new())
    }

    fn backward(
        &self,
        [gate_up]: &[CpuTensor; 1],
        _: &Kept,
        dy: &CpuTensor,
        _: [bool; 1],
    ) -> [Option<CpuTensor>; 1] {
        let f = gate_up.width() / 2;
        let mut out = vec![0.0; gate_up.values().len()];
        slopes(gate_up.values(), dy.values(), f, &mut out);
        [Some(CpuTensor::new(out, gate_up.shape()))]
    }
}
