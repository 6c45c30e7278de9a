//! What the kept completions would earn under other rules: scored a slice at a time between two looks at the keyboard,
//! so that a long run stops nothing.

use super::completions::{Completions, Key};
use crate::eval::rescoring::{Effect, Rescorer, Row};

/// So many completions of a slice, or so many bytes of their texts: a few milliseconds.
const SLICE: usize = 256;
const SLICE_BYTES: usize = 256 << 10;

/// The work, if there is any to do or done.
#[derive(Debug, Default)]
pub struct Rescoring {
    job: Option<Job>,
}

#[derive(Debug)]
struct Job {
    rescorer: Rescorer,
    /// In the order of the steps.
    steps: Vec<OfStep>,
    /// The step that is being scored.
    doing: Option<(u64, Vec<OfGroup>)>,
    /// The version of the completions that `steps` follow.
    seen: u64,
    /// What all steps come to.
    effect: Effect,
    /// Whether everything that there is was scored.
    done: bool,
}

/// The completions of a step, scored again.
#[derive(Debug)]
struct OfStep {
    step: u64,
    /// The numbers of its groups, beside `rows`.
    groups: Vec<usize>,
    rows: Vec<Vec<Row>>,
    effect: Effect,
}

/// A group of the step that is being scored.
#[derive(Debug)]
struct OfGroup {
    group: usize,
    rows: Vec<Row>,
    recorded: Vec<Option<f64>>,
}

impl Rescoring {
    /// Begins anew.
    pub(super) fn begin(&mut self, rescorer: Rescorer) {
        let (steps, doing, effect) = (Vec::new(), None, Effect::default());
        self.job = Some(Job { rescorer, steps, doing, seen: 0, effect, done: false });
    }

    /// What is tried; `None` before anybody asked.
    pub fn rescorer(&self) -> Option<&Rescorer> {
        Some(&self.job.as_ref()?.rescorer)
    }

    /// What it comes to so far.
    pub fn effect(&self) -> Effect {
        self.job.as_ref().map(|job| job.effect).unwrap_or_default()
    }

    /// Whether there is more to score now.
    pub fn is_behind(&self) -> bool {
        self.job.as_ref().is_some_and(|job| !job.done)
    }

    /// Does a slice of it: steps up to `whole` have all of their completions. Whether anything looks different.
    pub(super) fn work(&mut self, all: &Completions, whole: u64) -> bool {
        self.job.as_mut().is_some_and(|job| job.work(all, whole))
    }

    /// A completion, scored again.
    pub fn row(&self, key: Key) -> Option<&Row> {
        let job = self.job.as_ref()?;
        let step = &job.steps[job.steps.binary_search_by_key(&key.step, |step| step.step).ok()?];
        let group = step.groups.binary_search(&key.group).ok()?;
        step.rows[group].iter().find(|row| row.index == key.index)
    }

    /// Those whose reward changes, from this place among them on.
    pub fn changes(&self, from: usize) -> impl Iterator<Item = (Key, &Row)> {
        let steps = self.job.as_ref().map_or(&[][..], |job| &job.steps);
        // Whole steps are skipped by their counts.
        let mut left = from;
        let first = steps.iter().position(|step| {
            let here = left < step.effect.changed;
            left -= if here { 0 } else { step.effect.changed };
            here
        });
        steps[first.unwrap_or(steps.len())..].iter().flat_map(OfStep::changes).skip(left)
    }

    /// The place of a completion among those whose reward changes, or of the first one after it.
    pub fn place(&self, key: Key) -> usize {
        let steps = self.job.as_ref().map_or(&[][..], |job| &job.steps);
        let before = steps.iter().take_while(|step| step.step < key.step);
        let whole: usize = before.map(|step| step.effect.changed).sum();
        let here = steps.iter().find(|step| step.step == key.step);
        whole + here.map_or(0, |step| step.changes().take_while(|(other, _)| *other < key).count())
    }
}

impl OfStep {
    fn changes(&self) -> impl Iterator<Item = (Key, &Row)> {
        let groups = self.groups.iter().zip(&self.rows);
        groups.flat_map(move |(&group, rows)| {
            let changed = rows.iter().filter(|row| row.changes());
            changed.map(move |row| (Key { step: self.step, group, index: row.index }, row))
        })
    }
}

impl Job {
    fn work(&mut self, all: &Completions, whole: u64) -> bool {
        let cut = self.follow(all);
        let before = self.done;
        let (mut room, mut bytes) = (SLICE, SLICE_BYTES);
        let mut finished = false;
        self.done = loop {
            let Some(step) = self.next_step(all, whole) else { break true };
            if room == 0 || bytes == 0 {
                break false;
            }
            finished |= self.score(step, all, &mut room, &mut bytes);
        };
        if cut || finished {
            self.effect = self.steps.iter().fold(Effect::default(), |sum, step| sum.and(&step.effect));
        }
        cut || finished || self.done != before
    }

    /// Forgets what has changed among the completions. Whether that was anything.
    fn follow(&mut self, all: &Completions) -> bool {
        let count = self.steps.len();
        if all.version() != self.seen {
            if let Some(changed) = all.first_step_changed_since(self.seen) {
                self.steps.truncate(self.steps.partition_point(|step| step.step < changed));
                self.doing.take_if(|(step, _)| *step >= changed);
            }
            self.seen = all.version();
        }
        // The oldest give way in a long run, and the newest where one goes back to a checkpoint.
        let first = all.groups().first().map_or(u64::MAX, |group| group.step);
        let last = all.groups().last().map_or(0, |group| group.step);
        let stale = self.steps.partition_point(|step| step.step < first);
        self.steps.drain(..stale);
        self.steps.truncate(self.steps.partition_point(|step| step.step <= last));
        self.doing.take_if(|(step, _)| *step < first || *step > last);
        self.steps.len() != count
    }

    /// The step to be scored next; `None` where all are.
    fn next_step(&self, all: &Completions, whole: u64) -> Option<u64> {
        let done = self.steps.last().map(|step| step.step);
        let groups = all.groups();
        let at = done.map_or(0, |done| groups.partition_point(|group| group.step <= done));
        groups.get(at).map(|group| group.step).filter(|step| *step <= whole)
    }

    /// Scores as much of a step as there is room for. Whether it is finished.
    fn score(&mut self, step: u64, all: &Completions, room: &mut usize, bytes: &mut usize) -> bool {
        let groups = all.groups();
        let from = groups.partition_point(|group| group.step < step);
        let of_step = groups[from..].iter().take_while(|group| group.step == step);
        let (_, done) = self.doing.take_if(|(doing, _)| *doing == step).unwrap_or_default();
        let mut done: Vec<OfGroup> = done;
        for (at, group) in of_step.enumerate() {
            if done.len() <= at {
                done.push(OfGroup { group: group.group, rows: Vec::new(), recorded: Vec::new() });
            }
            let known = done[at].rows.len();
            for entry in group.entries.iter().skip(known) {
                if *room == 0 || *bytes == 0 {
                    self.doing = Some((step, done));
                    return false;
                }
                (*room, *bytes) = (*room - 1, bytes.saturating_sub(entry.record.completion.len()));
                done[at].rows.push(self.rescorer.row(&entry.record, entry.length));
                done[at].recorded.push(entry.record.advantage);
            }
        }
        let (groups, recorded): (Vec<usize>, Vec<Vec<Option<f64>>>) =
            done.iter_mut().map(|group| (group.group, std::mem::take(&mut group.recorded))).unzip();
        let mut rows: Vec<Vec<Row>> = done.into_iter().map(|group| group.rows).collect();
        self.rescorer.compare(&mut rows, &recorded);
        let effect = Effect::of(&rows);
        self.steps.push(OfStep { step, groups, rows, effect });
        true
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{config::Config, engine::scripted::Script, eval::rescoring::Trial, record::Rollout};

    fn rescoring(keys: &[(&'static str, &str)]) -> Rescoring {
        let keys = keys.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let mut rescoring = Rescoring::default();
        rescoring.begin(Rescorer::new(&Config::default(), Trial { keys, ..Trial::default() }, true));
        rescoring
    }

    fn completions(steps: std::ops::RangeInclusive<u64>, capacity: usize) -> Completions {
        let script = Script::new(7);
        let mut all = Completions::new(capacity);
        for step in steps {
            for group in 0..4 {
                script.group(step, group).into_iter().for_each(|record| all.push(Arc::new(record)));
            }
        }
        all
    }

    fn finish(rescoring: &mut Rescoring, all: &Completions, whole: u64) -> usize {
        (1..)
            .find(|_| {
                rescoring.work(all, whole);
                !rescoring.is_behind()
            })
            .unwrap()
    }

    #[test]
    fn everything_is_scored_in_slices_and_nothing_changes_under_the_same_rules() {
        let all = completions(1..=30, usize::MAX);
        let mut same = rescoring(&[]);
        assert!(same.is_behind());
        let slices = finish(&mut same, &all, u64::MAX);
        assert!(slices > 2, "{slices} slices for {} completions", all.len());
        assert_eq!((same.effect().scored, same.effect().changed), (all.len(), 0));
        assert!(!same.work(&all, u64::MAX), "there is nothing left to do");
    }

    #[test]
    fn a_long_text_ends_a_slice() {
        let mut all = Completions::default();
        for index in 0..4 {
            let completion = "x".repeat(SLICE_BYTES + 1);
            all.push(Arc::new(Rollout { completion, index, ..Script::new(7).rollout(1, 0, 0) }));
        }
        assert_eq!(finish(&mut rescoring(&[]), &all, u64::MAX), 4);
    }

    #[test]
    fn the_changes_are_listed_and_found_from_any_place_on() {
        let all = completions(1..=9, usize::MAX);
        let mut other = rescoring(&[("reward_format", "0.5")]);
        finish(&mut other, &all, u64::MAX);
        let changes: Vec<Key> = other.changes(0).map(|(key, _)| key).collect();
        assert!(changes.len() == other.effect().changed && changes.is_sorted() && changes.len() > 20);
        for (at, key) in changes.iter().enumerate() {
            assert_eq!(other.changes(at).next().map(|(key, _)| key), Some(*key));
            assert_eq!(other.place(*key), at);
            assert_eq!(other.row(*key).map(|row| (row.before, row.after)), Some((0.1, 0.5)));
        }
        assert_eq!(other.changes(changes.len()).count(), 0);
        assert_eq!(other.place(Key { step: 99, group: 0, index: 0 }), changes.len());
    }

    #[test]
    fn it_follows_a_run_whose_oldest_give_way_and_that_goes_back() {
        let mut all = completions(1..=6, 5 * 32);
        let mut followed = rescoring(&[("reward_format", "0.5")]);
        finish(&mut followed, &all, 5);
        let scored = |rescoring: &Rescoring| rescoring.effect().scored;
        assert_eq!(scored(&followed), 4 * 32, "steps 2 to 5; the sixth is not whole");
        finish(&mut followed, &all, 6);
        assert_eq!(scored(&followed), 5 * 32);
        for record in completions(7..=7, usize::MAX).groups().iter().flat_map(|group| &group.entries) {
            all.push(record.record.clone());
        }
        finish(&mut followed, &all, 7);
        assert_eq!((scored(&followed), followed.job.as_ref().unwrap().steps[0].step), (5 * 32, 3));
        all.cut_back(4);
        finish(&mut followed, &all, 4);
        assert_eq!(scored(&followed), 2 * 32);
        let wrong = Rollout { reward: 0.3, ..Script::new(7).rollout(3, 0, 0) };
        all.push(Arc::new(wrong));
        finish(&mut followed, &all, 4);
        assert_eq!(followed.row(Key { step: 3, group: 0, index: 0 }).unwrap().before, 0.3);
    }
}
