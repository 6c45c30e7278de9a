//! The parts of the program's `model` that read.

#[path = "../../src/model/config.rs"]
pub mod config;
#[path = "../../src/model/host.rs"]
pub mod host;
