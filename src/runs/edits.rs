//! Edits of live hyperparameters as the journal records them, and which of them a resumed run has to repeat.
//!
//! A `set` event of step `s` applies from step `s + 1` on. A checkpoint of step `c` includes the edits of the
//! steps before it; those of step `c` and later are repeated, each before the step that it first applied to.
//! So a run that was killed long after its last checkpoint recomputes exactly the steps that it had made.

use crate::{
    protocol::Event,
    record::{Edit, EventRecord, RunEvent},
};

/// The edit that a line of `events.jsonl` records, as an event; `None` for any other line.
pub fn told(record: &EventRecord) -> Option<Event> {
    let RunEvent::Set(edit) = &record.event else { return None };
    Some(event(record.step, edit.clone()))
}

/// An edit as an event; it applies from the step after this one on.
pub fn event(step: u64, Edit { key, value, before }: Edit) -> Event {
    Event::Edited { step, key, value, before }
}

/// Edits to be repeated, with the step after which each was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EditsToMakeAgain(Vec<(u64, Edit)>);

impl EditsToMakeAgain {
    /// The edits to repeat for a run that resumes after a step. `events` are all of its events, in file
    /// order.
    pub fn after(step: u64, events: &[EventRecord]) -> Self {
        let mut again = Self::default();
        for event in events {
            let RunEvent::Set(edit) = &event.event else { continue };
            again.overrule(event.step, &edit.key);
            again.0.push((event.step, edit.clone()));
        }
        again.0.retain(|(made, _)| *made >= step);
        again
    }

    /// Drops the edits of a key from a step on: the run went back to before them and was given another value.
    pub(crate) fn overrule(&mut self, step: u64, key: &str) {
        self.0.retain(|(made, edit)| *made < step || edit.key != key);
    }

    /// Removes and returns the edits to apply before this step, in order.
    pub(crate) fn take_for(&mut self, step: u64) -> Vec<Edit> {
        let (now, later) = std::mem::take(&mut self.0).into_iter().partition(|(made, _)| *made < step);
        self.0 = later;
        let now: Vec<(u64, Edit)> = now;
        now.into_iter().map(|(_, edit)| edit).collect()
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn set(step: u64, detail: &str) -> EventRecord {
        let line = serde_json::json!({"time": "", "step": step, "event": "set", "detail": detail});
        serde_json::from_value(line).unwrap()
    }

    fn shown(edits: Vec<Edit>) -> Vec<String> {
        edits.iter().map(Edit::to_string).collect()
    }

    #[test]
    fn edits_come_again_at_their_steps_and_the_ones_before_the_checkpoint_do_not() {
        let lines = ["kl_coef = 0.1 (was 0)", "temperature = 0.5 (was 1)", "kl_coef = 0 (was 0.1)"];
        let events = [set(1, lines[0]), set(3, lines[1]), set(3, "nonsense"), set(5, lines[2])];
        let mut again = EditsToMakeAgain::after(3, &events);
        assert_eq!(again.len(), 2);
        assert!(again.take_for(3).is_empty());
        assert_eq!(shown(again.take_for(4)), [lines[1]]);
        assert!(again.take_for(5).is_empty());
        assert_eq!(shown(again.take_for(6)), [lines[2]]);
        assert!(again.is_empty());
    }

    #[test]
    fn what_a_later_life_of_the_run_was_told_overrules_what_an_earlier_one_was_told_after_it() {
        let (first, second) = ("temperature = 0.5 (was 1)", "temperature = 0.9 (was 1)");
        // Killed after step 6, resumed from step 2, edited there, killed again.
        let mut again =
            EditsToMakeAgain::after(2, &[set(5, first), set(3, second), set(3, "kl_coef = 1 (was 0)")]);
        assert_eq!(shown(again.take_for(4)), [second, "kl_coef = 1 (was 0)"]);
        assert!(again.take_for(9).is_empty());
    }
}
