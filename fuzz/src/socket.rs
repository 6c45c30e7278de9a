//! The part of the program's `socket` that reads.

#[path = "../../src/socket/message.rs"]
mod message;
pub use message::{Line, Request};
