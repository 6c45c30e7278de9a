//! What every command prints, of folders, files and arguments whose text would command a terminal: none of it does.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{TINY, headless, lab, only_run, text};

/// Clears the screen, sets the title, and deletes, in 7 and in 8 bits.
const HOSTILE: &str = "a\u{1b}[2J\u{9b}2J\u{1b}]0;owned\u{7}\u{9d}0;owned\u{9c}\u{7f}\u{85}z";

/// Runs it and looks at all that it printed, which must not be nothing; what it printed on standard output.
fn silent(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    for said in [&output.stdout, &output.stderr] {
        let said = text(said);
        assert!(said.chars().all(harmless), "{command:?}: {said:?}");
        assert!(!said.contains("panicked"), "{command:?}: {said}");
    }
    assert!(!(output.stdout.is_empty() && output.stderr.is_empty()), "{command:?} says nothing");
    text(&output.stdout)
}

fn hostile(root: &Path) -> PathBuf {
    let folder = root.join(HOSTILE);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn no_folder_commands_the_terminal() {
    let root = TempDir::new().unwrap();
    let folder = hostile(root.path());
    let runs = folder.join("runs");
    let of_run = |arguments: &[&str]| {
        let mut command = lab(arguments);
        command.arg("--runs").arg(&runs).current_dir(&folder);
        command
    };
    let told = silent(headless(&runs, 2).args(["--set", "checkpoint_every=1"]));
    assert!(told.contains("a\\u001b[2J\\u009b2J"), "{told}");
    let run = only_run(&runs);
    let name = run.name();
    let json = silent(&mut of_run(&["run", "--headless", "--json", "--steps", "3", "--resume", &name]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["run"], run.path().to_str().unwrap());
    silent(&mut of_run(&["run", "--headless", "--steps", "3", "--resume", &name]));
    let at = format!("{name}@2");
    let small = ["--count", "1", "--samples", "1", "--max-new-tokens", "8", "--backend", "cpu"];
    for more in [&["--json"][..], &["--record"]] {
        silent(of_run(&["eval", "--checkpoint", &at]).args(small).args(more));
    }
    silent(&mut of_run(&["runs"]));
    silent(&mut of_run(&["runs", "--json"]));
    silent(&mut of_run(&["compare", &name, &name]));
    silent(&mut of_run(&["metrics", &name]));
    silent(of_run(&["metrics", &name, "--format", "tensorboard", "--out"]).arg(folder.join("logs")));
    silent(&mut of_run(&["replay", &name, "2"]));
    silent(&mut of_run(&["replay", &name, "2", "--json"]));
    silent(of_run(&["export", &at]).arg(folder.join("exported")));
    silent(of_run(&["export", &at]).arg(folder.join("exported")));
    let puzzle = ["--numbers", "4,1,16", "--target", "19", "--backend", "cpu", "--max-new-tokens", "8"];
    silent(of_run(&["play", "--checkpoint", &at]).args(puzzle));
    silent(lab(&["play", "--checkpoint"]).arg(folder.join("exported")).args(puzzle).arg("--json"));
    silent(lab(&["analyze"]).arg(run.path()));
    silent(lab(&["analyze", "--summary", "--json"]).arg(run.path()));
    silent(lab(&["doctor"]).current_dir(&folder).env("TERM", HOSTILE));
    silent(lab(&["doctor", "--json"]).current_dir(&folder).env("TERM", HOSTILE));
    silent(of_run(&["open", &name]).current_dir(&folder));
    let pretrain = ["pretrain", "--updates", "1", "--puzzles", "1", "--json", "--threads", "1", "--out"];
    silent(lab(&pretrain).arg(folder.join("base")));
    // What is wrong with a run whose folder is hostile.
    fs::write(run.rollouts_path(), "").unwrap();
    silent(&mut of_run(&["run", "--headless", "--resume", &name]));
    fs::write(run.path().join("config.toml"), "nonsense").unwrap();
    silent(&mut of_run(&["run", "--headless", "--resume", &name]));
    silent(&mut of_run(&["open", &name]));
}

#[test]
fn no_argument_commands_the_terminal() {
    let commands = [
        "run",
        "open",
        "pretrain",
        "prime",
        "eval",
        "play",
        "score",
        "analyze",
        "puzzles",
        "bench",
        "doctor",
        "export",
        "replay",
        "runs",
        "compare",
        "metrics",
        "config",
        "completions",
        "man",
    ];
    for command in commands {
        silent(lab(&[command]).arg(HOSTILE));
        silent(lab(&[command]).arg(format!("--{HOSTILE}")));
    }
    silent(&mut lab(&[HOSTILE]));
    let run: [&[&str]; 6] = [
        &["--set", HOSTILE],
        &["--set", &format!("preset={HOSTILE}")],
        &["--config", HOSTILE],
        &["--resume", HOSTILE],
        &["--fork", HOSTILE],
        &["--base", HOSTILE],
    ];
    for arguments in run {
        silent(lab(&["run", "--headless"]).args(arguments));
    }
    #[cfg(unix)]
    {
        // Eight-bit commands that are no UTF-8.
        use std::os::unix::ffi::OsStringExt;
        silent(lab(&["run", "--headless", "--config"]).arg(OsString::from_vec(b"a\x9b2J\xff".to_vec())));
        silent(lab(&["score"]).arg(OsString::from_vec(b"a\x9b2J\xff".to_vec())));
    }
}

#[test]
fn no_line_of_input_commands_the_terminal_and_json_stays_what_it_was() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("lines.jsonl");
    let completion = format!("<think>{HOSTILE} 2 * 3 = 6</think> <answer>2{HOSTILE}</answer>");
    let lines = [
        serde_json::json!({"numbers": [2, 3], "target": 6, "completion": completion}).to_string(),
        serde_json::json!({"task": HOSTILE, "numbers": [2, 3], "target": 6, "completion": ""}).to_string(),
        serde_json::json!({"task": "multiplication", "numbers": [2, 3], "target": 6, "completion": completion}).to_string(),
        format!("{{\"{HOSTILE}"),
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let told = silent(lab(&["score"]).arg(&file));
    let answers: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers[0]["answer"].as_str().unwrap(), format!("2{HOSTILE}"));
    for arguments in [&["analyze"][..], &["analyze", "--search"], &["analyze", "--summary"]] {
        silent(lab(arguments).arg(&file));
    }
    let small = ["--samples", "1", "--max-new-tokens", "8", "--backend", "cpu"];
    silent(lab(&["eval", "--checkpoint", "embedded", "--puzzles"]).arg(&file).args(small));
    let config = root.path().join("config.toml");
    fs::write(&config, format!("{HOSTILE} = 1\n")).unwrap();
    silent(
        lab(&["run", "--headless"])
            .args(TINY.iter().flat_map(|pair| ["--set", pair]))
            .arg("--config")
            .arg(&config),
    );
}
