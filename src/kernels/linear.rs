//! Products of rows with a weight matrix.

use burn::tensor::Tensor;

use super::{
    autodiff::{CpuTensor, Input, Kept, Kernel, apply},
    product::{Into, Matrix, product},
    vector::add_rows_to,
};

/// `x w` for `x: [N, in]`, `w: [in, out]`: `[N, out]`.
pub fn linear(x: &Tensor<2>, w: &Tensor<2>) -> Option<Tensor<2>> {
    apply(Linear { transposed: false }, [Input::of(x), Input::of(w)])
}

/// `x w^T` for `x: [N, in]`, `w: [out, in]`: `[N, out]`.
pub fn linear_transposed(x: &Tensor<2>, w: &Tensor<2>) -> Option<Tensor<2>> {
    apply(Linear { transposed: true }, [Input::of(x), Input::of(w)])
}

/// `x w + y` for `x: [N, in]`, `w: [in, out]` and `y` either `[out]`, a bias, or `[N, out]`, a residual:
/// `[N, out]`.
pub fn linear_plus<const D: usize>(x: &Tensor<2>, w: &Tensor<2>, y: &Tensor<D>) -> Option<Tensor<2>> {
    apply(LinearPlus, [Input::of(x), Input::of(w), Input::of(y)])
}

#[derive(Debug, Clone)]
struct Linear {
    transposed: bool,
}

fn matrix(tensor: &CpuTensor) -> Matrix<'_> {
    Matrix::new(tensor.values(), tensor.rows(), tensor.width())
}

fn multiplied(a: Matrix<'_>, b: Matrix<'_>, shape: [usize; 2]) -> CpuTensor {
    let mut out = vec![0.0; shape[0] * shape[1]];
    product(&mut out, Into::Fresh, a, b);
    CpuTensor::new(out, shape)
}

impl Kernel<2> for Linear {
    fn forward(&self, [x, w]: &[CpuTensor; 2]) -> (CpuTensor, Vec<f32>) {
        let (weights, out) = if self.transposed { (matrix(w).t(), w.rows()) } else { (matrix(w), w.width()) };
        (multiplied(matrix(x), weights, [x.rows(), out]), Vec::new())
    }

    fn backward(
        &self,
        [x, w]: &[CpuTensor; 2],
        _: &Kept,
        dy: &CpuTensor,
        wanted: [bool; 2],
    ) -> [Option<CpuTensor>; 2] {
        let by_x = || {
            let weights = if self.transposed { matrix(w) } else { matrix(w).t() };
            multiplied(matrix(dy), weights, [x.rows(), x.width()])
        };
        let by_w = || match self.transposed {
            true => multiplied(matrix(dy).t(), matrix(x), [w.rows(), w.width()]),
            false => multiplied(matrix(x).t(), matrix(dy), [w.rows(), w.width()]),
        };
        [wanted[0].then(by_x), wanted[1].then(by_w)]
    }
}

#[derive(Debug, Clone)]
struct LinearPlus;

impl Kernel<3> for LinearPlus {
    fn forward(&self, [x, w, y]: &[CpuTensor; 3]) -> (CpuTensor, Vec<f32>) {
        let is_bias = y.shape().len() == 1;
        let mut out = if is_bias { y.values().repeat(x.rows()) } else { y.values().to_vec() };
        product(&mut out, Into::Sum, matrix(x), matrix(w));
        (CpuTensor::new(out, [x.rows(), w.width()]), Vec::new())
    }

    fn backward(
        &self,
        [x, w, y]: &[CpuTensor; 3],
        kept: &Kept,
        dy: &CpuTensor,
        wanted: [bool; 3],
    ) -> [Option<CpuTensor>; 3] {
        let plain = Linear { transposed: false };
        let [by_x, by_w] = plain.backward(&[x.clone(), w.clone()], kept, dy, [wanted[0], wanted[1]]);
        let by_y = || {
            if y.shape().len() > 1 {
                return dy.clone();
            }
            let mut sum = vec![0.0; y.width()];
            add_rows_to(&mut sum, dy.values());
            CpuTensor::new(sum, y.shape())
        };
        [by_x, by_w, wanted[2].then(by_y)]
    }
}
