//! The model families that can be read, trained and written. Each is a table of names and flags in a file of
//! its own, and a word in the list below.
//!
//! A model that loads and then computes something other than its makers meant is worse than one that is
//! refused, so this is an allow-list: [`super::fields`] refuses all others.

mod names;

use std::fmt;

pub use names::TensorNames;

use super::arch::{Activation, Norms, QkNorms};

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
    smollm3
    olmo2
    gemma3_text
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
    /// Whether queries and keys are normalised before rotation.
    pub qk_norm: QkNorms,
    /// Where a block's other norms stand.
    pub norms: Norms,
    /// Whether a norm multiplies by 1 plus its weight instead of by its weight.
    pub norm_adds_one: bool,
    /// What the feed-forward's gate goes through.
    pub activation: Activation,
    /// Whether embeddings are multiplied by the root of their width before the first block.
    pub scales_embeddings: bool,
    /// What the products of queries and keys are divided by the root of: the default of `query_pre_attn_scalar`;
    /// `None` in families without that field, where it is the width of a head.
    pub score_divisor: Option<f64>,
    /// `head_dim`; `None` if it is `hidden_size / num_attention_heads`.
    pub head_dim: Option<usize>,
    /// Whether a missing `num_key_value_heads` means as many key/value heads as query heads.
    pub key_value_heads_as_queries: bool,
    /// `rms_norm_eps`.
    pub norm_eps: f64,
    /// `tie_word_embeddings`.
    pub tied: bool,
    /// Which layers have rotary positions, and of which base.
    pub positions: Positions,
    /// Which fields ask for attention with a window.
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

/// Which layers have rotary positions, and of which base.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Positions {
    /// All, the same.
    Everywhere {
        /// `rope_theta`.
        theta: f64,
    },
    /// All but those that `no_rope_layers` gives a 0, or but every `no_rope_layer_interval`-th.
    Spared {
        /// `rope_theta`.
        theta: f64,
        /// `no_rope_layer_interval`.
        interval: u64,
    },
    /// All, of another base in the layers with a window.
    ByLayerType {
        /// `rope_theta`, of the layers without a window.
        theta: f64,
        /// `rope_local_base_freq`, of those with one.
        local_theta: f64,
    },
}

/// Which fields of `config.json` ask for attention with a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// None: the family has no windows.
    Nowhere,
    /// `sliding_window`, for all layers.
    Everywhere {
        /// Its default width.
        default: u64,
    },
    /// `sliding_window` with `use_sliding_window`, for layers from `max_window_layers` on, or as `layer_types` says.
    LaterLayers {
        /// The default for the first of them.
        first: u64,
    },
    /// `sliding_window` with `use_sliding_window`, for layers without rotary positions, or as `layer_types` says.
    SparedLayers,
    /// `sliding_window`, for all layers but every `sliding_window_pattern`-th, or as `layer_types` says.
    AllButEvery {
        /// The default of the pattern.
        pattern: u64,
        /// The default width.
        default: u64,
    },
}

impl ModelFamily {
    /// Llama's table, which those of other families start from.
    const PLAIN: Self = Self {
        model_type: "llama",
        class: "LlamaForCausalLM",
        qkv_bias: Bias::Never,
        output_bias: false,
        qk_norm: QkNorms::None,
        norms: Norms::Before,
        norm_adds_one: false,
        activation: Activation::Silu,
        scales_embeddings: false,
        score_divisor: None,
        head_dim: None,
        key_value_heads_as_queries: false,
        norm_eps: 1e-6,
        tied: false,
        positions: Positions::Everywhere { theta: 10_000.0 },
        window: Window::Nowhere,
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
