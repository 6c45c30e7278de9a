//! The sentinel of the run on screen. It applies the engine's rules to the same steps and completions, so that old
//! runs and those of other programs are watched in the same way.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    config::Config,
    metrics::sentinel::{Features, Notice, Sentinel, Standing},
    record::{Rollout, Step},
};

/// Most notices kept; for a long, unstable run the newest are enough.
const MOST_NOTICES: usize = 1_000;
/// Steps whose completions' counts are kept.
const MOST_COUNTED: usize = 10_000;
/// If no completion of an earlier step came for this long, all have arrived.
const QUIET: Duration = Duration::from_millis(300);

/// The sentinel of the run on screen.
#[derive(Debug, Default)]
pub struct Watch {
    sentinel: Sentinel,
    /// The completion counts of the last [`MOST_COUNTED`] steps.
    counted: BTreeMap<u64, Features>,
    /// The last step that was judged.
    judged: u64,
    /// Whether completions of steps that were judged without them came later, and how long ago the last did.
    late: Option<Duration>,
    notices: Vec<Notice>,
    /// The configuration that the advice starts from.
    config: Config,
    /// The earlier configurations, each with its last step.
    configs: BTreeMap<u64, Config>,
}

impl Watch {
    /// The configuration of the run.
    pub(super) fn configure(&mut self, config: &Config) {
        self.config = config.clone();
    }

    /// Another configuration applies after this step.
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

    /// Continues with a run from this step.
    pub(super) fn begin_again(&mut self, steps: &[Arc<Step>]) {
        let mut counted = std::mem::take(&mut self.counted);
        counted.split_off(&steps.last().map_or(0, |last| last.step + 1));
        let (config, configs) = (std::mem::take(&mut self.config), std::mem::take(&mut self.configs));
        *self = Self { config, configs, counted, ..Self::default() };
        steps.iter().for_each(|metrics| self.step_done(metrics));
    }

    /// Judges a recorded run again once all its completions are known, since they are read after the steps. Returns
    /// whether it did. In a run too long to keep all steps, earlier findings stand.
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
    pub(crate) fn looks_again_at(&self) -> Option<Duration> {
        self.late.map(|last| last + QUIET)
    }

    /// The number of active warnings.
    pub fn raised(&self) -> usize {
        self.sentinel.raised()
    }

    /// How every danger stands, those with a warning first.
    pub fn standings(&self) -> Vec<Standing> {
        self.sentinel.standings(&self.config)
    }

    /// All notices so far, oldest first.
    pub(crate) fn notices(&self) -> &[Notice] {
        &self.notices
    }
}
