//! The gated unit of the feed-forward: an activation of the gate, times up (<https://arxiv.org/abs/2002.05202>).

use super::{
    activation::Activation,
    swiglu::swiglu_rows,
    vector::{sigmoid, vectorized},
};

/// Of `gate_up: [N, 2 f]`, gate and up side by side, into `out: [N, f]`.
pub fn gate_rows(activation: Activation, gate_up: &[f32], f: usize, out: &mut [f32]) {
    match activation {
        Activation::Silu => swiglu_rows(gate_up, f, out),
        Activation::GeluTanh => geglu_rows(gate_up, f, out),
    }
}

vectorized! {
    /// With [`Activation::GeluTanh`]. Half of `1 + tanh(u)` is `sigmoid(2 u)`.
    fn geglu_rows<'a>(gate_up: &'a [f32], f: usize, out: &'a mut [f32]) {
        // 2 sqrt(2 / pi)
        const SCALE: f32 = 1.595_769;
        for (row, out) in gate_up.chunks_exact(2 * f).zip(out.chunks_exact_mut(f)) {
            let (gate, up) = row.split_at(f);
            for i in 0..f {
                let x = gate[i];
                out[i] = x * sigmoid::<S>(SCALE * (x + 0.044_715 * x * x * x)) * up[i];
            }
        }
    }
}
