//! The command line with another task than the first: what it sets by itself, and who takes the task from where.

use std::{io::Write, process::Stdio};

use tempfile::TempDir;

use super::{headless, lab, only_run, refusal, succeeds, text};

fn json(arguments: &[&str]) -> serde_json::Value {
    serde_json::from_slice(&succeeds(&mut lab(arguments)).stdout).unwrap()
}

#[test]
fn a_run_takes_the_task_its_base_and_its_settings_and_its_checkpoints_know_them() {
    let root = TempDir::new().unwrap();
    let mut command = headless(root.path(), 2);
    succeeds(command.args(["--task", "multiplication", "--set", "level=2x1"]));
    let run = only_run(root.path());
    let file = run.config().unwrap();
    assert_eq!((file.config.puzzles.task.name, file.config.puzzles.level.name()), ("multiplication", "2x1"));
    assert_eq!(file.config.sampling.max_new_tokens, 24, "what is set comes after what the task sets");
    let base = aha_lab::task::multiplication::FAMILY.base.weights;
    assert_eq!(file.provenance.unwrap().model_hash, aha_lab::model::source::hash_of(base));

    let path = root.path().display().to_string();
    let asked = ["--count", "6", "--backend", "cpu", "--json", "--runs", &path];
    let report = json(&[&["eval", "--checkpoint", &run.name()][..], &asked].concat());
    assert_eq!(report["well_formed"], 1.0, "asked in its own language, it answers in it");
    let of_base = json(&[&["eval", "--task", "multiplication"][..], &asked].concat());
    assert_eq!(of_base["puzzles"], 6);
    // Scored and analysed by the task that each line names.
    let rollouts = run.rollouts_path().display().to_string();
    for command in ["score", "analyze"] {
        assert!(!succeeds(&mut lab(&[command, &rollouts])).stdout.is_empty());
    }
    let exported = root.path().join("model");
    succeeds(lab(&["export", "embedded", "--task", "multiplication"]).arg(&exported));
    let written = std::fs::read(exported.join("model.safetensors")).unwrap();
    let [written, base] =
        [&written[..], base].map(|file| safetensors::SafeTensors::deserialize(file).unwrap());
    for (name, tensor) in written.tensors() {
        match base.tensor(&name) {
            Ok(same) => assert!(same.data() == tensor.data(), "{name}"),
            // What the kind of model that it is written as has besides.
            Err(_) => assert!(
                name.ends_with("o_proj.bias") && tensor.data().iter().all(|&byte| byte == 0),
                "{name}"
            ),
        }
    }
    assert!(base.names().iter().all(|name| written.tensor(name).is_ok()));
}

#[test]
fn play_knows_the_product() {
    let asked = ["play", "--task", "multiplication", "--numbers", "23,47", "--backend", "cpu", "--json"];
    let whole = json(&asked);
    assert_eq!(whole["puzzle"]["target"], 1081);
    assert!(whole["models"][0].get("unknown_words").is_none());
    let said = refusal(lab(&asked).args(["--target", "1082"]));
    assert!(said.contains("23 * 47 is 1081, not 1082"), "{said}");
    let said = refusal(&mut lab(&["play", "--numbers", "4,8"]));
    assert!(said.contains("--target is missing"), "{said}");
}

#[test]
fn what_a_task_does_not_have_is_refused_in_a_sentence() {
    for (arguments, words) in [
        (&["eval", "--task", "chess"][..], "one of countdown, multiplication"),
        (&["eval", "--task", "multiplication", "--level", "3x20"], "one of 2x2, 2x1, 3x2"),
        (&["export", "embedded", "nowhere", "--task", "chess"], "one of countdown, multiplication"),
        (&["run", "--headless", "--task", "multiplication", "--set", "level=4x20"], "one of 2x2, 2x1, 3x2"),
        (&["pretrain", "--level", "5x5", "--out", "nowhere"], "one of 3x20, 4x20, tinyzero"),
        (&["export", "embedded", "nowhere", "--level", "5x5"], "one of 3x20, 4x20, tinyzero"),
    ] {
        let said = refusal(&mut lab(arguments));
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let line =
        r#"{"task":"multiplication","numbers":[23,47],"target":1081,"completion":"<answer>1,081</answer>"}"#;
    let mut searched =
        lab(&["analyze", "--search"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    searched.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
    let output = searched.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("Multiplication has no search tree"));
}

#[test]
fn a_level_with_its_own_base_brings_its_settings_and_everything_that_reads_the_run_follows() {
    let root = TempDir::new().unwrap();
    succeeds(headless(root.path(), 1).args(["--level", "tinyzero"]));
    let run = only_run(root.path());
    let file = run.config().unwrap();
    let own = aha_lab::task::countdown::FAMILY.own("tinyzero").unwrap();
    assert_eq!(file.config.puzzles.level.name(), "tinyzero");
    assert_eq!(file.config.update.kl_coef, 0.02);
    assert_eq!(file.config.sampling.max_new_tokens, 24, "what is set comes after what the level sets");
    let hash = aha_lab::model::source::hash_of(own.base.weights);
    assert_eq!(file.provenance.unwrap().model_hash, hash);

    let path = root.path().display().to_string();
    let asked = ["--count", "12", "--backend", "cpu", "--json", "--runs", &path];
    let sizes = |report: &serde_json::Value| -> Vec<u64> {
        let of = report["by_numbers"].as_array().unwrap();
        of.iter().map(|size| size["numbers"].as_u64().unwrap()).collect()
    };
    let report = json(&[&["eval", "--checkpoint", &run.name()][..], &asked].concat());
    assert_eq!(sizes(&report), [3, 4], "the level is that of the run");
    assert!(report["well_formed"].as_f64().unwrap() > 0.8, "asked in its own language, it answers in it");
    let of_base = json(&[&["eval", "--level", "tinyzero"][..], &asked].concat());
    assert_eq!(sizes(&of_base), [3, 4]);
    assert!(of_base["ceiling"].as_f64().unwrap() > 0.5);
}
