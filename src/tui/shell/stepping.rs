//! Going on for a phase or a step: what is said meanwhile.

use super::{app::App, message::Level};
use crate::protocol::Temporality;

/// Whether `p` and `s` are what a person is likely to press next.
pub(super) fn waits_for_a_step(app: &App) -> bool {
    app.obeyed() && app.run().temporality == Temporality::Paused
}

/// Says that the engine goes on until it has paused again, and then no longer.
pub(super) fn say_until_paused(app: &mut App, to: &str) {
    app.say(Level::Info, format!("going on to the end of {to}, then pausing"));
    if let Some(message) = &mut app.message {
        message.until = None;
        message.until_paused = true;
    }
}
