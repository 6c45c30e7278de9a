//! The binary on what is broken, missing or misspelt: a sentence, a non-zero exit, and nothing left behind.

use std::{fs, path::Path, process::Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{headless, lab, refusal, succeeds, text};

/// A folder with the embedded model, to be broken.
fn exported(root: &TempDir) -> std::path::PathBuf {
    let folder = root.path().join("model");
    succeeds(lab(&["export", "embedded"]).arg(&folder));
    folder
}

/// Both commands that read a model refuse this one, with a sentence that says `expected`; and no run is begun.
fn model_is_refused(folder: &Path, expected: &str) {
    let runs = TempDir::new().unwrap();
    let said = refusal(headless(runs.path(), 1).arg("--base").arg(folder));
    assert!(said.contains(expected), "expected `{expected}` in: {said}");
    assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0, "a run was begun");
    let mut eval =
        lab(&["eval", "--count", "2", "--samples", "1", "--max-new-tokens", "4", "--backend", "cpu"]);
    let said = refusal(eval.arg("--checkpoint").arg(folder));
    assert!(said.contains(expected), "expected `{expected}` in: {said}");
}

/// Writes `content` in the place of a file while it is judged.
fn with_file(path: &Path, content: &[u8], judge: impl FnOnce()) {
    let before = fs::read(path).unwrap();
    fs::write(path, content).unwrap();
    judge();
    fs::write(path, before).unwrap();
}

#[test]
fn broken_weights() {
    let root = TempDir::new().unwrap();
    let folder = exported(&root);
    let file = folder.join("model.safetensors");
    let whole = fs::read(&file).unwrap();
    let cut = |length: usize| whole[..length].to_vec();
    let patched = |at: usize, with: &[u8]| {
        let mut bytes = whole.clone();
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    };
    let last = whole.len() - 4;
    let cases = [
        ("empty", cut(0), "safetensors"),
        ("cut within the header", cut(500), "safetensors"),
        ("cut within the numbers", cut(whole.len() / 2), "safetensors"),
        ("absurd header length", patched(0, &u64::MAX.to_le_bytes()), "safetensors"),
        ("flipped bit in the header", patched(40, &[whole[40] ^ 0x80]), "safetensors"),
        ("NaN", patched(last, &f32::NAN.to_le_bytes()), "NaN"),
        ("infinity", patched(last, &f32::INFINITY.to_le_bytes()), "inf"),
        ("text", b"these are no weights, whatever the name says".to_vec(), "safetensors"),
    ];
    for (what, bytes, expected) in cases {
        eprintln!("{what}");
        with_file(&file, &bytes, || model_is_refused(&folder, expected));
    }
    fs::remove_file(&file).unwrap();
    model_is_refused(&folder, "model.safetensors");
}

#[test]
fn broken_shape() {
    let root = TempDir::new().unwrap();
    let folder = exported(&root);
    let file = folder.join("config.json");
    let whole: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let field = |name: &str, value: Value| {
        let mut config = whole.clone();
        match value {
            Value::Null => drop(config.as_object_mut().unwrap().remove(name)),
            value => config[name] = value,
        }
        serde_json::to_vec(&config).unwrap()
    };
    let cases = [
        ("hidden_size", Value::Null, "hidden_size"),
        ("hidden_size", json!("many"), "config.json"),
        ("hidden_size", json!(64), "shape"),
        ("hidden_size", json!(0), "hidden_size"),
        ("hidden_size", json!(-128), "config.json"),
        ("hidden_size", json!(1_u64 << 40), "hidden_size"),
        ("num_hidden_layers", json!(3), "model.layers.3"),
        ("num_hidden_layers", json!(512), "missing"),
        ("num_hidden_layers", json!(u64::MAX), "num_hidden_layers"),
        ("vocab_size", json!(1_000_000), "shape"),
        ("num_attention_heads", json!(3), "num_attention_heads"),
        ("num_key_value_heads", json!(0), "num_key_value_heads"),
        ("head_dim", json!(33), "head"),
        ("rope_theta", json!(0.0), "rope_theta"),
        ("rms_norm_eps", json!(-1.0), "rms_norm_eps"),
        ("tie_word_embeddings", json!(false), "lm_head"),
        ("rope_parameters", json!({"rope_type": "yarn"}), "yarn"),
    ];
    for (name, value, expected) in cases {
        eprintln!("{name} = {value}");
        with_file(&file, &field(name, value), || model_is_refused(&folder, expected));
    }
    for bytes in [&b""[..], b"[1, 2]", b"\xff\xfe{", &[b'['; 100_000]] {
        with_file(&file, bytes, || model_is_refused(&folder, "config.json"));
    }
}

#[test]
fn broken_tokenizer() {
    let root = TempDir::new().unwrap();
    let folder = exported(&root);
    let file = folder.join("tokenizer.json");
    let whole = fs::read(&file).unwrap();
    for bytes in [&b""[..], b"{}", b"[]", b"not json", &whole[..whole.len() / 2], &[b'['; 100_000]] {
        with_file(&file, bytes, || model_is_refused(&folder, "tokenizer.json"));
    }
    let edited = |edit: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut tokenizer: Value = serde_json::from_slice(&whole).unwrap();
        edit(tokenizer["model"]["vocab"].as_object_mut().unwrap());
        tokenizer
    };
    // More words than the model knows.
    let more =
        edited(&|words| (0..50).for_each(|i| drop(words.insert(format!("more{i}"), json!(5_000 + i)))));
    with_file(&file, &serde_json::to_vec(&more).unwrap(), || model_is_refused(&folder, "tokenizer"));
    // As many words as before, one of them with a number that no weight belongs to.
    let beyond = edited(&|words| drop(words.insert("use".into(), json!(100_000))));
    with_file(&file, &serde_json::to_vec(&beyond).unwrap(), || model_is_refused(&folder, "tokenizer"));
    // No token that ends a completion.
    let mut endless = edited(&|words| drop(words.remove("<eos>")));
    endless["added_tokens"] = json!([]);
    with_file(&file, &serde_json::to_vec(&endless).unwrap(), || model_is_refused(&folder, "tokenizer"));
    // Nothing can be asked in words that it has no tokens for.
    let mute = br#"{"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
        "post_processor": null, "decoder": null, "added_tokens": [{"id": 0, "content": "<eos>", "special": true,
        "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
        "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": {"<eos>": 0}, "merges": []}}"#;
    with_file(&file, mute, || model_is_refused(&folder, "has no token for any part of"));
    fs::remove_file(&file).unwrap();
    model_is_refused(&folder, "tokenizer.json");
}

/// What people give in place of a folder: each is told what to give.
#[test]
fn models_in_another_form() {
    let root = TempDir::new().unwrap();
    let folder = exported(&root);
    let moved = |from: &str, to: &str| fs::rename(folder.join(from), folder.join(to)).unwrap();
    moved("model.safetensors", "pytorch_model.bin");
    model_is_refused(&folder, "pytorch_model.bin");
    moved("pytorch_model.bin", "model-q4.gguf");
    model_is_refused(&folder, "It holds a GGUF file: give that file itself");
    model_is_refused(&folder.join("model-q4.gguf"), "This is no GGUF file");
    moved("model-q4.gguf", "model.safetensors");
    moved("tokenizer.json", "tokenizer.model");
    model_is_refused(&folder, "AutoTokenizer");
    moved("config.json", "adapter_config.json");
    model_is_refused(&folder, "config.json is missing");
}

/// Sizes beyond all memory, each of them allowed by itself: nothing of the kind is even begun.
#[test]
fn absurd_sizes() {
    let runs = TempDir::new().unwrap();
    for (settings, named) in [
        (&["prompts_per_step=65536", "group_size=4096", "max_new_tokens=1000"][..], "GiB"),
        (&["max_new_tokens=65536"], "max_new_tokens is 65536"),
    ] {
        let mut command = headless(runs.path(), 1);
        command.args(settings.iter().flat_map(|pair| ["--set", pair]));
        let said = refusal(&mut command);
        assert!(said.contains(named), "{said}");
        assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0, "a run was begun");
    }
}

#[test]
fn broken_settings() {
    let runs = TempDir::new().unwrap();
    let refused = |arguments: &[&str], expected: &str| {
        let said = refusal(headless(runs.path(), 1).args(arguments));
        assert!(said.contains(expected), "expected `{expected}` in: {said}");
    };
    refused(&["--set", "learning_rat=1"], "`learning_rate`");
    refused(&["--set", "temprature=1"], "`temperature`");
    refused(&["--set", "learning_rate=fast"], "`learning_rate` cannot be `fast`");
    refused(&["--set", "learning_rate=NaN"], "`learning_rate` cannot be `NaN`");
    refused(&["--set", "group_size=-4"], "`group_size` cannot be `-4`");
    refused(&["--set", "group_size=99999999999999999999"], "`group_size`");
    refused(&["--set", "level=7x7"], "3x20, 4x20, tinyzero");
    refused(&["--set", "preset=ppo"], "grpo, dr_grpo, dapo");
    refused(&["--set", "seed"], "key=value");
    refused(&["--control", "generous-reward"], "random-reward");
    refused(&["--task", "chess"], "countdown");
    refused(&["--backend", "abacus"], "auto, wgpu, cpu");
    refused(&["--set", "max_new_tokens=60000"], "max_new_tokens");
    refused(&["--config", "no-such-file.toml"], "no-such-file.toml");

    // A syntax error is shown with its line, so that there may be several.
    let file = runs.path().join("config.toml");
    let unreadable: [(&[u8], &str); 7] = [
        (b"learning_rate = fast", "not valid TOML"),
        (b"= = =", "not valid TOML"),
        (b"\0", "not valid TOML"),
        (b"seed = \"\xff\"", "UTF-8"),
        (b"learning_rat = 0.1", "`learning_rate`"),
        (b"group_size = \"4\"", "`group_size`"),
        (b"seed = -1", "`seed`"),
    ];
    for (content, expected) in unreadable {
        fs::write(&file, content).unwrap();
        let output = headless(runs.path(), 1).arg("--config").arg(&file).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("The configuration ") && said.contains("config.toml cannot be used"),
            "{said}"
        );
        assert!(said.contains(expected) && !said.contains("panicked"), "expected `{expected}` in: {said}");
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(fs::read_dir(runs.path()).unwrap().count(), 0, "a run was begun");
}

#[test]
fn wrong_usage_exits_with_2() {
    let wrong = [
        &["frobnicate"][..],
        &["run", "--headless", "--steps", "many"],
        &["run", "--no-such-flag"],
        &["run", "--resume", "x", "--fork", "x@1"],
        &["run", "--resume", "x", "--set", "seed=1"],
        &["open"],
        &["export"],
        &["completions", "elvish-or-so"],
    ];
    for arguments in wrong {
        let output = lab(arguments).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && !said.contains("panicked"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_folder_that_cannot_be_written() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("a-file");
    fs::write(&file, "kept").unwrap();
    for runs in [file.clone(), file.join("runs")] {
        let said = refusal(&mut headless(&runs, 1));
        assert!(said.contains("a-file") && said.contains("--runs"), "{said}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    if cfg!(target_os = "linux") {
        // Where not even root may make a folder.
        let said = refusal(&mut headless(Path::new("/proc/runs"), 1));
        assert!(said.contains("/proc/runs"), "{said}");
    }
    let said = refusal(lab(&["export", "embedded"]).arg(file.join("model")));
    assert!(said.contains("a-file"), "{said}");
    let said =
        refusal(lab(&["pretrain", "--updates", "1", "--threads", "1", "--out"]).arg(file.join("base")));
    assert!(said.contains("a-file"), "{said}");
}

#[test]
fn no_terminal_no_run() {
    let runs = TempDir::new().unwrap();
    let folder = runs.path().join("runs");
    for arguments in [&["run"][..], &[], &["run", "--paused"]] {
        let said = refusal(lab(arguments).arg("--runs").arg(&folder));
        assert!(said.contains("terminal") && said.contains("--headless"), "{said}");
        assert!(!folder.exists(), "{arguments:?} left something behind");
    }
    let said = refusal(lab(&["open", "anything"]).arg("--runs").arg(&folder));
    assert!(said.contains("terminal"), "{said}");
}

#[test]
fn broken_lines_are_answered_in_their_place() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("lines.jsonl");
    let good = br#"{"numbers":[2,3],"target":6,"completion":"<answer> 2 * 3 </answer>"}"#;
    let bad: [&[u8]; 6] = [
        b"{\"numbers\":[2,3],",
        b"\xff\xfe\xfd",
        b"null",
        br#"{"numbers":"2,3","target":6,"completion":""}"#,
        br#"{"numbers":[2,3],"target":1e300,"completion":""}"#,
        &[b'['; 200_000],
    ];
    let mut lines: Vec<&[u8]> = vec![good];
    lines.extend(bad);
    lines.push(good);
    fs::write(&file, lines.join(&b'\n')).unwrap();
    for command in ["score", "analyze"] {
        let output = lab(&[command]).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(!text(&output.stderr).contains("panicked"), "{}", text(&output.stderr));
        let answers: Vec<Value> =
            text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), lines.len());
        for (number, answer) in (1..).zip(&answers) {
            let is_good = number == 1 || number == lines.len();
            assert_eq!(answer.get("error").is_none(), is_good, "{command}: {answer}");
            assert_eq!(answer.get("line"), (!is_good).then(|| json!(number)).as_ref(), "{command}: {answer}");
        }
        let said = refusal(&mut lab(&[command, "no-such-file.jsonl"]));
        assert!(said.contains("no-such-file.jsonl"), "{said}");
    }

    for line in bad {
        fs::write(&file, [br#"{"numbers":[2,3],"target":6}"#, line].join(&b'\n')).unwrap();
        let mut eval = lab(&["eval", "--checkpoint", "embedded", "--backend", "cpu", "--puzzles"]);
        let said = refusal(eval.arg(&file));
        assert!(said.contains("lines.jsonl line 2"), "{said}");
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let mut child =
        lab(&["puzzles", "--count", "5000"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn a_checkpoint_that_is_none_cannot_be_evaluated_or_exported() {
    let root = TempDir::new().unwrap();
    let runs = root.path().to_str().unwrap();
    for name in ["nothing", "nothing@3", "@3", "run@last", ""] {
        let target = root.path().join("target");
        refusal(lab(&["eval", "--runs", runs, "--checkpoint", name]).args(["--backend", "cpu"]));
        refusal(lab(&["export", "--runs", runs, name]).arg(&target));
        assert!(!target.exists());
    }
    let folder = exported(&root);
    let said = refusal(lab(&["export", "embedded"]).arg(&folder));
    assert!(said.contains("already holds a model"), "{said}");
}

/// What would retitle or clear a terminal, in everything that a stranger can write: none of it reaches the terminal.
#[test]
fn no_file_commands_the_terminal() {
    const COMMAND: &str = "\x1b]0;owned\x07\x1b[2J\u{9b}2J";
    let root = TempDir::new().unwrap();
    let runs = root.path().join("runs");
    let silent = |what: &str, command: &mut std::process::Command| {
        let output = command.output().unwrap();
        let said = [text(&output.stdout), text(&output.stderr)].concat();
        let harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        assert!(!said.is_empty() && said.chars().all(harmless), "{what}: {said:?}");
        said
    };

    let folder = exported(&root);
    let (config, tokenizer) = (folder.join("config.json"), folder.join("tokenizer.json"));
    let play = |checkpoint: &Path| {
        let mut command = lab(&["play", "--numbers", "4,1,16", "--target", "19", "--backend", "cpu"]);
        command.arg("--checkpoint").arg(checkpoint);
        command
    };
    // A model whose words are commands.
    let words = fs::read_to_string(&tokenizer).unwrap();
    let spelt = serde_json::to_string(COMMAND).unwrap();
    let commanding = words.replace("\"=\":", &format!("{spelt}:"));
    assert_ne!(commanding, words);
    with_file(&tokenizer, commanding.as_bytes(), || {
        let said = silent("words", &mut play(&folder));
        assert!(said.contains("\\u001b"), "it says none of its words: {said}");
    });
    let mut shape: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
    shape["rope_parameters"] = json!({ "rope_theta": 10000.0, "rope_type": COMMAND });
    with_file(&config, shape.to_string().as_bytes(), || {
        assert!(silent("shape", &mut play(&folder)).contains("rotary positions"));
    });

    succeeds(&mut headless(&runs, 1));
    let run = super::only_run(&runs);
    let resume = || {
        let mut command = lab(&["run", "--headless", "--steps", "1", "--resume", &run.name()]);
        command.arg("--runs").arg(&runs);
        command
    };
    for content in [format!("preset = \"{COMMAND}\"\n"), format!("\"{COMMAND}\" = 1\n"), COMMAND.to_owned()] {
        with_file(&run.path().join("config.toml"), content.as_bytes(), || {
            silent("config.toml", &mut play(run.path()));
        });
    }
    let step = super::checkpoint(&run, 1);
    let state = fs::read_to_string(step.join("state.json")).unwrap();
    let escaped = spelt.trim_matches('"');
    with_file(&step.join("state.json"), state.replace("lab", escaped).as_bytes(), || {
        silent("state.json", &mut resume());
    });
    let events = run.path().join("events.jsonl");
    with_file(&events, format!("{{\"{escaped}\": {spelt}}}\n").as_bytes(), || {
        silent("events.jsonl", &mut resume());
    });
    let rollouts = fs::read_to_string(run.rollouts_path()).unwrap();
    let kinds = rollouts.replacen("\"kind\":\"", &format!("\"kind\":\"{escaped}"), 1);
    with_file(&run.rollouts_path(), kinds.as_bytes(), || {
        let mut analyze = lab(&["analyze"]);
        silent("rollouts.jsonl", analyze.arg(run.path()));
    });
}

/// As some editors save a file.
#[test]
fn a_byte_order_mark_is_no_reason_to_refuse() {
    let root = TempDir::new().unwrap();
    let (puzzles, config) = (root.path().join("puzzles.jsonl"), root.path().join("config.toml"));
    fs::write(&puzzles, "\u{feff}{\"numbers\":[2,3],\"target\":6}\r\n").unwrap();
    let small = ["--samples", "1", "--max-new-tokens", "4", "--backend", "cpu"];
    succeeds(lab(&["eval", "--checkpoint", "embedded", "--puzzles"]).arg(&puzzles).args(small));
    fs::write(&config, "\u{feff}seed = 3\r\n").unwrap();
    let runs = root.path().join("runs");
    succeeds(headless(&runs, 1).arg("--config").arg(&config));
    assert_eq!(super::only_run(&runs).config().unwrap().config.machine.seed, 3);
}
