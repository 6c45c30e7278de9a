//! A run that TRL trained and the Python callback wrote, under the commands that read runs.

use std::path::Path;

use aha_lab::runs::{Reader, RunDirectory};
use serde_json::Value;

use super::{lab, succeeds, text};

const RUN: &str = "tests/data/trl-run";

#[test]
fn its_completions_are_scored_and_analyzed_as_it_recorded_them() {
    let run = RunDirectory::open(Path::new(RUN)).unwrap();
    let rollouts = Reader::new(&run).rollouts().unwrap();
    assert!(rollouts.bad.is_empty() && rollouts.records.len() >= 16, "{:?}", rollouts.bad);
    let lines = |command: &str| -> Vec<Value> {
        let answers = text(&succeeds(lab(&[command]).arg(run.rollouts_path())).stdout);
        answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (scores, analyses) = (lines("score"), lines("analyze"));
    assert_eq!((scores.len(), analyses.len()), (rollouts.records.len(), rollouts.records.len()));
    for (record, (score, analysis)) in rollouts.records.iter().zip(scores.iter().zip(&analyses)) {
        // TRL computes with 32-bit floats.
        let apart = record.reward - score["reward"].as_f64().unwrap();
        assert!(apart.abs() < 1e-6 && record.correct == score["correct"].as_bool(), "{score}");
        assert_eq!(serde_json::to_value(&record.analysis).unwrap()["checks"], analysis["checks"]);
        let tokens = record.token_ids().len();
        assert!(tokens > 0 && record.logprobs().len() == tokens && record.entropies().len() == tokens);
        assert!(record.logprobs().iter().all(|logprob| *logprob <= 0.0));
        let parts = record.rewards.as_ref().unwrap();
        assert_eq!(parts.keys().collect::<Vec<_>>(), ["countdown"]);
    }
}

#[test]
fn it_is_nothing_to_resume() {
    let mut command = lab(&["run", "--headless", "--steps", "1", "--resume", RUN]);
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("TRL"), "{said}");
}
