//! The language model: a decoder-only transformer of the Qwen2 family on Burn tensors.

pub mod cache;
pub mod companions;
pub mod config;
pub mod embedded;
pub(crate) mod fields;
pub mod finding;
pub mod folder;
pub mod host;
pub mod publish;
pub mod tokenizer;
pub mod trainer;
pub mod transformer;
mod weights;
