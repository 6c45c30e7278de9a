//! The engine: trains in a thread of its own and knows nothing of terminals.
//!
//! [`spawn`] gives a handle with two channels; [`protocol`] holds everything that crosses them. A headless run
//! and one that is watched are the same engine.

pub mod control;
pub mod protocol;
pub mod scripted;
pub mod setup;
pub mod summary;
pub mod training;
pub mod watch;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::JoinHandle,
};

use self::{
    control::Control,
    protocol::{EngineHandle, Event},
    setup::EngineOptions,
};

/// Commands that may wait to be read.
const COMMANDS: usize = 64;

/// Starts the engine in a thread of its own. Whatever goes wrong in it, a panic included, is told as
/// [`Event::Failed`]; the thread then ends.
///
/// # Errors
/// When the operating system gives no thread.
pub fn spawn(options: EngineOptions) -> std::io::Result<(EngineHandle, JoinHandle<()>)> {
    let (commands_in, commands) = crossbeam_channel::bounded(COMMANDS);
    let (events, events_out) = crossbeam_channel::unbounded();
    let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
        let control = Control::new(options.config.clone(), options.paused, commands, events);
        match catch_unwind(AssertUnwindSafe(|| training::train(&options, &control))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!("{error}");
                control.tell(Event::Failed(error.to_string()));
            }
            Err(panic) => {
                let what = panic
                    .downcast_ref::<&str>()
                    .map(ToString::to_string)
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_else(|| "no reason given".into());
                tracing::error!("The engine panicked: {what}.");
                control.tell(Event::Failed(format!(
                    "The engine panicked: {what}. What was journalled is safe; resume the run to go on from its \
                     last checkpoint."
                )));
            }
        }
    })?;
    Ok((EngineHandle { commands: commands_in, events: events_out }, thread))
}
