//! The fields of a stranger's `config.json`: each is understood, known to change nothing, or refused by name.
//!
//! The families of models are an allow-list ([`families`]); a field that changes the computation must have
//! its neutral value; and an unknown field is refused if its name suggests the computation, and otherwise
//! reported.

use serde_json::{Map, Value};

mod positions;
mod windows;

use super::{
    arch::Activation,
    families::{self, Bias, ModelFamily, Positions},
};
use crate::system::quoting::shortened;

/// The fields that [`super::config::ModelConfig`] reads as they are.
const UNDERSTOOD: [&str; 12] = [
    "model_type",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "rms_norm_eps",
    "max_position_embeddings",
    "tie_word_embeddings",
    "attention_bias",
];

/// The fields that are checked here, or read and given to it in one form.
const LOOKED_AT: [&str; 10] = [
    "original_max_position_embeddings",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "hidden_act",
    "hidden_activation",
    "sliding_window",
    "use_sliding_window",
    "max_window_layers",
    "layer_types",
];

/// Fields that do not affect our computation: names, tokens, types on disk, dropout, training and generation
/// settings.
const HARMLESS: &[&str] = &[
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_name_or_path",
    "architectures",
    "attention_dropout",
    "attn_implementation",
    "attn_pdrop",
    "base_dtype",
    "bos_token_id",
    "cache_implementation",
    "chunk_size_feed_forward",
    "dtype",
    "embd_pdrop",
    "eos_token_id",
    "finetuning_task",
    "hidden_dropout",
    "id2label",
    "initializer_range",
    "is_decoder",
    "is_llama_config",
    "label2id",
    "name_or_path",
    "output_attentions",
    "output_hidden_states",
    "pad_token_id",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "resid_pdrop",
    "residual_dropout",
    "return_dict",
    "sep_token_id",
    "task_specific_params",
    "tokenizer_class",
    "torch_dtype",
    "transformers.js_config",
    "transformers_version",
    "unk_token_id",
    "use_cache",
];

/// Fields that change the computation unless they are 1.
const NEUTRAL_AT_ONE: [&str; 8] = [
    "partial_rotary_factor",
    "rotary_pct",
    "rope_pct",
    "embedding_multiplier",
    "residual_multiplier",
    "logits_scaling",
    "logit_scale",
    "lm_head_multiplier",
];

/// Fields that change the computation unless they are absent, `null`, `false` or empty.
const NEUTRAL_WHEN_OFF: &[&str] = &[
    "add_cross_attention",
    "attention_multiplier",
    "attention_out_bias",
    "attn_logit_softcapping",
    "clip_qkv",
    "final_logit_softcapping",
    "is_encoder_decoder",
    "kv_lora_rank",
    "mlp_bias",
    "no_rope_layer_interval",
    "no_rope_layers",
    "num_experts",
    "num_local_experts",
    "qk_layernorm",
    "qk_norm",
    "quantization_config",
    "query_pre_attn_scalar",
    "use_bias",
    "use_bidirectional_attention",
    "use_parallel_residual",
    "use_qk_norm",
    "use_qkv_bias",
];

/// Parts of names that suggest the computation.
const TELLING: &[&str] = &[
    "activation",
    "attention",
    "attn",
    "bias",
    "causal",
    "clip",
    "conv",
    "embed",
    "expert",
    "gate",
    "head",
    "interleave",
    "layer",
    "logit",
    "lora",
    "mask",
    "mlp",
    "moe",
    "multipl",
    "norm",
    "position",
    "quant",
    "residual",
    "rope",
    "rotary",
    "router",
    "scal",
    "softcap",
    "ssm",
    "window",
];

/// The fields that are read, in one form for all families, and notes on the others.
#[derive(Debug)]
pub(crate) struct Fields {
    /// Without `null`s; defaults that differ between families are filled in.
    pub read: Map<String, Value>,
    /// Sentences on ignored fields.
    pub notes: Vec<String>,
}

/// The fields that a family has beside those of all; for other families they change the computation.
fn own(family: &ModelFamily) -> &'static [&'static str] {
    match family.positions {
        Positions::Everywhere { .. } => &[],
        Positions::Spared { .. } => &["no_rope_layers", "no_rope_layer_interval"],
        Positions::ByLayerType { .. } => &[
            "query_pre_attn_scalar",
            "rope_local_base_freq",
            "sliding_window_pattern",
            "_sliding_window_pattern",
        ],
    }
}

/// Looks at every field.
///
/// # Errors
/// A sentence that names the first field that is not understood.
pub fn checked(mut fields: Map<String, Value>) -> Result<Fields, String> {
    let family = family(&fields)?;
    activation(&fields, family)?;
    neutral(&fields, family)?;
    biases(&fields, family)?;
    let spared = positions::spared(&fields, family)?;
    let windows = windows::windows(&fields, family, spared.as_deref())?;
    let rope = positions::rope(&fields, family)?;
    let mut notes = Vec::new();
    for (name, value) in &fields {
        let known = [&UNDERSTOOD[..], &LOOKED_AT, HARMLESS, &NEUTRAL_AT_ONE, NEUTRAL_WHEN_OFF, own(family)];
        if known.iter().any(|names| names.contains(&name.as_str())) || is_off(value) {
            continue;
        }
        if TELLING.iter().any(|part| name.contains(part)) {
            return Err(format!(
                "config.json: `{}` is {}, which is unknown here and may change what the model computes; such a model \
                 is not supported.",
                shortened(name),
                spelt(value)
            ));
        }
        notes.push(format!("config.json: `{}` is unknown here and is ignored.", shortened(name)));
    }
    fill_in(&mut fields, family);
    let scalar =
        own(family).contains(&"query_pre_attn_scalar").then(|| fields.remove("query_pre_attn_scalar"));
    fields.retain(|name, value| UNDERSTOOD.contains(&name.as_str()) && !value.is_null());
    fields.extend(rope);
    fields.extend(windows);
    fields.extend(spared.map(|layers| ("no_rope_layers".to_owned(), layers.into())));
    let scalar = scalar.flatten().filter(|value| !value.is_null()).or(family.score_divisor.map(Value::from));
    fields.extend(scalar.map(|scalar| ("query_pre_attn_scalar".to_owned(), scalar)));
    Ok(Fields { read: fields, notes })
}

fn family(fields: &Map<String, Value>) -> Result<&'static ModelFamily, String> {
    let supported = families::supported();
    let Some(named) = fields.get("model_type").filter(|kind| !kind.is_null()) else {
        return Err(format!("config.json: `model_type` is missing; {supported} are supported."));
    };
    named.as_str().and_then(ModelFamily::named).ok_or_else(|| {
        format!(
            "config.json: `model_type` is {}, which is not implemented here; {supported} are supported.",
            spelt(named)
        )
    })
}

fn activation(fields: &Map<String, Value>, family: &ModelFamily) -> Result<(), String> {
    let (names, wanted): (&[&str], _) = match family.activation {
        Activation::Silu => (&["silu", "swish"], "silu"),
        Activation::GeluTanh => (&["gelu_pytorch_tanh"], "gelu_pytorch_tanh"),
    };
    for name in ["hidden_act", "hidden_activation"] {
        match fields.get(name) {
            Some(Value::String(act)) if names.contains(&act.as_str()) => {}
            None | Some(Value::Null) => {}
            Some(other) => {
                return Err(format!(
                    "config.json: `{name}` is {}; in a model of the type `{}` only `{wanted}` is supported.",
                    spelt(other),
                    family.model_type
                ));
            }
        }
    }
    Ok(())
}

fn neutral(fields: &Map<String, Value>, family: &ModelFamily) -> Result<(), String> {
    let of = |names: &[&'static str], is_neutral: fn(&Value) -> bool| {
        let foreign = names.iter().filter(|name| !own(family).contains(*name));
        let set = foreign.filter_map(|name| Some((*name, fields.get(*name)?)));
        set.into_iter().find(|(_, value)| !is_neutral(value))
    };
    let is_one = |value: &Value| value.is_null() || value.as_f64() == Some(1.0);
    match of(&NEUTRAL_AT_ONE, is_one).or_else(|| of(NEUTRAL_WHEN_OFF, is_off)) {
        None => Ok(()),
        Some((name, value)) => Err(format!(
            "config.json: `{name}` is {}; this changes what the model computes and is not supported.",
            spelt(value)
        )),
    }
}

/// Refuses an `attention_bias` that contradicts the family: on if it never has biases, off if it always has.
fn biases(fields: &Map<String, Value>, family: &ModelFamily) -> Result<(), String> {
    let given = fields.get("attention_bias").and_then(Value::as_bool);
    let always = match (family.qkv_bias, given) {
        (Bias::Never, Some(true)) => "has no biases",
        (Bias::Always, Some(false)) => "always has biases of queries, keys and values",
        _ => return Ok(()),
    };
    Err(format!(
        "config.json: `attention_bias` is {}, but a model of type `{}` {always}.",
        given.unwrap_or_default(),
        family.model_type
    ))
}

/// Defaults that differ between families, or depend on other fields.
fn fill_in(fields: &mut Map<String, Value>, family: &ModelFamily) {
    let as_many = match fields.get("num_key_value_heads") {
        Some(groups) => groups.is_null(),
        None => family.key_value_heads_as_queries,
    };
    if let Some(heads) = fields.get("num_attention_heads").filter(|_| as_many).cloned() {
        fields.insert("num_key_value_heads".into(), heads);
    }
    let defaults = [("rms_norm_eps", family.norm_eps.into()), ("tie_word_embeddings", family.tied.into())];
    for (name, default) in defaults {
        if fields.get(name).is_none_or(Value::is_null) {
            fields.insert(name.into(), default);
        }
    }
}

/// How many layers `config.json` says there are; `None` if not so many as a model may have, which is refused elsewhere.
fn layers(fields: &Map<String, Value>) -> Option<usize> {
    let count = fields.get("num_hidden_layers").and_then(Value::as_u64)?;
    usize::try_from(count).ok().filter(|count| (1..=512).contains(count))
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// A value for quoting in a sentence.
fn spelt(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", shortened(text)),
        other => shortened(&other.to_string()),
    }
}
