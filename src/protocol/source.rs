//! A run as its watcher receives it, wherever it comes from: our engine, another process, a run directory, or
//! another engine's files.

use crossbeam_channel::{Receiver, Sender};

use super::{Command, Event, side::SideHandle};
use crate::record::{OtherEngine, PausesWithin};

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
    /// More of it may come: it is still training, or its record is being played.
    Live,
}

impl Capability {
    /// The one behind a command of this name.
    fn of_command(name: &str) -> Option<Self> {
        match name {
            "pause" => Some(Self::Pause),
            "step" => Some(Self::Step),
            "set" => Some(Self::Set),
            "checkpoint" => Some(Self::Checkpoint),
            "pin" => Some(Self::Pin),
            "inspect" => Some(Self::Inspect),
            "stop" => Some(Self::Stop),
            _ => None,
        }
    }
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
    /// The record of a finished run, played again.
    Playback,
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
    /// How soon a pause takes effect.
    pub pauses_within: PausesWithin,
}

/// The name of our own engine.
pub const OUR_ENGINE: &str = "aha-lab";
/// Where nobody says which engine it was, or one that this program does not know.
pub const UNKNOWN_ENGINE: &str = "unknown engine";
/// Other engines that write our run directory, by the names that they give themselves.
const OTHER_ENGINES: &[&str] = &["TRL", "verl"];

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
        Self {
            kind: SourceKind::Engine,
            engine: OUR_ENGINE,
            capabilities: Capabilities::COMMANDS.and(known),
            pauses_within: PausesWithin::Token,
        }
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
        Self { kind: SourceKind::Files, engine, capabilities, pauses_within: PausesWithin::Token }
    }

    /// The record of this finished run, played again: it can be paused and stepped, and nothing of it changed.
    #[must_use]
    pub fn played_again(self) -> Self {
        let commands = Capabilities::of(&[Capability::Pause, Capability::Step, Capability::Live]);
        Self {
            kind: SourceKind::Playback,
            capabilities: self.capabilities.and(commands),
            pauses_within: PausesWithin::Token,
            ..self
        }
    }

    /// A run whose directory another engine wrote, or still writes.
    pub fn of_other_engine(engine: &OtherEngine, live: bool) -> Self {
        let ours = Self::of_our_files(live);
        let known = OTHER_ENGINES.iter().find(|name| **name == engine.name);
        Self { engine: known.copied().unwrap_or(UNKNOWN_ENGINE), pauses_within: engine.pauses_within, ..ours }
    }

    /// The same run, whose engine also takes these of its commands.
    #[must_use]
    pub fn taking_commands_of(self, engine: &OtherEngine) -> Self {
        let all = engine.commands.iter().filter_map(|name| Capability::of_command(name));
        let capabilities = all.fold(self.capabilities, Capabilities::with);
        Self { kind: SourceKind::Process, capabilities, ..self }
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
    fn another_engine_takes_the_commands_that_it_names_and_no_others() {
        let mut engine = OtherEngine { name: "TRL".into(), ..OtherEngine::default() };
        engine.commands = ["pause", "set", "dance"].map(str::to_owned).to_vec();
        engine.pauses_within = PausesWithin::Phase;
        let read = RunFacts::of_other_engine(&engine, true);
        assert_eq!((read.kind, read.engine), (SourceKind::Files, "TRL"));
        assert!(!read.capabilities.take_commands() && read.capabilities.can(Capability::Live));
        let joined = read.taking_commands_of(&engine);
        assert_eq!((joined.kind, joined.pauses_within), (SourceKind::Process, PausesWithin::Phase));
        assert!(joined.capabilities.can(Capability::Pause) && joined.capabilities.can(Capability::Set));
        assert!(!joined.capabilities.can(Capability::Pin) && !joined.capabilities.can(Capability::Restart));
        engine.name = "\u{1b}[2J".into();
        assert_eq!(RunFacts::of_other_engine(&engine, false).engine, UNKNOWN_ENGINE);
    }

    #[test]
    fn what_is_known_of_a_run_is_no_command() {
        let known = Capabilities::of(&[Capability::Tokens, Capability::Live]);
        assert!(known.can(Capability::Live) && !known.can(Capability::LogProbs));
        assert!(!known.take_commands() && !known.can(Capability::Stop));
    }
}
