//! The part of the program's `control_socket` that reads.

#[path = "../../src/control_socket/message.rs"]
mod message;
pub use message::{Line, Request, Told};
