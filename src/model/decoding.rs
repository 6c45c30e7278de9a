//! The model's weights for the CPU's decoder, which computes what [`Transformer::hidden`] and [`Transformer::logits`]
//! define.

use std::sync::Arc;

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
        Some(self.decoders(&self.laid_out()?, slots, capacity))
    }

    /// Like [`Self::decoder`], with weights of [`Self::laid_out`], which decoders share.
    pub(crate) fn decoders(&self, weights: &Arc<Weights>, slots: usize, capacity: usize) -> Decoder {
        let spec = self.config.arch();
        Decoder::new(weights.clone(), spec.heads, spec.rope_theta, spec.norm_eps, slots, capacity)
    }

    /// The weights as decoders read them, an adapter merged into them. `None` as [`Self::decoder`].
    pub(crate) fn laid_out(&self) -> Option<Arc<Weights>> {
        let embedding = of(&self.embedding)?;
        let head = optional(self.head.as_ref().map(of))?;
        let mut all = true;
        // One block at a time: what is merged is laid out and forgotten.
        let blocks = self.blocks.iter().map_while(|block| {
            let weights = weights(&block.merged());
            all &= weights.is_some();
            weights
        });
        let weights = Weights::new(embedding, blocks, of(&self.norm)?, head.as_ref());
        all.then(|| Arc::new(weights))
    }
}

/// Bytes that a [`Decoder`] uses per slot for sequences of at most `capacity` tokens.
pub fn kept_bytes(config: &ModelConfig, capacity: usize) -> usize {
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
