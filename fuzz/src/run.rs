//! The parts of the program's `run` that read.

#[path = "../../src/run/lines.rs"]
pub mod lines;
#[path = "../../src/run/record.rs"]
pub mod record;
