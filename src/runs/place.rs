//! Numbering of a step's completions: from 1 wherever a user reads or writes a number. Only the fields
//! `group` and `index` of the run's files and of `--json` count from 0.

use std::{fmt, num::NonZeroUsize};

use crate::record::Rollout;

/// A completion of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Which prompt of the step, from 0.
    pub group: usize,
    /// Which completion of the group, from 0.
    pub index: usize,
}

impl Place {
    /// The place of a recorded completion.
    pub fn of(record: &Rollout) -> Self {
        Self { group: record.group, index: record.index }
    }

    /// The place for user-facing numbers, from 1.
    pub fn of_numbers(group: NonZeroUsize, completion: NonZeroUsize) -> Self {
        Self { group: group.get() - 1, index: completion.get() - 1 }
    }

    /// The number of the group, from 1.
    pub fn group(self) -> usize {
        self.group.saturating_add(1)
    }

    /// The number of the completion, from 1.
    pub fn completion(self) -> usize {
        self.index.saturating_add(1)
    }

    /// `group 2 completion 16`, for titles.
    pub fn words(self) -> String {
        format!("group {} completion {}", self.group(), self.completion())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "group {}, completion {}", self.group(), self.completion())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_reads_can_be_written_back() {
        let place = Place { group: 1, index: 15 };
        assert_eq!(place.to_string(), "group 2, completion 16");
        assert_eq!(place.words(), "group 2 completion 16");
        let number = |n: usize| NonZeroUsize::new(n).unwrap();
        assert_eq!(Place::of_numbers(number(place.group()), number(place.completion())), place);
    }
}
