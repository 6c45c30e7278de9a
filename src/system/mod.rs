//! What the operating system gives: files opened safely, the terminal's streams, signals, memory and worker threads.

pub mod files;
pub mod memory;
pub mod output;
pub mod platform;
pub mod workers;
