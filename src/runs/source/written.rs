//! A completion as another engine wrote it, and as a record of ours.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::derived::Places;
use crate::{
    record::{Problem, Puzzle, Rollout},
    task::{self, RewardRules, Task},
};

/// What an engine's files say of one completion; what they do not say is `None`.
#[derive(Debug, Clone, Default)]
pub(super) struct Written {
    /// The step, as the engine counts them.
    pub step: u64,
    /// What was asked.
    pub prompt: String,
    /// What the model wrote.
    pub completion: String,
    /// What it earned in all.
    pub reward: Option<f64>,
    /// What each reward function gave.
    pub rewards: Option<BTreeMap<String, Option<f64>>>,
    /// Which prompt of the step, from 0.
    pub group: Option<usize>,
    /// What the completions of a group have in common, where that is not the prompt.
    pub group_key: Option<String>,
    /// Which completion of the group, from 0.
    pub index: Option<usize>,
    /// The task's name.
    pub task: Option<String>,
    /// Its advantage.
    pub advantage: Option<f64>,
    /// Whether the answer is right.
    pub correct: Option<bool>,
    /// Whether it was cut off.
    pub truncated: bool,
    /// Its tokens.
    pub token_ids: Option<Vec<u32>>,
    /// Log-probability of each token, nats.
    pub logprobs: Option<Vec<f32>>,
    /// Entropy at each token, nats.
    pub entropies: Option<Vec<f32>>,
    /// The puzzle's fields, and those that nobody here knows.
    pub fields: Map<String, Value>,
}

impl Written {
    /// As a record. Where the task is one of ours, its own rules say what is right and what was thought. A puzzle that
    /// no field has is read in the prompt.
    pub fn rollout(mut self, places: &mut Places) -> Rollout {
        let (group, index) =
            places.of(self.step, self.group_key.as_deref().unwrap_or(&self.prompt), self.group, self.index);
        let task = self.known_task(places);
        let puzzle = Puzzle(self.fields);
        let name = self.task.or_else(|| Some(task?.name().to_owned())).unwrap_or_default();
        let score = || Some(task?.score(&puzzle, &self.completion, &RewardRules::default()).correct);
        Rollout {
            step: self.step,
            group,
            index,
            reward: self.reward.unwrap_or(f64::NAN),
            penalties: BTreeMap::new(),
            rewards: self.rewards,
            advantage: self.advantage,
            correct: self.correct.or_else(score),
            truncated: self.truncated,
            analysis: task.map(|task| task.analyze(&puzzle, &self.completion)).unwrap_or_default(),
            token_ids: self.token_ids,
            logprobs: self.logprobs,
            entropies: self.entropies,
            problem: Problem { task: name, puzzle, prompt: self.prompt },
            completion: self.completion,
        }
    }

    /// The task that can read this, with the puzzle among the fields.
    fn known_task(&mut self, places: &mut Places) -> Option<&'static dyn Task> {
        let told = task::of_record(self.task.as_deref()).ok();
        if let Some(task) = told.filter(|task| task.admit(&Puzzle(self.fields.clone())).is_ok()) {
            return Some(task);
        }
        if self.task.is_some() {
            return None;
        }
        let (task, puzzle) = places.asked_in(&self.prompt)?;
        // What the engine called by the same names is not the puzzle: the prompt was read, not that.
        self.fields.extend(puzzle.0);
        Some(task)
    }
}
