//! A run as its watcher receives it, wherever it comes from: our engine, another process, a run directory, or
//! another engine's files.

use crossbeam_channel::{Receiver, Sender};

use super::{Command, Event, side::SideHandle};

/// How many completions a watcher keeps. A source of recorded ones need not send older ones.
pub const MOST_COMPLETIONS: usize = 150_000;

/// One thing that can be done with a run, or that is known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Capability {
    /// It can be paused and resumed.
    Pause,
    /// It can be stepped by phase and by step.
    Step,
    /// The live keys of its configuration can be changed.
    Set,
    /// It writes a checkpoint on request.
    Checkpoint,
    /// It answers pinned puzzles.
    Pin,
    /// It shows a group token by token.
    Inspect,
    /// It can be ended.
    Stop,
    /// After a failure, it can be restarted from its last checkpoint.
    Restart,
    /// The token ids of its completions are known.
    Tokens,
    /// So are their log-probabilities.
    LogProbs,
    /// So is its configuration: what its engine told stands in [`Started`](super::Started).
    Config,
    /// It may still be training.
    Live,
}

/// What can be done with a run, and what is known about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities(u16);

impl Capabilities {
    /// Every command that our engine accepts from a watcher.
    const COMMANDS: Self = Self::of(&[
        Capability::Pause,
        Capability::Step,
        Capability::Set,
        Capability::Checkpoint,
        Capability::Pin,
        Capability::Inspect,
        Capability::Stop,
    ]);

    /// These and no others.
    pub const fn of(which: &[Capability]) -> Self {
        let mut all = Self(0);
        let mut at = 0;
        while at < which.len() {
            all = all.with(which[at]);
            at += 1;
        }
        all
    }

    /// This one too.
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | 1 << capability as u8)
    }

    /// All but this one.
    pub const fn without(self, capability: Capability) -> Self {
        Self(self.0 & !(1 << capability as u8))
    }

    /// Those of both.
    const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether this one is among them.
    pub const fn can(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u8 != 0
    }

    /// Whether the run takes any command at all.
    pub(crate) const fn take_commands(self) -> bool {
        self.0 & Self::COMMANDS.0 != 0
    }
}

/// Where a run's events come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// An engine of this process: it ends with the screen.
    Engine,
    /// An engine of another process, which continues without us.
    Process,
    /// Its files, finished or still being written.
    Files,
}

/// What is known about a run before its first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunFacts {
    /// Where its events come from.
    pub kind: SourceKind,
    /// The engine that trained it.
    pub engine: &'static str,
    /// What can be done with it.
    pub capabilities: Capabilities,
}

/// The name of our own engine.
pub const OUR_ENGINE: &str = "aha-lab";

impl RunFacts {
    /// A run of our engine in this process.
    pub const fn of_our_engine() -> Self {
        let known = Capabilities::of(&[
            Capability::Restart,
            Capability::Tokens,
            Capability::LogProbs,
            Capability::Config,
            Capability::Live,
        ]);
        Self { kind: SourceKind::Engine, engine: OUR_ENGINE, capabilities: Capabilities::COMMANDS.and(known) }
    }

    /// A run of our engine in another process that accepts our commands.
    pub const fn of_another_process() -> Self {
        Self { kind: SourceKind::Process, ..Self::of_our_engine() }.without(Capability::Restart)
    }

    /// A run that is read from its directory, and whether another process still writes it.
    pub const fn of_our_files(live: bool) -> Self {
        let known = Capabilities::of(&[Capability::Tokens, Capability::LogProbs, Capability::Config]);
        Self::of_files(OUR_ENGINE, if live { known.with(Capability::Live) } else { known })
    }

    /// The same run without this.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Self {
        Self { capabilities: self.capabilities.without(capability), ..self }
    }

    /// A run that is read from its engine's files.
    pub const fn of_files(engine: &'static str, capabilities: Capabilities) -> Self {
        Self { kind: SourceKind::Files, engine, capabilities }
    }
}

/// A run to watch.
#[derive(Debug, Clone)]
pub struct RunSource {
    /// What is known about it.
    pub facts: RunFacts,
    /// Its events, [`Event::Started`] first.
    pub events: Receiver<Event>,
    /// Where commands go, if it takes any. Bounded; a full channel means that the engine is busy within one
    /// token.
    pub commands: Option<Sender<Command>>,
    /// The side engine; `None` if there is none.
    pub side: Option<SideHandle>,
}

impl RunSource {
    /// Sends a command and waits while the engine is busy. Returns whether it was accepted.
    pub fn command(&self, command: Command) -> bool {
        self.commands.as_ref().is_some_and(|commands| commands.send(command).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_another_process_takes_commands_and_is_not_started_again() {
        let ours = RunFacts::of_our_engine().capabilities;
        let other = RunFacts::of_another_process().capabilities;
        assert!(ours.can(Capability::Restart) && !other.can(Capability::Restart));
        assert!(other.can(Capability::Pause) && other.take_commands());
    }

    #[test]
    fn what_is_known_of_a_run_is_no_command() {
        let known = Capabilities::of(&[Capability::Tokens, Capability::Live]);
        assert!(known.can(Capability::Live) && !known.can(Capability::LogProbs));
        assert!(!known.take_commands() && !known.can(Capability::Stop));
    }
}
