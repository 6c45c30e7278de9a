//! Gemma 3, text only (<https://arxiv.org/abs/2503.19786>).

use super::{Activation, Bias, ModelFamily, Norms, Positions, QkNorms, TensorNames, Window};

pub(super) static FAMILY: ModelFamily = ModelFamily {
    model_type: "gemma3_text",
    class: "Gemma3ForCausalLM",
    qkv_bias: Bias::Told { default: false },
    output_bias: true,
    qk_norm: QkNorms::Heads,
    norms: Norms::Around,
    norm_adds_one: true,
    activation: Activation::GeluTanh,
    scales_embeddings: true,
    score_divisor: Some(256.0),
    head_dim: Some(256),
    tied: true,
    positions: Positions::ByLayerType { theta: 1_000_000.0, local_theta: 10_000.0 },
    window: Window::AllButEvery { pattern: 6, default: 4096 },
    names: TensorNames::FOUR_NORMS,
    ..ModelFamily::PLAIN
};
