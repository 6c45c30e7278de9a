//! Group Relative Policy Optimization (<https://arxiv.org/abs/2402.03300>) and its variants.
//!
//! [`step`] is the loop, [`advantage`] and [`loss`] its two formulas.

pub mod advantage;
pub mod loss;
pub mod step;
