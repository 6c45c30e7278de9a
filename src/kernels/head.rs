//! The output layer and the log-probability of each row's target as one operation, for large vocabularies.
//!
//! The logits of a micro-batch over 50,000 tokens take a hundred megabytes, their gradient as much again. Here a piece of
//! the vocabulary at a time is multiplied, for all rows, and forgotten. The softmax is made along the way: the sums so far
//! are corrected whenever a larger logit turns up, as in FlashAttention (<https://arxiv.org/abs/2205.14135>).
//!
//! Where the output layer is frozen, the gradient by the hidden states is `dy` times something that the forward pass can
//! add up just as well, so nothing is multiplied twice. Where it is trained, the backward pass makes the logits again.

use std::{ops::Range, sync::Arc};

use burn::tensor::{Int, Tensor};

use super::{
    autodiff::{CpuTensor, Input, Kept, Kernel, apply},
    buffers::Buffer,
    product::{Into, Matrix, product, product_strided},
    vector::{exp, exp_sum, largest, vectorized},
};

/// Vocabularies of more tokens are done in pieces. Smaller ones take no memory to speak of, and are fastest in one.
pub const IN_PIECES_ABOVE: usize = 8192;

/// Tokens of a piece.
const PIECE: usize = 1024;

/// `log softmax(x w / temperature)[target]` for `x: [N, d]`, `targets: [N]`: `[N]`, where `w` is `[d, V]`, or
/// `transposed` as `[V, d]`. `None` when the tensors are not f32 of the CPU backend.
pub fn target_log_probs(
    x: &Tensor<2>,
    w: &Tensor<2>,
    transposed: bool,
    targets: &Tensor<1, Int>,
    temperature: f64,
) -> Option<Tensor<1>> {
    let vocabulary = w.dims()[usize::from(!transposed)];
    let found: Vec<usize> = targets.to_data().iter::<i64>().map(|t| t as usize).collect();
    // A target outside the vocabulary is left to Burn's own check.
    found.iter().all(|&t| t < vocabulary).then_some(())?;
    let kernel = Head {
        transposed,
        vocabulary,
        scale: (1.0 / temperature) as f32,
        targets: found.into(),
        keeps_slopes: x.device().is_autodiff() && !w.is_require_grad(),
    };
    apply(kernel, [Input::of(x), Input::of(w)])
}

#[derive(Debug, Clone)]
struct Head {
    transposed: bool,
    vocabulary: usize,
    scale: f32,
    targets: Arc<[usize]>,
    /// Whether the forward pass adds up the gradient by `x`.
    keeps_slopes: bool,
}

/// What the backward pass finds.
#[derive(Debug)]
struct Made {
    /// `ln sum e^logit` of each row.
    totals: Vec<f32>,
    /// The gradient of each row's value by its `x`, `[N, d]`.
    slopes: Option<Vec<f32>>,
}

vectorized! {
    /// Multiplies the logits of a piece, `[N, p]`, by a number, and takes them into the rows' largest logit and sum so
    /// far; they become `e^(logit - largest)`, and `slopes`, `[N, d]`, are corrected for the new largest one.
    fn take_in<'a>(
        logits: &'a mut [f32],
        scale: f32,
        tops: &'a mut [f32],
        sums: &'a mut [f32],
        slopes: &'a mut [f32],
    ) {
        let n = tops.len().max(1);
        let (p, d) = (logits.len() / n, slopes.len() / n);
        for (i, row) in logits.chunks_exact_mut(p).enumerate() {
            let top = tops[i].max(largest(row) * scale);
            if top > tops[i] {
                let factor = if sums[i] > 0.0 { exp::<S>(tops[i] - top) } else { 0.0 };
                sums[i] *= factor;
                slopes[i * d..(i + 1) * d].iter_mut().for_each(|x| *x *= factor);
                tops[i] = top;
            }
            sums[i] += exp_sum::<S>(row, scale, tops[i]);
        }
    }
}

vectorized! {
    /// The logits of a piece, `[N, p]`, become the gradient by them, except for what is added at the target.
    fn slopes_of<'a>(logits: &'a mut [f32], scale: f32, totals: &'a [f32], dy: &'a [f32]) {
        let p = logits.len() / totals.len().max(1);
        for ((row, total), dy) in logits.chunks_exact_mut(p).zip(totals).zip(dy) {
            for x in row.iter_mut() {
                *x = -dy * scale * exp::<S>(*x * scale - total);
            }
        }
    }
}

impl Head {
    fn pieces(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let vocabulary = self.vocabulary;
        (0..vocabulary).step_by(PIECE).map(move |from| from..(from + PIECE).min(vocabulary))
    }

    /// Some columns of the output layer, `[d, p]`.
    fn columns<'a>(&self, w: &'a [f32], d: usize, piece: &Range<usize>) -> Matrix<'a> {
        match self.transposed {
            true => Matrix::new(&w[piece.start * d..piece.end * d], piece.len(), d).t(),
            false => Matrix::strided(&w[piece.start..], d, piece.len(), self.vocabulary),
        }
    }

    /// Adds `factor` times the column of a token to `out: [d]`.
    fn add_column(&self, w: &[f32], token: usize, factor: f32, out: &mut [f32]) {
        let d = out.len();
        let (start, step) = if self.transposed { (token * d, 1) } else { (token, self.vocabulary) };
        for (out, w) in out.iter_mut().zip(w[start..].iter().step_by(step)) {
            *out += factor * w;
        }
    }

    fn run(&self, x: &CpuTensor, w: &[f32]) -> (Vec<f32>, Made) {
        let (n, d) = (x.rows(), x.width());
        let (mut tops, mut sums) = (vec![f32::MIN; n], vec![0.0; n]);
        let mut found = vec![0.0; n];
        let mut slopes = vec![0.0; if self.keeps_slopes { n * d } else { 0 }];
        let mut logits = Buffer::new(n * PIECE);
        let rows = Matrix::new(x.values(), n, d);
        for piece in self.pieces() {
            let columns = self.columns(w, d, &piece);
            let p = piece.len();
            let logits = &mut logits[..n * p];
            product(logits, Into::Fresh, rows, columns);
            for ((found, row), target) in found.iter_mut().zip(logits.chunks_exact(p)).zip(&*self.targets) {
                if piece.contains(target) {
                    *found = row[target - piece.start] * self.scale;
                }
            }
            take_in(logits, self.scale, &mut tops, &mut sums, &mut slopes);
            if self.keeps_slopes {
                product(&mut slopes, Into::Sum, Matrix::new(logits, n, p), columns.t());
            }
        }
        let totals: Vec<f32> = tops.iter().zip(&sums).map(|(top, sum)| top + sum.ln()).collect();
        found.iter_mut().zip(&totals).for_each(|(found, total)| *found -= total);
        for ((row, sum), &target) in slopes.chunks_exact_mut(d.max(1)).zip(&sums).zip(&*self.targets) {
            row.iter_mut().for_each(|x| *x *= -self.scale / sum);
            self.add_column(w, target, self.scale, row);
        }
        (found, Made { totals, slopes: self.keeps_slopes.then_some(slopes) })
    }

    /// The gradients by `x` and by `w`, with the logits made again.
    fn run_back(
        &self,
        x: &CpuTensor,
        w: &[f32],
        totals: &[f32],
        dy: &[f32],
        wanted: [bool; 2],
    ) -> [Vec<f32>; 2] {
        let (n, d) = (x.rows(), x.width());
        let (mut dx, mut dw) = (vec![0.0; n * d], vec![0.0; if wanted[1] { w.len() } else { 0 }]);
        let mut logits = Buffer::new(n * PIECE);
        let rows = Matrix::new(x.values(), n, d);
        for piece in self.pieces() {
            let columns = self.columns(w, d, &piece);
            let p = piece.len();
            let slopes = &mut logits[..n * p];
            product(slopes, Into::Fresh, rows, columns);
            slopes_of(slopes, self.scale, totals, dy);
            for ((row, target), dy) in slopes.chunks_exact_mut(p).zip(&*self.targets).zip(dy) {
                if piece.contains(target) {
                    row[target - piece.start] += dy * self.scale;
                }
            }
            let slopes = Matrix::new(slopes, n, p);
            if wanted[0] {
                product(&mut dx, Into::Sum, slopes, columns.t());
            }
            if wanted[1] {
                match self.transposed {
                    true => product(&mut dw[piece.start * d..], Into::Fresh, slopes.t(), rows),
                    false => {
                        let dw = &mut dw[piece.start..];
                        product_strided(dw, self.vocabulary, Into::Fresh, rows.t(), slopes);
                    }
                }
            }
        }
        [dx, dw]
    }
}

impl Kernel<2> for Head {
    type Extra = Made;

    fn forward(&self, [x, w]: &[CpuTensor; 2]) -> (CpuTensor, Self::Extra) {
        let (found, made) = self.run(x, w.values());
        (CpuTensor::new(found, [x.rows()]), made)
    }

    fn backward(
        &self,
        [x, w]: &[CpuTensor; 2],
        kept: &Kept<Self::Extra>,
        dy: &CpuTensor,
        wanted: [bool; 2],
    ) -> [Option<CpuTensor>; 2] {
        let (made, dy) = (&kept.extra, dy.values());
        if let (Some(slopes), false) = (&made.slopes, wanted[1]) {
            let rows = slopes.chunks_exact(x.width().max(1)).zip(dy);
            let dx = rows.flat_map(|(row, dy)| row.iter().map(move |x| x * dy)).collect();
            return [wanted[0].then(|| CpuTensor::new(dx, x.shape())), None];
        }
        let [dx, dw] = self.run_back(x, w.values(), &made.totals, dy, wanted);
        [wanted[0].then(|| CpuTensor::new(dx, x.shape())), wanted[1].then(|| CpuTensor::new(dw, w.shape()))]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;
    use crate::kernels::{linear, log_probs};

    const SHAPE: (usize, usize, usize) = (37, 24, 2 * PIECE + 333);

    fn numbers(count: usize, seed: u32, size: f32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * size
        };
        (0..count).map(|_| next()).collect()
    }

    /// Values, and gradients by `x` and, where it is trained, by `w`.
    fn made(transposed: bool, trained: bool, pieces: bool) -> [Vec<f32>; 3] {
        let (n, d, v) = SHAPE;
        let device = Device::flex().autodiff();
        let matrix = |values, shape| Tensor::<2>::from_data(TensorData::new(values, shape), &device);
        let x = matrix(numbers(n * d, 1, 3.0), [n, d]).require_grad();
        // The later a token, the larger its logits: the largest so far has to give way again and again.
        let mut weights = numbers(v * d, 2, 1.0);
        weights.chunks_mut(d).enumerate().for_each(|(i, row)| row[0] += i as f32 / v as f32);
        let mut w = matrix(weights, [v, d]);
        if !transposed {
            w = Tensor::from_data(w.transpose().into_data(), &device);
        }
        if trained {
            w = w.require_grad();
        }
        let targets: Vec<i32> = (0..n).map(|i| (i * 577 % v) as i32).collect();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [n]), &device);
        let found = if pieces {
            target_log_probs(&x, &w, transposed, &targets, 0.7).unwrap()
        } else {
            let product = if transposed { linear::linear_transposed } else { linear::linear };
            log_probs::target_log_probs(&(product(&x, &w).unwrap() / 0.7), &targets).unwrap()
        };
        let weight = Tensor::<1>::from_data(TensorData::new(numbers(n, 3, 1.0), [n]), &device);
        let gradients = (found.clone() * weight).sum().backward();
        let read = |g: Option<Tensor<2>>| g.map_or(vec![], |g| g.into_data().try_to_vec().unwrap());
        [found.into_data().try_to_vec().unwrap(), read(x.grad(&gradients)), read(w.grad(&gradients))]
    }

    #[test]
    fn pieces_give_the_values_and_gradients_of_the_whole() {
        for (transposed, trained) in [(true, true), (true, false), (false, true), (false, false)] {
            let [whole, pieces] = [false, true].map(|pieces| made(transposed, trained, pieces));
            assert_eq!(pieces[2].is_empty(), !trained);
            for (whole, pieces) in whole.iter().zip(&pieces) {
                let size = whole.iter().fold(0.0f32, |a, x| a.max(x.abs()));
                let gap = whole.iter().zip(pieces).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(
                    whole.len() == pieces.len() && gap <= 1e-5 * size,
                    "{transposed} {trained}: {gap} of {size}"
                );
            }
        }
    }
}
