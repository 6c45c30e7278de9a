//! The tokenizer of a GGUF file as the bytes of a `tokenizer.json`, which everything else reads.

use serde_json::{Map, Value, json};

use super::metadata::{Metadata, needed};
use crate::system::quoting::shortened;

/// How Llama 3 splits a text.
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// How Qwen 2 and 3 do.
const QWEN_2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// `enum llama_token_type`.
mod token_type {
    pub(super) const UNKNOWN: i64 = 2;
    pub(super) const CONTROL: i64 = 3;
    pub(super) const USER_DEFINED: i64 = 4;
    pub(super) const UNUSED: i64 = 5;
}

/// How a text is cut into words before the merges, by `tokenizer.ggml.pre`: as in the `tokenizer.json` of the
/// models that the names come from.
fn splitting(pre: &str) -> Option<Splitting> {
    let by = |pattern: &str| {
        json!({"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}]})
    };
    let byte_level =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    Some(match pre {
        "gpt-2" | "default" => Splitting { pre_tokenizer: byte_level, ..Splitting::default() },
        "smollm" => Splitting {
            pre_tokenizer: json!({"type": "Sequence", "pretokenizers": [
                {"type": "Digits", "individual_digits": true}, byte_level]}),
            ..Splitting::default()
        },
        "qwen2" => Splitting {
            normalizer: json!({"type": "NFC"}),
            pre_tokenizer: by(QWEN_2),
            ..Splitting::default()
        },
        "llama-bpe" | "llama3" | "llama-v3" => {
            Splitting { pre_tokenizer: by(LLAMA_3), ignore_merges: true, ..Splitting::default() }
        }
        _ => return None,
    })
}

/// What precedes the merges.
#[derive(Default)]
struct Splitting {
    normalizer: Value,
    pre_tokenizer: Value,
    /// Whether a word that is a token stays whole even if no merges lead to it.
    ignore_merges: bool,
}

/// A `tokenizer.json`, and a note for a person.
pub(super) struct Read {
    pub(super) json: Vec<u8>,
    pub(super) note: Option<String>,
}

/// Reads the tokenizer.
///
/// # Errors
/// A sentence on what is missing, contradictory or not supported.
pub(super) fn read(metadata: &Metadata) -> Result<Read, String> {
    let model = needed(metadata.text("tokenizer.ggml.model")?, "tokenizer.ggml.model")?;
    if model != "gpt2" {
        let kind = if model == "llama" { " (sentencepiece)" } else { "" };
        return Err(format!(
            "Its tokenizer is of the model `{}`{kind}; only byte-level BPE (`gpt2`) is read from GGUF files. Use the \
             model's original folder.",
            shortened(model)
        ));
    }
    let pre = metadata.text("tokenizer.ggml.pre")?.unwrap_or("default");
    let splitting = splitting(pre).ok_or_else(|| {
        format!(
            "`tokenizer.ggml.pre` is `{}`; smollm, qwen2, llama-bpe, gpt-2 and default are supported. Use the \
             model's original folder.",
            shortened(pre)
        )
    })?;
    let note = (pre == "default").then(|| {
        "The GGUF file does not say how its tokenizer cuts a text into words; it is cut as for GPT-2."
            .to_owned()
    });
    let tokens = needed(metadata.texts("tokenizer.ggml.tokens")?, "tokenizer.ggml.tokens")?;
    let kinds = metadata.numbers("tokenizer.ggml.token_type")?.unwrap_or_default();
    if !kinds.is_empty() && kinds.len() != tokens.len() {
        return Err(format!(
            "The file has {} tokens and the types of {}; it is damaged. Fetch it again.",
            tokens.len(),
            kinds.len()
        ));
    }
    let kind = |id: usize| kinds.get(id).copied().unwrap_or(1);
    let mut vocabulary = Map::new();
    let mut added = Vec::new();
    // The unused ones fill up the embedding; no text has them.
    for (id, token) in tokens.iter().enumerate().filter(|(id, _)| kind(*id) != token_type::UNUSED) {
        if vocabulary.insert(token.clone(), id.into()).is_some() {
            return Err(format!("The token `{}` occurs twice.", shortened(token)));
        }
        let special = matches!(kind(id), token_type::CONTROL | token_type::UNKNOWN);
        if special || kind(id) == token_type::USER_DEFINED {
            added.push(json!({"id": id, "content": token, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": special}));
        }
    }
    let merges = merges(metadata, &vocabulary)?;
    let whole = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": added,
        "normalizer": splitting.normalizer,
        "pre_tokenizer": splitting.pre_tokenizer,
        "post_processor": post_processor(metadata, tokens)?,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "ignore_merges": splitting.ignore_merges, "vocab": vocabulary, "merges": merges},
    });
    let json = serde_json::to_vec(&whole)
        .map_err(|error| format!("The tokenizer could not be written: {error}."))?;
    Ok(Read { json, note })
}

/// The merges as pairs, each of known tokens into a known token.
fn merges<'a>(
    metadata: &'a Metadata,
    vocabulary: &Map<String, Value>,
) -> Result<Vec<(&'a str, &'a str)>, String> {
    let merges = needed(metadata.texts("tokenizer.ggml.merges")?, "tokenizer.ggml.merges")?;
    merges
        .iter()
        .map(|merge| {
            merge
                .split_once(' ')
                .filter(|(left, right)| {
                    let whole = [*left, *right].concat();
                    [*left, *right, &whole].iter().all(|token| vocabulary.contains_key(*token))
                })
                .ok_or_else(|| {
                    format!("The merge `{}` is not one of two tokens into a third.", shortened(merge))
                })
        })
        .collect()
}

/// Puts the start token before a text if the file asks for it. We never do, but an export should.
fn post_processor(metadata: &Metadata, tokens: &[String]) -> Result<Value, String> {
    if metadata.flag("tokenizer.ggml.add_bos_token")? != Some(true) {
        return Ok(Value::Null);
    }
    let Some((id, token)) = special(metadata, tokens, "bos")? else { return Ok(Value::Null) };
    let start = |kind: u32| json!({"SpecialToken": {"id": token, "type_id": kind}});
    let text = |name: &str, kind: u32| json!({"Sequence": {"id": name, "type_id": kind}});
    Ok(json!({
        "type": "TemplateProcessing",
        "single": [start(0), text("A", 0)],
        "pair": [start(0), text("A", 0), start(1), text("B", 1)],
        "special_tokens": {token: {"id": token, "ids": [id], "tokens": [token]}},
    }))
}

/// The special token of a role (`bos`, `eos`, ...), if the file names one.
///
/// # Errors
/// If there is no such token.
pub(super) fn special<'a>(
    metadata: &Metadata,
    tokens: &'a [String],
    role: &str,
) -> Result<Option<(u64, &'a str)>, String> {
    let key = format!("tokenizer.ggml.{role}_token_id");
    let Some(id) = metadata.number(&key)? else { return Ok(None) };
    match usize::try_from(id).ok().and_then(|id| tokens.get(id)) {
        Some(token) => Ok(Some((id, token))),
        None => Err(format!("`{key}` is {id}, and there are only {} tokens.", tokens.len())),
    }
}
