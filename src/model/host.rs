//! The content of a stranger's model folder, on the host: every size is checked before memory is allocated
//! for it, every tensor is checked against `config.json`, and nothing here touches a device.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use thiserror::Error;

use super::{
    config::ModelConfig,
    gguf,
    layout::{BlockLayout, Layout, Place},
};
use crate::system::{files, quoting::shortened};

/// Largest `config.json` or index that is read.
pub(crate) const MAX_JSON: u64 = 64 << 20;
/// Largest weights file that is read.
pub(crate) const MAX_WEIGHTS: u64 = 64 << 30;

/// Why a model could not be read or written.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The operating system refused.
    #[error("{path}: {source}. Check that the path is right and that you may read it.")]
    Io {
        /// What was being read or written.
        path: PathBuf,
        /// Its answer.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{path}: {reason}")]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
}

pub(crate) fn broken(path: &Path, reason: impl Into<String>) -> ModelError {
    ModelError::Broken { path: path.to_owned(), reason: reason.into() }
}

/// Two digits per byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a whole file, refusing one that is larger than `most` bytes before anything is allocated.
///
/// # Errors
/// Names the path, the size and the limit.
pub fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, ModelError> {
    let (file, _) = open_bounded(path, most)?;
    // It may have grown since its size was checked.
    files::read_most(&file, most).map_err(|source| ModelError::Io { path: path.to_owned(), source })
}

/// Opens a regular file of at most `most` bytes; also returns its size.
pub(super) fn open_bounded(path: &Path, most: u64) -> Result<(File, u64), ModelError> {
    let io = |source| ModelError::Io { path: path.to_owned(), source };
    let file = files::open(path).map_err(|error| match files::refusal(&error) {
        // A pipe or a device has no size to check, and may have no end.
        Some(refused) => broken(path, format!("The file cannot be read: {refused}.")),
        None => io(error),
    })?;
    match file.metadata().map_err(io)?.len() {
        size if size > most => Err(broken(path, format!("The file has {size} bytes; the limit is {most}."))),
        size => Ok((file, size)),
    }
}

/// The weights by their Hugging Face names, on the host.
pub struct HostTensors {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    source: PathBuf,
}

impl HostTensors {
    /// No tensors yet; errors about missing ones name `source`.
    pub fn none(source: PathBuf) -> Self {
        Self { tensors: BTreeMap::new(), source }
    }

    /// Adds the tensors of a file.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn add(&mut self, bytes: &[u8], source: &Path) -> Result<(), ModelError> {
        // The parser is a dependency that reads a stranger's file: treat a panic in it as a broken file.
        let parsed = std::panic::catch_unwind(|| SafeTensors::deserialize(bytes))
            .map_err(|_| broken(source, "The safetensors header could not be read. Fetch the file again."))?
            .map_err(|e| {
                broken(
                    source,
                    format!(
                        "This is not a complete safetensors file ({}). Fetch or export it again.",
                        shortened(&e.to_string())
                    ),
                )
            })?;
        for (name, view) in parsed.tensors() {
            let values = to_f32(&view).ok_or_else(|| {
                broken(
                    source,
                    format!(
                        "Tensor `{}` is {:?}; F32, F16 and BF16 are supported.",
                        shortened(&name),
                        view.dtype()
                    ),
                )
            })?;
            self.insert(name, view.shape().to_vec(), values, source)?;
        }
        Ok(())
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// Names the tensor if a number in it is not finite.
    pub(super) fn insert(
        &mut self,
        name: String,
        shape: Vec<usize>,
        values: Vec<f32>,
        source: &Path,
    ) -> Result<(), ModelError> {
        if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
            let name = shortened(&name);
            return Err(broken(source, format!("Tensor `{name}` holds {bad}; the weights are damaged.")));
        }
        self.tensors.insert(name, (shape, values));
        Ok(())
    }

    /// The first tensor that was not taken.
    pub(super) fn left(&self) -> Option<&str> {
        self.tensors.keys().next().map(String::as_str)
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The numbers of a weight in file order, part by part.
    fn stacked(&mut self, place: &Place) -> Result<Vec<f32>, ModelError> {
        let mut values = Vec::new();
        for (name, rows) in &place.parts {
            let part = self.take(name, &place.shape(*rows))?;
            // The first is not copied.
            if values.is_empty() { values = part } else { values.extend(part) }
        }
        Ok(values)
    }

    fn matrix(&mut self, place: &Place) -> Result<Matrix, ModelError> {
        let values = self.stacked(place)?;
        let (rows, columns) = (place.rows(), place.columns.unwrap_or(1));
        Ok(match place.transposed {
            true => Matrix { values: transposed(&values, rows, columns), rows: columns, columns: rows },
            false => Matrix { values, rows, columns },
        })
    }

    /// Checks that a bias which we do not compute with is zero, if there is one. transformers fills a missing
    /// one with zeros.
    fn check_zero(&mut self, place: &Place) -> Result<(), ModelError> {
        for (name, size) in &place.parts {
            if self.has(name) && self.take(name, &[*size])?.iter().any(|value| *value != 0.0) {
                return Err(broken(
                    &self.source,
                    format!("Tensor `{name}` is not zero; a bias of the output projection is not supported."),
                ));
            }
        }
        Ok(())
    }

    /// Takes a tensor out.
    pub(super) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let (found, values) = self.tensors.remove(name).ok_or_else(|| {
            broken(
                &self.source,
                format!("Tensor `{name}` is missing; this is not the model that config.json describes."),
            )
        })?;
        if found != shape {
            return Err(broken(
                &self.source,
                format!("Tensor `{name}` has shape {found:?}, but config.json implies {shape:?}."),
            ));
        }
        Ok(values)
    }
}

fn to_f32(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let bytes = view.data();
    Some(match view.dtype() {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => bytes.chunks_exact(2).map(|b| f16_to_f32(u16::from_le_bytes([b[0], b[1]]))).collect(),
        Dtype::BF16 => bytes
            .chunks_exact(2)
            .map(|b| f32::from_bits(u32::from(u16::from_le_bytes([b[0], b[1]])) << 16))
            .collect(),
        _ => return None,
    })
}

/// IEEE 754 binary16.
pub(super) fn f16_to_f32(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0f32 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f32::from(bits & 0x3ff) / 1024.0;
    match exponent {
        0 => sign * fraction * 2.0f32.powi(-14),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1.0 + fraction) * 2.0f32.powi(exponent - 15),
    }
}

/// `[rows, columns]` to `[columns, rows]`.
pub(super) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    for r in 0..rows {
        for c in 0..columns {
            out[c * rows + r] = values[r * columns + c];
        }
    }
    out
}

/// `model.safetensors`, or the shards that `model.safetensors.index.json` names, or the GGUF file itself.
///
/// # Errors
/// Names the index and what is wrong with it.
pub fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    if gguf::is_meant(folder) {
        return Ok(vec![folder.to_owned()]);
    }
    let whole = folder.join("model.safetensors");
    let index_path = folder.join("model.safetensors.index.json");
    if whole.exists() || !index_path.exists() {
        return Ok(vec![whole]);
    }
    let names = shard_names(&read_bounded(&index_path, MAX_JSON)?, &index_path)?;
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// The shards that an index names, each once: plain names that cannot lead outside the folder.
///
/// # Errors
/// Says what is wrong with the index, and names `path`.
pub fn shard_names(index: &[u8], path: &Path) -> Result<BTreeSet<String>, ModelError> {
    let index: serde_json::Value =
        serde_json::from_slice(index).map_err(|e| broken(path, format!("The index is not JSON: {e}.")))?;
    let map = index
        .get("weight_map")
        .and_then(serde_json::Value::as_object)
        .ok_or_else(|| broken(path, "The index has no `weight_map`."))?;
    let names: Option<BTreeSet<&str>> = map.values().map(serde_json::Value::as_str).collect();
    let names = names
        .filter(|names| !names.is_empty())
        .ok_or_else(|| broken(path, "The index does not name a file for every tensor."))?;
    let plain = |name: &str| Path::new(name).file_name().is_some_and(|f| f == name) && !name.contains('\\');
    match names.iter().find(|name| !plain(name)) {
        Some(name) => Err(broken(
            path,
            format!("Shard `{}` is outside the folder; only plain names are allowed.", shortened(name)),
        )),
        None => Ok(names.into_iter().map(str::to_owned).collect()),
    }
}

/// `[rows, columns]`, row-major.
pub struct Matrix {
    /// The numbers.
    pub values: Vec<f32>,
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

/// The weights of one block, as in [`super::transformer::Block`].
#[allow(missing_docs, reason = "each is the field of the same name there")]
pub struct HostBlock {
    pub input_norm: Option<Vec<f32>>,
    pub qkv: Matrix,
    pub qkv_bias: Option<Vec<f32>>,
    pub qk_norm: Option<[Vec<f32>; 2]>,
    pub output: Matrix,
    pub attention_norm: Option<Vec<f32>>,
    pub post_norm: Option<Vec<f32>>,
    pub gate_up: Matrix,
    pub down: Matrix,
    pub feed_forward_norm: Option<Vec<f32>>,
}

/// The weights of a model, as in [`super::transformer::Transformer`].
#[allow(missing_docs, reason = "each is the field of the same name there")]
pub struct HostModel {
    pub embedding: Matrix,
    pub blocks: Vec<HostBlock>,
    pub norm: Vec<f32>,
    pub head: Option<Matrix>,
}

/// Arranges the tensors of a folder as `config.json` describes them; none may be missing, none may be left
/// over.
///
/// # Errors
/// Names the first tensor that is missing, of the wrong shape, or unused.
pub fn arrange(mut host: HostTensors, config: &ModelConfig) -> Result<HostModel, ModelError> {
    let mut layout = Layout::of(config);
    // Checkpoints of the bare model omit the prefix.
    if layout.embedding().parts.iter().any(|(name, _)| !host.has(name)) {
        layout = layout.bare();
    }
    let mut blocks = Vec::new();
    for layer in 0..config.num_hidden_layers {
        blocks.push(arranged_block(&mut host, &layout.block(layer))?);
    }
    let embedding = host.matrix(&layout.embedding())?;
    let norm = host.stacked(&layout.norm())?;
    let head = layout.head();
    let head = if config.tie_word_embeddings {
        let stored = head.parts.iter().all(|(name, _)| host.has(name));
        if stored && host.stacked(&head)? != embedding.values {
            return Err(broken(
                &host.source,
                "config.json: `tie_word_embeddings` is true, but Tensor `lm_head.weight` is not the embedding; set \
                 it to false to use the file's own head.",
            ));
        }
        None
    } else {
        Some(host.matrix(&head)?)
    };
    host.tensors.retain(|name, _| !name.ends_with("rotary_emb.inv_freq"));
    if let Some(name) = host.left() {
        return Err(broken(
            &host.source,
            format!(
                "Tensor `{}` is not part of the model in config.json, whose type is `{}`.",
                shortened(name),
                config.family.model_type
            ),
        ));
    }
    Ok(HostModel { embedding, blocks, norm, head })
}

fn arranged_block(host: &mut HostTensors, layout: &BlockLayout) -> Result<HostBlock, ModelError> {
    if let Some(bias) = &layout.output_bias {
        host.check_zero(bias)?;
    }
    let mut vector = |place: &Option<Place>| place.as_ref().map(|place| host.stacked(place)).transpose();
    let (input_norm, qkv_bias) = (vector(&layout.input_norm)?, vector(&layout.qkv_bias)?);
    let (attention_norm, post_norm) = (vector(&layout.attention_norm)?, vector(&layout.post_norm)?);
    let feed_forward_norm = vector(&layout.feed_forward_norm)?;
    Ok(HostBlock {
        input_norm,
        qkv: host.matrix(&layout.qkv)?,
        qkv_bias,
        qk_norm: match &layout.qk_norm {
            Some([queries, keys]) => Some([host.stacked(queries)?, host.stacked(keys)?]),
            None => None,
        },
        output: host.matrix(&layout.output)?,
        attention_norm,
        post_norm,
        gate_up: host.matrix(&layout.gate_up)?,
        down: host.matrix(&layout.down)?,
        feed_forward_norm,
    })
}
