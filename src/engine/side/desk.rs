//! The queue of the side engine's jobs.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use crate::protocol::side::{JobEnd, Lane, SideCommand, SideEvent, SideJob};

/// Something to do.
#[derive(Debug, PartialEq)]
pub enum Todo {
    /// List the models.
    Models,
    /// Do a job.
    Job {
        /// Its id.
        id: u64,
        /// What it is.
        job: SideJob,
    },
}

#[derive(Default)]
struct State {
    models: bool,
    waiting: VecDeque<(u64, SideJob)>,
    /// The running jobs, the innermost last, and whether each was cancelled.
    running: Vec<(u64, Lane, bool)>,
    /// All senders are gone.
    closed: bool,
}

/// Shared by the side engine's thread and its workers.
pub struct Desk {
    commands: Receiver<SideCommand>,
    events: Sender<SideEvent>,
    state: Mutex<State>,
}

impl Desk {
    /// An empty desk.
    pub fn new(commands: Receiver<SideCommand>, events: Sender<SideEvent>) -> Self {
        Self { commands, events, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an event. It is not an error if nobody listens.
    pub fn tell(&self, event: SideEvent) {
        let _ = self.events.send(event);
    }

    /// Waits for the next thing to do. `None` once all senders are gone.
    pub fn next(&self) -> Option<Todo> {
        loop {
            {
                let mut state = self.lock();
                self.read(&mut state);
                if state.closed {
                    return None;
                }
                if let Some(todo) = take(&mut state, |_| true) {
                    return Some(todo);
                }
            }
            let command = self.commands.recv();
            let mut state = self.lock();
            match command {
                Ok(command) => self.put(&mut state, command),
                Err(_) => return None,
            }
        }
    }

    /// A waiting job that can run between two parts of a long job of this lane.
    pub(crate) fn next_beside(&self, lane: Lane) -> Option<Todo> {
        let mut state = self.lock();
        self.read(&mut state);
        if state.closed {
            return None;
        }
        take(&mut state, |other| other != lane)
    }

    /// A job begins.
    pub fn begin(&self, id: u64, lane: Lane) {
        self.lock().running.push((id, lane, false));
    }

    /// The job that began last is over.
    pub fn end(&self, id: u64, how: JobEnd) {
        self.lock().running.pop();
        self.tell(SideEvent::Ended { job: id, how });
    }

    /// Whether the innermost running job is still wanted. Called before every token.
    pub(crate) fn goes_on(&self) -> bool {
        let mut state = self.lock();
        self.read(&mut state);
        !state.closed && state.running.last().is_none_or(|(_, _, given_up)| !given_up)
    }

    fn read(&self, state: &mut State) {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.put(state, command),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    state.closed = true;
                    return;
                }
            }
        }
    }

    fn put(&self, state: &mut State, command: SideCommand) {
        match command {
            SideCommand::Models => state.models = true,
            SideCommand::Cancel { id } => {
                self.drop_waiting(state, |(waiting, _)| *waiting == id);
                state.running.iter_mut().filter(|(running, ..)| *running == id).for_each(|job| job.2 = true);
            }
            SideCommand::Job { id, job } => {
                let lane = job.lane();
                self.drop_waiting(state, |(_, waiting)| waiting.lane() == lane);
                state.running.iter_mut().filter(|(_, other, _)| *other == lane).for_each(|job| job.2 = true);
                state.waiting.push_back((id, job));
            }
        }
    }

    /// Cancels jobs that have not begun; each is still reported as ended.
    fn drop_waiting(&self, state: &mut State, which: impl Fn(&(u64, SideJob)) -> bool) {
        state.waiting.retain(|job| {
            let dropped = which(job);
            if dropped {
                self.tell(SideEvent::Ended { job: job.0, how: JobEnd::Cancelled });
            }
            !dropped
        });
    }
}

fn take(state: &mut State, lane: impl Fn(Lane) -> bool) -> Option<Todo> {
    if std::mem::take(&mut state.models) {
        return Some(Todo::Models);
    }
    let at = state.waiting.iter().position(|(_, job)| lane(job.lane()))?;
    state.waiting.remove(at).map(|(id, job)| Todo::Job { id, job })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use crossbeam_channel::{bounded, unbounded};

    use super::*;
    use crate::{
        protocol::side::{ModelName, PlayOptions, PlayRequest},
        task::{NumberPuzzle, Puzzle},
    };

    fn play() -> SideJob {
        SideJob::Play(Box::new(PlayRequest {
            puzzle: Puzzle::from(NumberPuzzle { numbers: vec![1, 2], target: 3 }),
            models: [ModelName::Embedded; 2],
            options: PlayOptions { temperature: 1.0, budget: None, keep_thinking: 0, seed: 0, pace: None },
        }))
    }

    fn cancelled(job: u64) -> SideEvent {
        SideEvent::Ended { job, how: JobEnd::Cancelled }
    }

    #[test]
    fn a_newer_job_of_the_lane_replaces_what_runs_and_what_waits() {
        let (ask, commands) = bounded(8);
        let (events, told) = unbounded();
        let desk = Desk::new(commands, events);
        ask.send(SideCommand::Job { id: 1, job: play() }).unwrap();
        assert_eq!(desk.next(), Some(Todo::Job { id: 1, job: play() }));
        desk.begin(1, Lane::Playground);
        assert!(desk.goes_on());
        assert_eq!(desk.next_beside(Lane::Playground), None);
        ask.send(SideCommand::Job { id: 2, job: play() }).unwrap();
        ask.send(SideCommand::Job { id: 3, job: play() }).unwrap();
        assert!(!desk.goes_on());
        assert_eq!(told.try_recv(), Ok(cancelled(2)));
        assert_eq!(
            desk.next_beside(Lane::Playground),
            None,
            "it replaces this lane's job, and waits for its end"
        );
        desk.end(1, JobEnd::Cancelled);
        assert_eq!(told.try_recv(), Ok(cancelled(1)));
        assert_eq!(desk.next(), Some(Todo::Job { id: 3, job: play() }));
        desk.begin(3, Lane::Playground);
        assert!(desk.goes_on());
        ask.send(SideCommand::Cancel { id: 7 }).unwrap();
        assert!(desk.goes_on(), "another one's");
        ask.send(SideCommand::Models).unwrap();
        ask.send(SideCommand::Cancel { id: 3 }).unwrap();
        assert!(!desk.goes_on());
        desk.end(3, JobEnd::Cancelled);
        assert_eq!(desk.next(), Some(Todo::Models));
        drop(ask);
        assert_eq!(desk.next(), None);
        assert!(!desk.goes_on());
    }
}
