//! Series of measurements over the steps of a run: bucketing for charts, smoothing, and the aha step.
//!
//! Pure: numbers in, numbers and labels out.

pub mod aha;
pub mod format;
pub mod series;
pub mod smoothing;

pub use aha::aha_step;
pub use series::{Bucket, Column, Series};
pub use smoothing::Ema;
