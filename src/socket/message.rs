//! What is said through the socket.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    protocol::{Command, Event, GroupInspection, Phase, StepBy, Temporality},
    task::Puzzle,
};

/// One line from a client: `{"command":"pause"}`, `{"command":"step","phases":1}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub enum Request {
    /// Tell me what happens from now on.
    Watch,
    /// See [`Command::Pause`].
    Pause,
    /// See [`Command::Resume`].
    Resume,
    /// See [`Command::Step`]; one of the two is given.
    Step {
        /// So many phases.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phases: Option<u32>,
        /// So many steps.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        steps: Option<u32>,
    },
    /// See [`Command::Set`].
    Set {
        /// A configuration key.
        key: String,
        /// Its value as text.
        value: String,
    },
    /// See [`Command::Inspect`].
    Inspect {
        /// Which group; none ends it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<usize>,
    },
    /// See [`Command::Checkpoint`].
    Checkpoint,
    /// See [`Command::Pin`].
    Pin(Puzzle),
    /// See [`Command::Unpin`].
    Unpin(Puzzle),
    /// See [`Command::Stop`].
    Stop,
}

/// One line from the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The greeting.
    Hello {
        /// `aha-lab`.
        program: String,
        /// The number of the process.
        process: u32,
    },
    /// What was asked for was passed on; a sentence.
    Done(String),
    /// It was not; a sentence.
    Refused(String),
    /// Something happened; only those who watch are told.
    Told(Told),
}

/// What is told to those who watch. Steps and scored completions are not: they are in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the event of the same name")]
pub enum Told {
    Temporality(Temporality),
    Phase { step: u64, phase: Phase, done: usize, total: usize },
    Completion { step: u64, group: usize, index: usize, puzzle: Puzzle },
    Token { step: u64, group: usize, index: usize, text: String },
    TokensDropped(u64),
    Inspected(Box<GroupInspection>),
    Warning(String),
    Checkpoint { step: u64, path: PathBuf },
    Failed(String),
    Finished { steps: u64, run: PathBuf },
}

impl Request {
    /// For the engine, or a sentence that says why not. `None` for [`Request::Watch`], which is the server's.
    ///
    /// # Errors
    /// A sentence.
    pub fn command(self) -> Result<Option<Command>, String> {
        Ok(Some(match self {
            Self::Watch => return Ok(None),
            Self::Pause => Command::Pause,
            Self::Resume => Command::Resume,
            Self::Step { phases: Some(n @ 1..), steps: None } => Command::Step(StepBy::Phases(n)),
            Self::Step { phases: None, steps: Some(n @ 1..) } => Command::Step(StepBy::Steps(n)),
            Self::Step { .. } => {
                return Err("A step is of so many phases or of so many steps, at least one.".into());
            }
            Self::Set { key, value } => {
                Config::default().set_live(&key, &value).map_err(|error| error.to_string())?;
                Command::Set { key, value }
            }
            Self::Inspect { group } => Command::Inspect(group),
            Self::Checkpoint => Command::Checkpoint,
            Self::Pin(puzzle) => Command::Pin(puzzle),
            Self::Unpin(puzzle) => Command::Unpin(puzzle),
            Self::Stop => Command::Stop,
        }))
    }

    /// What a screen asks for.
    pub fn of(command: Command) -> Self {
        match command {
            Command::Pause => Self::Pause,
            Command::Resume | Command::TryAgain => Self::Resume,
            Command::Step(StepBy::Phases(n)) => Self::Step { phases: Some(n), steps: None },
            Command::Step(StepBy::Steps(n)) => Self::Step { phases: None, steps: Some(n) },
            Command::Set { key, value } => Self::Set { key, value },
            Command::Inspect(group) => Self::Inspect { group },
            Command::Checkpoint => Self::Checkpoint,
            Command::Pin(puzzle) => Self::Pin(puzzle),
            Command::Unpin(puzzle) => Self::Unpin(puzzle),
            Command::Stop => Self::Stop,
        }
    }
}

impl Told {
    /// An event as it is told; `None` for what is in the journal.
    pub fn of(event: &Event) -> Option<Self> {
        Some(match event.clone() {
            Event::Temporality(temporality) => Self::Temporality(temporality),
            Event::PhaseChanged { step, phase, done, total } => Self::Phase { step, phase, done, total },
            Event::CompletionStarted { step, group, index, puzzle } => {
                Self::Completion { step, group, index, puzzle }
            }
            Event::Token { step, group, index, text } => Self::Token { step, group, index, text },
            Event::TokensDropped(count) => Self::TokensDropped(count),
            Event::Inspected(group) => Self::Inspected(group),
            Event::Warning(text) => Self::Warning(text),
            Event::CheckpointSaved { step, path } => Self::Checkpoint { step, path },
            Event::Failed(reason) => Self::Failed(reason),
            Event::Finished { steps, run } => Self::Finished { steps, run },
            _ => return None,
        })
    }

    /// The event again.
    pub fn event(self) -> Event {
        match self {
            Self::Temporality(temporality) => Event::Temporality(temporality),
            Self::Phase { step, phase, done, total } => Event::PhaseChanged { step, phase, done, total },
            Self::Completion { step, group, index, puzzle } => {
                Event::CompletionStarted { step, group, index, puzzle }
            }
            Self::Token { step, group, index, text } => Event::Token { step, group, index, text },
            Self::TokensDropped(count) => Event::TokensDropped(count),
            Self::Inspected(group) => Event::Inspected(group),
            Self::Warning(text) => Event::Warning(text),
            Self::Checkpoint { step, path } => Event::CheckpointSaved { step, path },
            Self::Failed(reason) => Event::Failed(reason),
            Self::Finished { steps, run } => Event::Finished { steps, run },
        }
    }
}
