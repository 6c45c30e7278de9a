//! What a GGUF file says, in the words of a Hugging Face folder: the small files, and the names and row order
//! of its tensors.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    super::{
        companions::{CONFIG, Companions, GENERATION_CONFIG, TOKENIZER_CONFIG},
        families::TensorNames,
    },
    header::Header,
    metadata::{Metadata, needed},
    tokenizer::special,
};
use crate::system::quoting::shortened;

/// The architectures that are read; each is the `model_type` of the same name.
const ARCHITECTURES: [&str; 3] = ["llama", "qwen2", "qwen3"];

/// The keys of an architecture that [`config`] reads.
const READ: [&str; 12] = [
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "vocab_size",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "rope.dimension_count",
    "rope.freq_base",
];

/// Those that change nothing without a scaling of positions.
const HARMLESS: [&str; 2] = ["rope.scaling.original_context_length", "rope.scaling.finetuned"];

/// The fields of a `config.json`.
///
/// # Errors
/// A sentence that names the key that is missing, or asks for another computation.
pub(super) fn config(header: &Header) -> Result<Map<String, Value>, String> {
    let metadata = &header.metadata;
    let architecture = architecture(metadata)?;
    let named = |name: &str| format!("{architecture}.{name}");
    let number = |name: &str| needed(metadata.number(&named(name))?, &named(name));
    let (hidden, heads) = (number("embedding_length")?, number("attention.head_count")?);
    let groups = metadata.number(&named("attention.head_count_kv"))?.unwrap_or(heads);
    let width = match metadata.number(&named("attention.key_length"))? {
        Some(width) => width,
        None if heads > 0 && hidden.is_multiple_of(heads) => hidden / heads,
        None => {
            return Err(format!(
                "`{}` is {hidden}, no multiple of the {heads} heads.",
                named("embedding_length")
            ));
        }
    };
    for name in ["attention.value_length", "rope.dimension_count"] {
        if let Some(other) = metadata.number(&named(name))?.filter(|other| *other != width) {
            return Err(format!(
                "`{}` is {other} and the heads are {width} wide; only files in which both are the same are read.",
                named(name)
            ));
        }
    }
    unchanged(metadata, architecture)?;
    let embedding = &header.tensor("token_embd.weight")?.shape;
    let eps = named("attention.layer_norm_rms_epsilon");
    let mut fields = json!({
        "model_type": architecture,
        "hidden_size": hidden,
        "intermediate_size": number("feed_forward_length")?,
        "num_hidden_layers": number("block_count")?,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        // The tokenizer may have fewer tokens than the embedding has rows.
        "vocab_size": embedding[0],
        "max_position_embeddings": number("context_length")?,
        "rms_norm_eps": needed(metadata.real(&eps)?, &eps)?,
        "rope_theta": metadata.real(&named("rope.freq_base"))?.unwrap_or(10_000.0),
        "tie_word_embeddings": !header.has("output.weight"),
        "hidden_act": "silu",
        // Every number is exact in this type, whatever it was quantized to.
        "dtype": "float32",
    });
    // The default of Qwen3 is another.
    if architecture == "qwen3" || width * heads != hidden {
        fields["head_dim"] = width.into();
    }
    if architecture == "llama" {
        fields["attention_bias"] = header.has("blk.0.attn_q.bias").into();
    }
    let tokens = metadata.texts("tokenizer.ggml.tokens")?.unwrap_or_default();
    for role in ["bos", "eos"] {
        fields[format!("{role}_token_id")] = special(metadata, tokens, role)?.map(|(id, _)| id).into();
    }
    match fields {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

/// The architecture, if this is one whole model of one that is read.
fn architecture(metadata: &Metadata) -> Result<&str, String> {
    if let Some(kind) = metadata.text("general.type")?.filter(|kind| *kind != "model") {
        return Err(format!("`general.type` is `{}`; only a whole model is read.", shortened(kind)));
    }
    if let Some(parts) = metadata.number("split.count")?.filter(|parts| *parts > 1) {
        return Err(format!(
            "This is one of {parts} parts of a model; join them with `llama-gguf-split --merge` first."
        ));
    }
    let found = needed(metadata.text("general.architecture")?, "general.architecture")?;
    match ARCHITECTURES.contains(&found) {
        true => Ok(found),
        false => Err(format!(
            "Its architecture is `{}`; {} are read from GGUF files.",
            shortened(found),
            ARCHITECTURES.join(", ")
        )),
    }
}

/// Refuses keys that change the computation. Unknown ones might, so only those that are known not to are let
/// through.
fn unchanged(metadata: &Metadata, architecture: &str) -> Result<(), String> {
    let prefix = format!("{architecture}.");
    for name in metadata.keys(&prefix) {
        let key = format!("{prefix}{name}");
        let neutral = match name {
            "rope.scaling.type" => metadata.text(&key)? == Some("none"),
            "rope.scaling.factor" | "rope.scale_linear" => {
                metadata.real(&key)?.is_some_and(|factor| factor == 0.0 || factor == 1.0)
            }
            "expert_count" | "expert_used_count" => metadata.number(&key)? == Some(0),
            "attention.causal" => metadata.flag(&key)? == Some(true),
            _ => READ.contains(&name) || HARMLESS.contains(&name),
        };
        if !neutral {
            return Err(format!(
                "The metadata key `{}` changes what the model computes, or is not known; it is not supported.",
                shortened(&key)
            ));
        }
    }
    Ok(())
}

/// The small files of a folder.
///
/// # Errors
/// A sentence that names the key that is wrong.
pub(super) fn companions(metadata: &Metadata, config: &Map<String, Value>) -> Result<Companions, String> {
    let tokens = metadata.texts("tokenizer.ggml.tokens")?.unwrap_or_default();
    let mut tokenizer = Map::new();
    for (role, name) in
        [("bos", "bos_token"), ("eos", "eos_token"), ("unknown", "unk_token"), ("padding", "pad_token")]
    {
        let token = special(metadata, tokens, role)?.map(|(_, token)| token);
        tokenizer.extend(token.map(|token| (name.to_owned(), token.into())));
    }
    let template = metadata.text("tokenizer.chat_template")?;
    tokenizer.extend(template.map(|template| ("chat_template".to_owned(), template.into())));
    tokenizer.insert("tokenizer_class".into(), "PreTrainedTokenizerFast".into());
    tokenizer.insert("clean_up_tokenization_spaces".into(), false.into());
    tokenizer
        .extend(config.get("max_position_embeddings").map(|n| ("model_max_length".to_owned(), n.clone())));

    let mut generation = Map::new();
    // A turn may end with another token than a text.
    let ends = [special(metadata, tokens, "eos")?, special(metadata, tokens, "eot")?];
    let mut ends: Vec<u64> = ends.into_iter().flatten().map(|(id, _)| id).collect();
    ends.dedup();
    match ends.as_slice() {
        [] => {}
        [only] => _ = generation.insert("eos_token_id".into(), (*only).into()),
        several => _ = generation.insert("eos_token_id".into(), json!(several)),
    }
    for (role, name) in [("bos", "bos_token_id"), ("padding", "pad_token_id")] {
        let id = special(metadata, tokens, role)?.map(|(id, _)| id);
        generation.extend(id.map(|id| (name.to_owned(), id.into())));
    }
    let files = [(CONFIG, config), (GENERATION_CONFIG, &generation), (TOKENIZER_CONFIG, &tokenizer)];
    let files = files.map(|(name, fields)| (name, serde_json::to_vec_pretty(fields).unwrap_or_default()));
    Ok(Companions::of_files(BTreeMap::from(files)))
}

/// The name that a tensor has in a Hugging Face folder, if it is one of a language model's.
pub(super) fn name(names: &TensorNames, of: &str) -> Option<String> {
    let (stem, suffix) = of.rsplit_once('.')?;
    let prefix = names.prefix;
    Some(match stem {
        "token_embd" => format!("{prefix}{}.{suffix}", names.embedding),
        "output_norm" => format!("{prefix}{}.{suffix}", names.norm),
        "output" => format!("{}.{suffix}", names.head),
        _ => {
            let (layer, part) = stem.strip_prefix("blk.")?.split_once('.')?;
            let part = match part {
                "attn_norm" => names.input_norm,
                "attn_q" => names.queries,
                "attn_k" => names.keys,
                "attn_v" => names.values,
                "attn_q_norm" => names.query_norm,
                "attn_k_norm" => names.key_norm,
                "attn_output" => names.output,
                "ffn_norm" => names.post_norm,
                "ffn_gate" => names.gate,
                "ffn_up" => names.up,
                "ffn_down" => names.down,
                _ => return None,
            };
            format!("{prefix}{}.{layer}.{part}.{suffix}", names.layers)
        }
    })
}

/// The rows of queries or keys as in a folder. In files of the architecture `llama` the two numbers that are
/// rotated together are neighbours; in a folder they are half a head apart. `llama.cpp`'s
/// `convert_hf_to_gguf.py` (`LlamaModel.permute`) does the reverse.
pub(super) fn half_a_head_apart(values: &[f32], rows: usize, heads: usize) -> Vec<f32> {
    let (columns, width) = (values.len() / rows.max(1), rows / heads.max(1));
    let mut out = Vec::with_capacity(values.len());
    for head in 0..heads {
        for second in 0..2 {
            for pair in 0..width / 2 {
                let row = head * width + 2 * pair + second;
                out.extend_from_slice(&values[row * columns..][..columns]);
            }
        }
    }
    out
}
