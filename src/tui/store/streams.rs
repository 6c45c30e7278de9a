//! The completions of the current step, as they are written and as they are scored.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use crate::{
    reasoning::Analysis,
    record::Rollout,
    task::{self, Puzzle},
};

/// How long a self-correction stays lit after it was seen.
pub(crate) const FLASH: Duration = Duration::from_millis(1500);

/// Most bytes of a streamed text: no model writes this much, and drawing must stay cheap whatever arrives.
const LONGEST_TEXT: usize = 64 * 1024;

/// One completion on screen.
#[derive(Debug, Clone, Default)]
pub struct Card {
    /// What was written so far.
    text: String,
    /// Pieces that have arrived.
    pub pieces: usize,
    /// The score, once there is one.
    pub record: Option<Arc<Rollout>>,
    analysis: Analysis,
    /// Bytes of the text that the analysis has seen.
    analyzed: usize,
    /// Until when its newest self-correction is lit, in the app's time.
    pub lit_until: Option<Duration>,
}

impl Card {
    /// The text: the record's once it is scored.
    pub fn text(&self) -> &str {
        self.record.as_ref().map_or(self.text.as_str(), |record| record.completion.as_str())
    }

    /// What is found in the text so far.
    pub fn analysis(&self) -> &Analysis {
        self.record.as_ref().map_or(&self.analysis, |record| &record.analysis)
    }

    /// Tokens written so far, where they are known.
    pub fn tokens(&self) -> Option<usize> {
        match &self.record {
            Some(record) => record.length(),
            None => Some(self.pieces),
        }
    }

    /// Whether it has given its answer, so that little is likely to follow.
    pub fn answered(&self) -> bool {
        self.text().trim_end().ends_with("</answer>")
    }

    /// Reads what arrived since the last time; a new self-correction is lit until a while after `now`.
    fn refresh(&mut self, task: &str, puzzle: &Puzzle, now: Duration) {
        if self.record.is_some() || self.analyzed == self.text.len() {
            return;
        }
        let found = task::analyze(task, puzzle, &self.text).unwrap_or_default();
        if found.self_corrections > self.analysis.self_corrections {
            self.lit_until = Some(now + FLASH);
        }
        self.analysis = found;
        self.analyzed = self.text.len();
    }
}

/// The completions of one prompt.
#[derive(Debug, Clone)]
pub struct Group {
    /// What is asked.
    pub puzzle: Puzzle,
    /// Whether it was streamed token by token.
    pub streamed: bool,
    /// Its completions by index.
    pub cards: BTreeMap<usize, Card>,
}

impl Group {
    fn new(puzzle: Puzzle) -> Self {
        Self { puzzle, streamed: false, cards: BTreeMap::new() }
    }
}

/// The groups of one step. A step stays until the next one begins.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    step: u64,
    groups: BTreeMap<usize, Group>,
    shown: Option<usize>,
}

impl Streams {
    /// The step shown; 0 before the first.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The group that is being written, or the first that was scored: its number and itself.
    pub fn current(&self) -> Option<(usize, &Group)> {
        let shown = self.shown?;
        self.groups.get(&shown).map(|group| (shown, group))
    }

    /// The problem of a group of the step, once known.
    pub fn puzzle(&self, (step, group): (u64, usize)) -> Option<&Puzzle> {
        self.groups.get(&group).filter(|_| step == self.step).map(|group| &group.puzzle)
    }

    /// One group of the step.
    pub fn group(&self, number: usize) -> Option<&Group> {
        self.groups.get(&number)
    }

    /// Reads what arrived since the last time; new self-corrections are lit until a while after `now`.
    pub(super) fn read(&mut self, task: &str, now: Duration) {
        for group in self.groups.values_mut() {
            group.cards.values_mut().for_each(|card| card.refresh(task, &group.puzzle, now));
        }
    }

    /// When each light goes out.
    fn lights(&self) -> impl Iterator<Item = Duration> + '_ {
        self.groups.values().flat_map(|group| group.cards.values()).filter_map(|card| card.lit_until)
    }

    /// When the next light goes out.
    pub(crate) fn next_light(&self, now: Duration) -> Option<Duration> {
        self.lights().filter(|until| *until > now).min()
    }

    /// Whether a light goes out between two times.
    pub(super) fn light_goes(&self, from: Duration, to: Duration) -> bool {
        self.lights().any(|until| from < until && until <= to)
    }

    /// Groups known of this step.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The next or previous known group of the step, wrapping around.
    pub fn beside(&self, number: usize, forward: bool) -> Option<usize> {
        let mut after = self.groups.range(number + 1..).chain(self.groups.range(..=number));
        let mut before = self.groups.range(..number).rev().chain(self.groups.range(number..).rev());
        let next = if forward { after.next() } else { before.next() };
        next.map(|(number, _)| *number)
    }

    /// A streamed completion begins.
    pub(super) fn start(&mut self, step: u64, group: usize, index: usize, puzzle: Puzzle) {
        self.enter(step);
        let streaming = self.current().is_some_and(|(_, shown)| shown.streamed);
        let entry = self.groups.entry(group).or_insert_with(|| Group::new(puzzle.clone()));
        if entry.puzzle != puzzle {
            // Another prompt was drawn in its place.
            *entry = Group::new(puzzle);
        }
        entry.streamed = true;
        entry.cards.insert(index, Card::default());
        if !streaming {
            self.shown = Some(group);
        }
    }

    /// A piece of a streamed completion; ignored if its start was never seen.
    pub(super) fn append(&mut self, step: u64, group: usize, index: usize, text: &str) {
        if step != self.step {
            return;
        }
        if let Some(card) = self.groups.get_mut(&group).and_then(|group| group.cards.get_mut(&index)) {
            card.pieces += 1;
            if card.text.len() + text.len() <= LONGEST_TEXT {
                card.text.push_str(text);
            }
        }
    }

    /// A completion was scored.
    pub(super) fn scored(&mut self, record: &Arc<Rollout>) {
        if record.step < self.step {
            return;
        }
        self.enter(record.step);
        let group =
            self.groups.entry(record.group).or_insert_with(|| Group::new(record.problem.puzzle.clone()));
        group.cards.entry(record.index).or_default().record = Some(record.clone());
        self.shown.get_or_insert(record.group);
    }

    fn enter(&mut self, step: u64) {
        if step != self.step {
            *self = Self { step, ..Self::default() };
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::record::NumberPuzzle;

    fn puzzle(target: i64) -> Puzzle {
        Puzzle::from(NumberPuzzle { numbers: vec![4, 1, 16], target })
    }

    fn shown_text(streams: &Streams) -> String {
        streams.current().unwrap().1.cards.values().map(Card::text).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn a_step_stays_until_the_next_begins() {
        let mut streams = Streams::default();
        streams.start(1, 3, 0, puzzle(19));
        streams.start(1, 3, 1, puzzle(19));
        streams.append(1, 3, 0, " first");
        streams.append(1, 3, 1, " maybe");
        streams.append(1, 3, 0, " ,");
        assert_eq!(shown_text(&streams), " first ,| maybe");
        streams.append(9, 3, 0, " stray");
        streams.append(1, 9, 0, " stray");
        assert_eq!(shown_text(&streams), " first ,| maybe");
        streams.start(2, 5, 0, puzzle(20));
        assert_eq!((streams.step(), shown_text(&streams)), (2, String::new()));
    }

    #[test]
    fn a_prompt_that_is_drawn_in_the_place_of_another_takes_its_place() {
        let mut streams = Streams::default();
        streams.start(1, 0, 0, puzzle(19));
        streams.start(1, 0, 1, puzzle(19));
        streams.append(1, 0, 0, " old");
        streams.start(1, 0, 0, puzzle(23));
        assert_eq!((shown_text(&streams), streams.puzzle((1, 0))), (String::new(), Some(&puzzle(23))));
    }

    #[test]
    fn going_round_visits_every_group_and_comes_back() {
        let mut streams = Streams::default();
        assert_eq!(streams.beside(0, true), None);
        for group in [2, 5, 9] {
            streams.start(1, group, 0, puzzle(19));
        }
        let (mut at, mut seen) = (streams.current().unwrap().0, Vec::new());
        for _ in 0..3 {
            seen.push(at);
            at = streams.beside(at, true).unwrap();
        }
        assert_eq!((seen, at), (vec![2, 5, 9], 2));
        assert_eq!(streams.beside(at, false), Some(9));
    }
}
