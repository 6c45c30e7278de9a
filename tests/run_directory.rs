//! The run directory from outside: what is written is read back, and what was cut off or broken is found
//! and named.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "run_directory/checkpoints.rs"]
mod checkpoints;
#[path = "run_directory/damage.rs"]
mod damage;
#[path = "run_directory/faults.rs"]
mod faults;
#[path = "run_directory/large.rs"]
mod large;
#[cfg(unix)]
#[path = "run_directory/locking.rs"]
mod locking;
#[path = "run_directory/reading.rs"]
mod reading;
#[path = "run_directory/writing.rs"]
mod writing;

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

use aha_lab::{
    config::Config,
    metrics::registry,
    reasoning::Analysis,
    record::{Problem, Rollout, Step},
    runs::{Journal, JournalPosition, Reader, RunDirectory, RunInfo, RunLock, TrainingState},
    task::NumberPuzzle,
};
use tempfile::TempDir;

fn info() -> RunInfo {
    RunInfo {
        model_hash: "ab12".into(),
        program_version: "0.1.0".into(),
        git_revision: None,
        analysis: None,
        backend: "cpu x2".into(),
        vector_unit: Some("avx2".into()),
        base: None,
        created: "2026-01-02T03:04:05Z".into(),
        forked_from: None,
        engine: None,
    }
}

fn new_run(root: &TempDir) -> RunDirectory {
    RunDirectory::create(root.path(), "test", &Config::default(), &info()).unwrap()
}

fn metrics(step: u64) -> Step {
    Step::new(step)
        .with(&registry::REWARD, 0.25)
        .with(&registry::KL, Some(0.5))
        .with(&registry::NUM_TOKENS, 100 * step)
}

fn rollout(step: u64, group: usize, index: usize) -> Rollout {
    Rollout {
        step,
        group,
        index,
        problem: Problem {
            task: "countdown".into(),
            puzzle: NumberPuzzle { numbers: vec![4, 1, 16], target: 19 }.into(),
            prompt: "use 4 1 16 make 19 : <think>".into(),
        },
        completion: format!(" 16 + 4 = 20 , 20 - 1 = 19 . ✓ \"{step}\" </think>"),
        token_ids: Some(vec![1, 2, 3]),
        logprobs: Some(vec![-0.1, -2.5, -0.0]),
        entropies: Some(vec![0.5, 1.25, 0.0]),
        reward: 1.0,
        penalties: Default::default(),
        rewards: None,
        advantage: Some(0.75),
        correct: Some(true),
        truncated: false,
        analysis: Analysis { checks: 2, true_checks: 1, self_corrections: 1, ..Analysis::default() },
    }
}

/// Two completions and the metrics of a step.
fn write_step(journal: &mut Journal, step: u64) {
    for index in 0..2 {
        journal.add_rollout(&rollout(step, 0, index)).unwrap();
    }
    journal.add_metrics(&metrics(step)).unwrap();
    journal.flush().unwrap();
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn steps(run: &RunDirectory) -> Vec<u64> {
    Reader::new(run).metrics().unwrap().records.iter().map(|record| record.step).collect()
}

fn state(at: JournalPosition) -> TrainingState {
    TrainingState {
        step: 120,
        policy_version: 120,
        num_tokens: 1_234_567,
        flops: 1.5e12,
        metrics_bytes: at.metrics,
        rollouts_bytes: at.rollouts,
        events_bytes: at.events,
        pinned_bytes: 0,
        pins: None,
        adam_step: 120,
        config: Config::default(),
    }
}

#[test]
fn runs_are_found_by_path_name_and_unique_part() {
    let root = tempfile::tempdir().unwrap();
    let create = |name| RunDirectory::create(root.path(), name, &Config::default(), &info()).unwrap();
    let (apple, apricot) = (create("apple"), create("apricot"));
    fs::create_dir(root.path().join("apricot-without-config")).unwrap();
    let find = |name: &str| RunDirectory::find(root.path(), name);
    assert_eq!(find("apple").unwrap(), apple);
    assert_eq!(find(&apricot.name()).unwrap(), apricot);
    assert_eq!(find(apple.path().to_str().unwrap()).unwrap(), apple);
    let ambiguous = find("-ap").unwrap_err().to_string();
    assert!(ambiguous.contains(&apple.name()) && ambiguous.contains(&apricot.name()), "{ambiguous}");
    assert!(ambiguous.contains("Give more of the name"), "{ambiguous}");
    let missing = find("pear").unwrap_err().to_string();
    assert!(missing.contains("There is no run `pear`") && missing.contains(&apple.name()), "{missing}");
    assert!(find("").is_err());
    let none = RunDirectory::find(&root.path().join("nowhere"), "x").unwrap_err().to_string();
    assert!(none.contains("There are no runs in it yet"), "{none}");
    let not_a_run = RunDirectory::open(root.path()).unwrap_err().to_string();
    assert!(not_a_run.contains("it has no config.toml"), "{not_a_run}");
}

#[test]
fn a_runs_root_that_cannot_be_made_is_a_sentence() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = RunDirectory::create(&file.join("runs"), "x", &Config::default(), &info()).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("Cannot create the folder ") && message.contains("--runs DIR"), "{message}");
}

#[test]
fn a_second_writer_is_refused_while_the_first_lives() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    assert!(!run.is_live());
    let first = Journal::begin(&run).unwrap();
    assert!(run.is_live());
    let message = Journal::begin(&run).err().expect("must be refused").to_string();
    assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
    assert!(message.contains("aha-lab open"), "{message}");
    drop(first);
    assert!(!run.is_live());
    Journal::begin(&run).unwrap();
}

const LOCK_IN_CHILD: &str = "AHA_LAB_TEST_LOCK";

#[test]
#[ignore = "another test starts it as a process of its own"]
fn child_that_holds_a_lock() {
    let run = std::env::var_os(LOCK_IN_CHILD).expect("started by another test");
    let _lock = RunLock::acquire(Path::new(&run)).unwrap();
    println!("\nlocked");
    // Until the parent kills this process or closes its end.
    let _ = io::stdin().read(&mut [0]);
}

#[test]
fn a_killed_process_leaves_no_lock_behind() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_that_holds_a_lock", "--ignored", "--nocapture"])
        .env(LOCK_IN_CHILD, run.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines().any(|line| line.unwrap() == "locked");
    assert!(told, "the child ended without the lock");
    assert!(run.is_live());
    let message = RunLock::acquire(run.path()).unwrap_err().to_string();
    assert!(message.contains(&format!("process {}", child.id())), "{message}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!run.is_live());
    RunLock::acquire(run.path()).unwrap();
}
