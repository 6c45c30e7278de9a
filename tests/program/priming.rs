//! `prime`: what it writes, what it refuses, and that a stop loses nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use aha_lab::{
    model::{
        config::ModelConfig,
        folder::LoadedModel,
        publish::{self, WeightType},
        transformer::Transformer,
    },
    pretrain::priming::Taught,
};
use burn::tensor::Device;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{headless, lab, only_run, refusal, succeeds, text};

/// A tokenizer of single characters.
fn characters() -> Value {
    let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<>/ ,.:=+-*()\n".chars();
    let vocabulary: serde_json::Map<String, Value> = letters
        .zip(1..)
        .map(|(letter, id)| (letter.to_string(), json!(id)))
        .chain([("<eos>".into(), json!(0))])
        .collect();
    let end = json!({"id": 0, "content": "<eos>", "special": true, "single_word": false, "lstrip": false,
        "rstrip": false, "normalized": false});
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [end], "normalizer": null,
        "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary, "merges": []},
    })
}

/// A small random model that writes character by character.
fn base(root: &TempDir) -> PathBuf {
    let folder = root.path().join("base");
    let device = Device::flex();
    device.seed(3);
    let shape = ModelConfig {
        hidden_size: 32,
        intermediate_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        ..ModelConfig::small(80)
    };
    let loaded =
        LoadedModel::made(Transformer::random(&shape, &device), serde_json::to_vec(&characters()).unwrap());
    fs::create_dir(&folder).unwrap();
    for (name, bytes) in publish::files(&loaded, WeightType::F32).unwrap() {
        fs::write(folder.join(name), bytes).unwrap();
    }
    folder
}

/// Settings under which an update takes a fraction of a second.
fn prime(base: &Path, out: &Path, steps: u64) -> Command {
    let mut command = lab(&["prime", "--traces", "4", "--json", "--steps", &steps.to_string()]);
    command.arg("--base").arg(base).arg("--out").arg(out);
    command.args(
        ["threads=2", "backend=cpu", "prompt=ours", "learning_rate=0.01"]
            .iter()
            .flat_map(|pair| ["--set", pair]),
    );
    command
}

fn losses(folder: &Path) -> Vec<f64> {
    let log = fs::read_to_string(folder.join("priming.jsonl")).unwrap();
    log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["loss"].as_f64().unwrap()).collect()
}

fn taught(folder: &Path) -> Taught {
    let about: Value = serde_json::from_slice(&fs::read(folder.join("priming.json")).unwrap()).unwrap();
    serde_json::from_value(about["taught"].clone()).unwrap()
}

#[test]
fn the_loss_falls_and_what_comes_out_is_a_base() {
    let root = TempDir::new().unwrap();
    let base = base(&root);
    // An adapter leaves the random embedding as it is, which bounds what it can learn.
    for (name, settings, file, falls_to) in [
        ("adapter", vec!["--set", "lora_rank=4"], "adapter_model.safetensors", 0.98),
        ("merged", vec!["--set", "lora_rank=4", "--merge"], "model.safetensors", 0.98),
        ("whole", vec![], "model.safetensors", 0.8),
    ] {
        let out = root.path().join(name);
        let said = succeeds(prime(&base, &out, 16).args(&settings));
        let told: Value = serde_json::from_slice(&said.stdout).unwrap();
        let losses = losses(&out);
        assert_eq!(losses.len(), 16);
        assert_eq!(told["last_loss"], json!(losses[15]));
        assert!(losses[15] < falls_to * losses[0], "{name}: {losses:?}");
        assert!(out.join(file).is_file() && !out.join("training").exists());
        let card = fs::read_to_string(out.join("README.md")).unwrap();
        assert!(
            card.contains(&format!("| self-corrections | {} |", taught(&out).self_corrections)),
            "{card}"
        );
        // It is asked as it was primed, and it loads wherever a model does.
        let runs = root.path().join(format!("runs-{name}"));
        let mut run = headless(&runs, 1);
        run.arg("--base").arg(&out);
        if name == "adapter" {
            run.args(["--set", "lora_rank=4"]);
        }
        succeeds(&mut run);
        let recorded = fs::read_to_string(only_run(&runs).path().join("config.toml")).unwrap();
        assert!(recorded.contains("\nprompt = \"ours\"\n"), "{recorded}");
        let mut eval =
            lab(&["eval", "--count", "2", "--max-new-tokens", "8", "--backend", "cpu", "--checkpoint"]);
        succeeds(eval.arg(&out));
        let mut play = lab(&["play", "--numbers", "4,1,16", "--target", "19", "--max-new-tokens", "8"]);
        succeeds(play.args(["--backend", "cpu", "--checkpoint"]).arg(&out));
        assert!(refusal(&mut prime(&base, &out, 1)).contains("already holds a model"));
    }
}

#[test]
fn the_conditions_differ_in_what_they_show_alone() {
    let root = TempDir::new().unwrap();
    let base = base(&root);
    let primed = |name: &str, options: &[&str]| {
        let out = root.path().join(name);
        succeeds(prime(&base, &out, 3).args(options));
        taught(&out)
    };
    let all = primed("all", &[]);
    assert_eq!(all.traces, 12);
    assert!(all.self_corrections > 0 && all.subgoals > 0 && all.backward_chaining > 0, "{all:?}");
    assert_eq!((all.arithmetic_steps, all.checks), (all.arithmetic_right, all.true_checks), "{all:?}");
    assert_eq!(all.right_answers, 12);
    let placeholder = primed("none", &["--behaviours", "none"]);
    let nothing = Taught {
        traces: 12,
        completion_tokens: all.completion_tokens,
        prompt_tokens: all.prompt_tokens,
        right_answers: 12,
        ..Taught::default()
    };
    assert_eq!(placeholder, nothing, "the same lengths, and nothing said");
    let wrong = primed("wrong", &["--answers", "wrong"]);
    let differing = Taught { right_answers: 12, completion_tokens: all.completion_tokens, ..wrong };
    assert_eq!((wrong.right_answers, differing), (0, all), "the same thoughts");
    let backtracking = primed("backtracking", &["--behaviours", "backtracking"]);
    assert!(backtracking.backtracks > 0 && backtracking.checks == 0, "{backtracking:?}");
    let verification = primed("verification", &["--behaviours", "verification"]);
    assert!(verification.true_checks >= 12 && verification.backtracks == 0, "{verification:?}");
    // The same seed, the same weights.
    let weights = |name: &str| fs::read(root.path().join(name).join("model.safetensors")).unwrap();
    assert_eq!(primed("again", &[]), all);
    assert!(weights("all") == weights("again"));
    primed("other", &["--set", "seed=1"]);
    assert!(weights("all") != weights("other"));
}

#[test]
fn a_stopped_priming_goes_on_as_if_nothing_had_happened() {
    let root = TempDir::new().unwrap();
    let base = base(&root);
    let whole = root.path().join("whole");
    let stopped = root.path().join("stopped");
    let steps = 12;
    let adapted = |out: &Path| {
        let mut command = prime(&base, out, steps);
        command.args(["--set", "lora_rank=4"]);
        command
    };
    succeeds(&mut adapted(&whole));
    let mut child = adapted(&stopped).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let log = stopped.join("priming.jsonl");
    let began = Instant::now();
    while fs::read_to_string(&log).map_or(0, |text| text.lines().count()) < 3 {
        assert!(began.elapsed() < Duration::from_secs(120), "no update is made");
        thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(stopped.join("training").is_dir());
    // Progress is of its own recipe only.
    let said = refusal(adapted(&stopped).args(["--set", "seed=2"]));
    assert!(said.contains("the progress of another recipe"), "{said}");
    succeeds(&mut adapted(&stopped));
    for name in ["adapter_model.safetensors", "priming.jsonl", "priming.json"] {
        let read = |folder: &Path| fs::read(folder.join(name)).unwrap();
        assert!(read(&whole) == read(&stopped), "{name} differs");
    }
}

#[test]
fn what_cannot_be_primed_is_a_sentence() {
    let root = TempDir::new().unwrap();
    let base = base(&root);
    let out = root.path().join("out");
    for (options, part) in [
        (
            vec!["--behaviours", "verification,hope"],
            "no behaviour `hope`; write some of verification, backtracking",
        ),
        (vec!["--answers", "maybe"], "--answers must be right or wrong"),
        (vec!["--set", "group_size=4"], "`group_size` has no meaning in priming"),
        (vec!["--set", "task=multiplication"], "Nothing writes traces for the task multiplication"),
        (vec!["--traces", "0"], "--traces must be a whole number from 1"),
        (vec!["--set", "prompt=chat"], "has no chat template"),
    ] {
        // The last of an option given twice counts where that is allowed.
        let mut command = lab(&["prime", "--set", "backend=cpu"]);
        command.arg("--base").arg(&base).arg("--out").arg(&out).args(&options);
        let said = refusal(&mut command);
        assert!(said.contains(part), "{said}");
        assert!(!out.exists(), "{options:?}");
    }
    let said = refusal(lab(&["prime", "--base", "embedded", "--out"]).arg(&out));
    assert!(said.contains("vocabulary has no word for `"), "{said}");
    let said = refusal(lab(&["prime", "--base", "./missing", "--out"]).arg(&out));
    assert!(said.contains("missing"), "{said}");
    let without = lab(&["prime"]).output().unwrap();
    assert_eq!(without.status.code(), Some(2));
    assert!(text(&without.stderr).contains("--base"));
}
