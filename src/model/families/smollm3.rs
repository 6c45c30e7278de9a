//! SmolLM3: Llama, without rotary positions in every fourth layer (<https://arxiv.org/abs/2501.18795>).

use super::{Bias, ModelFamily, Positions, Window};

pub(super) static FAMILY: ModelFamily = ModelFamily {
    model_type: "smollm3",
    class: "SmolLM3ForCausalLM",
    qkv_bias: Bias::Told { default: false },
    output_bias: true,
    tied: true,
    positions: Positions::Spared { theta: 2_000_000.0, interval: 4 },
    window: Window::SparedLayers,
    ..ModelFamily::PLAIN
};
