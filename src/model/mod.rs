//! The language model: a decoder-only transformer on Burn tensors, of any of the [`families`].

pub mod adapter;
pub mod arch;
pub mod cache;
pub(crate) mod cached;
pub mod companions;
pub mod config;
pub(crate) mod decoding;
pub mod families;
pub(crate) mod fields;
pub(crate) mod finding;
pub mod folder;
pub mod gguf;
pub mod host;
mod layout;
pub mod lora;
mod lora_keys;
pub mod publish;
pub mod rope;
mod rotary;
pub mod source;
pub mod template;
pub mod tokenizer;
pub mod trainer;
pub mod transformer;
mod weights;

#[cfg(test)]
mod agreement;
