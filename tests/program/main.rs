//! The whole program: its engine through the library, its binary on bad input, and its screen in a real
//! terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod algorithms;
#[cfg(unix)]
mod attached;
mod bad_disk;
mod bad_input;
mod batching;
#[cfg(unix)]
mod charts;
mod configured;
#[cfg(target_os = "linux")]
mod crashing_driver;
mod engine;
#[cfg(unix)]
mod engines;
mod exact;
#[cfg(unix)]
mod first_start;
mod frontier;
#[cfg(unix)]
mod full_disk;
mod hub;
mod inspection;
#[cfg(unix)]
mod keeping;
#[cfg(unix)]
mod kills;
mod listed;
#[cfg(unix)]
mod lost_output;
mod mini_batches;
mod numbers;
#[cfg(unix)]
mod past;
mod pinned;
#[cfg(unix)]
mod played;
mod playing;
#[cfg(unix)]
mod priming;
#[cfg(unix)]
mod printed;
mod prompts;
#[cfg(unix)]
mod pty;
mod replay;
#[cfg(unix)]
mod restarting;
mod resuming;
#[cfg(unix)]
mod scored;
#[cfg(unix)]
mod serving;
#[cfg(unix)]
mod several;
#[cfg(unix)]
mod shelf;
mod signals;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(unix)]
mod strangers;
#[cfg(unix)]
mod sweeping;
#[cfg(unix)]
mod taken_away;
mod tasks;
#[cfg(unix)]
mod trl;
#[cfg(unix)]
mod typed;
mod units;
#[cfg(unix)]
mod walks;
#[cfg(unix)]
mod words;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use aha_lab::{
    config::Config,
    record::Step,
    runs::{Reader, RunDirectory},
};

/// Settings under which a step takes a fraction of a second.
const TINY: [&str; 5] =
    ["prompts_per_step=2", "group_size=4", "max_new_tokens=24", "threads=2", "backend=cpu"];

/// The same as a configuration.
fn tiny() -> Config {
    Config::default().with(TINY).unwrap()
}

/// The binary, without any terminal.
fn lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aha-lab"));
    // The files of whoever runs the tests configure nothing here.
    command.args(arguments).stdin(Stdio::null()).env("XDG_CONFIG_HOME", "/nonexistent");
    command
}

/// A headless run with the tiny settings.
fn headless(runs: &Path, steps: u64) -> Command {
    let mut command = lab(&["run", "--headless", "--steps", &steps.to_string()]);
    command.arg("--runs").arg(runs);
    command.args(TINY.iter().flat_map(|pair| ["--set", pair]));
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {} {}", output.status, text(&output.stderr));
    output
}

/// Runs a command that must fail with exit code 1 and one line of whole sentences, and returns that line.
fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
    assert!(!said.contains("panicked"), "{command:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{command:?}: {said}");
    let said = said.trim_end();
    assert!(said.ends_with('.'), "{command:?}: {said}");
    said.to_owned()
}

/// As `output`, of a command that must end soon whatever its files are.
#[cfg(unix)]
fn ends_in_time(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let process = rustix::process::Pid::from_child(&child);
    let (ended, waits) = std::sync::mpsc::channel::<()>();
    let patience = std::time::Duration::from_secs(120);
    let guard = std::thread::spawn(move || {
        let hangs = waits.recv_timeout(patience) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        if hangs {
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
        hangs
    });
    let output = child.wait_with_output().unwrap();
    drop(ended);
    assert!(!guard.join().unwrap(), "it hangs: {command:?}");
    output
}

/// The one run of a folder.
fn only_run(runs: &Path) -> RunDirectory {
    let found = RunDirectory::list(runs).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

/// The folder of a run's checkpoint.
fn checkpoint(run: &RunDirectory, step: u64) -> PathBuf {
    run.checkpoints_path().join(format!("step-{step:06}"))
}

/// Everything of a run that its configuration and seed decide.
#[derive(PartialEq)]
struct Outcome {
    /// As JSON, because a NaN is not equal to itself.
    metrics: Vec<String>,
    rollouts: Vec<u8>,
    weights: Vec<u8>,
    optimizer: Vec<u8>,
}

/// Of a run whose last checkpoint is of this step.
fn outcome(run: &RunDirectory, step: u64) -> Outcome {
    let folder = checkpoint(run, step);
    aha_lab::runs::verify(&folder).unwrap();
    let metrics = metrics(run);
    assert_eq!(metrics.last().map(|m| m.step), Some(step));
    Outcome {
        metrics: metrics.iter().map(|m| serde_json::to_string(&m.without_clock()).unwrap()).collect(),
        rollouts: std::fs::read(run.rollouts_path()).unwrap(),
        weights: ["model.safetensors", "adapter_model.safetensors"]
            .into_iter()
            .find_map(|name| std::fs::read(folder.join(name)).ok())
            .unwrap(),
        optimizer: std::fs::read(folder.join("optimizer.f32")).unwrap(),
    }
}

/// Says which part differs, without printing megabytes.
fn assert_same(a: &Outcome, b: &Outcome, what: &str) {
    assert_eq!(a.metrics, b.metrics, "metrics: {what}");
    assert!(a.rollouts == b.rollouts, "rollouts: {what}");
    assert!(a.weights == b.weights, "weights: {what}");
    assert!(a.optimizer == b.optimizer, "optimizer: {what}");
}

fn metrics(run: &RunDirectory) -> Vec<Step> {
    let log = Reader::new(run).metrics().unwrap();
    assert!(log.bad.is_empty() && !log.torn, "{:?}", log.bad);
    log.records
}
