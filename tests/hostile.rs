//! Files that someone made to do harm: each is refused in a sentence, soon, and without more memory than its size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fs, path::Path};

use aha_lab::{
    config::ConfigFile,
    model::{config::ModelConfig, folder, tokenizer::Tokenizer},
    task::countdown::FAMILY,
};
use burn::tensor::Device;
use serde_json::json;
use tempfile::TempDir;

/// A folder with the embedded model, to be changed.
fn model() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("config.json"), FAMILY.base.config).unwrap();
    fs::write(folder.path().join("model.safetensors"), FAMILY.base.weights).unwrap();
    fs::write(folder.path().join("tokenizer.json"), FAMILY.base.tokenizer).unwrap();
    folder
}

fn refusal(folder: &Path) -> String {
    let said = folder::load(folder, &Device::default()).err().expect("must be refused").to_string();
    assert!(said.ends_with('.') && said.len() < 1000, "{said}");
    said
}

/// A safetensors file with this header and so many bytes after it.
fn safetensors(header: &str, bytes: usize) -> Vec<u8> {
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.resize(file.len() + bytes, 0);
    file
}

#[test]
fn weights_whose_header_lies() {
    let folder = model();
    let file = folder.path().join("model.safetensors");
    let tensor = |shape: &str, offsets: &str| {
        format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#)
    };
    let most = u64::MAX;
    let cases = [
        safetensors(&tensor(&format!("[{most},{most}]"), "[0,8]"), 8),
        safetensors(&tensor("[4611686018427387904,4]", "[0,0]"), 0),
        safetensors(&tensor("[2]", &format!("[0,{most}]")), 8),
        safetensors(&tensor("[2]", &format!("[{most},8]")), 8),
        safetensors(&tensor("[2]", "[8,0]"), 8),
        safetensors(&tensor("[-1]", "[0,8]"), 8),
        safetensors(&"[".repeat(500_000), 0),
        (1_u64 << 62).to_le_bytes().to_vec(),
        99_999_999_u64.to_le_bytes().to_vec(),
        safetensors("{}", 0),
    ];
    for (number, bytes) in cases.iter().enumerate() {
        eprintln!("case {number}");
        fs::write(&file, bytes).unwrap();
        refusal(folder.path());
    }
}

#[test]
fn a_shape_beyond_all_memory() {
    let whole: serde_json::Value = serde_json::from_slice(FAMILY.base.config).unwrap();
    for field in ["hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size", "head_dim"] {
        for value in [json!(1_000_000_000_000_u64), json!(u64::MAX), json!(1e300), json!(-1), json!([[]])] {
            let mut config = whole.clone();
            config[field] = value;
            let said = ModelConfig::parse(config.to_string().as_bytes()).unwrap_err();
            assert!(said.ends_with('.'), "{said}");
        }
    }
    // Every field at its limit: nothing may be allocated before the weights are seen to be missing.
    let folder = model();
    let mut config = whole;
    config["hidden_size"] = json!(1 << 16);
    config["intermediate_size"] = json!(1 << 18);
    config["num_hidden_layers"] = json!(512);
    config["vocab_size"] = json!(1 << 20);
    config["head_dim"] = json!(32);
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    assert!(refusal(folder.path()).contains("shape"));
}

#[test]
fn shards_stay_in_their_folder() {
    let root = TempDir::new().unwrap();
    let secret = root.path().join("secret.safetensors");
    fs::write(&secret, FAMILY.base.weights).unwrap();
    let folder = model();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    let index = folder.path().join("model.safetensors.index.json");
    let absolute = secret.to_str().unwrap();
    for name in ["../secret.safetensors", "..", ".", "", "/", "a/../../x", "./x", "x/", absolute] {
        fs::write(&index, json!({"weight_map": {"a": name}}).to_string()).unwrap();
        let said = refusal(folder.path());
        assert!(said.contains("outside the folder"), "{name}: {said}");
    }
    for map in [json!({}), json!({"a": 3}), json!([]), json!(null)] {
        fs::write(&index, json!({"weight_map": map}).to_string()).unwrap();
        assert!(refusal(folder.path()).contains("index"), "{map}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn devices_and_huge_files_are_not_read() {
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let folder = model();
        let file = folder.path().join(name);
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        assert!(refusal(folder.path()).contains("not a regular file"), "{name}");
        fs::remove_file(&file).unwrap();
        // A hole takes no disk, and would take all memory.
        fs::File::create(&file).unwrap().set_len(1 << 40).unwrap();
        let bound = if name == "model.safetensors" { "needs at most" } else { "the limit is" };
        assert!(refusal(folder.path()).contains(bound), "{name}");
    }
}

#[test]
fn tokenizers_made_to_break() {
    let whole: serde_json::Value = serde_json::from_slice(FAMILY.base.tokenizer).unwrap();
    let edited = |pointer: &str, value: serde_json::Value| {
        let mut tokenizer = whole.clone();
        tokenizer[pointer] = value;
        tokenizer.to_string().into_bytes()
    };
    let cases = [
        vec![b'['; 2_000_000],
        br#"{"model":"#.repeat(100_000),
        edited("model", json!({"type": "BPE", "vocab": {}, "merges": ["a b"]})),
        edited("model", json!({"type": "Unigram", "vocab": [], "unk_id": 5})),
        edited("model", json!({"type": "WordLevel", "vocab": {"a": u64::MAX}, "unk_token": "a"})),
        edited(
            "pre_tokenizer",
            json!({"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated", "invert": false}),
        ),
        edited("normalizer", json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"})),
        edited("added_tokens", json!([{"id": -1}])),
    ];
    let ten = json!({"type": "Replace", "pattern": {"String": "e"}, "content": "eeeeeeeeee"});
    let chained = json!({"type": "Sequence", "normalizers": vec![ten; 8]});
    let cases = cases.into_iter().chain([
        edited("normalizer", chained.clone()),
        edited("normalizer", json!({"type": "Sequence", "normalizers": [{"type": "NFC"}, chained]})),
        edited(
            "decoder",
            json!({"type": "Replace", "pattern": {"Regex": ""}, "content": "e".repeat(1_000_000)}),
        ),
    ]);
    for (number, bytes) in cases.enumerate() {
        let bytes = &bytes;
        let said = Tokenizer::from_bytes(bytes, Path::new("tokenizer.json")).unwrap_err().to_string();
        assert!(said.ends_with('.') && said.len() < 500, "case {number}: {said}");
    }
}

#[test]
fn settings_made_to_break() {
    for text in [
        "[".repeat(60_000),
        format!("a = {}", "[".repeat(60_000)),
        format!("a = {}1", "{b=".repeat(10_000)),
        format!("{}=1", "a.".repeat(30_000)),
        "seed = 99999999999999999999999".into(),
    ] {
        ConfigFile::parse(&text).unwrap_err();
    }
}
