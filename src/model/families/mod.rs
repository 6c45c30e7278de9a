//! The families of models that are read, trained and written: each a table of names and flags in a file of its own, and
//! a word in the list below.
//!
//! A model that loads and then computes something else than its makers meant is worse than one that is refused, so this
//! is an allow-list: [`super::fields`] refuses all others.

mod names;

use std::fmt;

pub use names::TensorNames;

/// Makes a module of each name and puts its `FAMILY` into the registry.
macro_rules! families {
    ($($name:ident)*) => {
        $(mod $name;)*
        /// All of them.
        pub static FAMILIES: &[&ModelFamily] = &[$(&$name::FAMILY),*];
    };
}

families! {
    qwen2
    qwen3
    llama
    mistral
    seed_oss
}

/// The family of the models that are made here.
pub const QWEN2: &ModelFamily = &qwen2::FAMILY;
/// The family that takes any tokenizer.
pub const LLAMA: &ModelFamily = &llama::FAMILY;
/// The same for heads of any width.
pub const SEED_OSS: &ModelFamily = &seed_oss::FAMILY;

/// What sets a family's models apart. What stands here for a field of `config.json` is what transformers takes where the
/// field is missing.
#[derive(PartialEq)]
pub struct ModelFamily {
    /// `model_type` in `config.json`.
    pub model_type: &'static str,
    /// transformers' class.
    pub class: &'static str,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: Bias,
    /// Whether the output projection of attention then has one too. It must be zero: it is not computed with.
    pub output_bias: bool,
    /// Whether each query head and each key head is normalised before it is turned.
    pub qk_norm: bool,
    /// `head_dim`; `None` where it is `hidden_size / num_attention_heads`.
    pub head_dim: Option<usize>,
    /// Whether there are as many key/value heads as query heads where `num_key_value_heads` is missing.
    pub key_value_heads_as_queries: bool,
    /// Which fields ask for attention with a window, which is not computed.
    pub window: Window,
    /// What its tensors are called.
    pub names: TensorNames,
}

/// Whether there are biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// In every model of the family.
    Always,
    /// In none.
    Never,
    /// As `attention_bias` says.
    Told {
        /// Where it says nothing.
        default: bool,
    },
}

/// Which fields of `config.json` ask for attention with a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// `sliding_window`, for all layers.
    Everywhere {
        /// Its width where the field is missing.
        default: Option<u64>,
    },
    /// `sliding_window` with `use_sliding_window`, for layers from `max_window_layers` on.
    LaterLayers {
        /// The first of them where the field is missing.
        first: u64,
    },
}

impl ModelFamily {
    /// Llama's: what the tables of other families begin from.
    const PLAIN: Self = Self {
        model_type: "llama",
        class: "LlamaForCausalLM",
        qkv_bias: Bias::Never,
        output_bias: false,
        qk_norm: false,
        head_dim: None,
        key_value_heads_as_queries: false,
        window: Window::Everywhere { default: None },
        names: TensorNames::LLAMA,
    };

    /// The family of a `model_type`.
    pub fn named(model_type: &str) -> Option<&'static Self> {
        FAMILIES.iter().copied().find(|family| family.model_type == model_type)
    }

    /// Whether queries, keys and values have biases in a model whose `attention_bias` is this.
    pub fn has_qkv_bias(&self, told: Option<bool>) -> bool {
        match self.qkv_bias {
            Bias::Always => true,
            Bias::Never => false,
            Bias::Told { default } => told.unwrap_or(default),
        }
    }
}

impl fmt::Debug for ModelFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.model_type)
    }
}

/// `a, b and c`, for a sentence.
pub fn supported() -> String {
    let names: Vec<&str> = FAMILIES.iter().map(|family| family.model_type).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
