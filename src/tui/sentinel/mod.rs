//! The Sentinel screen: what could go wrong with the run, by which numbers that is judged, and what did.
//!
//! It judges by the same rules as the engine, from the same steps and completions, so that a run of any age or of
//! another program is looked after in the same way.

mod view;

use std::sync::Arc;

use ratatui::crossterm::event::KeyCode;

use super::keys::{Chord, KeyRow};
use crate::{
    config::Config,
    metrics::sentinel::{Features, Notice, Sentinel, Standing},
    run::record::{RolloutRecord, StepMetrics},
};

pub use view::view;

/// Something a person asked for on this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// One line down.
    Down,
    /// One line up.
    Up,
    /// To the beginning.
    Home,
}

/// Keys of the Sentinel screen.
pub static KEYS: &[KeyRow<Action>] = &[
    KeyRow {
        chords: &[Chord::key(KeyCode::Down), Chord::char('j')],
        shown: "↓ j",
        action: Action::Down,
        hint: "scroll",
        help: "one line down",
    },
    KeyRow {
        chords: &[Chord::key(KeyCode::Up), Chord::char('k')],
        shown: "↑ k",
        action: Action::Up,
        hint: "",
        help: "one line up",
    },
    KeyRow {
        chords: &[Chord::key(KeyCode::Home)],
        shown: "Home",
        action: Action::Home,
        hint: "",
        help: "to the beginning",
    },
];

/// Notices kept; of a run that trembles for days the newest are enough.
const MOST_NOTICES: usize = 1_000;

/// What the Sentinel screen shows.
#[derive(Debug, Default)]
pub struct SentinelScreen {
    sentinel: Sentinel,
    /// The step being scored and what its completions count.
    counted: (u64, Features),
    notices: Vec<Notice>,
    /// The configuration that the advice starts from.
    config: Config,
    /// First line shown.
    first: usize,
    /// Lines that can still be scrolled down, from the last picture.
    rest: usize,
}

impl SentinelScreen {
    /// The configuration of the run.
    pub fn configure(&mut self, config: &Config) {
        self.config = config.clone();
    }

    /// Takes in a scored completion.
    pub fn scored(&mut self, record: &RolloutRecord) {
        // A step that was interrupted is scored again from its first completion on.
        if record.step != self.counted.0 || (record.group, record.index) == (0, 0) {
            self.counted = (record.step, Features::default());
        }
        self.counted.1.add(record);
    }

    /// Takes in a finished step.
    pub fn step_done(&mut self, metrics: &StepMetrics) {
        let features = if self.counted.0 == metrics.step { self.counted.1 } else { Features::default() };
        self.notices.extend(self.sentinel.observe(metrics, &features, &self.config));
        let surplus = self.notices.len().saturating_sub(MOST_NOTICES);
        self.notices.drain(..surplus);
    }

    /// Looks at the steps of a run that goes on from there; what their completions counted is not known any more.
    pub fn begin_again(&mut self, steps: &[Arc<StepMetrics>]) {
        let config = std::mem::take(&mut self.config);
        *self = Self { config, ..Self::default() };
        steps.iter().for_each(|metrics| self.step_done(metrics));
    }

    /// How many warnings are not over.
    pub fn raised(&self) -> usize {
        self.sentinel.raised()
    }

    /// How every danger stands, those with a warning first.
    pub fn standings(&self) -> Vec<Standing> {
        self.sentinel.standings(&self.config)
    }

    /// Does what a key asked for.
    pub fn update(&mut self, action: Action) {
        self.first = match action {
            Action::Down => self.first + self.rest.min(1),
            Action::Up => self.first.saturating_sub(1),
            Action::Home => 0,
        };
    }
}
