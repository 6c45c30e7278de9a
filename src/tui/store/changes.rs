//! What was changed during a run, and what of it one key would undo.

/// A change of a live key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// It applies from the step after this one on.
    pub step: u64,
    /// The configuration key.
    pub key: String,
    /// Its value since.
    pub value: String,
    /// Its value before.
    pub before: String,
}

/// All changes in the order in which they were made.
#[derive(Debug, Default)]
pub struct Changes {
    made: Vec<Change>,
    /// Those that were not undone, by their places in `made`.
    standing: Vec<usize>,
}

impl Changes {
    /// A change was made; `new` if the value was another until now. One that takes back the last standing change undoes
    /// it.
    pub(super) fn push(&mut self, change: Change, new: bool) {
        // A run that is resumed makes its changes again.
        if !new && self.made.contains(&change) || change.value == change.before {
            return;
        }
        let last = self.standing.last().map(|at| &self.made[*at]);
        match last.is_some_and(|last| last.key == change.key && last.before == change.value) {
            true => drop(self.standing.pop()),
            false => self.standing.push(self.made.len()),
        }
        self.made.push(change);
    }

    /// Drops those that were made after this step.
    pub(super) fn cut_back(&mut self, step: u64) {
        let made = std::mem::take(&mut self.made);
        self.standing.clear();
        made.into_iter().filter(|change| change.step < step).for_each(|change| self.push(change, true));
    }

    /// All of them.
    pub fn all(&self) -> &[Change] {
        &self.made
    }

    /// Those of a key.
    pub fn of(&self, key: &str) -> impl Iterator<Item = &Change> {
        self.made.iter().filter(move |change| change.key == key)
    }

    /// The one that would be undone next.
    pub fn last(&self) -> Option<&Change> {
        self.standing.last().map(|at| &self.made[*at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(step: u64, key: &str, before: &str, value: &str) -> Change {
        Change { step, key: key.into(), value: value.into(), before: before.into() }
    }

    #[test]
    fn undoing_walks_back_through_what_stands_and_everything_stays_on_record() {
        let mut changes = Changes::default();
        let last = |changes: &Changes| changes.last().map(|last| (last.key.clone(), last.before.clone()));
        changes.push(change(3, "temperature", "1", "0.8"), true);
        changes.push(change(5, "kl_coef", "0", "0.1"), true);
        changes.push(change(5, "kl_coef", "0.1", "0.1"), true);
        assert_eq!(last(&changes), Some(("kl_coef".into(), "0".into())));
        changes.push(change(6, "kl_coef", "0.1", "0"), true);
        assert_eq!(last(&changes), Some(("temperature".into(), "1".into())));
        changes.push(change(7, "temperature", "0.8", "1"), true);
        assert_eq!((last(&changes), changes.all().len()), (None, 4));
        changes.push(change(8, "temperature", "1", "0.8"), true);
        assert_eq!(last(&changes), Some(("temperature".into(), "1".into())), "done again, it can be undone");
        assert_eq!(changes.of("kl_coef").count(), 2);
    }

    #[test]
    fn a_run_that_goes_back_makes_its_changes_again_and_each_counts_once() {
        let mut changes = Changes::default();
        let all = [change(3, "temperature", "1", "0.8"), change(9, "kl_coef", "0", "0.1")];
        all.iter().cloned().for_each(|change| changes.push(change, true));
        changes.cut_back(5);
        assert_eq!(changes.all(), &all[..1]);
        changes.push(all[1].clone(), true);
        changes.push(all[1].clone(), false);
        assert_eq!(changes.all(), &all);
    }
}
