//! What a run is, whoever made it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where a run was forked from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkPoint {
    /// The parent: its name, or its directory.
    pub run: String,
    /// The last step that both have.
    pub step: u64,
}

/// How soon a pause takes effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PausesWithin {
    /// At the next token, or the next micro-batch of the update.
    #[default]
    Token,
    /// At the end of the phase in hand: its engine samples where it cannot be held.
    Phase,
}

impl PausesWithin {
    /// The unit in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Phase => "phase",
        }
    }
}

/// Another engine that writes our run directory, as it describes itself in `[provenance.engine]` of `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherEngine {
    /// Its name, such as `TRL`.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The model that the run began from: a name or a folder.
    #[serde(default)]
    pub model: String,
    /// The folder of its checkpoints, `checkpoint-STEP` each.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub checkpoints: String,
    /// The commands that it carries out while it serves a socket: `pause`, `step`, `set`, `checkpoint`, `stop`.
    #[serde(default)]
    pub commands: Vec<String>,
    /// How soon it pauses.
    #[serde(default)]
    pub pauses_within: PausesWithin,
    /// The configuration keys that stand in its `config.toml`. Of the others nothing is known: their values are the
    /// defaults of our engine, which did not train this run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
}

/// A run in a few words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunMeta {
    /// The program that made it, with its version.
    pub engine: String,
    /// The model that it began from: a name, or the hash of its weights.
    pub model: String,
    /// The task's name.
    pub task: String,
    /// Its configuration, as far as it is known.
    pub config: Map<String, Value>,
    /// The run that it was forked from.
    pub parent: Option<ForkPoint>,
}
