//! The message while running to the end of a phase or step.

use super::{app::App, message::Level};
use crate::protocol::Temporality;

/// Whether `p` and `s` are the likeliest next keys.
pub(super) fn waits_for_a_step(app: &App) -> bool {
    app.obeyed() && app.run().temporality == Temporality::Paused
}

/// Shows that the engine is running, until it has paused again.
pub(super) fn say_until_paused(app: &mut App, to: &str) {
    app.say(Level::Info, format!("running to the end of {to}, then pausing"));
    if let Some(message) = &mut app.message {
        message.until = None;
        message.until_paused = true;
    }
}
