//! Where a model comes from. Everything that reads one goes through [`ModelSource::load`]: a new run, a
//! resumed one, a replay, an evaluation, an export, the Playground.

use std::path::Path;

use burn::tensor::Device;
use sha2::{Digest, Sha256};

use super::{
    companions::Companions,
    folder::{self, LoadedModel, ModelError},
    gguf,
    publish::published_shape,
};
use crate::task::{BaseFiles, FAMILIES};

/// Where a model is.
#[derive(Clone, Copy)]
pub enum ModelSource<'a> {
    /// Inside the program, one per task, and one for each level that has its own.
    Embedded(&'a BaseFiles),
    /// A Hugging Face folder, which a checkpoint is too, or a GGUF file.
    Folder(&'a Path),
}

impl ModelSource<'_> {
    /// Loads it onto `device`.
    ///
    /// # Errors
    /// A sentence that names the file and what is wrong with it; for an embedded one only if the program was
    /// built from damaged files.
    pub fn load(self, device: &Device) -> Result<LoadedModel, ModelError> {
        let base = match self {
            Self::Folder(path) if gguf::is_meant(path) => return folder::load_gguf(path, device),
            Self::Folder(path) => return folder::load(path, device),
            Self::Embedded(base) => base,
        };
        let source = Path::new("the embedded model");
        let mut model = folder::from_bytes(base.config, base.weights, source, device)?;
        model.config = published_shape(model.config, base.tokenizer);
        let companions = Companions::of_config(base.config);
        let tokenizer = base.tokenizer.to_vec();
        Ok(LoadedModel { model, tokenizer, companions, notes: Vec::new(), adapter_of: None })
    }

    /// The hexadecimal SHA-256 of its weights.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn hash(self) -> Result<String, ModelError> {
        match self {
            Self::Embedded(base) => Ok(hash_of(base.weights)),
            Self::Folder(path) => folder::hash_of_folder(path),
        }
    }
}

/// The hexadecimal SHA-256 of a file of weights.
pub fn hash_of(weights: &[u8]) -> String {
    folder::hexadecimal(&Sha256::digest(weights))
}

/// The embedded model whose weights have this hash.
pub(crate) fn embedded_of(hash: &str) -> Option<&'static BaseFiles> {
    let mut bases = FAMILIES.iter().flat_map(|family| family.bases());
    bases.find_map(|(_, base)| (hash_of(base.weights) == hash).then_some(base))
}
