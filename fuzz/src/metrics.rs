//! Of the metrics, what the modules that are fuzzed count with.

#[path = "../../src/metrics/blind.rs"]
pub mod blind;
#[path = "../../src/metrics/hits.rs"]
pub mod hits;
#[path = "../../src/metrics/format.rs"]
pub mod format;
#[path = "../../src/metrics/interval.rs"]
pub mod interval;
#[path = "../../src/metrics/registry.rs"]
pub mod registry;
#[path = "../../src/metrics/sentinel.rs"]
pub mod sentinel;
