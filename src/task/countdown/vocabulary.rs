//! The words of the shipped model's language and the `tokenizer.json` they form.

use serde_json::json;

use crate::task::lessons::{END, PAD, UNKNOWN};

const MARKS: [&str; 17] = [
    PAD,
    END,
    UNKNOWN,
    "<think>",
    "</think>",
    "<answer>",
    "</answer>",
    "+",
    "-",
    "*",
    "/",
    "=",
    "(",
    ")",
    ".",
    ",",
    ":",
];

const WORDS: [&str; 45] = [
    "use", "make", "first", "let", "me", "try", "how", "about", "maybe", "start", "with", "one", "idea",
    "take", "check", "is", "not", "verify", "too", "high", "low", "wait", "that", "hmm", "no", "right",
    "again", "another", "way", "instead", "over", "what", "back", "to", "keep", "yes", "works", "so", "the",
    "answer", "it", "and", "then", "now", "left",
];

/// All tokens in order of their ids: marks, the numbers 0 to 99, words.
pub fn tokens() -> Vec<String> {
    let numbers = (0..100).map(|n: u32| n.to_string());
    MARKS.iter().map(|&m| m.to_string()).chain(numbers).chain(WORDS.iter().map(|&w| w.to_string())).collect()
}

/// The id of number 0; the other numbers follow it.
pub(crate) fn first_number() -> usize {
    MARKS.len()
}

/// A word-level `tokenizer.json` for the `tokenizers` crate and transformers.
pub(crate) fn tokenizer_json() -> String {
    let tokens = tokens();
    let vocab: serde_json::Map<String, serde_json::Value> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
    let special = |id: usize| {
        json!({"id": id, "content": tokens[id], "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    };
    let whole = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [special(0), special(1), special(2)],
        "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": null,
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": UNKNOWN}
    });
    // Serialising a value that we built cannot fail; an empty file would be refused when read.
    serde_json::to_string_pretty(&whole).unwrap_or_default()
}
