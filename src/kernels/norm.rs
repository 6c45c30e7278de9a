//! RMSNorm in one pass forward and one backward (<https://arxiv.org/abs/1910.07467>).

use burn::tensor::Tensor;
use pulp::Simd;

use super::{
    autodiff::{CpuTensor, Input, Kept, Kernel, apply},
    buffers::Buffer,
    vector::{LANES, dot, mul_add, vectorized},
};

/// `x / rms(x) * scale` over the rows of `x: [N, d]`, `scale: [d]`.
pub(crate) fn rms_norm(x: &Tensor<2>, scale: &Tensor<1>, eps: f64) -> Option<Tensor<2>> {
    apply(RmsNorm { eps: eps as f32 }, [Input::of(x), Input::of(scale)])
}

vectorized! {
    /// Normalises the rows of `x: [N, d]` into `out`, and stores the factor of each row in `inverse: [N]`.
    pub fn norm_rows<'a>(x: &'a [f32], scale: &'a [f32], eps: f32, out: &'a mut [f32], inverse: &'a mut [f32]) {
        let d = scale.len();
        for ((x, out), inverse) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)).zip(inverse) {
            *inverse = 1.0 / (dot::<S>(x, x) / d as f32 + eps).sqrt();
            for i in 0..d {
                out[i] = x[i] * *inverse * scale[i];
            }
        }
    }
}

vectorized! {
    /// The same again, given what each row was multiplied by.
    pub fn norm_again<'a>(x: &'a [f32], scale: &'a [f32], inverse: &'a [f32], out: &'a mut [f32]) {
        let d = scale.len();
        for ((x, out), inverse) in x.chunks_exact(d).zip(out.chunks_exact_mut(d)).zip(inverse) {
            for i in 0..d {
                out[i] = x[i] * inverse * scale[i];
            }
        }
    }
}

vectorized! {
    /// The derivative, added to `dx: [N, d]` and to `dscale: [d]`.
    pub fn norm_rows_back<'a>(x: &'a [f32], scale: &'a [f32], dy: &'a [f32], inverse: &'a [f32], dx: &'a mut [f32], dscale: &'a mut [f32]) {
        let d = scale.len();
        let rows = x.chunks_exact(d).zip(dy.chunks_exact(d));
        for (((x, dy), dx), &inverse) in rows.zip(dx.chunks_exact_mut(d)).zip(inverse) {
            let mean = weighted_dot::<S>(dy, scale, x) * inverse * inverse / d as f32;
            for i in 0..d {
                dscale[i] += dy[i] * x[i] * inverse;
                dx[i] += inverse * (dy[i] * scale[i] - x[i] * mean);
            }
        }
    }
}

#[derive(Debug, Clone)]
struct RmsNorm {
    eps: f32,
}

impl Kernel<2> for RmsNorm {
    type Extra = Buffer;

    fn forward(&self, [x, scale]: &[CpuTensor; 2]) -> (CpuTensor, Self::Extra) {
        let mut out = vec![0.0; x.values().len()];
        let mut inverse = Buffer::new(x.rows());
        norm_rows(x.values(), scale.values(), self.eps, &mut out, &mut inverse);
        (CpuTensor::new(out, x.shape()), inverse)
    }

    /// With `n = x / rms` and `g = dy scale`: `dx = (g - n mean(g n)) / rms`,
    /// `dscale = sum over rows of dy n`.
    fn backward(
        &self,
        [x, scale]: &[CpuTensor; 2],
        kept: &Kept<Self::Extra>,
        dy: &CpuTensor,
        _: [bool; 2],
    ) -> [Option<CpuTensor>; 2] {
        let d = x.width();
        let mut dx = vec![0.0; x.values().len()];
        let mut dscale = vec![0.0; d];
        norm_rows_back(x.values(), scale.values(), dy.values(), &kept.extra, &mut dx, &mut dscale);
        [Some(CpuTensor::new(dx, x.shape())), Some(CpuTensor::new(dscale, [d]))]
    }
}

/// The sum of `a b c`.
#[inline(always)]
fn weighted_dot<S: Simd>(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let whole = a.len() - a.len() % LANES;
    for start in (0..whole).step_by(LANES) {
        let (a, b, c) = (&a[start..start + LANES], &b[start..start + LANES], &c[start..start + LANES]);
        for i in 0..LANES {
            lanes[i] = mul_add::<S>(a[i] * b[i], c[i], lanes[i]);
        }
    }
    let rest: f32 = (whole..a.len()).map(|i| a[i] * b[i] * c[i]).sum();
    super::vector::sum(&lanes) + rest
}
