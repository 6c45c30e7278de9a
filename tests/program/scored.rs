//! A run's task whose verifier is changed, so that what it does to the engine can be seen.

use aha_lab::{
    engine::setup::{self, Prepared},
    reasoning::Analysis,
    task::{Prospect, Puzzle, RewardRules, Score, Split, Task},
};
use rand_chacha::ChaCha8Rng;

/// A task as it is, but for what becomes of its scores.
struct Scored<F>(Box<dyn Task>, F);

/// Puts `change` behind the verifier of the run's task.
pub fn scored_by(prepared: &mut Prepared, change: impl Fn(Score) -> Score + Send + Sync + 'static) {
    let task = setup::task_of(&prepared.config).unwrap();
    prepared.grpo.task = Box::new(Scored(task, change));
}

impl<F: Fn(Score) -> Score + Send + Sync> Task for Scored<F> {
    fn name(&self) -> &'static str {
        self.0.name()
    }
    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> Puzzle {
        self.0.draw(split, rng)
    }
    fn admit(&self, puzzle: &Puzzle) -> Result<Puzzle, String> {
        self.0.admit(puzzle)
    }
    fn prompt(&self, puzzle: &Puzzle) -> String {
        self.0.prompt(puzzle)
    }
    fn score(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Score {
        (self.1)(self.0.score(puzzle, completion, rules))
    }
    fn analyze(&self, puzzle: &Puzzle, completion: &str) -> Analysis {
        self.0.analyze(puzzle, completion)
    }
    fn canonical_answer(&self, answer: &str) -> Option<String> {
        self.0.canonical_answer(answer)
    }
    fn in_words(&self, puzzle: &Puzzle, arrow: &str) -> String {
        self.0.in_words(puzzle, arrow)
    }
    fn assemble(&self, numbers: Vec<i64>, target: Option<i64>) -> Result<Puzzle, String> {
        self.0.assemble(numbers, target)
    }
    fn solutions(&self, puzzle: &Puzzle) -> Result<Vec<String>, String> {
        self.0.solutions(puzzle)
    }
    fn prospect(&self, puzzle: &Puzzle) -> Prospect {
        self.0.prospect(puzzle)
    }
}
