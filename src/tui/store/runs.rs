//! The open runs, and which of them is shown.

use std::{path::Path, time::Duration};

use super::Run;
use crate::protocol::RunFacts;

/// One or many runs. Each keeps what its own source tells, whether it is shown or not.
#[derive(Debug)]
pub struct RunStore {
    /// In the order in which they were opened; never empty.
    runs: Vec<Run>,
    /// The place of the one that is shown.
    shown: usize,
}

impl RunStore {
    /// Nothing told yet; the first is shown.
    pub fn new(first: RunFacts, others: impl IntoIterator<Item = RunFacts>) -> Self {
        let runs = std::iter::once(first).chain(others).map(Run::new).collect();
        Self { runs, shown: 0 }
    }

    /// Adds another, of which nothing is told yet. Its place.
    pub fn add(&mut self, facts: RunFacts) -> usize {
        self.runs.push(Run::new(facts));
        self.runs.len() - 1
    }

    /// The place of the one that is in this directory or file.
    pub fn place_at(&self, path: &Path) -> Option<usize> {
        self.runs.iter().position(|run| run.path().as_deref() == Some(path))
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.runs.len()
    }

    /// Whether there is no other than the one that is shown.
    pub fn is_single(&self) -> bool {
        self.runs.len() == 1
    }

    /// The place of the one that is shown.
    pub fn place(&self) -> usize {
        self.shown
    }

    /// The one that is shown.
    pub fn shown(&self) -> &Run {
        &self.runs[self.shown]
    }

    /// The one that is shown, to be changed.
    pub fn shown_mut(&mut self) -> &mut Run {
        &mut self.runs[self.shown]
    }

    /// All of them, by place.
    pub fn all(&self) -> &[Run] {
        &self.runs
    }

    /// The one at a place, to be changed.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut Run> {
        self.runs.get_mut(place)
    }

    /// Those that are not shown, each with its place.
    pub fn others(&self) -> impl Iterator<Item = (usize, &Run)> {
        self.runs.iter().enumerate().filter(|(place, _)| *place != self.shown)
    }

    /// Shows the one at this place. Whether that is another than before.
    pub fn show(&mut self, place: usize) -> bool {
        let is_another = place < self.runs.len() && place != self.shown;
        if is_another {
            self.shown = place;
        }
        is_another
    }

    /// The place that is so many after the one that is shown, round and round.
    pub fn beside(&self, by: isize) -> usize {
        let count = self.runs.len().cast_signed();
        (self.shown.cast_signed() + by).rem_euclid(count).cast_unsigned()
    }

    /// The one whose engine is of this process, if there is one: it ends with the screen.
    pub fn own(&self) -> Option<usize> {
        self.runs.iter().position(Run::is_ours)
    }

    /// The same as long as its engine has not ended.
    pub fn own_in_hand(&self) -> Option<usize> {
        self.own().filter(|place| self.runs[*place].ended.is_none())
    }

    /// So much time has passed since the screen was opened. Whether the run that is shown looks different now.
    pub fn pass(&mut self, now: Duration) -> bool {
        let mut changed = false;
        for (place, run) in self.runs.iter_mut().enumerate() {
            changed |= run.pass(now) && place == self.shown;
        }
        changed
    }

    /// What each is called, by place: the name of its directory or file, without the time where that is not needed to
    /// tell them apart.
    pub fn names(&self) -> Vec<String> {
        let numbered = (1..).map(|number| format!("run {number}"));
        let whole: Vec<String> =
            self.runs.iter().zip(numbered).map(|(run, number)| run.name().unwrap_or(number)).collect();
        let short: Vec<&str> = whole.iter().map(|name| without_time(name)).collect();
        let is_clear = |name: &str| short.iter().filter(|other| **other == name).count() == 1;
        let shown =
            short.iter().zip(&whole).map(|(short, whole)| if is_clear(short) { *short } else { whole });
        shown.map(str::to_owned).collect()
    }

    /// What the one at this place is called.
    pub fn name(&self, place: usize) -> String {
        self.names().into_iter().nth(place).unwrap_or_default()
    }
}

/// The time at which a run began, as its directory's name has it: `01-31 12:00`; empty where it does not.
pub(in crate::tui) fn begun(name: &str) -> String {
    match name.strip_suffix(without_time(name)) {
        Some(time) if time.len() > 16 => {
            format!("{} {}", &time[5..10], time[11..16].replace('-', ":"))
        }
        _ => String::new(),
    }
}

/// A run directory's name without the time in front: `2026-01-01T12-00-00-first` is `first`.
pub(in crate::tui) fn without_time(name: &str) -> &str {
    const TIME: &str = "0000-00-00T00-00-00-";
    let alike = |(pattern, c): (char, char)| if pattern == '0' { c.is_ascii_digit() } else { c == pattern };
    match name.get(TIME.len()..) {
        Some(rest) if !rest.is_empty() && TIME.chars().zip(name.chars()).all(alike) => rest,
        _ => name,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{engine::scripted::Script, protocol::Event};

    fn open(paths: &[&str]) -> RunStore {
        let facts = paths.iter().map(|_| RunFacts::of_our_files(true));
        let mut store = RunStore::new(RunFacts::of_our_files(false), facts.skip(1));
        let script = Script::new(1);
        for (place, path) in paths.iter().enumerate() {
            let started = script.started((*path).into(), 0);
            store.get_mut(place).unwrap().hear(Event::Started(Box::new(started)));
        }
        store
    }

    #[test]
    fn what_one_run_tells_is_not_of_another() {
        let script = Script::new(1);
        let mut store = open(&["runs/a", "runs/b"]);
        for step in 1..=3 {
            store.get_mut(1).unwrap().hear(Event::StepDone(Box::new(script.metrics(step))));
            let record = Box::new(script.rollout(step, 0, 0));
            store.get_mut(1).unwrap().hear(Event::RolloutScored(record));
        }
        let known = |run: &Run| (run.step(), run.history.steps().len(), run.completions.len());
        assert_eq!((known(store.shown()), known(&store.all()[1])), ((0, 0, 0), (3, 3, 3)));
        assert!(store.show(1) && !store.show(1) && !store.show(2));
        assert_eq!((known(store.shown()), store.place()), ((3, 3, 3), 1));
        assert_eq!(store.others().map(|(place, run)| (place, run.step())).collect::<Vec<_>>(), [(0, 0)]);
        assert!(store.get_mut(2).is_none());
    }

    #[test]
    fn going_on_visits_every_run_and_comes_round() {
        let mut store = open(&["a", "b", "c"]);
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(store.place());
            store.show(store.beside(1));
        }
        assert_eq!(seen, [0, 1, 2, 0]);
        store.show(0);
        assert_eq!(store.beside(-1), 2);
    }

    #[test]
    fn names_are_as_short_as_they_can_be_and_tell_the_runs_apart() {
        let store = open(&["runs/2026-01-01T12-00-00-first", "runs/2026-01-02T12-00-00-second", "c.jsonl"]);
        assert_eq!(store.names(), ["first", "second", "c.jsonl"]);
        let store = open(&["2026-01-01T12-00-00-same", "2026-01-02T12-00-00-same", "2026-01-02T12-00-00-"]);
        assert_eq!(
            store.names(),
            ["2026-01-01T12-00-00-same", "2026-01-02T12-00-00-same", "2026-01-02T12-00-00-"]
        );
        let silent = RunStore::new(RunFacts::of_our_files(false), [RunFacts::of_our_files(true)]);
        assert_eq!((silent.name(0), silent.name(1)), ("run 1".into(), "run 2".into()));
        assert_eq!(without_time("é".repeat(20).as_str()), "é".repeat(20));
        assert_eq!(
            (begun("2026-01-31T12-05-00-x"), begun("first-aha")),
            ("01-31 12:05".into(), String::new())
        );
    }

    #[test]
    fn time_passes_in_every_run_and_one_that_is_not_shown_is_no_reason_to_draw() {
        let mut store = RunStore::new(RunFacts::of_our_files(false), [RunFacts::of_our_engine()]);
        let started = Script::new(1).started("runs/own".into(), 0);
        store.get_mut(1).unwrap().hear(Event::Started(Box::new(started)));
        assert_eq!((store.own(), store.own_in_hand()), (Some(1), Some(1)));
        assert!(!store.pass(Duration::from_secs(5)), "its clock is not on screen");
        assert_eq!(store.all()[1].elapsed(), Duration::from_secs(5));
        store.show(1);
        assert!(store.pass(Duration::from_secs(7)));
        store.get_mut(1).unwrap().hear(Event::Finished { steps: 0, run: "runs/own".into() });
        assert_eq!((store.own(), store.own_in_hand()), (Some(1), None));
    }
}
