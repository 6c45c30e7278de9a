//! Group Relative Policy Optimization (<https://arxiv.org/abs/2402.03300>) and its variants.
//!
//! [`step`] is the loop, [`advantage`] and [`loss`] its two formulas, [`settings`] what a person may choose about them.

pub mod advantage;
pub mod loss;
pub mod preset;
pub mod settings;
pub mod step;
