//! Going on for a phase or a step: what `p` does next, and what is said meanwhile.

use super::app::{App, Level};
use crate::protocol::{Phase, Temporality};

/// The phase to whose end a paused run goes with `p`: the one in hand while it is not over, else the next.
pub fn next_phase(app: &App) -> Phase {
    let Some(now) = app.progress else { return Phase::Sample };
    let over = match now.phase {
        Phase::Sample | Phase::Update => now.done >= now.total,
        // These two are not stopped in their midst.
        Phase::Score | Phase::Advantage => true,
        Phase::Evaluate => app.history.last().is_some_and(|step| step.step >= now.step),
    };
    let at = now.phase as usize;
    Phase::ALL[if over { (at + 1) % Phase::ALL.len() } else { at }]
}

/// Whether `p` and `s` are what a person is likely to press next.
pub fn waits_for_a_step(app: &App) -> bool {
    app.in_control() && app.temporality == Temporality::Paused && app.quitting.is_none()
}

/// Says that the engine goes on until it has paused again, and then no longer.
pub fn say_until_paused(app: &mut App, to: &str) {
    app.say(Level::Info, format!("going on to the end of {to}, then pausing"));
    if let Some(message) = &mut app.message {
        message.until = None;
        message.until_paused = true;
    }
}
