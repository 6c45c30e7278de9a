//! `state.json`: what a checkpoint holds besides weights and optimizer.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{checkpoint, error::CheckpointError, journal::JournalPosition};
use crate::{
    config::Config,
    system::{files, quoting::quoting},
    task::Puzzle,
};

/// Its name within a checkpoint.
pub(crate) const STATE_FILE: &str = "state.json";

const MAX_BYTES: u64 = 1024 * 1024;

/// The newest schema that this program reads, and the one that it writes. A state without a version predates
/// versions, and is read the same way.
const SCHEMA_VERSION: u64 = 1;

/// Where training stood. Floating-point numbers are stored as text, because the JSON reader may be off by the
/// last bit, and a resumed run must continue exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingState {
    /// Steps finished.
    pub step: u64,
    /// Updates that the policy has seen.
    pub policy_version: u64,
    /// Tokens since the run began, prompts included.
    pub num_tokens: u64,
    /// Floating-point operations since the run began.
    #[serde(serialize_with = "exactly", deserialize_with = "from_exact")]
    pub flops: f64,
    /// Length of `metrics.jsonl`, bytes.
    pub metrics_bytes: u64,
    /// Length of `rollouts.jsonl`, bytes.
    pub rollouts_bytes: u64,
    /// Length of `events.jsonl`, bytes.
    pub events_bytes: u64,
    /// Optimizer steps taken, for Adam's bias correction.
    pub adam_step: u64,
    /// Length of `pinned.jsonl`, bytes.
    #[serde(default)]
    pub pinned_bytes: u64,
    /// The pinned puzzles; `None` in checkpoints that predate pinning.
    #[serde(default)]
    pub pins: Option<Vec<Puzzle>>,
    /// The current configuration, live edits included, stored as text by key and validated on reading.
    #[serde(serialize_with = "config_as_text", deserialize_with = "config_from_text")]
    pub config: Config,
}

impl TrainingState {
    /// Before the first step.
    pub(crate) fn fresh(config: Config) -> Self {
        Self {
            step: 0,
            policy_version: 0,
            num_tokens: 0,
            flops: 0.0,
            metrics_bytes: 0,
            rollouts_bytes: 0,
            events_bytes: 0,
            adam_step: 0,
            pinned_bytes: 0,
            pins: None,
            config,
        }
    }

    /// The content of `state.json`.
    pub fn to_json(&self) -> Result<Vec<u8>, CheckpointError> {
        let failed =
            |error: serde_json::Error| CheckpointError::broken(Path::new(STATE_FILE), error.to_string());
        serde_json::to_vec_pretty(&Written { schema_version: SCHEMA_VERSION, state: self }).map_err(failed)
    }

    /// Reads the state of a checkpoint folder.
    pub fn load(checkpoint: &Path) -> Result<Self, CheckpointError> {
        let path = checkpoint.join(STATE_FILE);
        let bytes = checkpoint::open(checkpoint)
            .and_then(|folder| files::read_most(&folder.read(STATE_FILE)?, MAX_BYTES))
            .map_err(CheckpointError::io("read", &path))?;
        let state = Self::parse(&bytes, &path)?;
        match checkpoint::step_of(checkpoint) {
            Some((step, _)) if step != state.step => {
                Err(CheckpointError::broken(&path, format!("it is of step {}", state.step)))
            }
            _ => Ok(state),
        }
    }

    /// Reads the bytes of a `state.json`; `path` is named in errors.
    ///
    /// # Errors
    /// A sentence for what is wrong with it.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, CheckpointError> {
        let broken = |error: serde_json::Error| CheckpointError::broken(path, quoting(&error));
        // Before anything else: a newer state may have other fields.
        let Schema { schema_version } = serde_json::from_slice(bytes).map_err(broken)?;
        if schema_version > SCHEMA_VERSION {
            let reason = format!(
                "it was written by a newer aha-lab (schema_version is {schema_version}, this program reads up to \
                 {SCHEMA_VERSION}); use a newer one"
            );
            return Err(CheckpointError::broken(path, reason));
        }
        serde_json::from_slice(bytes).map_err(broken)
    }

    /// How long the logs were.
    pub fn position(&self) -> JournalPosition {
        JournalPosition {
            metrics: self.metrics_bytes,
            rollouts: self.rollouts_bytes,
            events: self.events_bytes,
        }
    }
}

/// A state as stored in the file.
#[derive(Serialize)]
struct Written<'a> {
    schema_version: u64,
    #[serde(flatten)]
    state: &'a TrainingState,
}

#[derive(Deserialize)]
struct Schema {
    #[serde(default)]
    schema_version: u64,
}

fn exactly<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

fn from_exact<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|_| D::Error::custom(format!("`{text}` is not a number")))
}

fn config_as_text<S: Serializer>(config: &Config, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(Config::keys().map(|key| (key.name, config.get(key.name).unwrap_or_default())))
}

fn config_from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Config, D::Error> {
    let mut settings = BTreeMap::<String, String>::deserialize(deserializer)?;
    let mut config = Config::default();
    // These first: what they set is stored too, and overrides it.
    for name in ["task", "level", "preset"] {
        if let Some(value) = settings.remove(name) {
            config.set(name, &value).map_err(D::Error::custom)?;
        }
    }
    // What a preset sets today and is not stored was not in force then.
    config.revert_presets().map_err(D::Error::custom)?;
    for (key, value) in settings {
        config.set(&key, &value).map_err(D::Error::custom)?;
    }
    Ok(config)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::record::NumberPuzzle;

    #[test]
    fn what_a_task_and_a_level_set_does_not_override_what_was_stored() {
        for settings in [
            &["task=multiplication", "max_new_tokens=64", "learning_rate=1e-5"][..],
            &["level=tinyzero", "kl_coef=0.01", "max_new_tokens=640"],
            &["preset=dapo", "kl_coef=0.02", "mini_batches=2"],
        ] {
            let config = Config::default().with(settings).unwrap();
            let state = TrainingState::fresh(config.clone());
            let read = TrainingState::parse(&state.to_json().unwrap(), Path::new("state.json")).unwrap();
            assert_eq!(read.config, config, "{settings:?}");
        }
    }

    #[test]
    fn checkpoints_of_before_there_were_pins_are_read() {
        let state = TrainingState {
            step: 3,
            policy_version: 3,
            num_tokens: 9,
            flops: 1.5,
            metrics_bytes: 10,
            rollouts_bytes: 20,
            events_bytes: 30,
            adam_step: 3,
            pinned_bytes: 40,
            pins: Some(vec![Puzzle::from(NumberPuzzle { numbers: vec![4, 1, 16], target: 19 })]),
            config: Config::default(),
        };
        let mut json: serde_json::Value = serde_json::from_slice(&state.to_json().unwrap()).unwrap();
        assert_eq!(serde_json::from_value::<TrainingState>(json.clone()).unwrap(), state);
        let fields = json.as_object_mut().unwrap();
        fields.remove("pinned_bytes");
        fields.remove("pins");
        fields["config"].as_object_mut().unwrap().remove("pinned_every");
        let old: TrainingState = serde_json::from_value(json).unwrap();
        assert_eq!(old, TrainingState { pinned_bytes: 0, pins: None, ..state });
    }
}
