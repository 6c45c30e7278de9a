//! The Transcripts screen: every completion of a run by step and group, filtered, searched and read.
//!
//! [`Transcripts`] is the state: it is given records with [`Transcripts::push`] and actions with
//! [`Transcripts::update`]. [`view()`] draws it. Rows, filters and searches are brought up to date when
//! something changes; a frame draws the rows on screen and nothing more.

mod action;
mod detail;
mod effect;
mod figures;
mod filter;
mod library;
mod navigate;
mod search;
mod searching;
mod state;
mod thoughts;
mod view;
mod view_detail;

pub use action::{Action, KEYS, typing_action};
pub use effect::{Effect, SENT_TO_CLIPBOARD, osc52};
pub(in crate::tui) use figures::signed_bar;
pub use filter::{Counts, Filter, Sort};
pub use library::Key;
pub use state::{CAPACITY, Focus, Transcripts};
pub use view::view;

pub(super) use figures::puzzle_text;
pub(super) use view::{draw_thumb, on_border};
