//! The model's weights for the CPU's decoder, which computes what [`Transformer::hidden`] and [`Transformer::logits`]
//! define.

use burn::{module::Param, tensor::Tensor};

use super::{
    config::ModelConfig,
    transformer::{Block, Transformer},
};
use crate::kernels::{
    autodiff::CpuTensor,
    decoder::{BlockWeights, Decoder, Weights},
};

impl Transformer {
    /// A decoder for sequences of at most `capacity` tokens in `slots` slots. `None` unless the weights are
    /// f32 tensors of the CPU backend without gradients.
    pub fn decoder(&self, slots: usize, capacity: usize) -> Option<Decoder> {
        let weights = Weights {
            embedding: of(&self.embedding)?,
            blocks: self.blocks.iter().map(weights).collect::<Option<_>>()?,
            norm: of(&self.norm)?,
            head: optional(self.head.as_ref().map(of))?,
        };
        let spec = self.config.arch();
        Some(Decoder::new(weights, spec.heads, spec.rope_theta, spec.norm_eps, slots, capacity))
    }
}

/// Bytes that a [`Decoder`] uses per slot for sequences of at most `capacity` tokens.
pub(crate) fn kept_bytes(config: &ModelConfig, capacity: usize) -> usize {
    Decoder::kept_bytes(config.heads(), config.num_hidden_layers, capacity)
}

fn weights(block: &Block) -> Option<BlockWeights> {
    let qk_norm = block.qk_norm.as_ref().map(|norm| Some([of(&norm.queries)?, of(&norm.keys)?]));
    Some(BlockWeights {
        input_norm: of(&block.input_norm)?,
        qkv: of(&block.qkv)?,
        qkv_bias: optional(block.qkv_bias.as_ref().map(of))?,
        qk_norm: optional(qk_norm)?,
        output: of(&block.output)?,
        post_norm: of(&block.post_norm)?,
        gate_up: of(&block.gate_up)?,
        down: of(&block.down)?,
    })
}

fn of<const D: usize>(param: &Param<Tensor<D>>) -> Option<CpuTensor> {
    CpuTensor::of(param.val())
}

/// `None` only if a weight exists but cannot be read.
fn optional<T>(weight: Option<Option<T>>) -> Option<Option<T>> {
    match weight {
        Some(None) => None,
        Some(found) => Some(found),
        None => Some(None),
    }
}
