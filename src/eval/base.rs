//! The embedded models' measured behaviour, as reference lines for the runs that begin from them.

use serde::{Deserialize, Serialize};

use super::{BaseReference, report::EvalReport};
use crate::{config::Config, model::source::hash_of, prompt::PromptStyle, task::BaseFiles};

/// What `pretrain` measured at its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// SHA-256 of the weights file, hexadecimal.
    pub model_hash: String,
    /// Held-out behaviour.
    pub eval: EvalReport,
}

/// An embedded model's measured behaviour as reference lines; `None` unless it was measured on exactly these
/// weights.
pub fn reference(base: &BaseFiles) -> Option<BaseReference> {
    let measured: Measured = serde_json::from_slice(base.measured).ok()?;
    (measured.model_hash == hash_of(base.weights)).then(|| measured.eval.as_reference())
}

/// Like [`reference`], for a run of this configuration: also `None` if the run samples differently from how
/// the base was measured.
pub(crate) fn reference_for(base: &'static BaseFiles, config: &Config) -> Option<BaseReference> {
    let level = config.puzzles.level.name();
    let measured_at = config.puzzles.task.bases().find(|(_, other)| std::ptr::eq(*other, base))?.0;
    let mut usual = Config::default();
    usual.set("task", config.puzzles.task.name).ok()?;
    usual.set("level", measured_at).ok()?;
    let alike = level == measured_at
        && config.sampling.temperature == 1.0
        && config.sampling.max_new_tokens >= usual.sampling.max_new_tokens
        && config.asking.prompt.clone().of_a_run() == PromptStyle::Ours
        && config.asking.stop_strings.0.is_empty()
        && !config.reward.stop.is_answer();
    reference(base).filter(|_| alike)
}
