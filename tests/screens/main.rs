//! Pictures of every screen with their styles, and what keys do there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod at;
mod bars;
mod charts;
mod engines;
mod every_screen;
mod explained;
mod foreign;
mod frontier;
mod grammar;
mod hands;
mod live;
mod meter;
mod microscope;
mod multiplication;
mod newcomer;
mod past;
mod picture;
mod played;
mod playground;
mod rewards;
mod runs;
mod search_travel;
mod sentinel;
mod settings;
mod shelf;
mod transcripts;
mod trl;
