//! What engines that write completions alone do not write, as far as it follows from these: where a completion stands in
//! its step, and what the step measured.

use std::collections::{BTreeMap, HashMap};

use crate::{
    metrics::{
        readings::Readings,
        registry,
        spread::{is_dead, standard_deviation},
    },
    record::{Rollout, Step},
    task,
};

/// Numbers the groups and the completions of a step where their engine did not: equal prompts are a group.
#[derive(Debug, Default)]
pub(super) struct Places {
    step: u64,
    /// The group of each prompt.
    groups: HashMap<String, usize>,
    /// How many completions each group has.
    filled: HashMap<usize, usize>,
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
}

/// The metrics of steps whose completions come one after the other.
#[derive(Debug, Default)]
pub(super) struct StepsOf {
    current: Option<Sums>,
}

/// What the completions of a step add up to.
#[derive(Debug, Default)]
struct Sums {
    step: u64,
    rewards: Vec<f64>,
    groups: BTreeMap<usize, Vec<f64>>,
    /// Completions whose answer was judged, and those of them that are right.
    judged: usize,
    right: usize,
    /// Tokens of the completions whose tokens are known, and how many those are.
    tokens: usize,
    tokenised: usize,
    readings: Readings,
}

impl StepsOf {
    /// Counts a completion. The step before it, where this one begins another.
    pub(super) fn add(&mut self, rollout: &Rollout) -> Option<Step> {
        let done = match &self.current {
            Some(sums) if sums.step != rollout.step => self.end(),
            _ => None,
        };
        let sums = self.current.get_or_insert_with(|| Sums { step: rollout.step, ..Sums::default() });
        sums.rewards.push(rollout.reward);
        sums.groups.entry(rollout.group).or_default().push(rollout.reward);
        sums.judged += usize::from(rollout.correct.is_some());
        sums.right += usize::from(rollout.is_right());
        if let Some(tokens) = &rollout.token_ids {
            sums.tokens += tokens.len();
            sums.tokenised += 1;
        }
        if task::reads(&rollout.problem) {
            sums.readings.add(rollout.is_right(), &rollout.analysis);
        }
        done
    }

    /// The step whose completions were counted last.
    pub(super) fn end(&mut self) -> Option<Step> {
        self.current.take().map(|sums| sums.step())
    }
}

impl Sums {
    fn step(self) -> Step {
        let n = self.rewards.len();
        let share = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
        let spread = self.groups.values().map(|rewards| standard_deviation(rewards)).sum::<f64>();
        let dead = self.groups.values().filter(|rewards| is_dead(rewards)).count();
        let mut step = Step::new(self.step);
        step.set(&registry::REWARD, self.rewards.iter().sum::<f64>() / n as f64);
        step.set(&registry::REWARD_STD, standard_deviation(&self.rewards));
        step.set(&registry::REWARD_STD_WITHIN_GROUPS, spread / self.groups.len() as f64);
        step.set(&registry::FRAC_REWARD_ZERO_STD, share(dead, self.groups.len()));
        step.set(&registry::ACCURACY, share(self.right, self.judged));
        step.set(&registry::MEAN_LENGTH, share(self.tokens, self.tokenised));
        self.readings.put(&mut step);
        step
    }
}
