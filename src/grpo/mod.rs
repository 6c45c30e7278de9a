//! Group Relative Policy Optimization (<https://arxiv.org/abs/2402.03300>) and its variants.
//!
//! [`step`] is the loop: read it first, from top to bottom. What may be exchanged in it are parts that the
//! configuration names, a file each: which prompts and groups a step trains on ([`batching`]), how rewards become
//! advantages ([`advantage`]), and the loss of a token ([`objective`]). [`loss`] puts a loss together; [`update`] minimises it. [`settings`] is what a
//! person may choose.

pub mod advantage;
pub mod batching;
pub mod control;
pub mod correction;
pub mod entropy;
pub mod explain;
pub mod kl;
pub mod loss;
mod mini_batches;
pub mod norm;
pub mod objective;
pub(crate) mod penalties;
pub mod preset;
pub mod registry;
mod schedule;
pub mod settings;
pub mod step;
pub mod unwatched;
pub mod update;
