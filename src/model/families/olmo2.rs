//! OLMo 2 (<https://arxiv.org/abs/2501.00656>): norms after each half, and of all heads together.

use super::{Bias, ModelFamily, Norms, QkNorms, TensorNames};

pub(super) static FAMILY: ModelFamily = ModelFamily {
    model_type: "olmo2",
    class: "Olmo2ForCausalLM",
    qkv_bias: Bias::Told { default: false },
    output_bias: true,
    qk_norm: QkNorms::Whole,
    norms: Norms::After,
    key_value_heads_as_queries: true,
    norm_eps: 1e-5,
    names: TensorNames::FOUR_NORMS,
    ..ModelFamily::PLAIN
};
