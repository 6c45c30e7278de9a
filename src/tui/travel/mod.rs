//! The Travel screen: a pinned puzzle's answers at two steps of the run, side by side.
//!
//! [`Travel`] is the state: answers are put in with [`Travel::push`], and keys go to [`Travel::update`].
//! [`view()`] draws it.

mod action;
mod difference;
mod head;
mod state;
mod view;

pub use action::{Action, KEYS, typing_action};
pub use difference::{Word, differences};
pub use state::{End, Request, Travel, puzzle_of};
pub use view::view;
