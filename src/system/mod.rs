//! What the operating system gives: files opened safely, the terminal's streams, signals, memory and worker threads; and foreign text
//! made fit for messages.

pub mod files;
pub mod memory;
pub mod output;
pub mod platform;
pub(crate) mod quoting;
pub mod workers;
