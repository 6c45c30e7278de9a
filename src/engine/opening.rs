//! The directory of a run that is about to begin or to resume, open for writing.

use std::fs::File;

use super::setup::{Base, EngineError, Start};
use crate::{
    model::cached,
    record::{ForkPoint, RunEvent},
    runs::{
        Journal, Reader, RunDirectory, RunError, RunLock, checkpoint, directory::ENGINE_LOG,
        edits::EditsToMakeAgain, leftovers, pinned::PinnedLog, soundness, state::TrainingState,
    },
    system::files::{self, Folder},
};

/// The directory of a run, open for writing.
pub(super) struct Opened {
    pub(super) run: RunDirectory,
    /// Its logs.
    pub(super) journal: Journal,
    /// How it began, and from what.
    pub(super) beginning: (RunEvent, String),
    /// Live edits that were journalled after the checkpoint.
    pub(super) edits_to_make_again: EditsToMakeAgain,
}

/// Opens the directory of a run that is resumed, as it was at the checkpoint.
pub(super) fn resume(
    run: &RunDirectory,
    step: Option<u64>,
    lock: RunLock,
    state: &TrainingState,
    warnings: &mut Vec<String>,
) -> Result<Opened, EngineError> {
    PinnedLog::check(&lock, state.pinned_bytes)?;
    warnings.extend(soundness::doubts(lock.folder(), state)?);
    leftovers::remove(lock.folder());
    if step.is_some() {
        Journal::check(&lock, state.position())?;
        checkpoint::remove_after(run.disk(), lock.folder(), state.step)?;
    }
    let journal = Journal::resume_locked(lock, run, state.position())?;
    let edits_to_make_again = EditsToMakeAgain::after(state.step, &Reader::new(run).events()?.records);
    let beginning = (RunEvent::Resumed { after: Some(state.step) }, format!("after step {}", state.step));
    Ok(Opened { run: run.clone(), journal, beginning, edits_to_make_again })
}

/// Opens the new directory of a run that begins.
pub(super) fn begin(run: RunDirectory, start: &Start, state: &TrainingState) -> Result<Opened, EngineError> {
    let journal = Journal::begin(&run)?;
    let beginning = match start {
        Start::Fork(from, _) => {
            let parent = ForkPoint { run: from.name(), step: state.step };
            let words = format!("from {}@{}", parent.run, parent.step);
            (RunEvent::forked(parent), words)
        }
        Start::New(Base::Folder(folder)) => {
            let name = cached::name_of(folder).unwrap_or_else(|| folder.display().to_string());
            (RunEvent::Started { folder: Some(folder.display().to_string()) }, format!("from {name}"))
        }
        _ => (RunEvent::Started { folder: None }, "from the embedded base model".into()),
    };
    Ok(Opened { run, journal, beginning, edits_to_make_again: EditsToMakeAgain::default() })
}

/// Opens a run's `engine.log`. A disk that refuses it is no reason not to train, but something else in its
/// place is.
pub(super) fn open_log(run: &Folder) -> Result<Option<File>, EngineError> {
    match run.append(ENGINE_LOG) {
        Err(error) if files::refusal(&error).is_some() => {
            Err(RunError::io("open", &run.path().join(ENGINE_LOG))(error).into())
        }
        opened => Ok(opened.ok()),
    }
}
