//! The position among the groups.

use ratatui::layout::Rect;

use super::{action::Action, lens::Lens};
use crate::{
    protocol::Phase,
    tui::{
        screens::listing::Needle,
        store::groups::{Groups, Place},
    },
};

/// The Microscope.
#[derive(Debug, Default)]
pub struct Microscope {
    /// The selected step; `None` follows the newest.
    step: Option<u64>,
    /// Group, completion and token under the cursor.
    pub(super) group: usize,
    pub(super) row: usize,
    pub(super) token: usize,
    /// Whether one completion fills the screen.
    pub(super) open: bool,
    lens: Option<Lens>,
}

/// Where the last frame put things.
#[derive(Debug, Default)]
pub struct Hits {
    /// Where the completions are.
    pub(super) rows: Vec<(Rect, usize)>,
    /// Where the tokens are.
    pub(super) tokens: Vec<(Rect, usize)>,
    /// First token of each drawn line.
    pub(super) lines: Vec<usize>,
}

impl Microscope {
    /// The step on screen. Steps after a checkpoint that was resumed no longer exist.
    pub(super) fn shown_step(&self, groups: &Groups) -> Option<u64> {
        self.chosen_step(groups).or(groups.newest())
    }

    fn chosen_step(&self, groups: &Groups) -> Option<u64> {
        self.step.filter(|step| groups.newest().is_some_and(|newest| *step <= newest))
    }

    /// Whether the newest step is followed.
    pub(super) fn follows(&self, groups: &Groups) -> bool {
        self.chosen_step(groups).is_none()
    }

    /// The group on screen.
    pub(super) fn place(&self, groups: &Groups) -> Option<Place> {
        let step = self.shown_step(groups)?;
        let count = groups.groups(step);
        (count > 0).then(|| (step, self.group.min(count - 1)))
    }

    /// The colouring: the user's choice, else the one that suits the phase.
    pub(super) fn lens(&self, place: Place, groups: &Groups) -> Lens {
        self.lens.unwrap_or(match groups.known(place) {
            Phase::Sample | Phase::Score => Lens::Entropy,
            Phase::Advantage => Lens::Advantage,
            Phase::Update | Phase::Evaluate => Lens::Change,
        })
    }

    /// Does what was asked.
    pub(super) fn act(&mut self, action: Action, groups: &Groups, hits: &Hits) {
        let place = self.place(groups);
        let rows = place.map_or(0, |place| groups.rows(place).len());
        let tokens = place
            .and_then(|place| groups.rows(place).get(self.row.min(rows.saturating_sub(1))))
            .map_or(0, |record| record.token_ids().len());
        let line = hits.lines.partition_point(|&first| first <= self.token).saturating_sub(1);
        match action {
            Action::Up if self.open => self.go_to_line(line.checked_sub(1), line, hits),
            Action::Down if self.open => self.go_to_line(Some(line + 1), line, hits),
            Action::Up => self.go_to_row(self.row.saturating_sub(1)),
            Action::Down => self.go_to_row((self.row + 1).min(rows.saturating_sub(1))),
            Action::Left => self.token = self.token.saturating_sub(1),
            Action::Right => self.token = (self.token + 1).min(tokens.saturating_sub(1)),
            Action::First => self.token = 0,
            Action::Last => self.token = tokens.saturating_sub(1),
            Action::Click { column, row } => {
                let under = |places: &[(Rect, usize)]| {
                    places.iter().find(|(area, _)| area.contains((column, row).into())).map(|(_, at)| *at)
                };
                match (under(&hits.tokens), under(&hits.rows)) {
                    (Some(token), _) => self.token = token.min(tokens.saturating_sub(1)),
                    // A click on the completion under the cursor opens it, or closes it.
                    (None, Some(row)) if row == self.row.min(rows.saturating_sub(1)) => {
                        self.open = !self.open
                    }
                    (None, Some(row)) => self.go_to_row(row),
                    (None, None) => {}
                }
            }
            Action::Open => self.open = !self.open,
            Action::Back => self.open = false,
            Action::NextGroup => {
                let count = self.shown_step(groups).map_or(0, |step| groups.groups(step));
                self.go_to_group((self.group + 1).min(count.saturating_sub(1)));
            }
            Action::PreviousGroup => self.go_to_group(self.group.saturating_sub(1)),
            Action::NextStep => self.change_step(true, groups),
            Action::PreviousStep => self.change_step(false, groups),
            Action::Color(lens) => self.lens = Some(lens),
        }
    }

    /// Goes to a group of a step; the newest is followed.
    pub(super) fn go_to_place(&mut self, (step, group): Place, row: usize, groups: &Groups) {
        self.step = Some(step).filter(|step| groups.newest().is_some_and(|newest| *step < newest));
        (self.group, self.row, self.token) = (group, row, 0);
    }

    /// Goes to the next (or the previous) completion of the step that has a text, round and round.
    pub(super) fn seek(&mut self, needle: &Needle, forward: bool, groups: &Groups) -> bool {
        let Some((step, group)) = self.place(groups) else { return false };
        let places: Vec<(usize, usize)> = (0..groups.groups(step))
            .flat_map(|group| (0..groups.rows((step, group)).len()).map(move |row| (group, row)))
            .collect();
        let here = places.iter().position(|place| *place == (group, self.row)).unwrap_or(0);
        let has = |at: &usize| {
            let (group, row) = places[*at];
            needle.is_in(&groups.rows((step, group))[row].completion)
        };
        let count = places.len();
        let found = match forward {
            true => (here + 1..count).chain(0..here.min(count)).find(has),
            false => (0..here.min(count)).rev().chain((here + 1..count).rev()).find(has),
        };
        if let Some(at) = found {
            let (group, row) = places[at];
            self.go_to_group(group);
            self.go_to_row(row);
        }
        found.is_some()
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

    /// To the same column of another line.
    fn go_to_line(&mut self, line: Option<usize>, from: usize, hits: &Hits) {
        let Some((line, &first)) = line.and_then(|line| Some((line, hits.lines.get(line)?))) else { return };
        let into = self.token.saturating_sub(hits.lines.get(from).copied().unwrap_or(0));
        let end = hits.lines.get(line + 1).map_or(usize::MAX, |next| next.saturating_sub(1));
        self.token = (first + into).min(end).max(first);
    }

    fn change_step(&mut self, later: bool, groups: &Groups) {
        let Some(now) = self.shown_step(groups) else { return };
        match groups.step_beside(now, later) {
            Some(step) => (self.step, self.row, self.token) = (Some(step), 0, 0),
            None if later => self.step = None,
            None => {}
        }
    }
}
