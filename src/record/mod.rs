//! The lines of a run's journal. Field names are a file format: scripts depend on them.

mod analysis;
mod event;
pub mod explain;
mod graded;
mod measurement;
mod meta;
pub mod phase;
mod pinned;
mod problem;
mod rollout;
mod score;
mod step;

use serde::{Deserialize, Deserializer};

pub use self::{
    analysis::{Analysis, Span, SpanKind, Verdict},
    event::{Edit, EventRecord, RunEvent},
    graded::Graded,
    measurement::{AtK, Estimate, HowMeasured, Measurement, Point},
    meta::{ForkPoint, OtherEngine, PausesWithin, RunMeta},
    pinned::PinnedAnswer,
    problem::{NumberPuzzle, Problem, Puzzle},
    rollout::{Penalties, Rollout},
    score::Score,
    step::{Measured, Step},
};

/// JSON has no NaN and no infinity: they are written as `null`, and read back as NaN.
pub(crate) fn nan_when_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
}
