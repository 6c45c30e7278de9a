//! What the horizontal axis counts in: steps, or what was spent up to each of them.

use crate::{
    metrics::registry,
    tui::{
        store::{Run, history::Smoothing},
        widgets::numbers,
    },
};

/// A unit of the horizontal axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Steps.
    #[default]
    Steps,
    /// Tokens since the run began.
    Tokens,
    /// Minutes of its steps.
    Minutes,
    /// Dollars, at the price of an hour.
    Dollars,
}

impl Unit {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Steps, Self::Tokens, Self::Minutes, Self::Dollars];

    /// Its name on screen and in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Tokens => "tokens",
            Self::Minutes => "minutes",
            Self::Dollars => "dollars",
        }
    }

    /// The one of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }

    /// The next one.
    pub(super) fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// A place on the axis in words.
    pub(super) fn words(self, x: f64) -> String {
        match self {
            _ if !x.is_finite() => format!("- {}", self.name()),
            Self::Steps => format!("step {x:.0}"),
            Self::Tokens => format!("{} tokens", numbers::axis(x.round())),
            Self::Minutes => format!("{} min", numbers::axis(x)),
            Self::Dollars => numbers::dollars(x),
        }
    }

    /// The same without the unit.
    pub(super) fn number(self, x: f64) -> String {
        match self {
            Self::Dollars => numbers::dollars(x),
            Self::Steps => format!("{x:.0}"),
            _ => numbers::axis(x),
        }
    }
}

/// Where the steps of a run lie on the horizontal axis.
#[derive(Debug, Clone)]
pub(super) enum Across {
    /// At their numbers.
    Steps,
    /// At what was spent up to them: step and x, both rising; an x that is not finite is unknown.
    Spent(Vec<(f64, f64)>),
}

impl Across {
    /// In this unit; `None` where nothing of it is known of the run.
    pub(super) fn of(run: &Run, unit: Unit) -> Option<Self> {
        let hourly = run.price_per_hour;
        let seconds =
            |times: f64| rising(run.history.seconds().map(move |(step, value)| (step, value * times)));
        let spent = match unit {
            Unit::Steps => return Some(Self::Steps),
            Unit::Tokens => rising(run.history.smooth(&registry::NUM_TOKENS, Smoothing::Off)),
            Unit::Minutes => seconds(1.0 / 60.0),
            Unit::Dollars if hourly > 0.0 => seconds(hourly / 3600.0),
            Unit::Dollars => return None,
        };
        spent.iter().any(|(_, x)| x.is_finite()).then_some(Self::Spent(spent))
    }

    /// Where a step lies. Between two steps that are kept of a long run, on the line between them.
    pub(super) fn x(&self, step: f64) -> Option<f64> {
        let Self::Spent(spent) = self else { return Some(step) };
        let after = spent.partition_point(|(known, _)| *known < step);
        let next = spent.get(after)?;
        let x = match after.checked_sub(1).map(|before| spent[before]) {
            _ if next.0 == step => next.1,
            Some(last) => last.1 + (next.1 - last.1) * (step - last.0) / (next.0 - last.0),
            None => return None,
        };
        Some(x).filter(|x| x.is_finite())
    }

    /// The step nearest to a place.
    pub(super) fn step(&self, x: f64) -> Option<f64> {
        let Self::Spent(spent) = self else { return Some(x.round()) };
        let known = spent.iter().filter(|(_, at)| at.is_finite());
        let nearest = known.min_by(|one, other| (one.1 - x).abs().total_cmp(&(other.1 - x).abs()));
        nearest.map(|(step, _)| *step)
    }

    /// Points of a curve where they lie, by rising x; one whose place is unknown is a gap after the last one.
    pub(super) fn place(&self, points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
        let mut last = None;
        let place = |(step, value)| match self.x(step) {
            Some(x) => {
                last = Some(x);
                Some((x, value))
            }
            None => last.map(|x| (x, f64::NAN)),
        };
        points.filter_map(place).collect()
    }
}

/// What was spent never falls; where a file says otherwise, it is unknown.
fn rising(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut last = f64::NEG_INFINITY;
    let mut rising: Vec<(f64, f64)> = Vec::new();
    for (step, x) in points {
        let x = if x.is_finite() && x >= last { x } else { f64::NAN };
        last = if x.is_nan() { last } else { x };
        // A block of a long run in which something is unknown gives two points of one step.
        if rising.last().is_none_or(|(before, _)| *before < step) {
            rising.push((step, x));
        }
    }
    rising
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{protocol::RunFacts, record::Step};

    fn run(steps: &[(u64, Option<u64>, Option<f64>)]) -> Run {
        let mut run = Run::new(RunFacts::of_our_files(false));
        for (step, tokens, seconds) in steps {
            let measured = Step::new(*step)
                .with(&registry::NUM_TOKENS, *tokens)
                .with(&registry::STEP_TIME, *seconds)
                .with(&registry::REWARD, 0.5);
            run.history.push(measured);
        }
        run
    }

    #[test]
    fn steps_lie_where_what_was_spent_says_and_unknown_is_unknown() {
        let mut run = run(&[
            (1, Some(100), Some(30.0)),
            (2, None, Some(30.0)),
            (3, Some(400), None),
            (4, Some(500), Some(9.0)),
        ]);
        let at = |run: &Run, unit| -> Vec<Option<f64>> {
            let across = Across::of(run, unit).unwrap();
            (1..=5).map(|step| across.x(f64::from(step))).collect()
        };
        assert_eq!(at(&run, Unit::Tokens), [Some(100.0), None, Some(400.0), Some(500.0), None]);
        assert_eq!(at(&run, Unit::Minutes), [Some(0.5), Some(1.0), None, None, None]);
        run.price_per_hour = 60.0;
        assert_eq!(at(&run, Unit::Dollars), [Some(0.5), Some(1.0), None, None, None]);
        run.price_per_hour = 0.0;
        assert!(Across::of(&run, Unit::Dollars).is_none(), "nothing is spent where nothing costs");
        let tokens = Across::of(&run, Unit::Tokens).unwrap();
        assert_eq!(
            (tokens.step(90.0), tokens.step(330.0), tokens.step(1e9)),
            (Some(1.0), Some(3.0), Some(4.0))
        );
    }

    #[test]
    fn a_run_that_does_not_count_tokens_has_no_such_axis() {
        let unknown = run(&[(1, None, None), (2, None, None)]);
        for unit in [Unit::Tokens, Unit::Minutes, Unit::Dollars] {
            assert!(Across::of(&unknown, unit).is_none(), "{}", unit.name());
        }
        let falls = run(&[(1, Some(500), None), (2, Some(100), None), (3, Some(600), None)]);
        let across = Across::of(&falls, Unit::Tokens).unwrap();
        assert_eq!([1.0, 2.0, 3.0].map(|step| across.x(step)), [Some(500.0), None, Some(600.0)]);
    }
}
