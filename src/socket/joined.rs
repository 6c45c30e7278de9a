//! A run of another process as one source: its files joined with the events from its socket.

use std::{io, path::Path, thread};

use super::client::attach;
use crate::{
    protocol::{Event, RunFacts, RunSource},
    runs::RunDirectory,
};

/// Commands that may wait to be forwarded.
const MOST_COMMANDS: usize = 64;

/// Joins the socket of a run with the source that reads its files. A run that cannot be reached stays
/// read-only, with a warning that says why.
///
/// # Errors
/// If the operating system cannot start a thread.
pub fn joined(source: RunSource, run: &Path) -> io::Result<RunSource> {
    let RunSource { facts, events: read, side, .. } = source;
    let (feed, events) = crossbeam_channel::unbounded();
    // The start event must come before everything from the socket.
    if let Ok(started) = read.recv() {
        let _ = feed.send(started);
    }
    let (commands, asked) = crossbeam_channel::bounded(MOST_COMMANDS);
    let (facts, commands) = match attach(run, asked, feed.clone()) {
        Ok(()) => (facts_of_the_process(facts, run), Some(commands)),
        Err(error) => {
            let _ = feed.send(Event::Warning(format!("{error} It is shown read-only.")));
            (facts, None)
        }
    };
    thread::Builder::new().name("read".into()).spawn(move || {
        for event in read {
            if feed.send(event).is_err() {
                return;
            }
        }
    })?;
    Ok(RunSource { facts, events, commands, side })
}

/// What is known of a run that takes commands: another engine names those that it carries out.
fn facts_of_the_process(read: RunFacts, run: &Path) -> RunFacts {
    let file = RunDirectory::open(run).and_then(|run| run.config()).ok();
    match file.and_then(|file| file.provenance).and_then(|info| info.engine) {
        Some(engine) => read.taking_commands_of(&engine),
        None => RunFacts::of_another_process(),
    }
}
