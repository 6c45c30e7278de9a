//! Requests to the side engine, and its replies. It answers beside training and never changes it.

use crossbeam_channel::{Receiver, Sender};
use serde::{Deserialize, Serialize};

use crate::record::{Measurement, Puzzle};

/// A request to the side engine. The channel is bounded; it is read between tokens.
#[derive(Debug, Clone, PartialEq)]
pub enum SideCommand {
    /// List the models that can answer.
    Models,
    /// Do this. It replaces a waiting or running job of the same [`Lane`].
    Job {
        /// A number unique among this sender's jobs.
        id: u64,
        /// What to do.
        job: SideJob,
    },
    /// Cancel this job, within a token.
    Cancel {
        /// Which.
        id: u64,
    },
}

/// A piece of work for the side engine. A new kind of work needs a variant here, a lane, and a file in
/// `engine/side`.
#[derive(Debug, Clone, PartialEq)]
pub enum SideJob {
    /// Two models answer one puzzle.
    Play(Box<PlayRequest>),
    /// One answer is changed at one token, and both versions are continued many times.
    Resample(Box<ResampleRequest>),
    /// The base and the newest weights are measured with several thinking budgets.
    Measure(MeasureRequest),
}

/// Jobs of one lane replace each other; jobs of different lanes wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Jobs that a user of the Playground waits for.
    Playground,
    /// A measurement of the compute frontier.
    Frontier,
}

impl SideJob {
    /// The lane it is in.
    pub(crate) fn lane(&self) -> Lane {
        match self {
            Self::Play(_) | Self::Resample(_) => Lane::Playground,
            Self::Measure(_) => Lane::Frontier,
        }
    }
}

/// Which weights answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelName {
    /// The base model inside the program.
    Embedded,
    /// A checkpoint of the run, by its step.
    Checkpoint(u64),
    /// The weights that this process is training, as they are at that moment.
    Now,
}

/// The models that can answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Models {
    /// The embedded one, then the checkpoints, oldest first, then the weights in training.
    pub names: Vec<ModelName>,
    /// What the run began from: the first checkpoint, unless it was the embedded base.
    pub base: ModelName,
    /// Steps that the weights in training have seen; `None` if this process trains none.
    pub now: Option<u64>,
}

/// How answers are sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlayOptions {
    /// Sampling temperature; 0 is greedy.
    pub temperature: f64,
    /// Tokens of thought after which the answer is forced; `None` forces nothing, and answers are cut off at
    /// the run's own limit.
    pub budget: Option<usize>,
    /// How many times the end of the thought is replaced by a wait.
    pub keep_thinking: usize,
    /// Seed of the draws.
    pub seed: u64,
    /// Tokens per second at most; `None` for full speed.
    pub pace: Option<u32>,
}

/// See [`SideJob::Play`]. Both models draw from the same seed.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayRequest {
    /// The puzzle.
    pub puzzle: Puzzle,
    /// Who answers.
    pub models: [ModelName; 2],
    /// How.
    pub options: PlayOptions,
}

/// What is changed in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Remove this token.
    Delete(u32),
    /// Insert this text.
    Insert(String),
    /// Insert a wait, in the words of the model's vocabulary.
    Wait,
}

/// See [`SideJob::Resample`]. The model, the puzzle and the options are those of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ResampleRequest {
    /// The [`SideJob::Play`] that gave the answer: the newest one that ended.
    pub of: u64,
    /// Which of its two answers.
    pub side: usize,
    /// The answer's tokens before the change.
    pub before: Vec<u32>,
    /// The change.
    pub edit: Edit,
    /// Continuations of each version.
    pub samples: usize,
}

/// See [`SideJob::Measure`]. The result is stored in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasureRequest {
    /// Held-out puzzles.
    pub puzzles: usize,
    /// Completions per puzzle.
    pub samples: usize,
}

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The model sampled it.
    Model,
    /// The model sampled it, and it ends the answer; it has no text.
    End,
    /// It was inserted: a wait, or the beginning of a forced answer.
    Put,
}

/// A token of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenToken {
    /// Its id in the model's vocabulary.
    pub id: u32,
    /// The text that it adds, spaces included; never part of a character.
    pub text: String,
    /// Where it came from.
    pub source: Source,
}

/// A model that is about to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answering {
    /// Which weights.
    pub model: ModelName,
    /// Steps that they have seen, if known.
    pub step: Option<u64>,
    /// The text that it continues, as it sees it.
    pub prompt: String,
    /// Words of the question that are not in the model's vocabulary, so it does not see them.
    pub unknown: Vec<String>,
}

/// The verdict on an answer, and its figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What it earned under the run's rules.
    pub reward: f64,
    /// Whether it is right.
    pub correct: bool,
    /// The text of the answer, if any.
    pub answer: Option<String>,
    /// Its exact value.
    pub value: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// Tokens in all.
    pub tokens: usize,
    /// Tokens of thought.
    pub thought: usize,
    /// Whether the answer was forced.
    pub forced: bool,
    /// How many times the end of the thought was replaced by a wait.
    pub waits: usize,
    /// Whether it was cut off before its end.
    pub truncated: bool,
}

/// The continuations of one beginning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// How many.
    pub samples: usize,
    /// Those that are right.
    pub right: usize,
    /// Mean tokens of the whole answer, its beginning included.
    pub mean_length: f64,
    /// Those whose answer was forced.
    pub forced: usize,
}

/// The effect of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resampled {
    /// The beginning as the model wrote it.
    pub original: Arm,
    /// The beginning as it was changed.
    pub edited: Arm,
    /// For a removed token: how many continuations write it again at once.
    pub again: Option<usize>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// It finished, and all results were sent.
    Done,
    /// It was cancelled, on request or for a newer job.
    Cancelled,
    /// It failed, for this reason.
    Failed(String),
}

/// Sent by the side engine.
#[derive(Debug, Clone, PartialEq)]
pub enum SideEvent {
    /// Answer to [`SideCommand::Models`], or why there is none.
    Models(Result<Models, String>),
    /// Both models are loaded and begin to answer.
    Answering {
        /// The job.
        job: u64,
        /// Who.
        sides: [Answering; 2],
    },
    /// An answer grew.
    Written {
        /// The job.
        job: u64,
        /// Which of the two.
        side: usize,
        /// By this.
        token: WrittenToken,
    },
    /// An answer shrank: its thought was about to end, and continues instead.
    TakenBack {
        /// The job.
        job: u64,
        /// Which of the two.
        side: usize,
        /// Tokens that stay.
        kept: usize,
    },
    /// An answer is complete.
    Answered {
        /// The job.
        job: u64,
        /// Which of the two.
        side: usize,
        /// What came of it.
        answer: Box<Answer>,
    },
    /// How far a job is.
    Progress {
        /// The job.
        job: u64,
        /// Units done.
        done: usize,
        /// Units in all.
        total: usize,
    },
    /// The effect of a change.
    Resampled {
        /// The job.
        job: u64,
        /// The figures.
        result: Box<Resampled>,
    },
    /// A model was measured.
    Measured(Box<Measurement>),
    /// A job is over; no more events follow for it.
    Ended {
        /// The job.
        job: u64,
        /// How.
        how: JobEnd,
    },
}

/// The caller's ends of the side engine's two channels. The side engine ends when they are dropped.
#[derive(Debug, Clone)]
pub struct SideHandle {
    /// Bounded.
    pub commands: Sender<SideCommand>,
    /// Its events.
    pub events: Receiver<SideEvent>,
}
