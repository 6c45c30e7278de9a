//! Connects the user's commands to the engine's threads: pause, step, stop, live edits.
//!
//! Every worker calls [`Control::gate`] before each token or micro-batch. The gate reads pending commands,
//! and holds its caller while the run is paused.

use std::{
    collections::HashSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread::ThreadId,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TryRecvError};

use crate::protocol::{Command, Event, StepBy, Temporality};
use crate::{
    config::{Config, ConfigError},
    record::{Edit, RunEvent},
    task::Puzzle,
};

/// How long a held thread sleeps before it checks for commands again.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Paused is reported once every thread is held, or once none has passed a gate for this long.
const QUIET_FOR: Duration = Duration::from_secs(1);
/// Events that may wait to be read before tokens are dropped.
const MOST_WAITING: usize = 4096;

/// How far to go before pausing automatically.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leash {
    None,
    Phases(u32),
    Steps(u32),
}

type Allows = Box<dyn Fn(&Config) -> Result<(), String> + Send>;

struct State {
    temporality: Temporality,
    leash: Leash,
    stopping: bool,
    /// Whether the run is paused only because of the disk.
    waits_for_disk: bool,
    /// The configuration with all requested edits; it applies from the next step on.
    wanted: Config,
    /// Refuses, with a sentence, a configuration that this model or machine cannot run.
    allows: Allows,
    /// Edits in `wanted` that are still to be journalled.
    edits: Vec<Edit>,
    checkpoint: bool,
    pins: Vec<(Puzzle, bool)>,
    /// The inspected group of each step, the number of requests so far, and whether one has just arrived.
    inspecting: Option<usize>,
    inspections_asked: u64,
    inspecting_anew: bool,
    /// The user's actions since the journal was last written: `paused`, `resumed`, `stepped`.
    deeds: Vec<(RunEvent, String)>,
    /// Threads that work in the current phase, and those of them that are held.
    working: HashSet<ThreadId>,
    held: HashSet<ThreadId>,
    last_passed: Instant,
    dropped: u64,
    dropped_told: u64,
}

/// Shared by the engine's thread and its workers.
pub struct Control {
    state: Mutex<State>,
    changed: Condvar,
    commands: Receiver<Command>,
    events: Sender<Event>,
}

/// Requests since the last [`Control::take_requests`].
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// Edits of live hyperparameters.
    pub edits: Vec<Edit>,
    /// Pauses, resumes and steps, in words.
    pub deeds: Vec<(RunEvent, String)>,
    /// Whether a checkpoint was requested.
    pub checkpoint: bool,
    /// Puzzles to pin (`true`) and to unpin.
    pub pins: Vec<(Puzzle, bool)>,
}

impl Control {
    /// For a run with this configuration; `paused` waits before the first token.
    pub fn new(config: Config, paused: bool, commands: Receiver<Command>, events: Sender<Event>) -> Self {
        let state = State {
            temporality: if paused { Temporality::Pausing } else { Temporality::Live },
            leash: Leash::None,
            stopping: false,
            waits_for_disk: false,
            wanted: config,
            allows: Box::new(|_| Ok(())),
            edits: Vec::new(),
            checkpoint: false,
            pins: Vec::new(),
            inspecting: None,
            inspections_asked: 0,
            inspecting_anew: false,
            deeds: Vec::new(),
            working: HashSet::new(),
            held: HashSet::new(),
            last_passed: Instant::now(),
            dropped: 0,
            dropped_told: 0,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), commands, events }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an event. It is not an error if nobody listens: the journal is the record.
    pub fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Sends a piece of streamed text, or drops and counts it if too much is waiting to be read. A caller so
    /// slow that the pause was reported without it is held here: nothing is streamed while paused.
    pub(crate) fn tell_token(&self, event: Event) {
        let mut state = self.lock();
        while state.temporality == Temporality::Paused && !state.stopping {
            let waited = self.changed.wait_timeout(state, LOOK_EVERY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            self.read_commands(&mut state);
        }
        if self.events.len() < MOST_WAITING {
            self.tell(event);
        } else {
            state.dropped += 1;
        }
    }

    /// Replaces the configuration before any command arrives: a resumed run has its own. From now on an edit
    /// is only accepted if `allows` accepts its result.
    pub(crate) fn begin_with(
        &self,
        config: Config,
        allows: impl Fn(&Config) -> Result<(), String> + Send + 'static,
    ) {
        let mut state = self.lock();
        state.wanted = config;
        state.allows = Box::new(allows);
    }

    /// Lets the caller continue, holds it while paused, or returns `false` if the run should stop.
    pub(crate) fn gate(&self) -> bool {
        let me = std::thread::current().id();
        let mut state = self.lock();
        state.working.insert(me);
        loop {
            self.read_commands(&mut state);
            if state.stopping {
                self.changed.notify_all();
                return false;
            }
            match state.temporality {
                Temporality::Live => break,
                Temporality::Unpausing => {
                    state.temporality = Temporality::Live;
                    self.tell(Event::Temporality(Temporality::Live));
                    break;
                }
                Temporality::Pausing | Temporality::Paused => {
                    state.held.insert(me);
                    let all = state.held.len() >= state.working.len();
                    if state.temporality == Temporality::Pausing
                        && (all || state.last_passed.elapsed() > QUIET_FOR)
                    {
                        state.temporality = Temporality::Paused;
                        self.tell(Event::Temporality(Temporality::Paused));
                    }
                    let waited = self.changed.wait_timeout(state, LOOK_EVERY);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        state.held.remove(&me);
        state.last_passed = Instant::now();
        if state.dropped != state.dropped_told {
            state.dropped_told = state.dropped;
            self.tell(Event::TokensDropped(state.dropped));
        }
        true
    }

    /// Called by the engine's own thread at the end of a phase: counts down the phases to go (and the steps,
    /// if the phase was the step's last), then holds the thread while paused.
    pub(crate) fn phase_over(&self, last_of_step: bool) {
        let mut state = self.lock();
        self.read_commands(&mut state);
        state.leash = match state.leash {
            Leash::Phases(n) if n > 1 => Leash::Phases(n - 1),
            Leash::Steps(n) if last_of_step && n > 1 => Leash::Steps(n - 1),
            Leash::Steps(n) if !last_of_step => Leash::Steps(n),
            Leash::None => Leash::None,
            Leash::Phases(_) | Leash::Steps(_) => {
                self.become_pausing(&mut state);
                Leash::None
            }
        };
        state.working.clear();
        state.held.clear();
    }

    /// Whether the run should stop.
    pub(crate) fn stopping(&self) -> bool {
        let mut state = self.lock();
        self.read_commands(&mut state);
        state.stopping
    }

    /// Whether the run is paused, or about to be.
    pub fn pausing(&self) -> bool {
        let mut state = self.lock();
        self.read_commands(&mut state);
        matches!(state.temporality, Temporality::Pausing | Temporality::Paused)
    }

    /// Pauses the run from inside, for a reason given in a warning.
    pub fn pause(&self) {
        let mut state = self.lock();
        state.waits_for_disk = false;
        self.become_pausing(&mut state);
    }

    /// Pauses the run until [`Control::disk_is_back`] or the user resumes it. A paused run stays paused.
    pub(crate) fn pause_for_disk(&self) {
        let mut state = self.lock();
        let live = matches!(state.temporality, Temporality::Live | Temporality::Unpausing);
        state.waits_for_disk |= live;
        self.become_pausing(&mut state);
    }

    /// Resumes a run that waits only for the disk; returns whether it did.
    pub(crate) fn disk_is_back(&self) -> bool {
        let mut state = self.lock();
        self.read_commands(&mut state);
        let waited = state.waits_for_disk;
        if waited {
            self.become_unpausing(&mut state);
        }
        waited
    }

    /// Holds the engine's thread between two phases until the run resumes or stops, a request arrives that
    /// can be served while paused, or this moment has come. `false` if the run should stop.
    pub(crate) fn wait_between_phases(&self, until: Option<Instant>) -> bool {
        let mut state = self.lock();
        loop {
            self.read_commands(&mut state);
            if state.stopping {
                return false;
            }
            match state.temporality {
                Temporality::Live => return true,
                Temporality::Unpausing => {
                    state.temporality = Temporality::Live;
                    self.tell(Event::Temporality(Temporality::Live));
                    return true;
                }
                Temporality::Pausing => {
                    state.temporality = Temporality::Paused;
                    self.tell(Event::Temporality(Temporality::Paused));
                }
                Temporality::Paused => {}
            }
            if state.checkpoint
                || !state.pins.is_empty()
                || !state.edits.is_empty()
                || !state.deeds.is_empty()
                || state.inspecting_anew
                || until.is_some_and(|until| until <= Instant::now())
            {
                return true;
            }
            let waited = self.changed.wait_timeout(state, LOOK_EVERY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The configuration from the next step on.
    pub fn wanted(&self) -> Config {
        self.lock().wanted.clone()
    }

    /// The configuration of a step that begins now, and its edits that are not journalled yet. Both at once,
    /// so that an edit is either in the step and journalled before it, or neither.
    pub(crate) fn begin_step(&self) -> (Config, Vec<Edit>) {
        let mut state = self.lock();
        (state.wanted.clone(), std::mem::take(&mut state.edits))
    }

    /// Repeats an edit that the run journalled before it was resumed, without journalling it again.
    ///
    /// # Errors
    /// If the key does not accept the value.
    pub fn make_again(&self, edit: &Edit) -> Result<(), ConfigError> {
        self.lock().wanted.set_live(&edit.key, &edit.value)
    }

    /// The group of each step to inspect, and the number of the request: a repeated request, for example from
    /// a screen that joins later, is answered again.
    pub(crate) fn inspecting(&self) -> Option<(usize, u64)> {
        let mut state = self.lock();
        self.read_commands(&mut state);
        state.inspecting.map(|group| (group, state.inspections_asked))
    }

    /// The requests since the last call.
    pub(crate) fn take_requests(&self) -> Requests {
        let mut state = self.lock();
        self.read_commands(&mut state);
        state.inspecting_anew = false;
        Requests {
            edits: std::mem::take(&mut state.edits),
            deeds: std::mem::take(&mut state.deeds),
            checkpoint: std::mem::take(&mut state.checkpoint),
            pins: std::mem::take(&mut state.pins),
        }
    }

    fn become_pausing(&self, state: &mut State) {
        if state.temporality == Temporality::Live || state.temporality == Temporality::Unpausing {
            state.temporality = Temporality::Pausing;
            state.last_passed = Instant::now();
            self.tell(Event::Temporality(Temporality::Pausing));
        }
    }

    fn become_unpausing(&self, state: &mut State) {
        state.waits_for_disk = false;
        if matches!(state.temporality, Temporality::Pausing | Temporality::Paused) {
            state.temporality = Temporality::Unpausing;
            self.tell(Event::Temporality(Temporality::Unpausing));
        }
        self.changed.notify_all();
    }

    fn read_commands(&self, state: &mut State) {
        loop {
            match self.commands.try_recv() {
                Ok(Command::Pause) => {
                    state.leash = Leash::None;
                    state.waits_for_disk = false;
                    self.become_pausing(state);
                    state.deeds.push((RunEvent::Paused, "by a person".into()));
                }
                Ok(Command::Resume) => {
                    state.leash = Leash::None;
                    self.become_unpausing(state);
                    state.deeds.push((RunEvent::Resumed { after: None }, "by a person".into()));
                }
                Ok(Command::TryAgain) => {
                    state.leash = Leash::None;
                    self.become_unpausing(state);
                    state
                        .deeds
                        .push((RunEvent::Resumed { after: None }, "by itself: it is tried once more".into()));
                }
                Ok(Command::Step(by)) => {
                    let (leash, event, words) = match by {
                        StepBy::Phases(n) => {
                            let event = RunEvent::Stepped { phases: Some(n), steps: None };
                            (Leash::Phases(n.max(1)), event, format!("{n} phases"))
                        }
                        StepBy::Steps(n) => {
                            let event = RunEvent::Stepped { phases: None, steps: Some(n) };
                            (Leash::Steps(n.max(1)), event, format!("{n} steps"))
                        }
                    };
                    state.leash = leash;
                    self.become_unpausing(state);
                    state.deeds.push((event, words));
                }
                Ok(Command::Set { key, value }) => {
                    let before = state.wanted.get(&key).unwrap_or_default();
                    let mut wanted = state.wanted.clone();
                    let set = wanted.set_live(&key, &value).map_err(|error| error.to_string());
                    match set.and_then(|()| (state.allows)(&wanted)) {
                        Ok(()) => {
                            state.wanted = wanted;
                            state.edits.push(Edit { key, value, before });
                        }
                        Err(sentence) => self.tell(Event::Warning(sentence)),
                    }
                }
                Ok(Command::Checkpoint) => state.checkpoint = true,
                Ok(Command::Pin(puzzle)) => state.pins.push((puzzle, true)),
                Ok(Command::Unpin(puzzle)) => state.pins.push((puzzle, false)),
                Ok(Command::Inspect { group }) => {
                    state.inspecting = group;
                    state.inspecting_anew = group.is_some();
                    state.inspections_asked += u64::from(group.is_some());
                }
                // Nobody asks that of what is not recorded yet.
                Ok(Command::Play(_)) => {}
                // The other end is gone: that ends the run like a stop.
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                    state.stopping = true;
                    return;
                }
                Err(TryRecvError::Empty) => return,
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
