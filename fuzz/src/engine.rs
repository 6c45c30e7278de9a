//! What the socket's messages need of the program's `engine`.

#[path = "../../src/engine/protocol.rs"]
pub mod protocol;
