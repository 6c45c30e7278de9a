//! Qwen2 and Qwen2.5 (<https://arxiv.org/abs/2407.10671>).

use super::{Bias, ModelFamily, Window};

pub(super) static FAMILY: ModelFamily = ModelFamily {
    model_type: "qwen2",
    class: "Qwen2ForCausalLM",
    qkv_bias: Bias::Always,
    window: Window::LaterLayers { first: 28 },
    ..ModelFamily::PLAIN
};
