//! Sweeps: every combination over several seeds, interrupted, gone on with, and with one that cannot be trained.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use aha_lab::runs::{Reader, RunDirectory};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use super::{TINY, ends_in_time, lab, pty::Lab, refusal, succeeds, text};

/// A sweep with the tiny settings.
fn sweep(runs: &Path, swept: &[&str], steps: u64, seeds: u64) -> Command {
    let mut command = lab(&["sweep", "--steps", &steps.to_string(), "--seeds", &seeds.to_string()]);
    command.arg("--runs").arg(runs);
    command
        .args(TINY.iter().chain(["evaluate_puzzles=4"].iter()).chain(swept).flat_map(|pair| ["--set", pair]));
    command
}

fn json(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

/// The one folder in a folder of runs.
fn only_folder(runs: &Path) -> PathBuf {
    let mut folders: Vec<PathBuf> = fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(folders.len(), 1, "{folders:?}");
    folders.remove(0)
}

fn states(told: &Value) -> Vec<&str> {
    let combinations = told["combinations"].as_array().unwrap();
    let runs = combinations.iter().flat_map(|combination| combination["runs"].as_array().unwrap());
    runs.map(|run| run["state"].as_str().unwrap()).collect()
}

#[test]
fn an_interrupted_sweep_goes_on_where_it_was() {
    const STEPS: u64 = 8;
    let root = TempDir::new().unwrap();
    let again = || sweep(root.path(), &["temperature=1,0.7"], STEPS, 2);
    let child = again().arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let steps_made = |run: &RunDirectory| Reader::new(run).metrics().map_or(0, |log| log.records.len());
    let has_begun = || {
        let folders = fs::read_dir(root.path()).into_iter().flatten().flatten();
        folders
            .filter_map(|folder| RunDirectory::list(&folder.path()).ok())
            .any(|runs| runs.first().is_some_and(|run| steps_made(run) > 0))
    };
    while !has_begun() {
        assert!(began.elapsed() < Duration::from_secs(60), "no run has begun");
        thread::sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("The same command goes on") && said.contains("temperature=1,0.7"), "{said}");
    let told = json(&output);
    assert_eq!(told["interrupted"], true);
    assert_eq!(states(&told)[3], "waiting", "{told}");
    let folder = only_folder(root.path());
    let first = RunDirectory::list(&folder).unwrap()[0].clone();
    assert!(first.checkpoint(None).is_ok() && !first.is_live());

    let told = json(&succeeds(again().arg("--json")));
    assert_eq!(states(&told), ["finished"; 4]);
    let runs = RunDirectory::list(&folder).unwrap();
    assert_eq!((runs.len(), &runs[0]), (4, &first), "the interrupted run was not continued");
    assert!(runs.iter().all(|run| steps_made(run) == STEPS as usize));
    for combination in told["combinations"].as_array().unwrap() {
        for metric in ["held_out", "accuracy", "reward"] {
            let found = &combination["metrics"][metric];
            assert_eq!(found["n"], 2, "{metric}: {found}");
            assert!(found["spread"].is_number() && found["ci95"].as_array().is_some_and(|ci| ci.len() == 2));
        }
    }
    // Whoever has finished is not trained again; more seeds are trained beside them.
    let before: Vec<_> = runs.iter().map(|run| fs::read(run.events_path()).unwrap()).collect();
    let output = succeeds(&mut again());
    assert!(
        text(&output.stdout).lines().nth(1).is_some_and(|line| line.contains("2/2")),
        "{}",
        text(&output.stdout)
    );
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    let after: Vec<_> = runs.iter().map(|run| fs::read(run.events_path()).unwrap()).collect();
    assert!(before == after);

    // Its runs are runs like any other.
    let listed = json(&succeeds(lab(&["runs", "--json", "--runs"]).arg(&folder)));
    assert_eq!(listed["runs"].as_array().unwrap().len(), 4);
    let listed = json(&succeeds(lab(&["runs", "--json", "--runs"]).arg(root.path())));
    assert_eq!(listed["sweeps"][0].as_str(), folder.file_name().unwrap().to_str());
    assert_eq!(listed["runs"].as_array().unwrap().len(), 0, "a sweep is no run");
    // Numbers of another configuration are not mixed with these.
    let said = refusal(again().env("AHA_LAB_WARMUP_STEPS", "9"));
    assert!(said.contains("warmup_steps") && said.contains("--name"), "{said}");
}

#[test]
fn a_terminal_shows_every_run_and_ctrl_c_ends_them() {
    let root = TempDir::new().unwrap();
    let mut arguments =
        vec!["sweep", "--steps", "200", "--seeds", "2", "--set", "temperature=1,0.7", "--jobs", "2"];
    TINY.iter().for_each(|pair| arguments.extend(["--set", pair]));
    let mut lab = Lab::start(&arguments, root.path());
    let screen = lab.until("two runs under way", |screen| screen.matches(" running ").count() == 2);
    assert!(screen.contains("c1-1-seed1") && screen.contains("c2-0.7-seed2"), "{screen}");
    assert!(screen.contains("0 of 4 runs finished, 2 at a time"), "{screen}");
    lab.press("\x03");
    assert_eq!(lab.ended(), 130);
    let screen = lab.screen();
    assert!(screen.contains("Interrupted with 0 of 4 runs done"), "{screen}");
    let runs = RunDirectory::list(&only_folder(&root.path().join("runs"))).unwrap();
    assert!(!runs.iter().any(RunDirectory::is_live), "a run goes on alone");
}

#[test]
fn a_combination_that_cannot_be_trained_is_reported_and_the_rest_goes_on() {
    let root = TempDir::new().unwrap();
    let mut command = sweep(root.path(), &["task=countdown,multiplication", "level=2x1"], 1, 1);
    let output = ends_in_time(command.args(["--json", "--jobs", "2"]));
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let told = json(&output);
    assert_eq!(states(&told), ["failed", "finished"], "{told}");
    let reason = told["combinations"][0]["runs"][0]["error"].as_str().unwrap();
    assert!(reason.contains("level") && said.contains(reason), "{reason}: {said}");
    assert_eq!(told["combinations"][0]["metrics"]["held_out"]["mean"], Value::Null);
    assert!(told["combinations"][1]["metrics"]["held_out"]["mean"].is_number());

    // One that its own process refuses: our base has no chat template.
    let runs = root.path().join("chat");
    let output = ends_in_time(sweep(&runs, &["prompt=chat,ours"], 1, 1).arg("--json"));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let told = json(&output);
    assert_eq!(states(&told), ["failed", "finished"], "{told}");
    let reason = told["combinations"][0]["runs"][0]["error"].as_str().unwrap();
    assert!(reason.contains("chat template") && reason.ends_with('.'), "{reason}");

    // None that can be trained, and values that no run takes: nothing is begun.
    let nothing = root.path().join("nothing");
    for swept in
        [&["level=nowhere"][..], &["temperature=1,hot"], &["seed=1,2"], &["temperature=1", "temperature=2"]]
    {
        refusal(&mut sweep(&nothing, swept, 1, 1));
        assert!(!nothing.exists(), "{swept:?}");
    }
}
