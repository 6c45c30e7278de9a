//! Writes a model as a folder that transformers, and libraries built on it, load as their own: with the same
//! tokens, the same numbers and an end token.
//!
//! transformers chooses the tokenizer's class by `model_type`, and for `qwen2` that is Qwen's own, whatever
//! `tokenizer_config.json` says: with another vocabulary, text is then split differently. So a model of
//! Qwen2's shape whose tokenizer is not Qwen's is written as `llama` with `attention_bias`, which is the same
//! computation once the output projection has a bias of zeros.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    companions::{CONFIG, Companions, GENERATION_CONFIG, TOKENIZER_CONFIG},
    config::ModelConfig,
    families,
    folder::{LoadedModel, to_bytes_as},
    host::{ModelError, broken},
};
use crate::{
    model::{tokenizer::Tokenizer, transformer::Transformer},
    task::lessons,
};

/// The type in which weights are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightType {
    /// As they are in memory.
    F32,
    /// Rounded to the upper half of an F32.
    Bf16,
    /// Rounded to IEEE 754 binary16.
    F16,
}

impl WeightType {
    /// The type with this name in transformers.
    pub fn named(name: &str) -> Option<Self> {
        match name.strip_prefix("torch.").unwrap_or(name) {
            "float32" => Some(Self::F32),
            "bfloat16" => Some(Self::Bf16),
            "float16" => Some(Self::F16),
            _ => None,
        }
    }

    /// Its name in transformers.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::Bf16 => "bfloat16",
            Self::F16 => "float16",
        }
    }
}

/// The field of a checkpoint's `config.json` with the base's weight type. A checkpoint itself is in full
/// precision.
const BASE_TYPE: &str = "base_dtype";

/// The weight type of the folder that a model comes from.
pub fn base_type(companions: &Companions) -> WeightType {
    let fields = companions.fields(CONFIG);
    let named = |key| fields.get(key).and_then(Value::as_str).and_then(WeightType::named);
    [BASE_TYPE, "dtype", "torch_dtype"].into_iter().find_map(named).unwrap_or(WeightType::F32)
}

/// The shape that a model is written with, so that transformers uses this tokenizer unchanged. A model with windows keeps
/// its own: neither of the others has them.
#[must_use]
pub fn published_shape(config: ModelConfig, tokenizer: &[u8]) -> ModelConfig {
    if config.family != families::QWEN2 || config.sliding_window.is_some() || is_qwens(tokenizer) {
        return config;
    }
    // transformers allows heads of another width in `seed_oss`, but not in `llama`.
    let even = config.head_dim() * config.num_attention_heads == config.hidden_size;
    let family = if even { families::LLAMA } else { families::SEED_OSS };
    let head_dim = if even { config.head_dim } else { Some(config.head_dim()) };
    ModelConfig { family, attention_bias: Some(true), head_dim, ..config }
}

/// Whether a `tokenizer.json` splits text like Qwen's.
fn is_qwens(tokenizer: &[u8]) -> bool {
    const PATTERN: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let Ok(whole) = serde_json::from_slice::<Value>(tokenizer) else { return false };
    let first = &whole["pre_tokenizer"]["pretokenizers"][0];
    whole["model"]["type"] == "BPE"
        && whole["normalizer"]["type"] == "NFC"
        && first["pattern"]["Regex"] == PATTERN
        && whole["pre_tokenizer"]["pretokenizers"][1]["type"] == "ByteLevel"
}

/// Every file of a model's folder by its name, weights included.
///
/// # Errors
/// If a weight cannot be read or does not fit the type.
pub fn files(loaded: &LoadedModel, as_type: WeightType) -> Result<Vec<(String, Vec<u8>)>, ModelError> {
    let tokenizer =
        loaded.read_tokenizer().map_err(|error| broken("tokenizer.json".as_ref(), error.to_string()))?;
    let mut files = vec![("model.safetensors".to_owned(), to_bytes_as(&loaded.model, as_type)?)];
    files.push(("tokenizer.json".to_owned(), loaded.tokenizer.clone()));
    files.extend(small_files(&loaded.model, &loaded.companions, &tokenizer, as_type));
    Ok(files)
}

/// The files of a folder beside weights and `tokenizer.json`.
pub(crate) fn small_files(
    model: &Transformer,
    companions: &Companions,
    tokenizer: &Tokenizer,
    as_type: WeightType,
) -> Vec<(String, Vec<u8>)> {
    let mut files: BTreeMap<String, Vec<u8>> =
        companions.files().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect();
    let mut put = |name: &str, fields: Map<String, Value>| {
        let text = serde_json::to_vec_pretty(&fields).unwrap_or_default();
        files.insert(name.to_owned(), text);
    };
    put(CONFIG, config_fields(&model.config, companions, tokenizer, as_type));
    if !companions.has(GENERATION_CONFIG) {
        put(GENERATION_CONFIG, generation_fields(tokenizer));
    }
    if !companions.has(TOKENIZER_CONFIG) {
        put(TOKENIZER_CONFIG, tokenizer_fields(&model.config, tokenizer));
    }
    files.into_iter().collect()
}

/// `config.json`: the base's, adapted to how this model is written.
fn config_fields(
    shape: &ModelConfig,
    companions: &Companions,
    tokenizer: &Tokenizer,
    as_type: WeightType,
) -> Map<String, Value> {
    let mut fields = companions.fields(CONFIG);
    if fields.get("model_type").and_then(Value::as_str) != Some(shape.family.model_type) {
        // Qwen2's window fields, inactive in every model that we accept, are unknown to the other families.
        for name in ["use_sliding_window", "sliding_window", "max_window_layers", "layer_types"] {
            fields.remove(name);
        }
        if let Ok(Value::Object(ours)) = serde_json::to_value(shape) {
            fields.extend(ours);
        }
    }
    let was = base_type(companions);
    fields.remove(BASE_TYPE);
    fields.remove("torch_dtype");
    // It names code beside the weights, which is not copied; the families that we accept need none.
    fields.remove("auto_map");
    fields.insert("dtype".into(), as_type.name().into());
    if was != as_type {
        fields.insert(BASE_TYPE.into(), was.name().into());
    }
    fields.insert("architectures".into(), json!([shape.family.class]));
    fields.extend(missing(&fields, "eos_token_id", end_ids(tokenizer)));
    // No other token in its place: transformers does not train the embedding of the padding token.
    fields.extend(missing(&fields, "pad_token_id", tokenizer.id_of(lessons::PAD).map(Value::from)));
    if shape.family == families::LLAMA {
        // Explicitly none: our texts have no start token, and transformers' default would be token 1.
        fields.entry("bos_token_id").or_insert(Value::Null);
        fields.entry("mlp_bias").or_insert(Value::Bool(false));
    }
    fields
}

/// A field that is not present yet.
fn missing(fields: &Map<String, Value>, name: &str, value: Option<Value>) -> Option<(String, Value)> {
    value.filter(|_| fields.get(name).is_none_or(Value::is_null)).map(|value| (name.to_owned(), value))
}

/// One end token as a number, several as a list.
fn end_ids(tokenizer: &Tokenizer) -> Option<Value> {
    match tokenizer.end().as_slice() {
        [] => None,
        [only] => Some((*only).into()),
        several => Some(several.into()),
    }
}

/// `generation_config.json`: the end tokens and the padding token.
fn generation_fields(tokenizer: &Tokenizer) -> Map<String, Value> {
    let end = tokenizer.end().as_slice().first().copied();
    let pad = tokenizer.id_of(lessons::PAD).or(end).map(Value::from);
    let fields = [("eos_token_id", end_ids(tokenizer)), ("pad_token_id", pad)];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// `tokenizer_config.json` for a tokenizer that came without one. It only names tokens of the vocabulary: any
/// other would be added to it, beyond the embedding.
fn tokenizer_fields(shape: &ModelConfig, tokenizer: &Tokenizer) -> Map<String, Value> {
    let mut fields = Map::new();
    let end = tokenizer.end().as_slice().first().and_then(|&end| tokenizer.token(end));
    let known = |name: &str| tokenizer.id_of(name).map(|_| name.to_owned());
    let named = [
        ("eos_token", end.clone()),
        ("pad_token", known(lessons::PAD).or(end)),
        ("unk_token", known(lessons::UNKNOWN)),
    ];
    for (key, token) in named {
        fields.extend(token.map(|token| (key.to_owned(), token.into())));
    }
    fields.insert("tokenizer_class".into(), "PreTrainedTokenizerFast".into());
    fields.insert("clean_up_tokenization_spaces".into(), false.into());
    fields.insert("model_max_length".into(), shape.max_position_embeddings.into());
    // Left padding aligns the rows of a batch where their completions begin; no decoder reads token types.
    fields.insert("padding_side".into(), "left".into());
    fields.insert("model_input_names".into(), json!(["input_ids", "attention_mask"]));
    fields
}
