//! Trains a base model from scratch, supervised, on a task's synthetic corpus.

pub mod train;
