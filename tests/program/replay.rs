//! `aha-lab replay`: every step that a run recorded is made again to the last bit, and one that was changed is not.

use std::{fs, process::Command as Process};

use aha_lab::{
    protocol::{Command, StepBy},
    record::Rollout,
    runs::RunDirectory,
};
use serde_json::Value;
use tempfile::TempDir;

use super::{
    engine::{Driven, alone, options, set},
    lab, refusal,
    resuming::{contents, resumed, with_reference},
    succeeds, text, tiny,
};

fn replay(run: &RunDirectory, more: &[&str]) -> Process {
    let mut command = lab(&["replay"]);
    command.arg(run.path()).args(more);
    command
}

/// What is said of a step, or of one of its completions.
fn proved(run: &RunDirectory, what: &[&str]) -> Value {
    let output = succeeds(replay(run, what).arg("--json"));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["recorded_sha256"], said["replayed_sha256"], "{said}");
    assert_eq!(said["recorded_sha256"].as_str().unwrap().len(), 64);
    assert_eq!((&said["same"], &said["difference"]), (&Value::Bool(true), &Value::Null), "{said}");
    said
}

#[test]
fn every_step_of_a_run_is_proved_from_the_checkpoint_before_it() {
    let root = TempDir::new().unwrap();
    let config = with_reference().with(["checkpoint_every=2"]).unwrap();
    // With a stop and a resume in the middle, which are no matter.
    let run = alone(options(root.path(), config, 3));
    alone(resumed(&run, 5));
    let before = contents(run.path());
    let mut hashes = Vec::new();
    for (step, from) in [(1, 0), (2, 0), (3, 2), (4, 3), (5, 4)] {
        let said = proved(&run, &[&step.to_string()]);
        assert_eq!((&said["checkpoint"], &said["completions"]), (&from.into(), &8.into()), "step {step}");
        assert_eq!(said["steps_trained_again"], Value::from(step - 1 - from));
        hashes.push(said["recorded_sha256"].clone());
    }
    hashes.dedup();
    assert_eq!(hashes.len(), 5, "steps have hashes of their own");
    let said = proved(&run, &["5", "2", "3"]);
    let journal = fs::read_to_string(run.rollouts_path()).unwrap();
    let lines = journal.lines().map(|line| serde_json::from_str::<Rollout>(line).unwrap());
    let mut of_place = lines.filter(|r| (r.step, r.group, r.index) == (5, 1, 2));
    let record = of_place.next().unwrap();
    assert_eq!((&said["text"], &said["completions"]), (&record.completion.clone().into(), &1.into()));
    let told = text(&succeeds(&mut replay(&run, &["5", "2", "3"])).stdout);
    assert!(told.contains(record.completion.trim()) && told.contains("identical, to the last bit"), "{told}");
    assert!(contents(run.path()) == before, "a replay wrote in the run");

    // A checkpoint that is damaged is skipped and named, and the step is made from the one before.
    let weights = super::checkpoint(&run, 4).join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    bytes[5000] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let said = proved(&run, &["5"]);
    assert_eq!(said["checkpoint"], 3);
    assert!(said["notes"].to_string().contains("model.safetensors is broken"), "{said}");
}

#[test]
fn live_edits_are_made_again_where_they_were_made() {
    let root = TempDir::new().unwrap();
    let config = tiny().with(["checkpoint_every=0", "warmup_steps=0"]).unwrap();
    let mut driven = Driven::start_paused(options(root.path(), config, 5));
    driven.step(StepBy::Steps(1));
    driven.ask(set("temperature", "0.7"));
    driven.step(StepBy::Steps(1));
    // It turns the reference on that the last steps are measured against.
    driven.ask(set("kl_coef", "0.1"));
    driven.ask(set("learning_rate", "0.002"));
    driven.step(StepBy::Steps(1));
    driven.ask(set("max_new_tokens", "12"));
    driven.ask(Command::Resume);
    let (_, run) = driven.end();
    for step in 1..=5 {
        let said = proved(&run, &[&step.to_string()]);
        assert_eq!(said["checkpoint"], 0, "it has no other");
    }
    // A run that is older than checkpoints of its beginning is made from the base model.
    fs::remove_dir_all(run.checkpoints_path()).unwrap();
    proved(&run, &["4"]);
}

/// Changes the records of a run by hand.
fn tamper(run: &RunDirectory, change: impl Fn(&mut Rollout)) {
    let journal = fs::read_to_string(run.rollouts_path()).unwrap();
    let changed = journal.lines().map(|line| {
        let mut record: Rollout = serde_json::from_str(line).unwrap();
        change(&mut record);
        serde_json::to_string(&record).unwrap() + "\n"
    });
    fs::write(run.rollouts_path(), changed.collect::<String>()).unwrap();
}

/// It fails, prints both hashes, which differ, and one sentence.
fn disproved(run: &RunDirectory, what: &[&str]) -> String {
    let output = replay(run, what).arg("--json").output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said["same"], false);
    assert_ne!(said["recorded_sha256"], said["replayed_sha256"]);
    let sentence = text(&output.stderr);
    assert_eq!(sentence.trim_end(), said["difference"].as_str().unwrap());
    sentence
}

#[test]
fn one_changed_token_is_found_and_named() {
    let root = TempDir::new().unwrap();
    let run = alone(options(root.path(), tiny(), 2));
    let whole = fs::read(run.rollouts_path()).unwrap();
    let chosen = |r: &Rollout| (r.step, r.group, r.index) == (2, 1, 3);

    tamper(&run, |r| r.token_ids.as_mut().unwrap()[2] += u32::from(chosen(r)));
    let said = disproved(&run, &["2"]);
    assert!(said.starts_with("Step 2, group 2, completion 4: token 3 is "), "{said}");
    assert_eq!(disproved(&run, &["2", "2", "4"]), said);
    // Nothing else is: its neighbour, the step before.
    proved(&run, &["2", "2", "3"]);
    proved(&run, &["1"]);
    fs::write(run.rollouts_path(), &whole).unwrap();

    tamper(&run, |r| {
        if chosen(r) {
            let logprobs = r.logprobs.as_mut().unwrap();
            logprobs[0] = f32::from_bits(logprobs[0].to_bits() ^ 1);
        }
    });
    assert!(disproved(&run, &["2"]).contains("the log-probability of token 1 is "));
    fs::write(run.rollouts_path(), &whole).unwrap();

    let lines: Vec<&str> = std::str::from_utf8(&whole).unwrap().lines().collect();
    fs::write(run.rollouts_path(), lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    let said = disproved(&run, &["2"]);
    assert!(said.starts_with("Step 2, group 2, completion 4 is not in rollouts.jsonl"), "{said}");
}

#[test]
fn what_is_not_there_is_refused_in_a_sentence() {
    let root = TempDir::new().unwrap();
    let run = alone(options(root.path(), tiny(), 1));
    let refused = |what: &[&str]| refusal(&mut replay(&run, what));
    assert!(refused(&["2"]).ends_with("has no step 2; its last is 1."));
    assert!(refused(&["1", "3", "1"]).ends_with("has no group 3, completion 1 of step 1."));
    let said = refusal(lab(&["replay", "nothing", "1", "--runs"]).arg(root.path()));
    assert!(said.starts_with("There is no run `nothing`"), "{said}");
    for wrong in [&["0"][..], &["1", "1"], &["1", "0", "1"], &["1", "1", "0"], &["x"]] {
        assert_eq!(replay(&run, wrong).output().unwrap().status.code(), Some(2), "{wrong:?}");
    }
    // Another base than the one inside the program, and no checkpoint.
    let config = run.path().join("config.toml");
    let other = fs::read_to_string(&config).unwrap().replace("model_hash = \"", "model_hash = \"00");
    fs::write(&config, other).unwrap();
    fs::remove_dir_all(run.checkpoints_path()).unwrap();
    assert!(refused(&["1"]).contains("no usable checkpoint before step 1"));
}
