//! The engine: trains in a thread of its own and knows nothing of terminals.
//!
//! [`spawn`] gives a source with two channels; [`crate::protocol`] holds everything that crosses them. A
//! headless run and a watched one use the same engine.

pub mod control;
pub(crate) mod footprint;
pub(crate) mod inspect;
mod log;
mod opening;
pub mod origin;
pub(crate) mod parts;
pub mod pins;
pub mod replay;
pub mod scripted;
pub mod setup;
pub mod side;
pub mod summary;
pub mod training;
pub mod watch;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
};

use self::{
    control::Control,
    setup::{EngineError, EngineOptions, Prepared},
    side::LiveWeights,
};
use crate::protocol::{Event, RunFacts, RunSource};

/// Commands that may wait to be read.
const COMMANDS: usize = 64;

/// Starts the engine in one thread and the side engine in another. Whatever goes wrong in the first, a panic
/// included, is sent as [`Event::Failed`]; the thread then ends.
///
/// # Errors
/// If the operating system cannot start a thread.
pub fn spawn(options: EngineOptions) -> std::io::Result<(RunSource, JoinHandle<()>)> {
    spawn_with(options, setup::prepare)
}

/// Like [`spawn`], for a host that prepares the run itself, for example with a task of its own.
///
/// # Errors
/// As for [`spawn`].
pub fn spawn_with(
    options: EngineOptions,
    prepare: impl FnOnce(&EngineOptions) -> Result<Prepared, EngineError> + Send + 'static,
) -> std::io::Result<(RunSource, JoinHandle<()>)> {
    let (commands_in, commands) = crossbeam_channel::bounded(COMMANDS);
    let (events, events_out) = crossbeam_channel::unbounded();
    let weights = Arc::new(LiveWeights::default());
    let side = side::spawn(side::Source::Live(weights.clone()))?;
    let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
        let control = Control::new(options.config.clone(), options.paused, commands, events);
        supervise(&control, || training::train(prepare(&options)?, &control, &weights, options.last_step));
    })?;
    let facts = RunFacts::of_our_engine();
    Ok((RunSource { facts, events: events_out, commands: Some(commands_in), side: Some(side) }, thread))
}

/// Does the engine's work, and reports how it ended: nothing in it, not even a worker's panic, may take the
/// screen down.
fn supervise(control: &Control, work: impl FnOnce() -> Result<(), EngineError>) {
    let reason = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            format!(
                "The engine panicked: {}. Everything journalled is safe; resume the run to continue from its last \
                 checkpoint.",
                side::panic_words(panic.as_ref())
            )
        }
    };
    tracing::error!("{reason}");
    control.tell(Event::Failed(reason));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::{config::Config, system::workers::Workers};

    #[test]
    fn a_panic_of_a_worker_is_told_as_a_failure() {
        let (_commands_in, commands) = crossbeam_channel::bounded(1);
        let (events, told) = crossbeam_channel::unbounded();
        let control = Control::new(Config::default(), false, commands, events);
        let workers = Workers::new(2).unwrap();
        supervise(&control, || {
            let jobs: Vec<_> = (0..2).map(|i| move || assert!(i == 0, "worker {i} broke")).collect();
            workers.run(jobs);
            Ok(())
        });
        match told.try_recv().unwrap() {
            Event::Failed(reason) => assert!(reason.contains("worker 1 broke"), "{reason}"),
            other => panic!("{other:?}"),
        }
        supervise(&control, || Err(EngineError::Other("The disk is gone.".into())));
        assert_eq!(told.try_recv().unwrap(), Event::Failed("The disk is gone.".into()));
        supervise(&control, || Ok(()));
        assert!(told.try_recv().is_err());
    }
}
