//! The model's weights for the CPU's decoder, which computes what [`Transformer::hidden`] and [`Transformer::logits`]
//! define.

use std::sync::Arc;

use burn::{module::Param, tensor::Tensor};

use super::{
    arch::ArchSpec,
    config::ModelConfig,
    rotary::attentions,
    transformer::{Block, Transformer, norm_scale},
};
use crate::kernels::{
    autodiff::CpuTensor,
    decoder::{BlockWeights, Decoder, Shape, Weights},
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
        let shape = Shape {
            heads: spec.heads,
            score_scale: spec.score_scale(),
            activation: spec.activation,
            eps: spec.norm_eps as f32,
            embedding_scale: spec.embedding_scale.map(|scale| scale as f32),
        };
        let attentions = attentions(&self.config, &self.config.layers(), capacity);
        Decoder::new(weights.clone(), shape, &attentions, slots, capacity)
    }

    /// The weights as decoders read them, an adapter merged into them. `None` as [`Self::decoder`].
    pub(crate) fn laid_out(&self) -> Option<Arc<Weights>> {
        let spec = self.config.arch();
        let embedding = of(&self.embedding)?;
        let norm = CpuTensor::of(norm_scale(&self.norm, &spec))?;
        let head = optional(self.head.as_ref().map(of))?;
        let mut all = true;
        // One block at a time: what is merged is laid out and forgotten.
        let blocks = self.blocks.iter().map_while(|block| {
            let weights = weights(&block.merged(), &spec);
            all &= weights.is_some();
            weights
        });
        let weights = Weights::new(embedding, blocks, norm, head.as_ref());
        all.then(|| Arc::new(weights))
    }
}

/// Bytes that a [`Decoder`] uses per slot for sequences of at most `capacity` tokens.
pub(crate) fn kept_bytes(config: &ModelConfig, capacity: usize) -> usize {
    Decoder::kept_bytes(config.heads(), config.num_hidden_layers, capacity)
}

fn weights(block: &Block, spec: &ArchSpec) -> Option<BlockWeights> {
    let scale = |weight: &Param<Tensor<1>>| CpuTensor::of(norm_scale(weight, spec));
    let norm = |weight: &Option<Param<Tensor<1>>>| optional(weight.as_ref().map(scale));
    let qk_norm = block.qk_norm.as_ref().map(|norm| Some([scale(&norm.queries)?, scale(&norm.keys)?]));
    Some(BlockWeights {
        input_norm: norm(&block.input_norm)?,
        qkv: of(&block.qkv)?,
        qkv_bias: optional(block.qkv_bias.as_ref().map(of))?,
        qk_norm: optional(qk_norm)?,
        output: of(&block.output)?,
        attention_norm: norm(&block.attention_norm)?,
        post_norm: norm(&block.post_norm)?,
        gate_up: of(&block.gate_up)?,
        down: of(&block.down)?,
        feed_forward_norm: norm(&block.feed_forward_norm)?,
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
