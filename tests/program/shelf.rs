//! The Runs screen in a real terminal: a run is found, forked with a key changed, and compared with its fork.

use std::{path::Path, process::Command};

use tempfile::TempDir;

use super::pty::Lab;

/// A run of two steps with small groups.
fn trained(folder: &Path, name: &str) {
    let arguments = "run --headless --steps 2 --set group_size=2 --set prompts_per_step=2 --set max_new_tokens=24 --set evaluate_every=0 \
         --set checkpoint_every=1 --set pinned_every=0 --backend cpu --name";
    let output = Command::new(env!("CARGO_BIN_EXE_aha-lab"))
        .args(arguments.split_whitespace())
        .arg(name)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_run_is_found_forked_with_a_key_changed_and_compared_with_its_fork() {
    let folder = TempDir::new().unwrap();
    trained(folder.path(), "mother");
    trained(folder.path(), "second");
    let mut lab = Lab::start(&["open", "second"], folder.path());
    lab.until("the run", |screen| screen.contains("step 2"));
    // The last screen of all stands before the first.
    lab.press("\x1b[Z");
    lab.until("all runs", |screen| screen.contains("runs: 2") && screen.contains("mother"));
    lab.press("fmother\r");
    lab.until("one of them", |screen| screen.contains("runs: 1 of 2"));
    lab.press("F");
    lab.shows("fork from step 2");
    lab.press("learning_rate=0.0001 steps=3\r");
    lab.until("the fork, opened", |screen| screen.contains("run 2/2"));
    lab.press("f");
    lab.shows("words: ");
    lab.press("\x1b");
    lab.until("all runs again", |screen| screen.contains("runs: 2 ") && !screen.contains("words: "));
    lab.press("l");
    lab.until("the fork among the runs", |screen| screen.contains("runs: 3"));
    lab.press("mmmv");
    let shown = lab.until("what differs", |screen| screen.contains("learning_rate"));
    assert!(shown.contains("0.0001"), "{shown}");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
}
