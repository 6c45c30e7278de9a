//! aha-lab: a terminal lab for watching reasoning emerge under reinforcement learning.
//!
//! Data flows one way: puzzle, prompt, rollout, reward, advantage, update; beside it the reasoning analysis, the
//! journal and the terminal. The [`engine`] trains and knows nothing of terminals; the [`tui`] draws and knows
//! nothing of tensors; [`engine::protocol`] is all that crosses between them.

#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]

pub mod command;
pub mod config;
pub mod control_socket;
pub mod device;
pub mod engine;
pub mod eval;
pub mod files;
pub mod grpo;
pub mod kernels;
pub mod memory;
pub mod metrics;
pub mod model;
pub mod output;
pub mod platform;
pub mod pretrain;
pub mod reasoning;
pub mod rollout;
pub mod run;
pub mod task;
pub mod tokenizer;
pub mod tui;
pub mod workers;
