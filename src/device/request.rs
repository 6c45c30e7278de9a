//! The backend that the user requests.

use std::str::FromStr;

use crate::settings::{Choice, choices};

choices! {
    /// The requested backend.
    pub enum BackendRequest {
        /// wgpu where there is a real GPU, the CPU elsewhere.
        Auto = "auto",
        /// wgpu, or an error.
        Wgpu = "wgpu",
        /// The CPU.
        Cpu = "cpu",
    }
}

/// The name is not a backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("There is no backend `{0}`: it is `auto`, `wgpu` or `cpu`.")]
pub struct UnknownBackend(String);

impl FromStr for BackendRequest {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, UnknownBackend> {
        Self::of_name(name).ok_or_else(|| UnknownBackend(name.to_owned()))
    }
}
