//! The sentinel: warns in words when a run goes wrong, with the numbers that show it and what to try.
//!
//! Every rule compares the mean of the last [`WINDOW`] steps with a limit, or with the mean of the first
//! [`WINDOW`] steps. A warning is raised once and cleared when the mean has returned past a second, milder
//! limit, so a value that hovers around a limit is reported once. Pure: the same run gives the same notices.

#[path = "sentinel/features.rs"]
mod features;
#[path = "sentinel/rules.rs"]
mod rules;
#[cfg(test)]
#[path = "sentinel/tests.rs"]
mod tests;

use std::collections::{BTreeMap, VecDeque};

pub use features::Features;
pub use rules::Danger;
use rules::Words;

use super::registry::{self, Metric};
use crate::record::Step;

/// What of a run's configuration the rules and their advice depend on, under the names of its keys.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "each is explained where the configuration has it")]
pub struct Settings {
    /// Whether the reward is a control, which has nothing to do with the answer.
    pub control: bool,
    pub reward_correct: f64,
    pub reward_format: f64,
    pub learning_rate: f64,
    /// The learning rate of a run that names none.
    pub usual_learning_rate: f64,
    pub temperature: f64,
    pub max_new_tokens: usize,
    pub clip_eps_high: f64,
    pub kl_coef: f64,
    pub max_grad_norm: f64,
}

/// Number of steps averaged for the current value, and for the value at the start.
pub(crate) const WINDOW: usize = 5;

/// What the sentinel reads of one step. A value that does not apply is NaN and is ignored.
#[derive(Debug, Clone, Copy)]
struct Point {
    step: u64,
    reward: f64,
    accuracy: f64,
    dead_groups: f64,
    entropy: f64,
    truncated: f64,
    length: f64,
    arithmetic: f64,
    kl: f64,
    loops: f64,
    unsupported: f64,
    copied: f64,
    failed: bool,
}

/// A warning that begins or ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Notice {
    /// The step at which it begins or ends.
    pub step: u64,
    /// The danger it is about.
    pub danger: Danger,
    /// Whether it begins; otherwise it ends.
    pub begins: bool,
    /// What happens, the evidence and what to try, in sentences.
    pub text: String,
}

/// The state of one danger after the latest step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The danger it is about.
    pub danger: Danger,
    /// The step since which there is a warning; `None` if there is none.
    pub since: Option<u64>,
    /// The numbers that decide it, as a sentence; `None` if there are too few or none apply.
    pub evidence: Option<String>,
    /// What to try, if there is a warning.
    pub advice: Option<String>,
}

/// A policy that earned a reward, and next to none after a certain update.
#[derive(Debug, Clone, Copy)]
struct Fall {
    /// The step of that update.
    step: u64,
    /// The mean reward before it.
    before: f64,
    /// Sum and number of the step rewards since.
    since: (f64, u32),
}

/// Watches one run, step after step.
#[derive(Debug, Clone, Default)]
pub struct Sentinel {
    start: Vec<Point>,
    recent: VecDeque<Point>,
    /// Mean length and accuracy of the window with the longest completions.
    longest: Option<(f64, f64)>,
    /// The rewards for a right and for a well-formed answer in the previous step.
    earned: Option<(f64, f64)>,
    /// Mean rewards of up to [`WINDOW`] steps since the reward settings last changed.
    since_reward_edit: Vec<f64>,
    /// The update that ruined the policy, if it has not recovered since.
    fall: Option<Fall>,
    /// The active warnings, with the steps that raised them.
    raised: BTreeMap<Danger, u64>,
}

impl Sentinel {
    /// Adds one step and returns the warnings that begin or end with it. `config` is the configuration of
    /// that step.
    pub(crate) fn observe(
        &mut self,
        metrics: &Step,
        features: &Features,
        config: impl Into<Settings>,
    ) -> Vec<Notice> {
        let config = &config.into();
        // One that is not in the line at all was not measured, which is no failure.
        let measured = [&registry::REWARD, &registry::LOSS, &registry::GRAD_NORM, &registry::ENTROPY];
        let failed = |metric: &Metric| metrics.has(metric) && !metrics.get(metric).is_finite();
        let point = Point {
            step: metrics.step,
            reward: metrics.get(&registry::REWARD),
            accuracy: metrics.get(&registry::ACCURACY),
            dead_groups: metrics.get(&registry::FRAC_REWARD_ZERO_STD),
            entropy: metrics.get(&registry::ENTROPY),
            truncated: metrics.get(&registry::CLIPPED_RATIO),
            length: metrics.get(&registry::MEAN_LENGTH),
            arithmetic: features.arithmetic_right(),
            kl: metrics.get(&registry::KL),
            loops: features.loops(),
            unsupported: features.unsupported(),
            copied: features.copied(),
            failed: measured.into_iter().any(failed),
        };
        let rewards = (config.reward_correct, config.reward_format);
        if self.earned != Some(rewards) {
            // A change of the reward settings is neither progress nor reward hacking.
            self.earned = Some(rewards);
            self.since_reward_edit.clear();
        }
        if self.since_reward_edit.len() < WINDOW {
            self.since_reward_edit.push(point.reward);
        }
        self.look_for_fall(&point, config);
        if self.start.len() < WINDOW {
            self.start.push(point);
        }
        self.recent.push_back(point);
        if self.recent.len() > WINDOW {
            self.recent.pop_front();
        }
        let mut notices = Vec::new();
        for danger in Danger::ALL {
            let Some(finding) = rules::judge(self, danger, config) else { continue };
            let known = self.raised.contains_key(&danger);
            let begins = finding.raises && !known;
            if !(begins || finding.over && known) {
                continue;
            }
            let words = self.after_fall(danger, (finding.words)(), config);
            let text = if begins {
                format!("{}: {} {}", danger.name(), words.evidence, words.advice)
            } else {
                format!("{}: over. {}", danger.name(), words.evidence)
            };
            notices.push(Notice { step: point.step, danger, begins, text });
        }
        for notice in &notices {
            if notice.begins {
                self.raised.insert(notice.danger, notice.step);
            } else {
                self.raised.remove(&notice.danger);
            }
        }
        self.remember_longest();
        notices
    }

    /// Number of active warnings.
    pub fn raised(&self) -> usize {
        self.raised.len()
    }

    /// The state of every danger, those with a warning first.
    pub fn standings(&self, config: impl Into<Settings>) -> Vec<Standing> {
        let config = &config.into();
        let stand = |danger: Danger| {
            let since = self.raised.get(&danger).copied();
            let words = rules::judge(self, danger, config)
                .map(|finding| self.after_fall(danger, (finding.words)(), config));
            let (evidence, advice) = words.map(|words| (words.evidence, words.advice)).unzip();
            Standing { danger, since, evidence, advice: advice.filter(|_| since.is_some()) }
        };
        let mut all: Vec<Standing> = Danger::ALL.into_iter().map(stand).collect();
        all.sort_by_key(|standing| standing.since.is_none());
        all
    }

    /// Before the step is added: checks whether its completions earn next to nothing, unlike those before the
    /// last update.
    fn look_for_fall(&mut self, point: &Point, config: &Settings) {
        if config.control || !point.reward.is_finite() {
            return;
        }
        if let Some(fall) = &mut self.fall {
            fall.since = (fall.since.0 + point.reward, fall.since.1 + 1);
            if point.reward > 0.3 * fall.before {
                self.fall = None;
            }
            return;
        }
        let before = mean(self.recent.iter().map(|point| point.reward)).unwrap_or(0.0);
        if before > 0.0 && point.reward <= 0.1 * before {
            self.fall = Some(Fall { step: point.step.saturating_sub(1), before, since: (point.reward, 1) });
        }
    }

    /// If one update ruined the policy, that explains every other danger, so the advice addresses it.
    fn after_fall(&self, danger: Danger, words: Words, config: &Settings) -> Words {
        match self.fall {
            Some(fall) if fall.since.1 > 1 && danger != Danger::FailedUpdate => {
                Words { advice: rules::against_fall(fall, config), ..words }
            }
            _ => words,
        }
    }

    fn remember_longest(&mut self) {
        let (Some(length), Some(accuracy)) = (self.now(|p| p.length), self.now(|p| p.accuracy)) else {
            return;
        };
        if self.longest.is_none_or(|(longest, _)| length > longest) {
            self.longest = Some((length, accuracy));
        }
    }

    /// The mean over the last window; `None` until the window is full or if nothing applies.
    fn now(&self, value: fn(&Point) -> f64) -> Option<f64> {
        (self.recent.len() == WINDOW).then(|| mean(self.recent.iter().map(value))).flatten()
    }

    /// The mean over the first window; `None` while it still overlaps the last one.
    fn before(&self, value: fn(&Point) -> f64) -> Option<f64> {
        let first = self.recent.front()?.step;
        let last = self.start.last()?.step;
        (self.start.len() == WINDOW && last < first).then(|| mean(self.start.iter().map(value))).flatten()
    }

    fn span(&self) -> String {
        let ends = self.recent.front().zip(self.recent.back());
        ends.map_or_else(String::new, |(first, last)| format!("steps {} to {}", first.step, last.step))
    }
}

/// The mean of the finite values; `None` if there are none.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.filter(|v| v.is_finite()).fold((0.0, 0), |(s, n), v| (s + v, n + 1));
    (count > 0).then(|| sum / f64::from(count))
}
