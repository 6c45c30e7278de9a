//! Seed-OSS.

use super::{Bias, ModelFamily};

pub(super) static FAMILY: ModelFamily = ModelFamily {
    model_type: "seed_oss",
    class: "SeedOssForCausalLM",
    qkv_bias: Bias::Told { default: true },
    head_dim: Some(128),
    ..ModelFamily::PLAIN
};
