//! The model families that can be read, trained and written. Each is a table of names and flags in a file of
//! its own, and a word in the list below.
//!
//! A model that loads and then computes something other than its makers meant is worse than one that is
//! refused, so this is an allow-list: [`super::fields`] refuses all others.

mod names;

use std::fmt;

pub use names::TensorNames;

/// Declares a module for each name and adds its `FAMILY` to the registry.
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

/// The family of the models made here.
pub const QWEN2: &ModelFamily = &qwen2::FAMILY;
/// The family that works with any tokenizer.
pub(crate) const LLAMA: &ModelFamily = &llama::FAMILY;
/// Like [`LLAMA`], for heads of any width.
pub(crate) const SEED_OSS: &ModelFamily = &seed_oss::FAMILY;

/// What sets a family's models apart. Values for fields of `config.json` are transformers' defaults for
/// missing fields.
#[derive(PartialEq)]
pub struct ModelFamily {
    /// `model_type` in `config.json`.
    pub model_type: &'static str,
    /// transformers' class.
    pub class: &'static str,
    /// Whether queries, keys and values have biases.
    pub qkv_bias: Bias,
    /// Whether the output projection of attention then has one too. It must be zero: we do not compute with
    /// it.
    pub output_bias: bool,
    /// Whether each query head and each key head is normalised before rotation.
    pub qk_norm: bool,
    /// `head_dim`; `None` if it is `hidden_size / num_attention_heads`.
    pub head_dim: Option<usize>,
    /// Whether a missing `num_key_value_heads` means as many key/value heads as query heads.
    pub key_value_heads_as_queries: bool,
    /// Which fields ask for attention with a window, which is not supported.
    pub window: Window,
    /// The names of its tensors.
    pub names: TensorNames,
}

/// Whether there are biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    /// In every model of the family.
    Always,
    /// In none.
    Never,
    /// As given by `attention_bias`.
    Told {
        /// Its default.
        default: bool,
    },
}

/// Which fields of `config.json` ask for attention with a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// `sliding_window`, for all layers.
    Everywhere {
        /// Its default width.
        default: Option<u64>,
    },
    /// `sliding_window` with `use_sliding_window`, for layers from `max_window_layers` on.
    LaterLayers {
        /// The default for the first of them.
        first: u64,
    },
}

impl ModelFamily {
    /// Llama's table, which those of other families start from.
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

    /// Whether queries, keys and values have biases in a model with this `attention_bias`.
    pub(crate) fn has_qkv_bias(&self, told: Option<bool>) -> bool {
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
pub(crate) fn supported() -> String {
    let names: Vec<&str> = FAMILIES.iter().map(|family| family.model_type).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
