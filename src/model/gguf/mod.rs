//! GGUF files of llama.cpp: one file with the shape, the tokenizer and the weights, which are mostly quantized.
//! They are read as if they were a Hugging Face folder, in full precision; none is written.
//!
//! The reader is our own. The crates that have one bring a tensor library of their own, or are abandoned, or
//! allocate what a header asks for.

mod blocks;
mod header;
mod mapping;
mod metadata;
mod tokenizer;

use std::{
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    companions::Companions,
    config::ModelConfig,
    host::{HostTensors, MAX_WEIGHTS, ModelError, broken, open_bounded},
};
use crate::system::quoting::shortened;
use header::{Header, TensorInfo};

/// A GGUF file whose header is read and whose weights are not.
pub struct Gguf<R> {
    from: R,
    path: PathBuf,
    header: Header,
    /// The shape.
    pub config: ModelConfig,
    /// The bytes of a `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// The small files that a folder would have.
    pub companions: Companions,
    /// Notes for a person, in sentences.
    pub notes: Vec<String>,
}

/// Opens a GGUF file and reads its header.
///
/// # Errors
/// As for [`Gguf::read`], and if it is no regular file.
pub fn open(path: &Path) -> Result<Gguf<BufReader<File>>, ModelError> {
    let (file, length) = open_bounded(path, MAX_WEIGHTS)?;
    Gguf::read(BufReader::new(file), length, path)
}

impl<R: Read + Seek> Gguf<R> {
    /// Reads the header of a file of `length` bytes; `path` is named in errors.
    ///
    /// # Errors
    /// A sentence on what is wrong or not supported.
    pub fn read(mut from: R, length: u64, path: &Path) -> Result<Self, ModelError> {
        let refused = |reason: String| broken(path, reason);
        let header = Header::read(&mut from, length).map_err(refused)?;
        if header.has("rope_freqs.weight") {
            return Err(refused(
                "Tensor `rope_freqs.weight` scales the rotary positions, as in Llama 3.1 and later; this is not \
                 supported."
                    .into(),
            ));
        }
        let fields = mapping::config(&header).map_err(refused)?;
        let json = Value::Object(fields.clone()).to_string();
        let (config, mut notes) =
            ModelConfig::parse_with_notes(json.as_bytes()).map_err(|reason| refused(of_metadata(&reason)))?;
        let tokenizer::Read { json: tokenizer, note } = tokenizer::read(&header.metadata).map_err(refused)?;
        notes.extend(note);
        let companions = mapping::companions(&header.metadata, &fields).map_err(refused)?;
        Ok(Self { from, path: path.to_owned(), header, config, tokenizer, companions, notes })
    }

    /// Bytes of memory that reading the weights takes.
    pub fn memory(&self) -> u64 {
        let numbers = |tensor: &TensorInfo| {
            let (numbers, bytes) = tensor.kind.block();
            tensor.bytes / bytes as u64 * numbers as u64
        };
        let largest = self.header.tensors.iter().map(|tensor| tensor.bytes).max().unwrap_or(0);
        largest + self.header.tensors.iter().map(|tensor| 4 * numbers(tensor)).sum::<u64>()
    }

    /// Reads the weights, under the names that they have in a folder.
    ///
    /// # Errors
    /// If the file cannot be read, or a number in it is not finite.
    pub fn weights(mut self) -> Result<HostTensors, ModelError> {
        let mut host = HostTensors::none(self.path.clone());
        for tensor in &self.header.tensors {
            let io = |source| ModelError::Io { path: self.path.clone(), source };
            self.from.seek(SeekFrom::Start(tensor.start)).map_err(io)?;
            // The header's sizes were checked against the file's.
            let mut bytes = vec![0; tensor.bytes as usize];
            self.from.read_exact(&mut bytes).map_err(io)?;
            let values = in_order(tensor, tensor.kind.decoded(&bytes), &self.config);
            let name = mapping::name(&self.config.family.names, &tensor.name).ok_or_else(|| {
                let (name, kind) = (shortened(&tensor.name), self.config.family.model_type);
                broken(
                    &self.path,
                    format!("Tensor `{name}` belongs to no part of a model of the type `{kind}`."),
                )
            })?;
            host.insert(name, tensor.shape.clone(), values, &self.path)?;
        }
        Ok(host)
    }
}

/// The numbers of a tensor in the order that they have in a folder.
fn in_order(tensor: &TensorInfo, values: Vec<f32>, config: &ModelConfig) -> Vec<f32> {
    let heads = match tensor.name.split('.').nth(2) {
        Some("attn_q") => config.num_attention_heads,
        Some("attn_k") => config.num_key_value_heads,
        _ => return values,
    };
    let rows = tensor.shape[0];
    // One of another shape is refused by name later.
    if config.family.model_type != "llama" || rows != heads * config.head_dim() {
        return values;
    }
    mapping::half_a_head_apart(&values, rows, heads)
}

/// A refusal that names `config.json`, for a file that has none.
pub fn of_metadata(reason: &str) -> String {
    reason.trim_start_matches("config.json: ").replace("config.json", "the metadata")
}

/// Whether a path is meant as a GGUF file.
pub fn is_meant(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) && !path.is_dir()
}

/// A name of a GGUF file in a folder, for a message.
pub fn within(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let found = files.find(|path| is_meant(path))?;
    Some(shortened(&found.file_name()?.to_string_lossy()))
}
