//! What several screens draw with.

pub(in crate::tui) mod figures;
pub(in crate::tui) mod frames;
pub(crate) mod highlight;
pub(in crate::tui) mod lines;
pub(in crate::tui) mod marks;
pub(in crate::tui) mod message_line;
pub mod numbers;
pub(in crate::tui) mod other_runs;
pub(in crate::tui) mod phases;
pub(in crate::tui) mod run_charts;
pub(in crate::tui) mod scroll;
pub(in crate::tui) mod typing;
pub mod wrap;
