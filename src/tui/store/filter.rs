//! Which completions are shown, and in what order within a group.

use crate::record::Rollout;

/// Which completions the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Filter {
    /// Every one.
    #[default]
    All,
    /// Those with a right answer.
    Right,
    /// Those without.
    Wrong,
    /// Those with at least one true, misled or false check.
    HasCheck,
    /// Those with a self-correction.
    SelfCorrected,
    /// Right but unfaithful answers.
    Underived,
}

/// Whether the answer is right but unfaithful.
pub(crate) fn underived(record: &Rollout) -> bool {
    record.is_right() && record.analysis.faithful == Some(false)
}

impl Filter {
    /// All six, in the order of their keys `1` to `6`.
    pub const ALL: [Filter; 6] =
        [Self::All, Self::Right, Self::Wrong, Self::HasCheck, Self::SelfCorrected, Self::Underived];

    /// The words on screen.
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::HasCheck => "with checks",
            Self::SelfCorrected => "self-corrected",
            Self::Underived => "unfaithful",
        }
    }

    /// Whether the list shows `record`.
    pub fn passes(self, record: &Rollout) -> bool {
        match self {
            Self::All => true,
            Self::Right => record.is_right(),
            Self::Wrong => record.is_wrong(),
            // A superficial one checks nothing; the Meter counts the same.
            Self::HasCheck => record.analysis.checks > record.analysis.superficial_checks,
            Self::SelfCorrected => record.analysis.self_corrections > 0,
            Self::Underived => underived(record),
        }
    }

    /// The next filter, wrapping around.
    pub fn next(self) -> Self {
        match self {
            Self::All => Self::Right,
            Self::Right => Self::Wrong,
            Self::Wrong => Self::HasCheck,
            Self::HasCheck => Self::SelfCorrected,
            Self::SelfCorrected => Self::Underived,
            Self::Underived => Self::All,
        }
    }
}

/// How many completions pass each filter, updated incrementally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([usize; Filter::ALL.len()]);

impl Counts {
    /// Completions that pass `filter`.
    pub fn of(&self, filter: Filter) -> usize {
        self.0[filter as usize]
    }

    /// Counts one more completion.
    pub fn add(&mut self, record: &Rollout) {
        for filter in Filter::ALL {
            self.0[filter as usize] += usize::from(filter.passes(record));
        }
    }

    /// Removes one completion from the counts.
    pub fn remove(&mut self, record: &Rollout) {
        for filter in Filter::ALL {
            let count = &mut self.0[filter as usize];
            *count = count.saturating_sub(usize::from(filter.passes(record)));
        }
    }
}

/// The order of the completions within a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sort {
    /// As they were sampled.
    #[default]
    Sampled,
    /// Highest reward first.
    Reward,
    /// Highest advantage first.
    Advantage,
    /// Longest first.
    Length,
}

impl Sort {
    /// The words on screen; `None` for the order in which everything arrives.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Sampled => None,
            Self::Reward => Some("by reward"),
            Self::Advantage => Some("by advantage"),
            Self::Length => Some("by length"),
        }
    }

    /// The next order, wrapping around.
    pub fn next(self) -> Self {
        match self {
            Self::Sampled => Self::Reward,
            Self::Reward => Self::Advantage,
            Self::Advantage => Self::Length,
            Self::Length => Self::Sampled,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::{engine::scripted::Script, metrics::meter::Tally};

    #[test]
    fn with_checks_are_as_many_as_the_meter_counts_as_checked() {
        let mut records = Script::new(7).group(9, 0);
        records[0].analysis = crate::reasoning::Analysis {
            checks: 2,
            superficial_checks: 2,
            ..crate::reasoning::Analysis::default()
        };
        let mut tally = Tally::default();
        records.iter().for_each(|record| tally.add(record.is_right(), &record.analysis, None));
        let shown = records.iter().filter(|record| Filter::HasCheck.passes(record)).count();
        assert!(shown > 0 && shown == tally.checked);
        assert!(!Filter::HasCheck.passes(&records[0]));
    }
}
