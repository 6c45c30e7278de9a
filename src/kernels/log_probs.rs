//! The log-probability of each row's target, without a tensor of all log-probabilities.

use std::sync::Arc;

use burn::tensor::{Int, Tensor};

use super::{
    autodiff::{CpuTensor, Input, Kept, Kernel, apply},
    buffers::Buffer,
    vector::{LANES, exp, largest, sum, vectorized},
};

/// `log softmax(logits)[target]` for `logits: [N, V]`, `targets: [N]`: `[N]`.
pub fn target_log_probs(logits: &Tensor<2>, targets: &Tensor<1, Int>) -> Option<Tensor<1>> {
    let input = Input::of(logits)?;
    let vocabulary = logits.dims()[1];
    let targets: Vec<usize> = targets.to_data().iter::<i64>().map(|t| t as usize).collect();
    // A target outside the vocabulary is left to Burn's own check.
    targets.iter().all(|&t| t < vocabulary).then_some(())?;
    apply(TargetLogProbs { targets: targets.into() }, [Some(input)])
}

#[derive(Debug, Clone)]
struct TargetLogProbs {
    targets: Arc<[usize]>,
}

vectorized! {
    /// `ln sum e^x` of every row of `x: [N, V]`.
    fn log_sums<'a>(x: &'a [f32], totals: &'a mut [f32]) {
        for (x, total) in x.chunks_exact(x.len() / totals.len().max(1)).zip(totals) {
            let top = largest(x);
            let mut lanes = [0.0; LANES];
            let chunks = x.chunks_exact(LANES);
            let mut rest = 0.0;
            for &x in chunks.remainder() {
                rest += exp::<S>(x - top);
            }
            for chunk in chunks {
                for i in 0..LANES {
                    lanes[i] += exp::<S>(chunk[i] - top);
                }
            }
            *total = (sum(&lanes) + rest).ln() + top;
        }
    }
}

vectorized! {
    /// `dlogits = dy (one_hot(target) - softmax)`, except for the `dy` added at the target.
    fn slopes<'a>(logits: &'a [f32], totals: &'a [f32], dy: &'a [f32], out: &'a mut [f32]) {
        let v = logits.len() / totals.len().max(1);
        let rows = logits.chunks_exact(v).zip(out.chunks_exact_mut(v));
        for (((row, out), total), dy) in rows.zip(totals).zip(dy) {
            for i in 0..v {
                out[i] = -dy * exp::<S>(row[i] - total);
            }
        }
    }
}

impl Kernel<1> for TargetLogProbs {
    type Extra = Buffer;

    fn forward(&self, [logits]: &[CpuTensor; 1]) -> (CpuTensor, Self::Extra) {
        let rows = logits.values().chunks_exact(logits.width());
        let mut totals = Buffer::new(logits.rows());
        log_sums(logits.values(), &mut totals);
        let found = rows.zip(totals.iter()).zip(self.targets.iter()).map(|((row, total), &t)| row[t] - total);
        (CpuTensor::new(found.collect(), [totals.len()]), totals)
    }

    fn backward(
        &self,
        [logits]: &[CpuTensor; 1],
        kept: &Kept<Self::Extra>,
        dy: &CpuTensor,
        _: [bool; 1],
    ) -> [Option<CpuTensor>; 1] {
        let v = logits.width();
        let mut out = vec![0.0; logits.values().len()];
        slopes(logits.values(), &kept.extra, dy.values(), &mut out);
        for ((out, &dy), &target) in out.chunks_exact_mut(v).zip(dy.values()).zip(self.targets.iter()) {
            out[target] += dy;
        }
        [Some(CpuTensor::new(out, logits.shape()))]
    }
}
