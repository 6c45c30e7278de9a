//! The base model that ships inside the program.

use std::path::Path;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    folder::{self, LoadedModel, ModelError},
    transformer::Transformer,
};
use crate::{engine::protocol::BaseReference, eval::report::EvalReport};

/// `config.json` of the embedded model.
pub static CONFIG: &[u8] = include_bytes!("../../assets/config.json");
/// Its weights. As a constant they would be copied into the program wherever they are used.
pub static WEIGHTS: &[u8] = include_bytes!("../../assets/model.safetensors");
/// Its tokenizer.
pub static TOKENIZER: &[u8] = include_bytes!("../../assets/tokenizer.json");
/// What was measured of it when it was made.
pub static MEASURED: &[u8] = include_bytes!("../../assets/measured.json");

/// What `pretrain` measured at its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// SHA-256 of the weights file, hexadecimal.
    pub model_hash: String,
    /// Held-out behaviour.
    pub eval: EvalReport,
}

/// The embedded model on `device`, with its tokenizer.
///
/// # Errors
/// Only if the program was built from damaged files.
pub fn load(device: &Device) -> Result<LoadedModel, ModelError> {
    let model: Transformer = folder::from_bytes(CONFIG, WEIGHTS, Path::new("the embedded model"), device)?;
    Ok(LoadedModel { model, tokenizer: TOKENIZER.to_vec() })
}

/// The hexadecimal SHA-256 of a file of weights.
pub fn hash_of(weights: &[u8]) -> String {
    folder::hexadecimal(&Sha256::digest(weights))
}

/// The embedded model's measured behaviour as reference lines; `None` unless it was measured on these very
/// weights.
pub fn reference() -> Option<BaseReference> {
    let measured: Measured = serde_json::from_slice(MEASURED).ok()?;
    (measured.model_hash == hash_of(WEIGHTS)).then(|| measured.eval.as_reference())
}
