//! Where a person is among the completions of a step: the group, the first completion shown, and the cursor.

use super::{Live, completions::Shown};
use crate::tui::{
    screens::listing::Needle,
    shell::effect::Effect,
    store::{
        completions::Key,
        streams::{Group, Streams},
    },
};

/// The place in a step; another step begins at its top.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    step: u64,
    /// The group that was chosen; `None` shows the one that is written.
    group: Option<usize>,
    /// The first completion shown.
    first: usize,
    /// The completion under the cursor, once somebody has moved it.
    at: Option<usize>,
}

/// Where the cursor goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    Up,
    Down,
    First,
    Last,
    Card(usize),
}

impl Live {
    fn place(&self, streams: &Streams) -> Place {
        let new = Place { step: streams.step(), ..Place::default() };
        self.place.filter(|place| place.step == streams.step()).unwrap_or(new)
    }

    /// The group on screen: its number and itself.
    pub(super) fn group<'a>(&self, streams: &'a Streams) -> Option<(usize, &'a Group)> {
        let chosen = self.place(streams).group.and_then(|number| Some((number, streams.group(number)?)));
        chosen.or_else(|| streams.current())
    }

    /// The first completion that is shown of it.
    pub(super) fn first_card(&self, streams: &Streams) -> usize {
        self.place(streams).first
    }

    /// The completion under the cursor, if somebody has moved it.
    pub(super) fn cursor(&self, streams: &Streams) -> Option<usize> {
        let last = self.group(streams)?.1.cards.len().checked_sub(1)?;
        self.place(streams).at.map(|at| at.min(last))
    }

    /// Moves the cursor, and the picture with it.
    pub(super) fn go(&mut self, to: To, streams: &Streams, shown: Shown) {
        let Some(last) = shown.of.checked_sub(1) else { return };
        let at = match (to, self.cursor(streams)) {
            (To::First, _) => 0,
            (To::Last, _) => last,
            (To::Card(card), _) => card.min(last),
            // The first press shows where the cursor is.
            (To::Up | To::Down, None) => shown.first,
            (To::Up, Some(at)) => at.saturating_sub(1),
            (To::Down, Some(at)) => (at + 1).min(last),
        };
        let first = shown.first.clamp((at + 1).saturating_sub(shown.fit.max(1)), at);
        self.place = Some(Place { first, at: Some(at), ..self.place(streams) });
    }

    pub(super) fn turn_group(&mut self, streams: &Streams, forward: bool) -> Vec<Effect> {
        let next = self.group(streams).and_then(|(number, _)| streams.beside(number, forward));
        let at = self.place(streams).at.map(|_| 0);
        self.place = Some(Place { step: streams.step(), group: next, first: 0, at });
        match streams.groups() {
            0 | 1 => Effect::info("the step's other groups appear when they are scored"),
            _ => Vec::new(),
        }
    }

    /// The completion that Enter opens: that under the cursor, or the first of the picture.
    pub(super) fn in_hand<'a>(
        &self,
        streams: &'a Streams,
        shown: Shown,
    ) -> Option<(Key, &'a crate::tui::store::streams::Card)> {
        let (group, cards) = self.group(streams)?;
        let at = self.cursor(streams).unwrap_or(shown.first);
        let (index, card) = cards.cards.iter().nth(at)?;
        Some((Key { step: streams.step(), group, index: *index }, card))
    }

    /// Opens it: in Transcripts once it is scored, and before that its group in the Microscope, which shows it being
    /// written.
    pub(super) fn open(&self, streams: &Streams, shown: Shown) -> Vec<Effect> {
        match self.in_hand(streams, shown) {
            Some((key, card)) if card.record.is_some() => vec![Effect::Read(key)],
            Some((key, _)) => vec![Effect::LookAt(key)],
            None => Effect::info("there is no completion yet: they appear as they are written"),
        }
    }

    /// Goes to the next (or the previous) completion of the step that has a text, round and round.
    pub(super) fn seek_text(
        &mut self,
        needle: &Needle,
        forward: bool,
        streams: &Streams,
        shown: Shown,
    ) -> bool {
        let Some((number, group)) = self.group(streams) else { return false };
        let texts: Vec<bool> = group.cards.values().map(|card| needle.is_in(card.text())).collect();
        let (count, here) = (texts.len(), self.cursor(streams));
        let has = |at: &usize| texts[*at];
        let found = match (here, forward) {
            (Some(here), true) => (here + 1..count).find(has),
            (Some(here), false) => (0..here).rev().find(has),
            (None, _) => (0..count).find(has),
        };
        if let Some(at) = found {
            self.go(To::Card(at), streams, shown);
            return true;
        }
        // Then in the groups beside it, and at last in this one again.
        let mut other = number;
        for _ in 0..streams.groups() {
            let Some(next) = streams.beside(other, forward) else { return false };
            other = next;
            let Some(cards) = streams.group(other) else { return false };
            let mut having = cards.cards.values().enumerate().filter(|(_, card)| needle.is_in(card.text()));
            let found = if forward { having.next() } else { having.next_back() };
            if let Some((at, _)) = found {
                let group = Some(other);
                self.place = Some(Place { step: streams.step(), group, first: at, at: Some(at) });
                return true;
            }
        }
        false
    }
}
