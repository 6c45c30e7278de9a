//! Qwen3 (<https://arxiv.org/abs/2505.09388>).

use super::{Bias, ModelFamily, QkNorms, Window};

pub(super) static FAMILY: ModelFamily = ModelFamily {
    model_type: "qwen3",
    class: "Qwen3ForCausalLM",
    qkv_bias: Bias::Told { default: false },
    output_bias: true,
    qk_norm: QkNorms::Heads,
    head_dim: Some(128),
    window: Window::LaterLayers { first: 28 },
    ..ModelFamily::PLAIN
};
