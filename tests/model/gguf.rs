//! GGUF files against what transformers reads in the same file, and what is refused in them.

use std::path::{Path, PathBuf};

use aha_lab::model::{
    folder::{self, LoadedModel},
    publish::{self, WeightType},
    source::ModelSource,
    transformer::Transformer,
};
use burn::tensor::{Device, activation::log_softmax};
use serde_json::Value;
use tempfile::TempDir;

use super::{fixture, int_tensor, largest_difference, numbers, tokens, values};

fn expected(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture("gguf").join(name)).unwrap()).unwrap()
}

fn load(path: &Path) -> LoadedModel {
    ModelSource::Folder(path).load(&Device::flex()).unwrap()
}

fn ids(text: &Value) -> Vec<u32> {
    tokens(&serde_json::json!([text["ids"]])).remove(0)
}

fn check_tokens(loaded: &LoadedModel, texts: &Value) {
    let tokenizer = loaded.read_tokenizer().unwrap();
    for text in texts.as_array().unwrap() {
        let said = text["text"].as_str().unwrap();
        assert_eq!(tokenizer.encode(said).unwrap(), ids(text), "{said:?}");
    }
}

fn logits(model: &Transformer, ids: Vec<u32>) -> Vec<f64> {
    values(model.logits(model.hidden(int_tensor(&[ids], &Device::flex()))))
}

#[test]
fn tiny_models_have_the_tokens_and_logits_of_transformers_and_are_exported() {
    let expected = expected("tiny.json");
    for kind in ["llama", "qwen2", "qwen3"] {
        let path = fixture("gguf").join(format!("{kind}.gguf"));
        let (loaded, expected) = (load(&path), &expected[kind]);
        assert_eq!(loaded.notes, Vec::<String>::new());
        check_tokens(&loaded, &expected["texts"]);
        let ids = ids(&expected["texts"][expected["of"].as_u64().unwrap() as usize]);
        let all = logits(&loaded.model, ids.clone());
        let last = numbers(&expected["logits"]);
        let worst = largest_difference(&all[all.len() - last.len()..], &last);
        assert!(worst < 2e-5, "{kind}: {worst}");

        // What a checkpoint of such a run is, and an export.
        let written = TempDir::new().unwrap();
        for (name, bytes) in publish::files(&loaded, WeightType::F32).unwrap() {
            std::fs::write(written.path().join(name), bytes).unwrap();
        }
        let again = load(written.path());
        assert_eq!(logits(&again.model, ids), all, "{kind}");
        assert_eq!(again.tokenizer, loaded.tokenizer);
        let file = |name: &str| -> Value {
            serde_json::from_slice(&std::fs::read(written.path().join(name)).unwrap()).unwrap()
        };
        let config = file("tokenizer_config.json");
        assert_eq!(config["chat_template"], "{{ messages[0]['content'] }}");
        assert_eq!(config["eos_token"], "<|endoftext|>");
        assert_eq!(file("config.json")["model_type"], kind);
        assert_eq!(again.read_tokenizer().unwrap().end().as_slice(), [0]);
        let hash = ModelSource::Folder(&path).hash().unwrap();
        assert_eq!(hash, aha_lab::model::source::hash_of(&std::fs::read(&path).unwrap()));
    }
}

/// A metadata entry whose value is a text.
fn entry(key: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    [text(key), 8_u32.to_le_bytes().to_vec(), text(value)].concat()
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("it is in the file");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// Why a changed file is not taken.
fn refusal(bytes: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("changed.GGUF");
    std::fs::write(&path, bytes).unwrap();
    let said = folder::load_gguf(&path, &Device::flex()).err().expect("it must be refused").to_string();
    assert!(said.ends_with('.') && said.len() < 600 && said.contains("changed.GGUF: "), "{said}");
    said
}

#[test]
fn what_is_not_supported_is_refused_by_its_name() {
    let whole = std::fs::read(fixture("gguf/llama.gguf")).unwrap();
    // Of the same length, so that everything stays in its place.
    let same_length: [(&[u8], &[u8], &str); 9] = [
        (b"\x05\0\0\0\0\0\0\0llama", b"\x05\0\0\0\0\0\0\0gemma", "architecture is `gemma`"),
        (b"\x04\0\0\0\0\0\0\0gpt2", b"\x04\0\0\0\0\0\0\0bert", "model `bert`"),
        (b"smollm", b"tekken", "`tokenizer.ggml.pre` is `tekken`"),
        (b"llama.rope.freq_base", b"llama.rope.fact_base", "`llama.rope.fact_base`"),
        (b"llama.block_count", b"llama.block_mount", "`llama.block_mount`"),
        (b"blk.0.attn_norm.weight", b"blk.0.attn_morn.weight", "`blk.0.attn_morn.weight` belongs to no part"),
        (
            b"blk.0.ffn_norm.weight",
            b"blk.0.ffn_norm.height",
            "`model.layers.0.post_attention_layernorm.weight`",
        ),
        (b"token_embd.weight", b"rope_freqs.weight", "`rope_freqs.weight` scales the rotary positions"),
        (b"GGUF", b"GGML", "no GGUF file"),
    ];
    for (from, to, named) in same_length {
        assert_eq!(from.len(), to.len());
        let said = refusal(&replaced(&whole, from, to));
        assert!(said.contains(named), "{named}: {said}");
    }
    let keys = u64::from_le_bytes(whole[16..24].try_into().unwrap());
    let with = |more: &[u8]| {
        // What is added is padded to the alignment of the tensors, which then keep theirs.
        let padding = entry("x", &" ".repeat((32 - (more.len() + 21) % 32) % 32));
        [&whole[..16], &(keys + 2).to_le_bytes(), more, &padding, &whole[24..]].concat()
    };
    for (more, named) in [
        (entry("general.architecture", "llama"), "`general.architecture` occurs twice"),
        (entry("general.type", "adapter"), "`general.type` is `adapter`"),
        (entry("llama.rope.scaling.type", "yarn"), "`llama.rope.scaling.type`"),
        (entry("llama.expert_count", "8"), "`llama.expert_count` is not one whole number"),
    ] {
        let said = refusal(&with(&more));
        assert!(said.contains(named), "{named}: {said}");
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("more.gguf");
    std::fs::write(&path, with(&entry("llama.rope.scaling.type", "none"))).unwrap();
    load(&path);
}

#[test]
fn what_a_header_claims_is_checked_before_it_is_believed() {
    let whole = std::fs::read(fixture("gguf/llama.gguf")).unwrap();
    let changed = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let place =
        |name: &[u8]| whole.windows(name.len()).rposition(|window| window == name).unwrap() + name.len();
    // Dimensions (one of 4 bytes, then 8 bytes each), the type, the offset.
    let embedding = place(b"token_embd.weight");
    let norm = place(b"output_norm.weight");
    let huge = u64::MAX.to_le_bytes();
    for (bytes, named) in [
        (changed(4, &[1]), "version is 1"),
        (changed(4, &[0, 0, 0, 3]), "big-endian"),
        (changed(8, &huge), "tensors; at most"),
        (changed(16, &huge), "metadata keys; at most"),
        (changed(24, &huge), "ends within its header"),
        (changed(embedding, &[9]), "9 dimensions"),
        (changed(embedding + 4, &[33]), "multiple of 32"),
        (changed(embedding + 12, &huge), "does not fit in this file"),
        (changed(embedding + 20, &[10]), "type Q2_K; F32, F16, BF16"),
        (changed(norm + 16, &[1]), "multiple of 32 bytes"),
        (changed(norm + 16, &[0; 8]), "overlaps"),
        (changed(norm + 19, &[1]), "ends after the file does"),
        (changed(norm + 4, &[31]), "has shape [31], but the metadata implies [32]"),
        (whole[..whole.len() - 1].to_vec(), "ends after the file does"),
        (whole[..100].to_vec(), "ends within its header"),
        (vec![], "ends within its header"),
        (changed(whole.len() - 32, &f32::NAN.to_le_bytes()), "damaged"),
    ] {
        let said = refusal(&bytes);
        assert!(said.contains(named), "{named}: {said}");
    }
}

/// The real SmolLM2, which `scripts/fetch_smollm2.sh` fetches:
/// `cargo test --release --test model real_smollm2 -- --ignored`
#[test]
#[ignore = "needs a real checkpoint; see its comment"]
fn the_real_smollm2_has_the_tokens_and_log_probabilities_of_transformers() {
    let folder = std::env::var_os("AHA_CHECKPOINTS").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/aha-lab"),
        PathBuf::from,
    );
    let loaded = load(&folder.join("SmolLM2-135M-Instruct.Q4_1.gguf"));
    let expected = expected("smollm2.json");
    check_tokens(&loaded, &expected["texts"]);
    for text in expected["texts"].as_array().unwrap() {
        let ids = ids(text);
        let logits =
            loaded.model.logits(loaded.model.hidden(int_tensor(std::slice::from_ref(&ids), &Device::flex())));
        let vocabulary = loaded.model.config.vocab_size;
        let all = values(log_softmax(logits, 1));
        let said: Vec<f64> =
            ids[1..].iter().enumerate().map(|(at, &id)| all[at * vocabulary + id as usize]).collect();
        let worst = largest_difference(&said, &numbers(&text["logprobs"]));
        eprintln!("{worst:.1e} {:?}", text["text"]);
        assert!(worst < 2e-4, "{worst} in {}", text["text"]);
    }
}
