//! Mistral without a sliding window.

use super::{ModelFamily, Window};

pub(super) static FAMILY: ModelFamily = ModelFamily {
    model_type: "mistral",
    class: "MistralForCausalLM",
    window: Window::Everywhere { default: Some(4096) },
    ..ModelFamily::PLAIN
};
