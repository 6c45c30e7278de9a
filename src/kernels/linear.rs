//! Products of rows with a weight matrix.

use burn::tensor::Tensor;

use super::{
    autodiff::{CpuTensor, Input, Kept, Kernel, apply},
    product::{Into, Matrix, product},
};

/// `x w` for `x: [N, in]`, `w: [in, out]`: `[N, out]`.
pub fn linear(x: &Tensor<2>, w: &Tensor<2>) -> Option<Tensor<2>> {
    apply(Linear { transposed: false }, [Input::of(x), Input::of(w)])
}

/// `x w^T` for `x: [N, in]`, `w: [out, in]`: `[N, out]`.
pub(crate) fn linear_transposed(x: &Tensor<2>, w: &Tensor<2>) -> Option<Tensor<2>> {
    apply(Linear { transposed: true }, [Input::of(x), Input::of(w)])
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
    type Extra = ();

    fn forward(&self, [x, w]: &[CpuTensor; 2]) -> (CpuTensor, Self::Extra) {
        let (weights, out) = if self.transposed { (matrix(w).t(), w.rows()) } else { (matrix(w), w.width()) };
        (multiplied(matrix(x), weights, [x.rows(), out]), ())
    }

    fn backward(
        &self,
        [x, w]: &[CpuTensor; 2],
        _: &Kept<()>,
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
