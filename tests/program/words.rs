//! A task whose problems are no numbers with a target: words to be said in the opposite order. Nothing but the task
//! knows what they are; everything else carries its fields along and shows them as plain text.

use std::fs;

use aha_lab::{
    metrics::registry,
    record::{Analysis, Puzzle, Score},
    runs::Reader,
    task::{Prospect, RewardRules, Split, Task},
};
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{
    engine::{Driven, options},
    only_run,
    pty::Lab,
    tiny,
};

/// Words that the embedded base has tokens for.
const WORDS: [&str; 8] = ["again", "back", "high", "idea", "left", "low", "right", "works"];

struct Backwards;

fn words(puzzle: &Puzzle) -> Vec<String> {
    let words = puzzle.0.get("words").and_then(Value::as_array);
    words.into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

fn of(words: &[&str]) -> Puzzle {
    Puzzle(Map::from_iter([("words".to_owned(), json!(words))]))
}

impl Task for Backwards {
    fn name(&self) -> &'static str {
        "words"
    }

    fn draw(&self, _split: Split, rng: &mut ChaCha8Rng) -> Puzzle {
        of(&(0..3).map(|_| *WORDS.choose(rng).unwrap()).collect::<Vec<_>>())
    }

    fn admit(&self, puzzle: &Puzzle) -> Result<Puzzle, String> {
        match words(puzzle).is_empty() {
            true => Err("A puzzle has `words`.".into()),
            false => Ok(puzzle.clone()),
        }
    }

    fn prompt(&self, puzzle: &Puzzle) -> String {
        format!("{} : <think>", words(puzzle).join(" "))
    }

    fn score(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Score {
        let answer = completion.rsplit_once("<answer>").and_then(|(_, rest)| rest.split_once("</answer>"));
        let answer = answer.map(|(answer, _)| answer.trim().to_owned());
        let mut wanted = words(puzzle);
        wanted.reverse();
        let correct = answer.as_deref() == Some(wanted.join(" ").as_str());
        let reward = match (correct, &answer) {
            (true, _) => rules.correct,
            (false, Some(_)) => rules.format,
            (false, None) => 0.0,
        };
        let reason = format!("The words in the opposite order are {}.", wanted.join(" "));
        Score { reward, correct, format: answer.is_some(), answer, value: None, reason }
    }

    fn analyze(&self, _puzzle: &Puzzle, _completion: &str) -> Analysis {
        Analysis::default()
    }

    fn canonical_answer(&self, answer: &str) -> Option<String> {
        Some(answer.trim().to_owned())
    }

    fn in_words(&self, puzzle: &Puzzle, arrow: &str) -> String {
        format!("{} {arrow} backwards", words(puzzle).join(" "))
    }

    fn assemble(&self, _numbers: Vec<i64>, _target: Option<i64>) -> Result<Puzzle, String> {
        Err("A puzzle is three words.".into())
    }

    fn solutions(&self, puzzle: &Puzzle) -> Result<Vec<String>, String> {
        let mut words = words(puzzle);
        words.reverse();
        Ok(vec![words.join(" ")])
    }

    fn prospect(&self, _puzzle: &Puzzle) -> Prospect {
        Prospect::Solvable
    }
}

#[test]
fn words_are_trained_on_journalled_and_shown_as_they_are() {
    let folder = TempDir::new().unwrap();
    let runs = folder.path().join("runs");
    let config = tiny().with(["evaluate_every=0", "pinned_every=0"]).unwrap();
    Driven::start_with(options(&runs, config, 2), |prepared| prepared.grpo.task = Box::new(Backwards)).rest();

    let run = only_run(&runs);
    let reader = Reader::new(&run);
    assert_eq!(reader.metrics().unwrap().records.len(), 2);
    let rollouts = reader.rollouts().unwrap().records;
    assert!(!rollouts.is_empty());
    for rollout in &rollouts {
        assert_eq!(rollout.problem.task, "words");
        assert_eq!(words(&rollout.problem.puzzle).len(), 3);
        let again = Backwards.score(&rollout.problem.puzzle, &rollout.completion, &RewardRules::default());
        assert_eq!((rollout.reward, rollout.correct), (again.reward, Some(again.correct)));
    }
    assert!(reader.metrics().unwrap().records[0].get(&registry::REWARD).is_finite());
    let written = fs::read_to_string(run.rollouts_path()).unwrap();
    assert!(!written.contains(r#""numbers""#) && !written.contains(r#""target""#));

    // The program, which does not have this task, shows what was asked and words nothing as Countdown.
    let name = run.name();
    let asked = &rollouts[rollouts.len() - 1].problem.prompt;
    let mut lab = Lab::start(&["open", &name, "--runs", "runs"], folder.path());
    lab.until("the run", |screen| screen.contains("step 2"));
    lab.press("\u{1b}OR");
    let screen =
        lab.until("the completions", |screen| screen.contains("transcripts") && screen.contains(asked));
    assert!(!screen.contains("->") && !screen.contains('→'), "{screen}");
    lab.press("q");
}
