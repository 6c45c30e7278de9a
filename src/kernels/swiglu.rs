//! `silu(gate) * up` without an intermediate (<https://arxiv.org/abs/2002.05202>).

use super::vector::{sigmoid, vectorized};

vectorized! {
    /// Of `gate_up: [N, 2 f]`, gate and up side by side, into `out: [N, f]`.
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
    /// The value again, into `out: [N, f]`, and the derivative, given the one by the value, `dy: [N, f]`, into
    /// `slopes: [N, 2 f]`. With `s = sigmoid(gate)`: `dgate = dy up s (1 + gate (1 - s))`, `dup = dy gate s`.
    pub fn swiglu_rows_back<'a>(gate_up: &'a [f32], dy: &'a [f32], f: usize, out: &'a mut [f32], slopes: &'a mut [f32]) {
        let rows = gate_up.chunks_exact(2 * f).zip(dy.chunks_exact(f));
        let results = out.chunks_exact_mut(f).zip(slopes.chunks_exact_mut(2 * f));
        for ((row, dy), (out, slopes)) in rows.zip(results) {
            let (gate, up) = row.split_at(f);
            let (dgate, dup) = slopes.split_at_mut(f);
            for i in 0..f {
                let s = sigmoid::<S>(gate[i]);
                let silu = gate[i] * s;
                out[i] = silu * up[i];
                dgate[i] = dy[i] * up[i] * s * (1.0 + gate[i] * (1.0 - s));
                dup[i] = dy[i] * silu;
            }
        }
    }
}
