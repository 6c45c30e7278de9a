//! The base models that ship inside the program, one for each task.

use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    companions::Companions,
    folder::{self, LoadedModel, ModelError},
    publish::published_shape,
    transformer::Transformer,
};
use crate::{
    config::Config,
    eval::report::EvalReport,
    protocol::BaseReference,
    task::{BaseFiles, FAMILIES, Family},
};

/// What `pretrain` measured at its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// SHA-256 of the weights file, hexadecimal.
    pub model_hash: String,
    /// Held-out behaviour.
    pub eval: EvalReport,
}

/// An embedded model on `device`, with its tokenizer.
///
/// # Errors
/// Only if the program was built from damaged files.
pub fn load(base: &BaseFiles, device: &Device) -> Result<LoadedModel, ModelError> {
    let mut model: Transformer =
        folder::from_bytes(base.config, base.weights, Path::new("the embedded model"), device)?;
    model.config = published_shape(model.config, base.tokenizer);
    let companions = Companions::of_config(base.config);
    Ok(LoadedModel { model, tokenizer: base.tokenizer.to_vec(), companions, notes: Vec::new() })
}

/// The hexadecimal SHA-256 of a file of weights.
pub fn hash_of(weights: &[u8]) -> String {
    folder::hexadecimal(&Sha256::digest(weights))
}

/// An embedded model's measured behaviour as reference lines; `None` unless it was measured on these very weights.
pub fn reference(base: &BaseFiles) -> Option<BaseReference> {
    let measured: Measured = serde_json::from_slice(base.measured).ok()?;
    (measured.model_hash == hash_of(base.weights)).then(|| measured.eval.as_reference())
}

/// The same for a run of this configuration: `None` also where the run samples otherwise than the base was measured.
pub fn reference_for(family: &Family, config: &Config) -> Option<BaseReference> {
    let mut usual = Config::default();
    usual.set("task", family.name).ok()?;
    let alike = config.puzzles.level == family.first_level()
        && config.sampling.temperature == 1.0
        && config.sampling.max_new_tokens >= usual.sampling.max_new_tokens
        && !config.reward.stop.is_answer();
    reference(&family.base).filter(|_| alike)
}

/// The family whose embedded model has weights of this hash.
pub fn family_of(hash: &str) -> Option<&'static Family> {
    FAMILIES.iter().copied().find(|family| hash_of(family.base.weights) == hash)
}
