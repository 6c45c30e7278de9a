//! The sentinel: says in words when a run goes wrong, with the numbers that say so and what to try.
//!
//! Every rule compares the mean of the last [`WINDOW`] steps with a limit, or with the mean of the first
//! [`WINDOW`] steps. A warning is raised once, and is over when the mean has come back behind a second, milder
//! limit; so a value that trembles about a limit is told once. Pure: one run gives one list of notices.

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

use crate::{
    config::{Config, Control},
    record::StepMetrics,
};

/// Steps whose mean is judged, and steps at the start that it is compared with.
pub const WINDOW: usize = 5;

/// What the sentinel looks at in one step. A value that does not apply is NaN and is passed over.
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

/// A warning that begins or is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The step that brought it.
    pub step: u64,
    /// What it is about.
    pub danger: Danger,
    /// Whether it begins; otherwise it is over.
    pub begins: bool,
    /// What happens, the evidence and what to try, in sentences.
    pub text: String,
}

/// How one danger stands after the newest step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it is about.
    pub danger: Danger,
    /// Since which step there is a warning; `None` where there is none.
    pub since: Option<u64>,
    /// The numbers that it is judged by, in a sentence; `None` while there are too few, or none that apply.
    pub evidence: Option<String>,
    /// What to try against it, where there is a warning.
    pub advice: Option<String>,
}

/// A policy that earned something, and next to nothing from one update on.
#[derive(Debug, Clone, Copy)]
struct Fall {
    /// The step whose update it was.
    step: u64,
    /// The mean reward until then.
    before: f64,
    /// The rewards of the steps since: their sum and number.
    since: (f64, u32),
}

/// Watches one run, step after step.
#[derive(Debug, Clone, Default)]
pub struct Sentinel {
    start: Vec<Point>,
    recent: VecDeque<Point>,
    /// The mean length and accuracy of the windows with the longest answers.
    longest: Option<(f64, f64)>,
    /// What a right and a well-formed answer earned in the step before.
    earned: Option<(f64, f64)>,
    /// Steps since the rewards are what they are.
    since_reward_edit: Vec<f64>,
    /// Where the policy fell with an update and has not come up again.
    fall: Option<Fall>,
    /// The warnings that are not over, and the steps that raised them.
    raised: BTreeMap<Danger, u64>,
}

impl Sentinel {
    /// Takes in one step and gives what begins or is over with it. `config` is that of the step.
    pub fn observe(&mut self, metrics: &StepMetrics, features: &Features, config: &Config) -> Vec<Notice> {
        let measured = [metrics.reward, metrics.loss, metrics.grad_norm, metrics.entropy];
        let point = Point {
            step: metrics.step,
            reward: metrics.reward,
            accuracy: metrics.accuracy,
            dead_groups: metrics.frac_reward_zero_std,
            entropy: metrics.entropy,
            truncated: metrics.clipped_ratio,
            length: metrics.mean_length,
            arithmetic: features.arithmetic_right(),
            kl: metrics.kl.unwrap_or(f64::NAN),
            loops: features.loops(),
            unsupported: features.unsupported(),
            copied: features.copied(),
            failed: measured.iter().any(|value| !value.is_finite()),
        };
        let rewards = (config.reward.reward_correct, config.reward.reward_format);
        if self.earned != Some(rewards) {
            // Another reward for the same answers is no progress and no trick.
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

    /// How many warnings are not over.
    pub fn raised(&self) -> usize {
        self.raised.len()
    }

    /// How every danger stands, those with a warning first.
    pub fn standings(&self, config: &Config) -> Vec<Standing> {
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

    /// Before the step is taken in: whether its completions earn next to nothing where those of the update before did.
    fn look_for_fall(&mut self, point: &Point, config: &Config) {
        if config.reward.control != Control::None || !point.reward.is_finite() {
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

    /// A policy that fell with one update is ill of that, whatever else it shows: that is what there is advice against.
    fn after_fall(&self, danger: Danger, words: Words, config: &Config) -> Words {
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

    /// The mean over the last window; `None` before it is full or where nothing applies.
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

/// The mean of the finite values, where there are any.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.filter(|v| v.is_finite()).fold((0.0, 0), |(s, n), v| (s + v, n + 1));
    (count > 0).then(|| sum / f64::from(count))
}
