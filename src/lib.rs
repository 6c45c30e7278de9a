//! aha-lab: a terminal lab for watching reasoning emerge under reinforcement learning.
//!
//! Data flows one way: puzzle, prompt, rollout, reward, advantage, update; the reasoning analysis, the
//! journal and the terminal run beside it. The [`engine`] trains and knows nothing of terminals; the [`tui`]
//! draws and knows nothing of tensors; [`protocol`] is all that crosses between them.

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]

pub mod cli;
pub mod config;
pub mod device;
pub mod engine;
pub mod eval;
pub mod grpo;
pub mod hub;
pub mod kernels;
pub mod metrics;
pub mod model;
pub mod pretrain;
pub mod prompt;
pub mod protocol;
pub mod reasoning;
pub mod record;
pub mod report;
pub mod rollout;
pub mod runs;
pub mod settings;
pub mod socket;
pub mod system;
pub mod task;
pub mod tui;
