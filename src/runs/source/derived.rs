//! What engines that write completions alone do not write, as far as it follows from these: where a completion stands in
//! its step, and what the step measured.

use std::collections::{BTreeMap, HashMap};

use crate::{
    metrics::{
        readings::Readings,
        registry,
        spread::{is_dead, standard_deviation},
    },
    record::{Puzzle, Rollout, Step},
    task::{self, Task},
};

/// A puzzle, and the task that it is of.
type Asked = (&'static dyn Task, Puzzle);

/// Numbers the groups and the completions of a step where their engine did not: equal prompts are a group.
#[derive(Default)]
pub(super) struct Places {
    step: u64,
    /// The group of each prompt.
    groups: HashMap<String, usize>,
    /// How many completions each group has.
    filled: HashMap<usize, usize>,
    /// The last prompt and what it asks: the completions of a group mostly come one after the other.
    asked: Option<(String, Option<Asked>)>,
}

impl Places {
    /// Group and index of the next completion, where its engine told neither or one of them.
    pub(super) fn of(
        &mut self,
        step: u64,
        prompt: &str,
        group: Option<usize>,
        index: Option<usize>,
    ) -> (usize, usize) {
        if step != self.step {
            *self = Self { step, ..Self::default() };
        }
        let next = self.groups.len();
        let group = group.unwrap_or_else(|| match self.groups.get(prompt) {
            Some(known) => *known,
            None => *self.groups.entry(prompt.to_owned()).or_insert(next),
        });
        let filled = self.filled.entry(group).or_default();
        let index = index.unwrap_or(*filled);
        *filled += 1;
        (group, index)
    }

    /// See [`task::asked_in`].
    pub(super) fn asked_in(&mut self, prompt: &str) -> Option<Asked> {
        if self.asked.as_ref().is_none_or(|(known, _)| known != prompt) {
            self.asked = Some((prompt.to_owned(), task::asked_in(prompt)));
        }
        self.asked.as_ref()?.1.clone()
    }
}

/// What the completions of a step add up to.
#[derive(Debug, Default)]
pub(super) struct Sums {
    step: u64,
    completions: usize,
    /// Of the completions whose reward is known.
    rewards: Vec<f64>,
    groups: BTreeMap<usize, Vec<f64>>,
    /// What each reward function gave, where it gave anything.
    parts: BTreeMap<String, Vec<f64>>,
    /// Numbers beside the completions that nobody here knows: their sums, and how many there are.
    columns: BTreeMap<String, (f64, usize)>,
    /// Completions whose answer was judged, and those of them that are right.
    judged: usize,
    right: usize,
    /// Tokens of the completions whose tokens are known, and how many those are.
    tokens: usize,
    tokenised: usize,
    readings: Readings,
}

/// More columns of numbers than this are not shown.
const MOST_COLUMNS: usize = 256;

impl Sums {
    /// Of a step that has no completions yet.
    pub(super) fn of(step: u64) -> Self {
        Self { step, ..Self::default() }
    }

    /// Counts a completion.
    pub(super) fn add(&mut self, rollout: &Rollout) {
        self.completions += 1;
        self.reward(rollout.group, rollout.reward);
        for (name, part) in rollout.rewards.iter().flatten() {
            self.part(name, *part);
        }
        self.judged += usize::from(rollout.correct.is_some());
        self.right += usize::from(rollout.is_right());
        if let Some(tokens) = &rollout.token_ids {
            self.tokens += tokens.len();
            self.tokenised += 1;
        }
        let is_read = task::reads(&rollout.problem);
        if is_read {
            self.readings.add(rollout.is_right(), &rollout.analysis);
        }
        for (name, value) in &rollout.problem.puzzle.0 {
            // The target of a puzzle is no measurement.
            if let Some(value) = value.as_f64().filter(|_| !(is_read && name == "target")) {
                self.column(name, value);
            }
        }
    }

    /// Counts a reward; NaN is unknown.
    fn reward(&mut self, group: usize, reward: f64) {
        if reward.is_finite() {
            self.rewards.push(reward);
            self.groups.entry(group).or_default().push(reward);
        }
    }

    /// Counts what a reward function gave.
    pub(super) fn part(&mut self, name: &str, part: Option<f64>) {
        if let Some(part) = part.filter(|part| part.is_finite()) {
            match self.parts.get_mut(name) {
                Some(known) => known.push(part),
                None => drop(self.parts.insert(name.to_owned(), vec![part])),
            }
        }
    }

    /// Counts a number that nobody here knows.
    pub(super) fn column(&mut self, name: &str, value: f64) {
        if self.columns.len() < MOST_COLUMNS || self.columns.contains_key(name) {
            let (sum, count) = self.columns.entry(name.to_owned()).or_default();
            *sum += value;
            *count += 1;
        }
    }

    /// How many there are.
    pub(super) fn completions(&self) -> usize {
        self.completions
    }

    /// What they come to.
    pub(super) fn step(self) -> Step {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let mut step = Step::new(self.step);
        // Of some of the rewards, no more than some of them is known.
        if self.completions > 0 && self.rewards.len() == self.completions {
            let spread = self.groups.values().map(|rewards| standard_deviation(rewards)).sum::<f64>();
            let dead = self.groups.values().filter(|rewards| is_dead(rewards)).count();
            step.set(&registry::REWARD, mean(&self.rewards));
            step.set(&registry::REWARD_STD, standard_deviation(&self.rewards));
            step.set(&registry::REWARD_STD_WITHIN_GROUPS, spread / self.groups.len() as f64);
            step.set(&registry::FRAC_REWARD_ZERO_STD, share(dead, self.groups.len()));
        }
        for (name, parts) in &self.parts {
            step.put(&format!("rewards/{name}/mean"), mean(parts).into(), |_| false);
            step.put(&format!("rewards/{name}/std"), standard_deviation(parts).into(), |_| false);
        }
        for (name, (sum, count)) in &self.columns {
            step.put(&format!("columns/{name}"), (sum / *count as f64).into(), |_| false);
        }
        if self.completions > 0 {
            step.set(&registry::ACCURACY, share(self.right, self.judged));
            step.set(&registry::MEAN_LENGTH, share(self.tokens, self.tokenised));
        }
        self.readings.put(&mut step);
        step
    }
}
