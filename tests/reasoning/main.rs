//! The analysis of reasoning against hand-made labels, generated traces and arbitrary text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod arbitrary;
mod cases;
mod counted;
mod generated;
mod labelled;
mod marked;
mod sound;
