//! Several runs on one screen, opened from the command line.

use std::{fs, path::Path};

use aha_lab::engine::scripted::Script;
use tempfile::TempDir;

use super::pty::Lab;

/// The run that ships with the source.
fn shipped() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runs/first-aha").display().to_string()
}

#[test]
fn two_runs_are_opened_and_gone_between_and_what_is_no_run_is_said() {
    let folder = TempDir::new().unwrap();
    let lines = (1..=3).flat_map(|step| Script::new(7).group(step, 0));
    let lines: Vec<String> = lines.map(|rollout| serde_json::to_string(&rollout).unwrap()).collect();
    fs::write(folder.path().join("elsewhere.jsonl"), lines.join("\n") + "\n").unwrap();
    let shipped = shipped();
    // Whatever is named twice is opened once.
    let arguments = ["open", &shipped, "no-such-run", "elsewhere.jsonl", "./elsewhere.jsonl"];
    let mut lab = Lab::start(&arguments, folder.path());
    lab.shows("run 1/2");
    lab.shows("1 not opened");
    lab.press(">");
    let second =
        lab.until("the second run", |screen| screen.contains("run 2/2") && screen.contains("step 3"));
    // Its name follows if it was gone to before it was told.
    assert!(second.contains("run 2 of 2: "), "{second}");
    lab.press("\t");
    lab.shows("transcripts 24 of 24");
    lab.press("R");
    let list = lab.shows(" runs ");
    assert!(list.contains("first-aha") && list.contains("unknown engine"), "{list}");
    lab.press("1");
    lab.until("the first run, on the same screen", |screen| {
        screen.contains("run 1/2") && screen.contains("transcripts ") && !screen.contains("24 of 24")
    });
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
    let told: String = lab.screen().split_whitespace().collect();
    assert!(told.contains("no-such-run") && told.contains("stepsarein"), "{}", lab.screen());
    assert!(told.contains("first-aha./elsewhere.jsonl"), "both again: {}", lab.screen());
}

#[test]
fn where_nothing_is_a_run_each_is_said_and_the_exit_code_is_1() {
    let folder = TempDir::new().unwrap();
    let mut lab = Lab::start(&["open", "no-such-run", "nor-this-one"], folder.path());
    assert_eq!(lab.ended(), 1);
    let told = lab.screen();
    assert!(told.contains("no-such-run") && told.contains("nor-this-one"), "{told}");
    assert!(!lab.has_terminal());
}
