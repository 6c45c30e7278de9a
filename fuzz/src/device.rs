//! Of the devices, what the configuration names.

#[path = "../../src/device/request.rs"]
mod request;

pub use request::{BackendRequest, UnknownBackend};
