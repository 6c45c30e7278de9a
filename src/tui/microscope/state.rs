//! What the Microscope knows: the completions of every step, and those groups that were looked at closely.

use std::{collections::BTreeMap, sync::Arc};

use super::{action::Action, lens::Lens};
use crate::{
    protocol::{GroupInspection, Phase, RowInspection},
    record::RolloutRecord,
};

/// Groups looked at closely that are kept.
const KEPT: usize = 32;
/// Groups of completions that are kept: those of the last dozens of steps. The Transcripts screen has the others.
const KEPT_GROUPS: usize = 1024;

/// A group: its step and its number in it.
pub(super) type Place = (u64, usize);

/// The completions of a group.
#[derive(Debug, Default)]
struct Rows {
    records: Vec<Arc<RolloutRecord>>,
    /// Whether they were told with their advantages, as they are journalled.
    judged: bool,
}

/// The state of the screen.
#[derive(Debug, Default)]
pub struct Microscope {
    records: BTreeMap<Place, Rows>,
    seen: BTreeMap<Place, Box<GroupInspection>>,
    /// Losses of the last finished steps.
    losses: BTreeMap<u64, f64>,
    /// The step a person went to; `None` follows the newest.
    step: Option<u64>,
    /// Group, completion and token under the cursor.
    pub(super) group: usize,
    pub(super) row: usize,
    pub(super) token: usize,
    /// Whether one completion fills the screen.
    pub(super) open: bool,
    lens: Option<Lens>,
    /// First token of each drawn line, from the last picture.
    pub(super) lines: Vec<usize>,
}

impl Rows {
    fn add(&mut self, record: Arc<RolloutRecord>) {
        match self.records.iter_mut().find(|row| row.index == record.index) {
            Some(row) => *row = record,
            None => self.records.push(record),
        }
    }
}

impl Microscope {
    /// Takes in a completion whose advantage is known.
    pub fn push(&mut self, record: Arc<RolloutRecord>) {
        let rows = self.records.entry((record.step, record.group)).or_default();
        if !rows.judged {
            // What was seen of it before was less.
            *rows = Rows { records: Vec::new(), judged: true };
        }
        rows.add(record);
        self.keep_few();
    }

    /// Takes in a group that was looked at closely.
    pub fn inspected(&mut self, group: Box<GroupInspection>) {
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

    /// Forgets the steps after this one.
    pub fn cut_back(&mut self, step: u64) {
        let after = step.saturating_add(1);
        self.records.split_off(&(after, 0));
        self.seen.split_off(&(after, 0));
        self.losses.split_off(&after);
        self.step = self.step.filter(|shown| *shown <= step);
    }

    /// Takes in the loss of a finished step.
    pub fn step_done(&mut self, step: u64, loss: f64) {
        self.losses.insert(step, loss);
        // A step has at least one group: those that are kept have their losses.
        while self.losses.len() > KEPT_GROUPS {
            self.losses.pop_first();
        }
    }

    /// The loss of a finished step.
    pub(super) fn loss(&self, step: u64) -> Option<f64> {
        self.losses.get(&step).copied()
    }

    /// The step on screen, of which `newest` is the one in hand: it is shown once it has completions.
    pub(super) fn shown_step(&self) -> Option<u64> {
        self.step.or_else(|| self.records.last_key_value().map(|((step, _), _)| *step))
    }

    /// Whether the newest step is followed.
    pub(super) fn follows(&self) -> bool {
        self.step.is_none()
    }

    /// The group on screen.
    pub(super) fn place(&self) -> Option<Place> {
        let step = self.shown_step()?;
        let groups = self.groups(step);
        (groups > 0).then(|| (step, self.group.min(groups - 1)))
    }

    /// Groups of a step, as far as is known.
    pub(super) fn groups(&self, step: u64) -> usize {
        let known = self.records.range((step, 0)..=(step, usize::MAX)).next_back();
        let told = self.seen.range((step, 0)..=(step, usize::MAX)).map(|(_, seen)| seen.groups).max();
        known.map_or(0, |((_, group), _)| group + 1).max(told.unwrap_or(0))
    }

    /// The last phase whose results are known of a group.
    pub(super) fn known(&self, place: Place) -> Phase {
        let judged = self.records.get(&place).is_some_and(|rows| rows.judged);
        let told = self.seen.get(&place).map(|seen| seen.phase);
        match (judged, told) {
            (true, told) => told.unwrap_or(Phase::Advantage).max(Phase::Advantage),
            (false, told) => told.unwrap_or(Phase::Sample),
        }
    }

    /// Whether there is no group to look at.
    pub fn is_empty(&self) -> bool {
        self.place().is_none()
    }

    /// The completions of a group.
    pub(super) fn rows(&self, place: Place) -> &[Arc<RolloutRecord>] {
        self.records.get(&place).map_or(&[], |rows| rows.records.as_slice())
    }

    /// What was seen of a completion.
    pub(super) fn seen(&self, place: Place, index: usize) -> Option<&RowInspection> {
        self.seen.get(&place)?.rows.iter().find(|row| row.record.index == index)
    }

    /// What was seen of all completions of a group.
    pub(super) fn inspected_rows(&self, place: Place) -> &[RowInspection] {
        self.seen.get(&place).map_or(&[], |seen| seen.rows.as_slice())
    }

    /// The colouring: what a person chose, else what the moment calls for.
    pub(super) fn lens(&self, place: Place) -> Lens {
        self.lens.unwrap_or(match self.known(place) {
            Phase::Sample | Phase::Score => Lens::Entropy,
            Phase::Advantage => Lens::Advantage,
            Phase::Update | Phase::Evaluate => Lens::Change,
        })
    }

    /// The group that the engine should look at.
    pub fn wanted(&self) -> usize {
        self.group
    }

    /// Does what was asked.
    pub fn update(&mut self, action: Action) {
        let place = self.place();
        let rows = place.map_or(0, |place| self.rows(place).len());
        let tokens = place
            .and_then(|place| self.rows(place).get(self.row.min(rows.saturating_sub(1))))
            .map_or(0, |record| record.token_ids.len());
        let line = self.lines.partition_point(|&first| first <= self.token).saturating_sub(1);
        match action {
            Action::Up if self.open => self.go_to_line(line.checked_sub(1), line),
            Action::Down if self.open => self.go_to_line(Some(line + 1), line),
            Action::Up => self.go_to_row(self.row.saturating_sub(1)),
            Action::Down => self.go_to_row((self.row + 1).min(rows.saturating_sub(1))),
            Action::Left => self.token = self.token.saturating_sub(1),
            Action::Right => self.token = (self.token + 1).min(tokens.saturating_sub(1)),
            Action::First => self.token = 0,
            Action::Last => self.token = tokens.saturating_sub(1),
            Action::Open => self.open = !self.open,
            Action::Back => self.open = false,
            Action::NextGroup => {
                let last = self.shown_step().map_or(0, |step| self.groups(step)).saturating_sub(1);
                self.go_to_group((self.group + 1).min(last));
            }
            Action::PreviousGroup => self.go_to_group(self.group.saturating_sub(1)),
            Action::NextStep => self.change_step(true),
            Action::PreviousStep => self.change_step(false),
            Action::Color(lens) => self.lens = Some(lens),
        }
    }

    fn go_to_row(&mut self, row: usize) {
        if row != self.row {
            (self.row, self.token) = (row, 0);
        }
    }

    fn go_to_group(&mut self, group: usize) {
        if group != self.group {
            (self.group, self.row, self.token) = (group, 0, 0);
        }
    }

    /// To a line, as far from its beginning as the cursor is from that of its own.
    fn go_to_line(&mut self, line: Option<usize>, from: usize) {
        let Some((line, &first)) = line.and_then(|line| Some((line, self.lines.get(line)?))) else { return };
        let into = self.token.saturating_sub(self.lines.get(from).copied().unwrap_or(0));
        let end = self.lines.get(line + 1).map_or(usize::MAX, |next| next.saturating_sub(1));
        self.token = (first + into).min(end).max(first);
    }

    fn change_step(&mut self, later: bool) {
        let Some(now) = self.shown_step() else { return };
        let other = if later {
            self.records.range((now + 1, 0)..).next()
        } else {
            self.records.range(..(now, 0)).next_back()
        };
        match other {
            Some(((step, _), _)) => {
                (self.step, self.row, self.token) = (Some(*step), 0, 0);
            }
            None if later => self.step = None,
            None => {}
        }
    }
}
