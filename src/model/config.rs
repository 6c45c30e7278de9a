//! The shape of a model, in the field names of a Hugging Face `config.json`.

use serde::{Deserialize, Serialize};

use super::{
    arch::{ArchSpec, LayerSpec},
    families::{self, ModelFamily},
    fields::{self, Fields},
    rope::{Rope, Scaling},
};
use crate::{kernels::attention::Heads, system::quoting::quoting};

/// The family and the sizes of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// The family, with its tables of names and flags.
    #[serde(rename = "model_type", default = "qwen2", with = "by_model_type")]
    pub family: &'static ModelFamily,
    /// Width of the residual stream, d.
    pub hidden_size: usize,
    /// Inner width of the SwiGLU feed-forward.
    pub intermediate_size: usize,
    /// Blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; each serves `num_attention_heads / num_key_value_heads` query heads.
    pub num_key_value_heads: usize,
    /// Width of a head if it is not `hidden_size / num_attention_heads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<usize>,
    /// Tokens.
    pub vocab_size: usize,
    /// Added to the mean square before taking the root.
    #[serde(default = "default_eps")]
    pub rms_norm_eps: f64,
    /// Base of the rotary wavelengths.
    #[serde(default = "default_theta")]
    pub rope_theta: f64,
    /// Longest sequence.
    #[serde(default = "default_positions")]
    pub max_position_embeddings: usize,
    /// Whether the output layer is the embedding transposed.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Whether queries, keys and values have biases, in families that say so in `config.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention_bias: Option<bool>,
    /// How the rotary wavelengths are scaled, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<Scaling>,
    /// Base of the rotary wavelengths in layers with a window, if it is another one there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_local_base_freq: Option<f64>,
    /// 1 for each layer with rotary positions, 0 for each without; `None` if all have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_rope_layers: Option<Vec<u8>>,
    /// How many positions a query sees in the layers with a window, itself included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sliding_window: Option<usize>,
    /// Which layers have a window; `None` if none has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer_types: Option<Vec<LayerType>>,
    /// What the products of queries and keys are divided by the root of, if not the width of a head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_pre_attn_scalar: Option<f64>,
}

/// What the queries of a layer see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerType {
    /// All positions up to their own.
    FullAttention,
    /// The last few of them.
    SlidingAttention,
}

fn qwen2() -> &'static ModelFamily {
    families::QWEN2
}
fn default_eps() -> f64 {
    1e-6
}
fn default_theta() -> f64 {
    10_000.0
}
fn default_positions() -> usize {
    2048
}

impl ModelConfig {
    /// The shape of the model that `pretrain` makes: 810,624 parameters at a vocabulary of 172.
    pub fn small(vocab_size: usize) -> Self {
        Self {
            family: qwen2(),
            hidden_size: 128,
            intermediate_size: 384,
            num_hidden_layers: 4,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            head_dim: None,
            vocab_size,
            rms_norm_eps: 1e-6,
            rope_theta: 10_000.0,
            max_position_embeddings: 1024,
            tie_word_embeddings: true,
            attention_bias: None,
            rope_scaling: None,
            rope_local_base_freq: None,
            no_rope_layers: None,
            sliding_window: None,
            layer_types: None,
            query_pre_attn_scalar: None,
        }
    }

    /// Reads a `config.json`.
    ///
    /// # Errors
    /// A sentence that names the field that is missing, does not fit, or asks for another computation.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        Self::parse_with_notes(json).map(|(config, _)| config)
    }

    /// Like [`Self::parse`], with sentences on the ignored fields.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn parse_with_notes(json: &[u8]) -> Result<(Self, Vec<String>), String> {
        let not_one = |e: serde_json::Error| {
            format!("This is not the config.json of a language model: {}.", quoting(&e))
        };
        let Fields { read, notes } = fields::checked(serde_json::from_slice(json).map_err(not_one)?)?;
        let config: Self = serde_json::from_value(read.into()).map_err(not_one)?;
        config.validate()?;
        Ok((config, notes))
    }

    /// The heads of attention and their width.
    pub fn heads(&self) -> Heads {
        Heads { queries: self.num_attention_heads, groups: self.num_key_value_heads, width: self.head_dim() }
    }

    /// Width of a head.
    pub fn head_dim(&self) -> usize {
        let given = self.head_dim.or(self.family.head_dim);
        given.unwrap_or(self.hidden_size / self.num_attention_heads.max(1))
    }

    /// The model's computation.
    pub fn arch(&self) -> ArchSpec {
        let family = self.family;
        let qkv_bias = family.has_qkv_bias(self.attention_bias);
        ArchSpec {
            hidden: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.heads(),
            qkv_bias,
            output_bias: qkv_bias && family.output_bias,
            qk_norm: family.qk_norm,
            norms: family.norms,
            norm_adds_one: family.norm_adds_one,
            norm_eps: self.rms_norm_eps,
            activation: family.activation,
            embedding_scale: family.scales_embeddings.then(|| (self.hidden_size as f64).sqrt()),
            score_divisor: self.query_pre_attn_scalar.unwrap_or(self.head_dim() as f64),
            tied: self.tie_word_embeddings,
        }
    }

    /// What differs from layer to layer, first to last.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let layer = |i: usize| {
            let kind = self.layer_types.as_ref().and_then(|kinds| kinds.get(i));
            let window = self.sliding_window.filter(|_| kind == Some(&LayerType::SlidingAttention));
            let roped = self.no_rope_layers.as_ref().and_then(|layers| layers.get(i)) != Some(&0);
            let rope = match self.rope_local_base_freq.filter(|_| window.is_some()) {
                Some(theta) => Rope { theta, scaling: None },
                None => Rope { theta: self.rope_theta, scaling: self.rope_scaling },
            };
            LayerSpec { rope: roped.then_some(rope), window }
        };
        (0..self.num_hidden_layers).map(layer).collect()
    }

    /// Checks that the sizes are consistent and within the program's limits.
    ///
    /// # Errors
    /// A sentence that names the first field that does not.
    pub fn validate(&self) -> Result<(), String> {
        let sizes = [
            ("hidden_size", self.hidden_size, 1 << 16),
            ("intermediate_size", self.intermediate_size, 1 << 18),
            ("num_hidden_layers", self.num_hidden_layers, 512),
            ("num_attention_heads", self.num_attention_heads, 1024),
            ("num_key_value_heads", self.num_key_value_heads, 1024),
            ("vocab_size", self.vocab_size, 1 << 20),
            ("max_position_embeddings", self.max_position_embeddings, 1 << 24),
        ];
        for (name, value, most) in sizes {
            if value == 0 || value > most {
                return Err(format!("config.json: `{name}` is {value}; it must be between 1 and {most}."));
            }
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            return Err(format!(
                "config.json: `num_attention_heads` ({}) must be a multiple of `num_key_value_heads` ({}).",
                self.num_attention_heads, self.num_key_value_heads
            ));
        }
        let divided = self.head_dim.or(self.family.head_dim).is_none();
        if divided && !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err(format!(
                "config.json: `hidden_size` ({}) must be a multiple of `num_attention_heads` ({}) when `head_dim` \
                 is not given.",
                self.hidden_size, self.num_attention_heads
            ));
        }
        if self.head_dim() == 0 || self.head_dim() > 1024 || !self.head_dim().is_multiple_of(2) {
            return Err(format!(
                "config.json: the head width is {}; it must be even and between 2 and 1024.",
                self.head_dim()
            ));
        }
        let optional = [
            ("rope_local_base_freq", self.rope_local_base_freq),
            ("query_pre_attn_scalar", self.query_pre_attn_scalar),
        ];
        let given = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
        for (name, value) in
            [("rms_norm_eps", self.rms_norm_eps), ("rope_theta", self.rope_theta)].into_iter().chain(given)
        {
            if !(value.is_finite() && value > 0.0) {
                return Err(format!("config.json: `{name}` is {value}; it must be a positive number."));
            }
        }
        self.validate_layers()
    }

    fn validate_layers(&self) -> Result<(), String> {
        let lengths = [
            ("no_rope_layers", self.no_rope_layers.as_ref().map(Vec::len)),
            ("layer_types", self.layer_types.as_ref().map(Vec::len)),
        ];
        for (name, length) in lengths {
            if length.is_some_and(|length| length != self.num_hidden_layers) {
                return Err(format!(
                    "config.json: `{name}` must have an entry for each of the {} layers.",
                    self.num_hidden_layers
                ));
            }
        }
        if self.sliding_window == Some(0) {
            return Err("config.json: `sliding_window` is 0; it must be at least 1.".into());
        }
        let ropes: Vec<Rope> = self.layers().into_iter().filter_map(|layer| layer.rope).collect();
        let usable = |rope: &Rope| {
            let numbers = rope.wavelengths(self.head_dim());
            numbers.iter().chain([&rope.amplitude()]).all(|x| x.is_finite() && *x > 0.0)
        };
        match ropes.iter().all(usable) {
            true => Ok(()),
            false => Err(
                "config.json: the scaling of the rotary positions gives wavelengths that are no positive \
                          numbers; the values in it do not fit together."
                    .into(),
            ),
        }
    }

    /// Number of parameters.
    pub fn parameters(&self) -> usize {
        let d = self.hidden_size;
        let embeddings = self.vocab_size * d * if self.tie_word_embeddings { 1 } else { 2 };
        self.num_hidden_layers * self.arch().block_parameters() + embeddings + d
    }

    /// Floating-point operations of one token's forward pass, by parameter count: 2 for each weight that a
    /// token is multiplied with, plus attention over `context` tokens.
    pub(crate) fn forward_flops(&self, context: f64) -> f64 {
        let (d, h, kv, hd) = (
            self.hidden_size as f64,
            self.num_attention_heads as f64,
            self.num_key_value_heads as f64,
            self.head_dim() as f64,
        );
        let block = d * (h + 2.0 * kv) * hd + h * hd * d + 3.0 * d * self.intermediate_size as f64;
        let weights = self.num_hidden_layers as f64 * block + d * self.vocab_size as f64;
        // What lies before a window is not looked at.
        let windows = self.layers().into_iter().filter_map(|layer| layer.window);
        let unseen: f64 = windows.map(|window| (context - window as f64).max(0.0)).sum();
        2.0 * weights + 4.0 * self.num_hidden_layers as f64 * h * hd * context - 4.0 * h * hd * unseen
    }
}

/// A family as `config.json` names it.
mod by_model_type {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::super::families::{self, ModelFamily};
    use crate::system::quoting::shortened;

    pub fn serialize<S: Serializer>(family: &&'static ModelFamily, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(family.model_type)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<&'static ModelFamily, D::Error> {
        let name = String::deserialize(from)?;
        ModelFamily::named(&name).ok_or_else(|| {
            D::Error::custom(format!(
                "`model_type` is `{}`; {} are supported",
                shortened(&name),
                families::supported()
            ))
        })
    }
}
