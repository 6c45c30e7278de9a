//! The Playground: a puzzle of one's own, two models side by side, and answers that are changed at one token.
//!
//! [`Playground`] is the state: what the side engine tells goes to [`Playground::told`], and keys go to
//! [`Playground::update`]. [`view()`] draws it.

mod action;
mod change;
mod form;
mod pane;
mod state;
mod view;
mod view_answers;

pub use action::{Action, KEYS, hints, typing_action};
pub use form::{Entry, Field, Form, label};
pub use pane::Pane;
pub use state::{Busy, Change, Playground, Zone};
pub use view::view;
