//! What a person does with a run of the list: name it, tag it, annotate it, delete it.

use std::fs;

use aha_lab::runs::RunLock;
use serde_json::Value;
use tempfile::TempDir;

use super::{headless, lab, only_run, pty::Lab, refusal, succeeds, text};

#[test]
fn a_run_is_named_tagged_annotated_and_deleted() {
    let root = TempDir::new().unwrap();
    let runs = root.path().join("runs");
    succeeds(&mut headless(&runs, 1));
    let deed = |arguments: &[&str]| {
        let mut command = lab(&["runs"]);
        command.args(arguments).arg("--runs").arg(&runs);
        command
    };
    let json = |arguments: &[&str]| -> Value {
        serde_json::from_slice(&succeeds(&mut deed(arguments)).stdout).unwrap()
    };
    let run = only_run(&runs);
    succeeds(&mut deed(&["--rename", &run.name(), "best so far"]));
    succeeds(&mut deed(&["--tag", "best so far", "paper, baseline"]));
    let told = json(&["--note", "best", "first line\nsecond", "--json"]);
    let noted = serde_json::json!({"name": "best so far", "note": "first line\nsecond", "tags": ["paper", "baseline"]});
    assert_eq!(told["notes"], noted);
    assert_eq!(json(&["--json"])["runs"][0]["notes"], noted);
    let table = text(&succeeds(&mut deed(&[])).stdout);
    assert!(
        table.contains("given name") && table.contains("paper, baseline") && table.contains("first line…"),
        "{table}"
    );
    assert!(refusal(&mut deed(&["--rename", "best", "a/b"])).contains("Nothing was noted"));
    // Notes of a stranger, with commands for a terminal in them: the run is listed, and they are not printed.
    let notes = run.path().join("notes.toml");
    let own = fs::read(&notes).unwrap();
    fs::write(&notes, "name = \"\\u001b[2Jx\"").unwrap();
    let output = succeeds(&mut deed(&[]));
    assert!(text(&output.stdout).lines().count() == 2 && !output.stderr.contains(&0x1b));
    assert!(text(&output.stderr).contains("notes.toml"), "{}", text(&output.stderr));
    fs::write(&notes, own).unwrap();
    // Nobody is asked where there is no terminal, and nothing is deleted meanwhile.
    assert!(refusal(&mut deed(&["--delete", "best"])).contains("--yes"));
    let lock = RunLock::acquire(run.path()).unwrap();
    for arguments in [&["--delete", "best", "--yes"][..], &["--rename", "best", "other"]] {
        assert!(refusal(&mut deed(arguments)).contains("is being written"), "{arguments:?}");
    }
    drop(lock);
    succeeds(&mut deed(&["--delete", "best", "--yes"]));
    assert!(!run.path().exists() && runs.exists());
}

#[test]
fn a_deletion_is_asked_for_on_a_terminal() {
    let root = TempDir::new().unwrap();
    succeeds(&mut headless(&root.path().join("runs"), 1));
    let run = only_run(&root.path().join("runs"));
    for (answer, stays) in [("\r", true), ("no\r", true), ("y\r", false)] {
        let mut lab = Lab::start(&["runs", "--delete", &run.name()], root.path());
        lab.shows("for good (1 step, ");
        lab.press(answer);
        assert_eq!(lab.ended(), u32::from(stays), "{answer:?}");
        assert_eq!(run.path().exists(), stays, "{answer:?}");
    }
}
