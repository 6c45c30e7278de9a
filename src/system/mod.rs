//! What the operating system provides: safely opened files, the terminal's streams, signals, memory and
//! worker threads; also quoting of foreign text for messages.

pub(crate) mod base64;
pub(crate) mod disk;
pub mod files;
pub mod memory;
pub mod output;
pub mod platform;
pub(crate) mod quoting;
pub mod workers;
