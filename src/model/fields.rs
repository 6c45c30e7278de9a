//! The fields of a stranger's `config.json`: each is understood, known to change nothing, or refused by name.
//!
//! The families of models are an allow-list ([`families`]); a field that changes the computation must have
//! its neutral value; and an unknown field is refused if its name suggests the computation, and otherwise
//! reported.

use serde_json::{Map, Value};

use super::families::{self, Bias, ModelFamily, Window};
use crate::system::quoting::shortened;

/// The fields that [`super::config::ModelConfig`] reads.
const UNDERSTOOD: [&str; 14] = [
    "model_type",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
    "rms_norm_eps",
    "rope_theta",
    "rope_parameters",
    "max_position_embeddings",
    "tie_word_embeddings",
    "attention_bias",
];

/// The fields that this file checks.
const LOOKED_AT: [&str; 7] = [
    "rope_scaling",
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
    "original_max_position_embeddings",
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

/// Looks at every field.
///
/// # Errors
/// A sentence that names the first field that is not understood.
pub fn checked(mut fields: Map<String, Value>) -> Result<Fields, String> {
    let family = family(&fields)?;
    activation(&fields)?;
    windows(&fields, family)?;
    neutral(&fields)?;
    biases(&fields, family)?;
    let theta = rotary(&fields)?;
    let mut notes = Vec::new();
    for (name, value) in &fields {
        let known = [&UNDERSTOOD[..], &LOOKED_AT, HARMLESS, &NEUTRAL_AT_ONE, NEUTRAL_WHEN_OFF];
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
    fields.retain(|name, value| {
        UNDERSTOOD.contains(&name.as_str()) && name != "rope_parameters" && !value.is_null()
    });
    fields.extend(theta.map(|theta| ("rope_theta".to_owned(), theta)));
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

fn activation(fields: &Map<String, Value>) -> Result<(), String> {
    for name in ["hidden_act", "hidden_activation"] {
        match fields.get(name) {
            Some(Value::String(act)) if act == "silu" || act == "swish" => {}
            None | Some(Value::Null) => {}
            Some(other) => {
                return Err(format!("config.json: `{name}` is {}; only `silu` is supported.", spelt(other)));
            }
        }
    }
    Ok(())
}

/// Refuses attention windows, unless the window is never shorter than a sequence and so changes nothing.
fn windows(fields: &Map<String, Value>, family: &ModelFamily) -> Result<(), String> {
    let layer_types = fields.get("layer_types").filter(|value| !value.is_null());
    if let Some(types) = layer_types {
        let whole = types.as_array().is_some_and(|types| types.iter().all(|kind| kind == "full_attention"));
        if !whole {
            return Err(format!(
                "config.json: `layer_types` is {}; only `full_attention` in all layers is supported.",
                spelt(types)
            ));
        }
    }
    let number = |name: &str| fields.get(name).and_then(Value::as_u64);
    let used = fields.get("use_sliding_window").filter(|value| !is_off(value));
    let window = fields.get("sliding_window").filter(|value| !value.is_null());
    let (asked, default) = match family.window {
        Window::Everywhere { default } => {
            // If the configuration has no window, transformers may use a default one.
            let default = default.filter(|_| !fields.contains_key("sliding_window"));
            (window.is_some() || default.is_some() || used.is_some(), default)
        }
        Window::LaterLayers { first } => {
            let first = number("max_window_layers").unwrap_or(first);
            (used.is_some() && number("num_hidden_layers").is_none_or(|layers| first < layers), None)
        }
    };
    let width = window.and_then(Value::as_u64).or(default).or(used.map(|_| 4096));
    let acts = width.is_none_or(|width| number("max_position_embeddings").is_none_or(|most| width < most));
    if !(asked && acts) {
        return Ok(());
    }
    let name = if used.is_some() { "use_sliding_window" } else { "sliding_window" };
    let found = match fields.get(name) {
        Some(value) => format!("is {}", spelt(value)),
        None => "is missing, which means 4096".to_owned(),
    };
    Err(format!(
        "config.json: `{name}` {found}; sliding-window attention is not supported. If the model does not use it, set \
         `sliding_window` to null."
    ))
}

fn neutral(fields: &Map<String, Value>) -> Result<(), String> {
    let of = |names: &[&'static str], is_neutral: fn(&Value) -> bool| {
        let set = names.iter().filter_map(|name| Some((*name, fields.get(*name)?)));
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

/// The base of the rotary wavelengths, where transformers looks for it: in `rope_scaling`, in
/// `rope_parameters`, beside them.
fn rotary(fields: &Map<String, Value>) -> Result<Option<Value>, String> {
    let holder = ["rope_scaling", "rope_parameters"]
        .into_iter()
        .find_map(|name| Some((name, fields.get(name).filter(|value| !is_off(value))?)));
    let Some((name, value)) = holder else { return Ok(None) };
    let Some(rope) = value.as_object() else {
        return Err(format!("config.json: `{name}` is {}; it must be an object.", spelt(value)));
    };
    for key in ["rope_type", "type"] {
        match rope.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(kind)) if kind == "default" => {}
            Some(kind) => {
                return Err(format!(
                    "config.json: `{name}` has the `{key}` {}; rotary positions are supported only without scaling \
                     (`default`).",
                    spelt(kind)
                ));
            }
        }
    }
    for (key, value) in rope {
        let understood = match key.as_str() {
            "rope_theta" | "rope_type" | "type" => true,
            "partial_rotary_factor" => value.as_f64() == Some(1.0),
            _ => false,
        };
        if !(understood || value.is_null()) {
            return Err(format!(
                "config.json: `{}` in `{name}` is {}; it changes the rotary positions and is not supported.",
                shortened(key),
                spelt(value)
            ));
        }
    }
    Ok(rope.get("rope_theta").filter(|theta| !theta.is_null()).cloned())
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
