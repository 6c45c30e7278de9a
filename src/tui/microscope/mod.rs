//! The Microscope: one group of one GRPO step, phase by phase and token by token.
//!
//! [`Microscope`] is the state, [`KEYS`] what a person can do with it, [`Lens`] what the tokens are coloured by,
//! [`sentence`] what a teacher reads aloud, and [`result`] what the phase has brought to light; [`view()`] draws it all.

mod action;
mod group_rows;
mod lens;
mod read_out;
mod result;
mod sentence;
mod state;
mod tokens;
mod view;

pub use action::{Action, KEYS};
pub use lens::Lens;
pub use sentence::{Stage, sentence};
pub use state::Microscope;
pub use view::view;
