//! Vector units: a run with each that this machine has is the same run within rounding, and says which it was.

use std::fs;

use aha_lab::{
    metrics::registry,
    record::Rollout,
    runs::{Reader, RunDirectory},
};
use serde_json::Value;
use tempfile::TempDir;

use super::{headless, lab, metrics, only_run, outcome, refusal, succeeds, text};

const VARIABLE: &str = "AHA_LAB_VECTOR";

fn doctor() -> Value {
    let output = succeeds(&mut lab(&["doctor", "--json"]));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Those of this machine, the greatest first.
fn units() -> Vec<String> {
    serde_json::from_value(doctor()["processor"]["vector_units"].clone()).unwrap()
}

fn completions(run: &RunDirectory) -> Vec<Rollout> {
    let text = fs::read_to_string(run.rollouts_path()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_few_steps_with_each_unit_are_the_same_within_rounding() {
    let roots: Vec<(String, TempDir)> =
        units().into_iter().map(|unit| (unit, TempDir::new().unwrap())).collect();
    let mut first: Option<(String, RunDirectory)> = None;
    for (unit, root) in &roots {
        let said = text(&succeeds(headless(root.path(), 3).env(VARIABLE, unit)).stderr);
        assert_eq!(said.contains("without a vector unit"), unit == "none", "{unit}: {said}");
        let run = only_run(root.path());
        assert_eq!(run.config().unwrap().provenance.unwrap().vector_unit.as_ref(), Some(unit));
        let log = fs::read_to_string(run.log_path()).unwrap();
        assert!(log.contains(&format!("vector_unit=\"{unit}\"")), "{log}");

        let Some((other, expected)) = &first else {
            first = Some((unit.clone(), run));
            continue;
        };
        let what = format!("{unit} against {other}");
        // A draw that falls between the two roundings would take another token, and a puzzle's whole course with it;
        // with this seed none does.
        for (a, b) in completions(&run).iter().zip(completions(expected)) {
            assert_eq!((a.step, a.token_ids(), a.reward), (b.step, b.token_ids(), b.reward), "{what}");
            let far = a.logprobs().iter().zip(b.logprobs()).any(|(a, b)| (a - b).abs() > 1e-3);
            assert!(!far, "{what}: log-probabilities of step {}", a.step);
        }
        for (a, b) in metrics(&run).iter().zip(metrics(expected)) {
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-3 * (1.0 + b.abs());
            for metric in [&registry::GRAD_NORM, &registry::LOSS] {
                assert!(close(a.get(metric), b.get(metric)), "{what}: step {}", a.step);
            }
        }
    }
}

/// What is promised to the bit holds with each unit, and where the unit changes on the way, that is said.
#[test]
fn with_each_unit_two_steps_and_one_more_are_three_and_can_be_made_again() {
    let units = units();
    for unit in &units {
        let (root, whole) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        succeeds(headless(root.path(), 2).env(VARIABLE, unit));
        let run = only_run(root.path());
        let resume = |unit: &str, steps: &str| {
            let name = run.path().to_string_lossy().into_owned();
            let mut command = lab(&["run", "--headless", "--steps", steps, "--resume", &name]);
            command.arg("--runs").arg(root.path()).env(VARIABLE, unit);
            text(&succeeds(&mut command).stderr)
        };
        let said = resume(unit, "3");
        assert!(!said.contains("began with the vector unit"), "{said}");
        succeeds(headless(whole.path(), 3).env(VARIABLE, unit));
        super::assert_same(&outcome(&run, 3), &outcome(&only_run(whole.path()), 3), unit);
        let mut replay = lab(&["replay"]);
        let output = succeeds(replay.arg(run.path()).args(["3", "--json"]).env(VARIABLE, unit));
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["same"], true);
        if let Some(other) = units.iter().find(|other| *other != unit) {
            let said = resume(other, "4");
            assert!(
                said.contains(&format!("began with the vector unit {unit} and continues with {other}")),
                "{said}"
            );
        }
        assert!(Reader::new(&run).metrics().unwrap().bad.is_empty());
    }
}

#[test]
fn a_unit_that_is_none_or_that_the_machine_lacks_is_refused() {
    let lacking = if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" };
    let root = TempDir::new().unwrap();
    for (name, part) in
        [("sse9", "which is not a vector unit"), (lacking, "which this machine does not have")]
    {
        let said = refusal(headless(root.path(), 1).env(VARIABLE, name));
        assert!(said.contains(&format!("AHA_LAB_VECTOR is `{name}`, {part}; use `")), "{said}");
        let said = refusal(lab(&["bench", "--backend", "cpu"]).env(VARIABLE, name));
        assert!(said.contains(part), "{said}");
        let output = lab(&["doctor"]).env(VARIABLE, name).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stdout).contains("problem: AHA_LAB_VECTOR is"), "{}", text(&output.stdout));
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "a run was begun");
}

#[test]
fn the_doctor_and_the_benchmark_name_the_unit_and_the_doctor_warns_of_none() {
    for unit in units() {
        let output = succeeds(lab(&["doctor", "--json"]).env(VARIABLE, &unit));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["processor"]["vector_unit"], *unit);
        assert_eq!(report["warnings"].to_string().contains("without a vector unit"), unit == "none");
        let shape = ["--d-model", "32", "--layers", "1", "--heads", "2", "--kv-heads", "1", "--ffn", "48"];
        let work = ["--prompts", "1", "--group", "2", "--max-new", "4", "--steps", "1", "--threads", "1"];
        let mut command = lab(&["bench", "--json", "--backend", "cpu"]);
        let output = succeeds(command.args(shape).args(work).env(VARIABLE, &unit));
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["vector_unit"], *unit);
    }
}
