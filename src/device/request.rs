//! The backend that the user requests.

use std::str::FromStr;

use crate::settings::{Choice, choices};

choices! {
    /// The requested backend.
    pub enum BackendRequest {
        /// wgpu if there is a real GPU, else the CPU.
        Auto = "auto",
        /// wgpu; an error if there is no GPU.
        Wgpu = "wgpu",
        /// The CPU.
        Cpu = "cpu",
    }
}

/// The name is not a backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("There is no backend `{0}`; choose `auto`, `wgpu` or `cpu`.")]
pub struct UnknownBackend(String);

impl FromStr for BackendRequest {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> Result<Self, UnknownBackend> {
        Self::of_name(name).ok_or_else(|| UnknownBackend(name.to_owned()))
    }
}
