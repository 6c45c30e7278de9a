//! Everything that crosses between the engine and its watchers. Nothing else does.

mod playback;
pub mod side;
mod source;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::playback::{Play, Playing, Speed};
pub use self::source::{
    Capabilities, Capability, MOST_COMPLETIONS, OUR_ENGINE, RunFacts, RunSource, SourceKind, UNKNOWN_ENGINE,
};
pub use crate::record::{ForkPoint, phase::Phase};
use crate::{
    config::Config,
    eval::BaseReference,
    record::{Measurement, OtherEngine, PinnedAnswer, Puzzle, Rollout, Score, Step, explain::Explanation},
};

/// Groups of a step whose completions are streamed token by token.
pub const STREAMED_GROUPS: usize = 4;

/// A request to the engine. The channel is bounded; the engine reads it between tokens and micro-batches. As
/// JSON it is `{"command":"pause"}`, `{"command":"step","phases":1}`,
/// `{"command":"set","key":"temperature","value":"0.8"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Stop at the next token or micro-batch and wait.
    Pause,
    /// Continue until told otherwise.
    Resume,
    /// Like [`Command::Resume`], sent by the program itself: without a watcher, it retries once what the run
    /// paused for.
    TryAgain,
    /// Continue for so much, then pause.
    Step(StepBy),
    /// Change a live hyperparameter, from the next step on.
    Set {
        /// One of the configuration keys.
        key: String,
        /// Its value, as one would write it after `--set key=`.
        value: String,
    },
    /// Write a checkpoint at the end of the current step (at once when paused between steps).
    Checkpoint,
    /// Answer this puzzle now and every `pinned_every` steps.
    Pin(Puzzle),
    /// Stop answering it; earlier answers stay.
    Unpin(Puzzle),
    /// Look closely at a group of each step from now on.
    Inspect {
        /// Which one, from 0; `None` looks at none. A group that a step does not have means its last one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<usize>,
    },
    /// Finish the current token, write a checkpoint of the last whole step, and end.
    Stop,
    /// Only for a record that is being played in this process; nobody can send it from outside.
    #[serde(skip)]
    Play(Play),
}

/// How far [`Command::Step`] goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepBy {
    /// To the end of the n-th phase from here.
    Phases(u32),
    /// To the end of the n-th step from here.
    Steps(u32),
}

impl Command {
    /// Checks that the engine can do it, for a command from outside this process.
    ///
    /// # Errors
    /// A sentence that says what to send instead.
    pub fn check(&self) -> Result<(), String> {
        match self {
            Self::Step(StepBy::Phases(0) | StepBy::Steps(0)) => {
                Err("The number of phases or steps must be at least 1.".into())
            }
            Self::Set { key, value } => {
                Config::default().set_live(key, value).map(|_| ()).map_err(|error| error.to_string())
            }
            _ => Ok(()),
        }
    }
}

/// Whether the engine is running or paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Temporality {
    /// Training.
    Live,
    /// A pause was requested; the current token or micro-batch is being finished.
    Pausing,
    /// Waiting for a command.
    Paused,
    /// Unpausing was requested; work has not started yet.
    Unpausing,
}

/// What the engine is and what it trains, sent once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The run directory.
    pub run: PathBuf,
    /// The current configuration; in JSON, the text of its `config.toml`.
    #[serde(with = "config_text")]
    pub config: Config,
    /// Last finished step (0 for a new run).
    pub step: u64,
    /// `cpu x2` or the adapter's name.
    pub backend: String,
    /// Why that backend, in a sentence.
    pub backend_reason: String,
    /// Trainable parameters.
    pub parameters: usize,
    /// The base's reference values, if known beforehand; otherwise step 1 stands in.
    pub base: Option<BaseReference>,
    /// Where it was forked from its parent, and that from its own, nearest first.
    pub forks: Vec<ForkPoint>,
    /// The pinned puzzles, if known beforehand.
    pub pins: Option<Vec<Puzzle>>,
    /// The engine, where it is not ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<OtherEngine>,
}

impl Started {
    /// A run of which nothing is known but where it is.
    pub fn unknown(run: &Path) -> Self {
        Self {
            run: run.to_owned(),
            config: Config::default(),
            step: 0,
            backend: String::new(),
            backend_reason: String::new(),
            parameters: 0,
            base: None,
            forks: Vec::new(),
            pins: None,
            engine: None,
        }
    }
}

/// The model's distribution at one position of a completion, at the sampling temperature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenView {
    /// Log-probability of the token there, nats.
    pub logprob: f32,
    /// Entropy of the distribution, nats.
    pub entropy: f32,
    /// The likeliest tokens and their probabilities, at most five, likeliest first.
    pub top: Vec<(String, f32)>,
}

/// One completion of an inspected group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowInspection {
    /// Its record, as complete as the group's [`phase`](GroupInspection::phase) allows.
    pub record: Rollout,
    /// The task's verdict on the answer; `None` before scoring.
    #[serde(default)]
    pub score: Option<Score>,
    /// The text of each token.
    pub pieces: Vec<String>,
    /// Each token under the policy before the update.
    pub before: Vec<TokenView>,
    /// Each token under the policy after the update; empty until then.
    pub after: Vec<TokenView>,
    /// Log-probability of each token under the reference model, nats; empty without one.
    pub reference: Vec<f32>,
    /// Its values in the loss before the update; empty from programs that do not report them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained: Option<Explanation>,
    /// The same after the update; `None` until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained_after: Option<Explanation>,
}

/// A group of a step, token by token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupInspection {
    /// The step.
    pub step: u64,
    /// Which prompt of the step.
    pub group: usize,
    /// Prompts of the step.
    #[serde(default)]
    pub groups: usize,
    /// The last phase whose results are in it. The records' rewards, verdicts and analyses are meaningless
    /// before [`Phase::Score`], and their advantages before [`Phase::Advantage`].
    #[serde(default = "before_it_was_told")]
    pub phase: Phase,
    /// The completions.
    pub rows: Vec<RowInspection>,
}

/// Programs that did not send the phase inspected a group once its advantages were known.
fn before_it_was_told() -> Phase {
    Phase::Advantage
}

/// Sent by the engine. A step's lines are in the journal before its [`Event::StepDone`] is sent. Its
/// completions are sent as soon as they are scored; a step that is stopped before its update journals none of
/// them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The engine is ready and about to sample its first step.
    Started(Box<Started>),
    /// A phase began, or moved on.
    #[serde(rename = "phase")]
    PhaseChanged {
        /// The step it belongs to.
        step: u64,
        /// Which phase.
        phase: Phase,
        /// Units done (completions finished, micro-batches done, …).
        done: usize,
        /// Units in all; 0 when unknown.
        total: usize,
    },
    /// Pause and resume, as they take effect.
    Temporality(Temporality),
    /// A streamed completion begins. Only some groups of a step are streamed.
    #[serde(rename = "completion")]
    CompletionStarted {
        /// The step.
        step: u64,
        /// Which prompt of the step.
        group: usize,
        /// Which completion of the group.
        index: usize,
        /// The puzzle.
        puzzle: Puzzle,
    },
    /// A piece of a streamed completion. Droppable: a full channel loses it and counts the loss.
    Token {
        /// The step.
        step: u64,
        /// Which prompt of the step.
        group: usize,
        /// Which completion of the group.
        index: usize,
        /// The text to append, spaces included; never part of a character.
        text: String,
    },
    /// How many [`Event::Token`] were dropped since the run began; sent when it changes.
    TokensDropped(u64),
    /// A completion was scored and its advantage is known.
    RolloutScored(Box<Rollout>),
    /// Answer to [`Command::Inspect`]: sent at the end of each phase up to the update with what is known by
    /// then, and at once if requested while the run waits between two phases.
    Inspected(Box<GroupInspection>),
    /// A step is done and journalled.
    StepDone(Box<Step>),
    /// More is known of a step that was told before: what its completions show, once another engine's files were read. Its
    /// names have these values now; a step that was not told stands in its place among the others.
    StepAmended(Box<Step>),
    /// A held-out evaluation is done.
    EvalDone {
        /// After this many steps.
        step: u64,
        /// Share of held-out completions that are right.
        accuracy: f64,
        /// `k` and the unbiased pass@k.
        pass_at_k: Option<(usize, f64)>,
        /// Puzzles asked.
        puzzles: usize,
    },
    /// A pinned puzzle was answered, and the answer journalled.
    PinnedAnswered(Box<PinnedAnswer>),
    /// How much accuracy thinking buys at a checkpoint: measured and stored in the run directory.
    Measured(Box<Measurement>),
    /// A live hyperparameter was changed, and the change journalled.
    Edited {
        /// The change applies from the step after this one on.
        step: u64,
        /// The configuration key.
        key: String,
        /// Its value, as one would write it after `--set key=`.
        value: String,
        /// What it was; empty where an older version did not say.
        #[serde(default)]
        before: String,
    },
    /// A checkpoint is safely on disk.
    #[serde(rename = "checkpoint")]
    CheckpointSaved {
        /// After this many steps.
        step: u64,
        /// Its folder.
        path: PathBuf,
    },
    /// How a record is being played; sent when that changes, and as its clock moves on.
    #[serde(skip)]
    Playing(Playing),
    /// A warning for the user; the run continues (paused, if it says so).
    Warning(String),
    /// The engine failed for this reason; what was journalled is safe.
    Failed(String),
    /// The engine ended as asked.
    Finished {
        /// Steps done in all.
        steps: u64,
        /// Where the run is.
        run: PathBuf,
    },
}

impl Event {
    /// Whether the journal has it too: watchers in another process read such events there.
    pub(crate) fn is_journalled(&self) -> bool {
        match self {
            Self::Started(_)
            | Self::RolloutScored(_)
            | Self::StepDone(_)
            | Self::StepAmended(_)
            | Self::EvalDone { .. }
            | Self::PinnedAnswered(_)
            | Self::Measured(_)
            | Self::Edited { .. } => true,
            Self::PhaseChanged { .. }
            | Self::Temporality(_)
            | Self::CompletionStarted { .. }
            | Self::Token { .. }
            | Self::TokensDropped(_)
            | Self::Inspected(_)
            | Self::CheckpointSaved { .. }
            | Self::Playing(_)
            | Self::Warning(_)
            | Self::Failed(_)
            | Self::Finished { .. } => false,
        }
    }
}

/// A configuration as the text of its file, the one form that every version reads.
mod config_text {
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    use crate::config::{Config, ConfigFile};

    pub fn serialize<S: Serializer>(config: &Config, serializer: S) -> Result<S::Ok, S::Error> {
        let file = ConfigFile { config: config.clone(), provenance: None };
        serializer.serialize_str(&file.to_toml().map_err(ser::Error::custom)?)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Config, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(ConfigFile::parse(&text).map_err(de::Error::custom)?.config)
    }
}
