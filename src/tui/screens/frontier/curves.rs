//! The curves of a measurement: one long thought against several short ones, by token cost.

use crate::record::{Estimate, Measurement, Point};

/// Which tokens are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Axis {
    /// Those of the thought.
    #[default]
    Thinking,
    /// All tokens, including the answer of each sample.
    All,
}

impl Axis {
    /// What is counted.
    pub fn name(self) -> &'static str {
        match self {
            Axis::Thinking => "thinking tokens",
            Axis::All => "tokens in all",
        }
    }

    /// Tokens of one completion.
    fn of(self, point: &Point) -> f64 {
        match self {
            Axis::Thinking => point.thinking_tokens,
            Axis::All => point.tokens,
        }
    }
}

/// How an answer is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One thought with a budget.
    Serial,
    /// Best of k thoughts under the exact verifier.
    BestOf,
    /// The majority vote of k thoughts.
    Majority,
    /// Blind search with as many different attempts as one thought made.
    Random,
    /// The same, with a last step that looks ahead.
    LookingAhead,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 5] = [Kind::Serial, Kind::BestOf, Kind::Majority, Kind::Random, Kind::LookingAhead];

    /// Its name in the legend.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Serial => "one thought",
            Kind::BestOf => "best of k",
            Kind::Majority => "majority of k",
            Kind::Random => "blind, random",
            Kind::LookingAhead => "blind, ahead",
        }
    }

    /// Its name with its number of samples and budget.
    pub(crate) fn long_name(self) -> &'static str {
        match self {
            Kind::Serial => "one thought",
            Kind::BestOf => "best of k, exact verifier",
            Kind::Majority => "majority vote of k",
            Kind::Random => "blind search, as many attempts",
            Kind::LookingAhead => "blind, last step looks ahead",
        }
    }
}

/// One measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot {
    /// Tokens for each puzzle.
    pub tokens: f64,
    /// The share of puzzles answered right, and its interval.
    pub share: Estimate,
    /// Completions for each puzzle.
    pub k: usize,
    /// Their budget; `None` forces no answer.
    pub budget: Option<usize>,
}

/// The measured values of one kind, in order of tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What it is.
    pub kind: Kind,
    /// Its values.
    pub spots: Vec<Spot>,
}

impl Curve {
    /// Of one measurement. `samples` is the budget of the thoughts that the parallel kinds draw.
    pub fn of(measured: &Measurement, kind: Kind, axis: Axis, samples: Option<usize>) -> Self {
        let mut spots: Vec<Spot> = match kind {
            Kind::Serial | Kind::Random | Kind::LookingAhead => measured
                .points
                .iter()
                .filter(|point| point.budget.is_some() || measured.points.len() == 1)
                .filter_map(|point| {
                    let share = match kind {
                        Kind::Random => point.random?,
                        Kind::LookingAhead => point.looking_ahead?,
                        _ => point.accuracy(),
                    };
                    Some(Spot { tokens: axis.of(point), share, k: 1, budget: point.budget })
                })
                .collect(),
            Kind::BestOf | Kind::Majority => measured
                .points
                .iter()
                .filter(|point| point.budget == samples)
                .flat_map(|point| point.at_k.iter().map(move |at| (point, at)))
                // With one sample there is nothing to choose or vote on: that is the serial curve.
                .filter(|(_, at)| at.k > 1)
                .filter_map(|(point, at)| {
                    let share = if kind == Kind::BestOf { Some(at.best_of) } else { at.majority };
                    let tokens = at.k as f64 * axis.of(point);
                    share.map(|share| Spot { tokens, share, k: at.k, budget: point.budget })
                })
                .collect(),
        };
        spots.retain(|spot| spot.tokens.is_finite() && spot.tokens > 0.0 && spot.share.value.is_finite());
        spots.sort_by(|a, b| a.tokens.total_cmp(&b.tokens));
        Self { kind, spots }
    }

    /// The value within this many tokens: the measurement with the most tokens among those that cost no more.
    pub fn within(&self, tokens: f64) -> Option<&Spot> {
        // Mean token counts are rounded for display.
        self.spots.iter().rev().find(|spot| spot.tokens <= tokens + 0.05)
    }
}
