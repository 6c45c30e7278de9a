//! The groups of the last steps: their completions, and the inspections of those that were inspected.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    protocol::{GroupInspection, Phase, RowInspection},
    record::Rollout,
};

/// Most inspected groups kept.
const KEPT: usize = 32;
/// Groups of completions that are kept: those of the last dozens of steps. [`Completions`](super::completions) has the
/// others, without the figures of their tokens.
const KEPT_GROUPS: usize = 1024;

/// A group: its step and its number in it.
pub(crate) type Place = (u64, usize);

/// The completions of a group.
#[derive(Debug, Default)]
struct Rows {
    records: Vec<Arc<Rollout>>,
    /// Whether they came with their advantages, as in the journal.
    judged: bool,
}

/// Groups with the figures of their tokens.
#[derive(Debug, Default)]
pub struct Groups {
    records: BTreeMap<Place, Rows>,
    seen: BTreeMap<Place, Box<GroupInspection>>,
    /// Losses of the last finished steps.
    losses: BTreeMap<u64, f64>,
}

impl Rows {
    fn add(&mut self, record: Arc<Rollout>) {
        match self.records.iter_mut().find(|row| row.index == record.index) {
            Some(row) => *row = record,
            None => self.records.push(record),
        }
    }
}

impl Groups {
    /// Takes in a completion whose advantage is known.
    pub(super) fn push(&mut self, record: Arc<Rollout>) {
        let rows = self.records.entry((record.step, record.group)).or_default();
        if !rows.judged {
            // Earlier inspections had less.
            *rows = Rows { records: Vec::new(), judged: true };
        }
        rows.add(record);
        self.keep_few();
    }

    /// Stores an inspected group.
    pub(super) fn inspected(&mut self, group: Box<GroupInspection>) {
        let place = (group.step, group.group);
        let rows = self.records.entry(place).or_default();
        let judged = group.phase >= Phase::Advantage;
        if judged || !rows.judged {
            rows.judged = judged;
            group.rows.iter().for_each(|row| rows.add(Arc::new(row.record.clone())));
        }
        self.keep_few();
        self.seen.insert(place, group);
        while self.seen.len() > KEPT {
            self.seen.pop_first();
        }
    }

    fn keep_few(&mut self) {
        while self.records.len() > KEPT_GROUPS {
            self.records.pop_first();
        }
    }

    /// Drops the steps after this one.
    pub(super) fn cut_back(&mut self, step: u64) {
        let after = step.saturating_add(1);
        self.records.split_off(&(after, 0));
        self.seen.split_off(&(after, 0));
        self.losses.split_off(&after);
    }

    /// Takes in the loss of a finished step.
    pub(super) fn step_done(&mut self, step: u64, loss: f64) {
        self.losses.insert(step, loss);
        // A step has at least one group: those that are kept have their losses.
        while self.losses.len() > KEPT_GROUPS {
            self.losses.pop_first();
        }
    }

    /// The loss of a finished step.
    pub fn loss(&self, step: u64) -> Option<f64> {
        self.losses.get(&step).copied()
    }

    /// The newest step of which there is a group.
    pub fn newest(&self) -> Option<u64> {
        self.records.last_key_value().map(|((step, _), _)| *step)
    }

    /// The next later step of which there is a group, or the next earlier.
    pub(crate) fn step_beside(&self, step: u64, later: bool) -> Option<u64> {
        let other = match later {
            true => self.records.range((step + 1, 0)..).next(),
            false => self.records.range(..(step, 0)).next_back(),
        };
        other.map(|((step, _), _)| *step)
    }

    /// Groups of a step, as far as is known.
    pub fn groups(&self, step: u64) -> usize {
        let known = self.records.range((step, 0)..=(step, usize::MAX)).next_back();
        let told = self.seen.range((step, 0)..=(step, usize::MAX)).map(|(_, seen)| seen.groups).max();
        known.map_or(0, |((_, group), _)| group + 1).max(told.unwrap_or(0))
    }

    /// The last phase whose results are known of a group.
    pub fn known(&self, place: Place) -> Phase {
        let judged = self.records.get(&place).is_some_and(|rows| rows.judged);
        let told = self.seen.get(&place).map(|seen| seen.phase);
        match (judged, told) {
            (true, told) => told.unwrap_or(Phase::Advantage).max(Phase::Advantage),
            (false, told) => told.unwrap_or(Phase::Sample),
        }
    }

    /// The completions of a group.
    pub fn rows(&self, place: Place) -> &[Arc<Rollout>] {
        self.records.get(&place).map_or(&[], |rows| rows.records.as_slice())
    }

    /// The inspection of a completion.
    pub fn seen(&self, place: Place, index: usize) -> Option<&RowInspection> {
        self.seen.get(&place)?.rows.iter().find(|row| row.record.index == index)
    }

    /// The inspections of a group.
    pub(crate) fn inspected_rows(&self, place: Place) -> &[RowInspection] {
        self.seen.get(&place).map_or(&[], |seen| seen.rows.as_slice())
    }
}
