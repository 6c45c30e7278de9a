//! The record of a finished run, played as if the run were live: the same events in the same order, each at its time.
//! A [`Recording`] is what was recorded, step by step; [`start`] plays it on a thread that obeys commands.

mod player;
mod recording;
mod schedule;

use std::io;

use crossbeam_channel::bounded;

use self::player::Player;
pub use self::{recording::Recording, schedule::Cue};
use crate::protocol::{RunSource, Speed};

/// Events that may wait to be drawn: few, so that a pause is seen at once.
const MOST_WAITING: usize = 256;
/// Commands that may wait to be obeyed.
const MOST_COMMANDS: usize = 64;

/// Plays the record of a finished run. It is read whole before the first event comes.
///
/// # Errors
/// If the system cannot start a thread.
pub fn start(source: RunSource, speed: Speed) -> io::Result<RunSource> {
    let (commands, orders) = bounded(MOST_COMMANDS);
    let (feed, events) = bounded(MOST_WAITING);
    let facts = source.facts.played_again();
    let record = source.events;
    std::thread::Builder::new().name("playback".into()).spawn(move || {
        if let Some(recording) = Recording::read(&record) {
            Player::new(recording, speed, orders, feed).play();
        }
    })?;
    Ok(RunSource { facts, events, commands: Some(commands), side: source.side })
}
