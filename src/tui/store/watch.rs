//! What could go wrong with the run, and what did. It is judged by the same rules as the engine's, from the same steps and
//! completions, so that a run of any age or of another program is looked after in the same way.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    config::Config,
    metrics::sentinel::{Features, Notice, Sentinel, Standing},
    record::{Rollout, Step},
};

/// Notices kept; of a run that trembles for days the newest are enough.
const MOST_NOTICES: usize = 1_000;
/// Steps whose completions' counts are kept.
const MOST_COUNTED: usize = 10_000;
/// When no completion of an earlier step came for so long, all are there.
const QUIET: Duration = Duration::from_millis(300);

/// The sentinel of the run on screen.
#[derive(Debug, Default)]
pub struct Watch {
    sentinel: Sentinel,
    /// What the completions of each step count, of the last [`MOST_COUNTED`] steps.
    counted: BTreeMap<u64, Features>,
    /// The last step that was judged.
    judged: u64,
    /// Whether completions of steps that were judged without them came later, and how long ago the last did.
    late: Option<Duration>,
    notices: Vec<Notice>,
    /// The configuration that the advice starts from.
    config: Config,
    /// The configurations before it, each with the last step in which it held.
    configs: BTreeMap<u64, Config>,
}

impl Watch {
    /// The configuration of the run.
    pub(super) fn configure(&mut self, config: &Config) {
        self.config = config.clone();
    }

    /// From the step after this one on another configuration holds.
    pub(super) fn edited(&mut self, step: u64, config: &Config) {
        let before = std::mem::replace(&mut self.config, config.clone());
        self.configs.entry(step).or_insert(before);
    }

    /// The configuration of a step.
    fn config_of(&self, step: u64) -> &Config {
        self.configs.range(step..).next().map_or(&self.config, |(_, config)| config)
    }

    /// Takes in a scored completion.
    pub(super) fn scored(&mut self, record: &Rollout, now: Duration) {
        let counted = self.counted.entry(record.step).or_default();
        // A step that was interrupted is scored again from its first completion on.
        if (record.group, record.index) == (0, 0) {
            *counted = Features::default();
        }
        counted.add(record);
        if self.counted.len() > MOST_COUNTED {
            self.counted.pop_first();
        }
        if record.step <= self.judged {
            self.late = Some(now);
        }
    }

    /// Takes in a finished step.
    pub(super) fn step_done(&mut self, metrics: &Step) {
        let features = self.counted.get(&metrics.step).copied().unwrap_or_default();
        let config = self.config_of(metrics.step).clone();
        self.notices.extend(self.sentinel.observe(metrics, &features, &config));
        self.judged = metrics.step;
        let surplus = self.notices.len().saturating_sub(MOST_NOTICES);
        self.notices.drain(..surplus);
    }

    /// Looks at the steps of a run that goes on from there.
    pub(super) fn begin_again(&mut self, steps: &[Arc<Step>]) {
        let mut counted = std::mem::take(&mut self.counted);
        counted.split_off(&steps.last().map_or(0, |last| last.step + 1));
        let (config, configs) = (std::mem::take(&mut self.config), std::mem::take(&mut self.configs));
        *self = Self { config, configs, counted, ..Self::default() };
        steps.iter().for_each(|metrics| self.step_done(metrics));
    }

    /// Judges a recorded run once more when all its completions are known: they are read after the steps. Whether it
    /// did. Of a run so long that steps in between are not kept, what was found without them stands.
    pub(super) fn look_again(&mut self, steps: &[Arc<Step>], now: Duration) -> bool {
        let all = steps
            .first()
            .zip(steps.last())
            .is_some_and(|(first, last)| last.step.abs_diff(first.step) + 1 == steps.len() as u64);
        let is_time = self.late.is_some_and(|last| now.saturating_sub(last) >= QUIET);
        if is_time {
            self.late = None;
            if all {
                self.begin_again(steps);
            }
        }
        is_time && all
    }

    /// When [`Watch::look_again`] should be called.
    pub fn looks_again_at(&self) -> Option<Duration> {
        self.late.map(|last| last + QUIET)
    }

    /// How many warnings are not over.
    pub fn raised(&self) -> usize {
        self.sentinel.raised()
    }

    /// How every danger stands, those with a warning first.
    pub fn standings(&self) -> Vec<Standing> {
        self.sentinel.standings(&self.config)
    }

    /// What was said so far, oldest first.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }
}
