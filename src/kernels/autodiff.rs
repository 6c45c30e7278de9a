//! Turns a kernel with a hand-written derivative into a differentiable operation of Burn.

use std::{fmt::Debug, marker::PhantomData, sync::Arc};

use burn::tensor::{Shape, Tensor};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::NoCheckpointing},
    grads::Gradients,
    ops::{Backward, NodeGuard, Ops, OpsKind},
};
use burn_backend::{Bytes, DType};
use burn_flex::{Flex, FlexTensor, Layout};

/// A differentiable function of `N` float tensors.
pub trait Kernel<const N: usize>: Debug + Clone + Send + 'static {
    /// What the derivative wants to remember beside the inputs and the value.
    type Extra: Debug + Send + Sync + 'static;

    /// The function: its value, and what is to be remembered.
    fn forward(&self, inputs: &[CpuTensor; N]) -> (CpuTensor, Self::Extra);

    /// The gradients with respect to the inputs, given the gradient of the value; `None` for inputs not
    /// `wanted`.
    fn backward(
        &self,
        inputs: &[CpuTensor; N],
        kept: &Kept<Self::Extra>,
        gradient: &CpuTensor,
        wanted: [bool; N],
    ) -> [Option<CpuTensor>; N];
}

/// What [`Kernel::forward`] made.
#[derive(Debug)]
pub struct Kept<Extra> {
    /// Its value.
    pub value: CpuTensor,
    /// What else it wanted to remember.
    pub extra: Arc<Extra>,
}

impl<Extra> Clone for Kept<Extra> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), extra: self.extra.clone() }
    }
}

/// A CPU tensor with contiguous numbers.
#[derive(Debug, Clone)]
pub struct CpuTensor(FlexTensor);

impl CpuTensor {
    /// A tensor of these numbers.
    pub fn new(values: Vec<f32>, shape: impl Into<Shape>) -> Self {
        Self(FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape.into()), DType::F32))
    }

    /// `None` if its numbers are not f32.
    fn from_flex(tensor: FlexTensor) -> Option<Self> {
        (tensor.dtype() == DType::F32).then(|| Self(tensor.to_contiguous()))
    }

    /// Takes a tensor of the CPU backend; `None` if it is on another backend or tracks gradients.
    pub fn of<const D: usize>(tensor: Tensor<D>) -> Option<Self> {
        Self::from_flex(tensor.try_into_primitive::<Flex>().ok()?)
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        self.0.as_slice::<f32>().unwrap_or_default()
    }

    /// Size of the last dimension.
    pub fn width(&self) -> usize {
        self.0.layout().shape().last().copied().unwrap_or(1)
    }

    /// Number of rows along the last dimension.
    pub fn rows(&self) -> usize {
        self.values().len() / self.width().max(1)
    }

    /// Its shape.
    pub fn shape(&self) -> Shape {
        self.0.layout().shape().clone()
    }
}

/// An input of a kernel, with its node in the autodiff graph if it has one.
pub enum Input {
    /// Does not track gradients.
    Plain(CpuTensor),
    /// On an autodiff device.
    Tracked(CpuTensor, NodeGuard),
}

impl Input {
    /// `None` for a tensor of another backend.
    pub fn of<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        if tensor.device().is_autodiff() {
            let (values, node) = tensor.clone().try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
            Some(Self::Tracked(CpuTensor::from_flex(values)?, node))
        } else {
            CpuTensor::of(tensor.clone()).map(Self::Plain)
        }
    }
}

/// Applies a kernel. `None` if an input is not on the CPU backend, or if plain and tracked inputs are mixed.
pub fn apply<K: Kernel<N>, const N: usize, const D: usize>(
    kernel: K,
    inputs: [Option<Input>; N],
) -> Option<Tensor<D>> {
    let mut tensors = Vec::with_capacity(N);
    let mut nodes = Vec::with_capacity(N);
    for input in inputs {
        match input? {
            Input::Plain(tensor) => tensors.push(tensor),
            Input::Tracked(tensor, node) => {
                tensors.push(tensor);
                nodes.push(node);
            }
        }
    }
    let inputs: [CpuTensor; N] = tensors.try_into().ok()?;
    if nodes.is_empty() {
        let (value, _) = kernel.forward(&inputs);
        return Some(Tensor::from_primitive::<Flex>(value.0));
    }
    let nodes: [NodeGuard; N] = nodes.try_into().ok()?;
    let (value, extra) = kernel.forward(&inputs);
    let output = value.0.clone();
    let tensor = match Step::<K>(PhantomData).prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => {
            let kept = Kept { value, extra: Arc::new(extra) };
            prep.finish(State { kernel, inputs, kept }, output)
        }
        OpsKind::UnTracked(prep) => prep.finish(output),
    };
    Some(Tensor::from_primitive::<Autodiff<Flex>>(tensor))
}

#[derive(Debug)]
struct State<K: Kernel<N>, const N: usize> {
    kernel: K,
    inputs: [CpuTensor; N],
    kept: Kept<K::Extra>,
}

// Derived, it would ask for a copy of what is remembered.
impl<K: Kernel<N>, const N: usize> Clone for State<K, N> {
    fn clone(&self) -> Self {
        Self { kernel: self.kernel.clone(), inputs: self.inputs.clone(), kept: self.kept.clone() }
    }
}

#[derive(Debug)]
struct Step<K>(PhantomData<fn() -> K>);

impl<K: Kernel<N>, const N: usize> Backward<Flex, N> for Step<K> {
    type State = State<K, N>;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let State { kernel, inputs, kept } = ops.state;
        // The gradient comes from another operation, ours or Burn's, in f32 like the value.
        let gradient = CpuTensor(grads.consume::<Flex>(&ops.node).to_contiguous());
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let found = kernel.backward(&inputs, &kept, &gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                grads.register::<Flex>(parent.id, gradient.0);
            }
        }
    }
}
