//! The Frontier screen: what accuracy thinking buys, before and after training.
//!
//! [`Frontier`] is the state: measurements are put in with [`Frontier::push`], and keys go to [`Frontier::update`].
//! [`view()`] draws it.

mod action;
mod chart;
mod curves;
mod state;
mod view;

pub use action::{Action, KEYS};
pub use curves::{Axis, Curve, Kind, Spot};
pub use state::Frontier;
pub use view::view;
