//! The Search screen: one completion as the tree of states it explored, beside all that there are.
//!
//! [`SearchView`] is the state: a completion is put in with [`SearchView::show`], and keys go to
//! [`SearchView::update`]. [`view()`] draws it.

mod action;
mod figures;
mod outline;
mod rows;
mod state;
mod view;

pub use action::{Action, KEYS, hints};
pub use state::SearchView;
pub use view::view;
