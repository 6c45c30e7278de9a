//! Makes a base model from nothing: supervised training on a task's synthetic corpus.

pub mod train;
