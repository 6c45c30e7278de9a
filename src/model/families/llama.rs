//! Llama 2 and 3, and models of the same shape: SmolLM2, TinyLlama.

use super::{Bias, ModelFamily};

pub(super) static FAMILY: ModelFamily = ModelFamily {
    qkv_bias: Bias::Told { default: false },
    output_bias: true,
    key_value_heads_as_queries: true,
    ..ModelFamily::PLAIN
};
