//! The side engine: answers beside training, in a thread of its own, and never changes it.
//!
//! It uses none of training's random numbers and writes nothing. Its weights are the embedded base's, a
//! checkpoint's, or those that training published between two steps ([`live`]). One job runs at a time
//! ([`desk`]); a job of the same lane replaces it within a token. A long job calls [`Side::serve_others`]
//! between its parts, so that a user of the Playground does not wait for it.

pub mod answer;
pub mod desk;
pub mod library;
pub mod live;
mod measure;
mod play;
pub mod resample;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use self::{
    desk::{Desk, Todo},
    library::Loaded,
};
pub use self::{
    library::{Library, Source},
    live::{Live, LiveWeights},
};
use super::setup::EngineError;
use crate::protocol::side::{JobEnd, Lane, PlayRequest, SideEvent, SideHandle, SideJob};
use crate::system::workers::Workers;

/// Commands that may wait to be read.
const COMMANDS: usize = 64;

/// Starts the side engine. It ends when its handle is dropped.
///
/// # Errors
/// If the operating system cannot start a thread.
pub fn spawn(source: Source) -> std::io::Result<SideHandle> {
    let (commands_in, commands) = crossbeam_channel::bounded(COMMANDS);
    let (events, events_out) = crossbeam_channel::unbounded();
    std::thread::Builder::new().name("side engine".into()).spawn(move || {
        let desk = Rc::new(Desk::new(commands, events));
        let mut side =
            Side { desk: desk.clone(), library: Library::new(source), workers: None, played: None };
        while let Some(todo) = desk.next() {
            side.serve(todo);
        }
    })?;
    Ok(SideHandle { commands: commands_in, events: events_out })
}

/// The state of the thread.
pub struct Side {
    desk: Rc<Desk>,
    library: Library,
    /// One thread for each of two answers; created on first use.
    workers: Option<[Workers; 2]>,
    /// The newest answers, and the models that gave them, since the trained weights keep changing.
    played: Option<(u64, PlayRequest, [Rc<Loaded>; 2])>,
}

impl Side {
    /// Serves waiting jobs of other lanes. Called by a long job between its parts.
    pub(crate) fn serve_others(&mut self, lane: Lane) {
        let desk = self.desk.clone();
        while let Some(todo) = desk.next_beside(lane) {
            self.serve(todo);
        }
    }

    fn serve(&mut self, todo: Todo) {
        match todo {
            Todo::Models => {
                let looked = catch_unwind(AssertUnwindSafe(|| self.library.models()));
                let models = match looked {
                    Ok(models) => models.map_err(|error| error.to_string()),
                    Err(panic) => Err(format!("The side engine panicked: {}.", panic_words(panic.as_ref()))),
                };
                self.desk.tell(SideEvent::Models(models));
            }
            Todo::Job { id, job } => {
                self.desk.begin(id, job.lane());
                let how = guarded(|| self.work(id, job));
                self.desk.end(id, how);
            }
        }
    }

    /// Does a job; `None` if it was cancelled.
    fn work(&mut self, id: u64, job: SideJob) -> Result<Option<()>, EngineError> {
        match job {
            SideJob::Play(request) => self.play(id, *request),
            SideJob::Resample(request) => self.resample(id, &request),
            SideJob::Measure(request) => self.measure(id, request),
        }
    }

    /// The workers, each of one thread.
    fn workers(&mut self) -> Result<&[Workers; 2], EngineError> {
        if self.workers.is_none() {
            let one = || Workers::new(1).map_err(|error| EngineError::Other(format!("{error}.")));
            self.workers = Some([one()?, one()?]);
        }
        self.workers.as_ref().ok_or_else(|| EngineError::Other("There are no workers.".into()))
    }
}

/// Runs a job and catches panics: neither the thread nor the screen dies of one.
fn guarded(work: impl FnOnce() -> Result<Option<()>, EngineError>) -> JobEnd {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(Some(()))) => JobEnd::Done,
        Ok(Ok(None)) => JobEnd::Cancelled,
        Ok(Err(error)) => JobEnd::Failed(error.to_string()),
        Err(panic) => {
            let reason = panic_words(panic.as_ref());
            tracing::error!("side engine: {reason}");
            JobEnd::Failed(format!("The side engine panicked: {reason}. Training is not affected."))
        }
    }
}

/// The message of a panic.
pub(super) fn panic_words(panic: &(dyn Any + Send)) -> &str {
    let said = panic.downcast_ref::<&str>().copied();
    said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_as_the_end_of_its_job() {
        let workers = Workers::new(1).unwrap();
        let how = guarded(|| {
            workers.run(vec![|| panic!("a worker broke")]);
            Ok(Some(()))
        });
        assert!(matches!(&how, JobEnd::Failed(reason) if reason.contains("a worker broke")), "{how:?}");
        assert_eq!(guarded(|| Ok(None)), JobEnd::Cancelled);
        let failed = guarded(|| Err(EngineError::Other("No such file.".into())));
        assert_eq!(failed, JobEnd::Failed("No such file.".into()));
    }
}
