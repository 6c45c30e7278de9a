//! Makes the base model from nothing: a synthetic corpus, then supervised training.

pub mod corpus;
pub mod train;
pub mod vocabulary;
