//! Nobody reads what is printed, or the disk behind it is full: that is said where anybody can hear it, and ends no run.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use aha_lab::runs::RunDirectory;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    TINY, checkpoint, full_disk::SmallDisk, headless, lab, metrics, only_run, outcome, succeeds, text,
};

/// The same command with its streams elsewhere, as a shell writes it.
fn redirected(command: &Command, how: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec \"$@\" {how}"), "sh"]);
    shell.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    shell
}

/// A run whose next start has something to warn of: its newest checkpoint is broken.
fn with_a_warning(root: &TempDir) -> RunDirectory {
    succeeds(headless(root.path(), 2).args(["--set", "checkpoint_every=1"]));
    let run = only_run(root.path());
    fs::write(checkpoint(&run, 2).join("manifest.json"), "{}").unwrap();
    run
}

fn resume(root: &TempDir, run: &RunDirectory, steps: u64) -> Command {
    let mut command = lab(&["run", "--headless", "--resume", &run.name(), "--steps", &steps.to_string()]);
    command.arg("--runs").arg(root.path());
    command
}

fn assert_whole(run: &RunDirectory, steps: u64) {
    outcome(run, steps);
    let left: Vec<_> =
        fs::read_dir(run.checkpoints_path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().contains("partial")), "{left:?}");
}

#[test]
fn a_run_outlives_whoever_heard_its_warnings() {
    for lost in ["2>/dev/full", "2>&-", "2>/dev/full >/dev/null"] {
        let root = TempDir::new().unwrap();
        let run = with_a_warning(&root);
        // What a killed writer left goes at the next start.
        fs::create_dir(run.checkpoints_path().join("step-000009.partial")).unwrap();
        succeeds(&mut redirected(&resume(&root, &run, 3), lost));
        assert_whole(&run, 3);
    }
    // A pipe whose reader goes once the run is at work.
    let root = TempDir::new().unwrap();
    let run = with_a_warning(&root);
    let mut child = resume(&root, &run, 3)
        .env("AHA_LOG", "[")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_whole(&run, 3);
}

#[test]
fn a_log_level_that_means_nothing_is_told_and_passed_over() {
    let root = TempDir::new().unwrap();
    let output = succeeds(headless(root.path(), 1).env("AHA_LOG", "=loud="));
    let said = text(&output.stderr);
    assert!(said.contains("AHA_LOG is ignored") && said.contains("aha_lab=debug"), "{said}");
    assert!(fs::read_to_string(only_run(root.path()).log_path()).unwrap().contains("started"));
}

/// One sentence on standard error and exit code 1; never a panic.
fn says_so(output: &Output, what: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{what}: {said}");
    assert!(said.starts_with("Standard output cannot be written: No space left"), "{what}: {said}");
    assert!(said.ends_with(".\n") && said.lines().count() == 1, "{what}: {said}");
}

#[test]
fn a_full_disk_behind_standard_output_is_told_in_a_sentence() {
    let root = TempDir::new().unwrap();
    let lines = root.path().join("lines.jsonl");
    fs::write(&lines, "{\"numbers\":[2,3],\"target\":6,\"completion\":\"<answer>2*3</answer>\"}\n").unwrap();
    let lines = lines.to_str().unwrap();
    let commands: [&[&str]; 8] = [
        &["completions", "bash"],
        &["completions", "zsh"],
        &["--help"],
        &["run", "--help"],
        &["--version"],
        &["puzzles", "--count", "3"],
        &["score", lines],
        &["doctor"],
    ];
    for arguments in commands {
        says_so(&redirected(&lab(arguments), ">/dev/full").output().unwrap(), &format!("{arguments:?}"));
        // Nowhere to say it either: the exit code does.
        let output = redirected(&lab(arguments), ">/dev/full 2>/dev/full").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    }
    // A run is whole all the same.
    let runs = root.path().join("runs");
    let output = redirected(&headless(&runs, 2), ">/dev/full").output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Standard output cannot be written") && !said.contains("panicked"), "{said}");
    assert_whole(&only_run(&runs), 2);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let commands: [&[&str]; 4] =
        [&["completions", "bash"], &["puzzles", "--count", "100000"], &["--help"], &["doctor"]];
    for arguments in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = lab(arguments).stdout(Stdio::from(writer)).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{arguments:?}");
    }
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !there() {
        assert!(began.elapsed() < Duration::from_secs(120), "{what} does not come");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Its log is on the disk that fills up, and so is its standard error.
#[test]
fn a_run_in_the_background_waits_for_a_full_disk_and_goes_on() {
    let Some(disk) = SmallDisk::mount(40) else {
        eprintln!("not tested: this machine does not let us mount a small file system");
        return;
    };
    let runs = disk.path().join("runs");
    let mut command = lab(&["run", "--detach", "--steps", "1000000", "--json", "--runs"]);
    command.arg(&runs).args(TINY.iter().flat_map(|pair| ["--set", pair])).env("AHA_LOG", "trace");
    let told: serde_json::Value = serde_json::from_slice(&succeeds(&mut command).stdout).unwrap();
    let process = Pid::from_raw(told["process"].as_i64().unwrap() as i32).unwrap();
    let run = only_run(&runs);
    let alive = || rustix::process::test_kill_process(process).is_ok() && run.is_live();
    let steps = || metrics(&run).len();
    wait_for("a step", || steps() > 1);
    // To the last byte, although the run writes at the same time.
    let filler = disk.path().join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    let mut log = fs::File::options().append(true).open(run.log_path()).unwrap();
    let mut fill = || {
        while file.write(&[0; 4096]).is_ok_and(|written| written > 0) {}
        // The last page of the log has room of its own.
        while log.write(b".\n").is_ok_and(|written| written > 0) {}
    };
    let full = Instant::now();
    while full.elapsed() < Duration::from_secs(8) {
        fill();
        thread::sleep(Duration::from_millis(50));
        assert!(alive(), "it ended: {}", fs::read_to_string(run.log_path()).unwrap_or_default());
    }
    let waited = steps();
    drop(file);
    fs::remove_file(&filler).unwrap();
    wait_for("another step, with room for it,", || steps() > waited + 2);
    assert!(alive());
    kill_process(process, Signal::TERM).unwrap();
    wait_for("its end", || !run.is_live() && rustix::process::test_kill_process(process).is_err());
    let log = fs::read_to_string(run.log_path()).unwrap();
    assert!(log.contains("are missing here") && !log.contains("panicked"), "{log}");
    assert_whole(&run, metrics(&run).len() as u64);
}
