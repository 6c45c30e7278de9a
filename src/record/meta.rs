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
