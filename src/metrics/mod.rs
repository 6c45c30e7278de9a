//! Measurements over the steps of a run: smoothing, the aha step, the meter and the sentinel.
//!
//! Pure: numbers in, numbers and labels out.

pub mod aha;
pub(crate) mod blind;
pub mod figures;
pub mod format;
pub mod hits;
pub(crate) mod interval;
pub mod meter;
pub(crate) mod readings;
pub mod registry;
pub(crate) mod seeds;
pub mod sentinel;
pub(crate) mod smoothing;
pub mod spread;

pub use aha::{AhaWatch, aha_step};
pub use meter::{Meter, Tally};
pub use registry::Metric;
pub use sentinel::Sentinel;
pub use smoothing::Ema;
