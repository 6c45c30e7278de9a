//! Runs listed, compared, and their metrics for other programs.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use super::{headless, lab, refusal, succeeds, text};

/// What a command prints when it succeeds, in a folder of runs.
fn said(arguments: &[&str], runs: &Path) -> String {
    text(&succeeds(lab(arguments).arg("--runs").arg(runs)).stdout)
}

fn json(arguments: &[&str], runs: &Path) -> Value {
    serde_json::from_str(&said(arguments, runs)).unwrap()
}

#[test]
fn a_folder_of_runs_is_listed_and_two_of_them_are_compared() {
    let root = TempDir::new().unwrap();
    let runs = root.path().join("runs");
    assert_eq!(json(&["runs", "--json"], &runs)["runs"], Value::Array(vec![]));
    for seed in ["1", "2"] {
        succeeds(headless(&runs, 2).args([
            "--seed",
            seed,
            "--set",
            "evaluate_every=1",
            "--set",
            "evaluate_puzzles=4",
        ]));
    }
    let listed = json(&["runs", "--json"], &runs);
    let [first, second] = listed["runs"].as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!((&first["seed"], &second["seed"]), (&1.into(), &2.into()));
    assert_eq!(
        (&first["steps"], &first["state"], &first["task"]),
        (&2.into(), &"finished".into(), &"countdown".into())
    );
    assert_eq!(first["accuracy"].as_array().unwrap().len(), 2);
    assert!(
        first["best_held_out"]["step"].is_u64() && first["bytes"].as_u64().unwrap() > 1_000_000,
        "{first}"
    );
    let table = said(&["runs"], &runs);
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.lines().nth(1).unwrap().contains(" finished "), "{table}");

    let names = [first, second].map(|run| run["name"].as_str().unwrap().to_owned());
    let compared = json(&["compare", &names[0], &names[1], "--json"], &runs);
    assert_eq!(compared["configuration"], serde_json::json!({"seed": ["1", "2"]}));
    assert_eq!(compared["runs"][1]["summary"]["last"]["reward"].as_f64().map(f64::is_finite), Some(true));
    let table = said(&["compare", &names[0], &names[1]], &runs);
    assert!(
        table.contains("seed") && table.contains("accuracy") && table.contains("best held out"),
        "{table}"
    );
    let alone = refusal(lab(&["compare", &names[0], "nowhere"]).arg("--runs").arg(&runs));
    assert!(alone.contains("nowhere"), "{alone}");
    // A damaged run does not hide the others.
    fs::write(runs.join(&names[0]).join("config.toml"), "nonsense").unwrap();
    let listed = json(&["runs", "--json"], &runs);
    assert_eq!(listed["runs"][1]["seed"], 2);
    assert!(!listed["runs"][0]["troubles"].as_array().unwrap().is_empty());
}

#[test]
fn metrics_become_a_table_and_an_event_file() {
    let root = TempDir::new().unwrap();
    let table = said(&["metrics", "runs/first-aha"], root.path());
    let mut lines = table.lines();
    let heading: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(&heading[..2], ["step", "reward"]);
    let log = fs::read_to_string("runs/first-aha/metrics.jsonl").unwrap();
    let accuracy = heading.iter().position(|name| *name == "accuracy").unwrap();
    for (line, logged) in lines.zip(log.lines()) {
        let cells: Vec<&str> = line.split(',').collect();
        let logged: Value = serde_json::from_str(logged).unwrap();
        assert_eq!(cells.len(), heading.len(), "{line}");
        assert_eq!(cells[accuracy].parse::<f64>().ok(), logged["accuracy"].as_f64(), "{line}");
    }
    assert_eq!(table.lines().count(), 1 + log.lines().count());

    let folder = root.path().join("logs");
    succeeds(lab(&["metrics", "runs/first-aha", "--format", "tensorboard", "--out"]).arg(&folder));
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(file).unwrap();
    assert_eq!(records(&bytes), 1 + log.lines().count(), "a version, then a record a step");
    assert!(refusal(&mut lab(&["metrics", "runs/first-aha", "--format", "tensorboard"])).contains("--out"));
    assert!(refusal(lab(&["metrics", "nowhere"]).arg("--runs").arg(root.path())).contains("nowhere"));
}

/// Counts the records of an event file by their lengths; the last must end where the file does.
fn records(bytes: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() {
        let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        at += 12 + usize::try_from(length).unwrap() + 4;
        count += 1;
    }
    assert_eq!(at, bytes.len());
    count
}
