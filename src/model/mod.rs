//! The language model: a decoder-only transformer of the Qwen2 family on Burn tensors.

pub mod cache;
pub mod config;
pub mod embedded;
pub mod folder;
pub mod host;
pub mod trainer;
pub mod transformer;
