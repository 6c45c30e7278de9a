//! A report as the program writes it, and in a browser where there is one.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::{path::Path, process::Command};

fn report(runs: &[&str], folder: &Path) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_aha-lab")).arg("report").args(runs).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read_to_string(folder.join("index.html")).unwrap()
}

#[test]
fn the_run_that_ships_has_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let page = report(&["runs/first-aha", "tests/data/trl-run"], folder.path());
    for part in [
        "The aha mark",
        "id=\"runs\"",
        "class=\"true",
        "self-corrections",
        "aha-lab run --headless",
        "TRL 1.16.0",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(folder.path().join("accuracy.svg").is_file());
    // A report is never written over a run.
    let onto = Command::new(env!("CARGO_BIN_EXE_aha-lab"))
        .args(["report", "runs/first-aha", "tests/data/trl-run"])
        .output();
    let onto = onto.unwrap();
    assert!(!onto.status.success() && String::from_utf8_lossy(&onto.stderr).contains("is a run"));
    assert!(!Path::new("tests/data/trl-run/index.html").exists());
}

#[test]
fn it_works_in_a_browser() {
    let browser = ["chromium", "chromium-browser"].into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    if browser.is_none() {
        eprintln!("There is no chromium here: the page was not opened.");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    report(&["runs/first-aha", "tests/data/trl-run"], folder.path());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/check_report.py");
    let output = Command::new("python3").arg(script).arg(folder.path().join("index.html")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
