//! Mistral (<https://arxiv.org/abs/2310.06825>).

use super::{ModelFamily, Window};

pub(super) static FAMILY: ModelFamily = ModelFamily {
    model_type: "mistral",
    class: "MistralForCausalLM",
    window: Window::Everywhere { default: 4096 },
    ..ModelFamily::PLAIN
};
