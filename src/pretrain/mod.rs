//! Supervised training: a base model from scratch on a task's synthetic corpus, and a model from elsewhere on worked
//! thoughts.

pub mod priming;
mod supervised;
pub mod train;
