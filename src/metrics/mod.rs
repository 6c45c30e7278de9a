//! Measurements over the steps of a run: bucketing for charts, smoothing, the aha step and the meter.
//!
//! Pure: numbers in, numbers and labels out.

pub mod aha;
pub mod blind;
pub mod figures;
pub mod format;
pub mod hits;
pub mod meter;
pub mod sentinel;
pub mod series;
pub mod smoothing;

pub use aha::{AhaWatch, aha_step};
pub use meter::{Meter, Tally};
pub use sentinel::Sentinel;
pub use series::{Bucket, Column, Series};
pub use smoothing::Ema;
