//! Hugging Face folders: `config.json`, `model.safetensors` (or shards with an index), `tokenizer.json`.
//!
//! Tensor names and layouts are those of transformers' `Qwen2ForCausalLM`, so that what is written here loads
//! there and the other way round. Weights are kept `[in, out]` in memory and `[out, in]` on disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use burn::{
    module::Param,
    tensor::{Device, Tensor, TensorData},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use thiserror::Error;

use super::{
    config::ModelConfig,
    transformer::{Block, Transformer},
};

/// Largest `config.json` or index that is read.
const MAX_JSON: u64 = 64 << 20;
/// Largest file of weights that is read.
const MAX_WEIGHTS: u64 = 64 << 30;

/// Why a model could not be read or written.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The operating system said no.
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

fn broken(path: &Path, reason: impl Into<String>) -> ModelError {
    ModelError::Broken { path: path.to_owned(), reason: reason.into() }
}

/// Reads a whole file, refusing one that is larger than `most` bytes before anything is allocated.
///
/// # Errors
/// Names the path, the size and the limit.
pub fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, ModelError> {
    let io = |source| ModelError::Io { path: path.to_owned(), source };
    let found = std::fs::metadata(path).map_err(io)?;
    if !found.is_file() {
        // A pipe or a device has no size to check, and may have no end.
        return Err(broken(path, "This is no regular file; give the path of one."));
    }
    let size = found.len();
    if size > most {
        return Err(broken(path, format!("The file has {size} bytes; at most {most} are read.")));
    }
    let mut bytes = Vec::new();
    // It may have grown since it was looked at.
    File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).map_err(io)?;
    Ok(bytes)
}

/// The weights by their Hugging Face names, on the host.
struct HostTensors {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    source: PathBuf,
}

impl HostTensors {
    fn add(&mut self, bytes: &[u8], source: &Path) -> Result<(), ModelError> {
        // The parser is a dependency that reads a stranger's file: a panic in it is one more way to be broken.
        let parsed = std::panic::catch_unwind(|| SafeTensors::deserialize(bytes))
            .map_err(|_| broken(source, "The safetensors header could not be read. Fetch the file again."))?
            .map_err(|e| {
                broken(source, format!("This is no whole safetensors file ({e}). Fetch or export it again."))
            })?;
        for (name, view) in parsed.tensors() {
            let values = to_f32(&view).ok_or_else(|| {
                broken(
                    source,
                    format!("Tensor `{name}` is {:?}; F32, F16 and BF16 are supported.", view.dtype()),
                )
            })?;
            if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
                return Err(broken(source, format!("Tensor `{name}` holds {bad}; the weights are damaged.")));
            }
            self.tensors.insert(name, (view.shape().to_vec(), values));
        }
        Ok(())
    }

    fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let (found, values) = self.tensors.remove(name).ok_or_else(|| {
            broken(
                &self.source,
                format!("Tensor `{name}` is missing; this is not the model that config.json describes."),
            )
        })?;
        if found != shape {
            return Err(broken(
                &self.source,
                format!("Tensor `{name}` has shape {found:?}, but config.json makes it {shape:?}."),
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
fn f16_to_f32(bits: u16) -> f32 {
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
fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = vec![0.0; values.len()];
    for r in 0..rows {
        for c in 0..columns {
            out[c * rows + r] = values[r * columns + c];
        }
    }
    out
}

/// A model and the folder's `tokenizer.json`.
pub struct LoadedModel {
    /// On the device asked for.
    pub model: Transformer,
    /// The bytes of `tokenizer.json`.
    pub tokenizer: Vec<u8>,
}

/// Loads a Hugging Face folder onto `device`.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn load(folder: &Path, device: &Device) -> Result<LoadedModel, ModelError> {
    let config_path = folder.join("config.json");
    let config = parse_config(&read_bounded(&config_path, MAX_JSON)?, &config_path)?;
    let mut host = HostTensors { tensors: BTreeMap::new(), source: folder.join("model.safetensors") };
    for file in weight_files(folder)? {
        host.add(&read_bounded(&file, MAX_WEIGHTS)?, &file)?;
    }
    let model = assemble(host, &config, device)?;
    let tokenizer = read_bounded(&folder.join("tokenizer.json"), MAX_JSON)?;
    Ok(LoadedModel { model, tokenizer })
}

/// Loads a model from bytes in memory (the embedded one, a checkpoint). `source` is named in errors.
///
/// # Errors
/// As [`load`].
pub fn from_bytes(
    config: &[u8],
    weights: &[u8],
    source: &Path,
    device: &Device,
) -> Result<Transformer, ModelError> {
    let config = parse_config(config, source)?;
    let mut host = HostTensors { tensors: BTreeMap::new(), source: source.to_owned() };
    host.add(weights, source)?;
    assemble(host, &config, device)
}

fn parse_config(bytes: &[u8], path: &Path) -> Result<ModelConfig, ModelError> {
    ModelConfig::parse(bytes).map_err(|reason| broken(path, reason))
}

/// `model.safetensors`, or the shards that `model.safetensors.index.json` names.
fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let whole = folder.join("model.safetensors");
    let index_path = folder.join("model.safetensors.index.json");
    if whole.exists() || !index_path.exists() {
        return Ok(vec![whole]);
    }
    let index: serde_json::Value = serde_json::from_slice(&read_bounded(&index_path, MAX_JSON)?)
        .map_err(|e| broken(&index_path, format!("The index is not JSON: {e}.")))?;
    let map = index
        .get("weight_map")
        .and_then(serde_json::Value::as_object)
        .ok_or_else(|| broken(&index_path, "The index has no `weight_map`."))?;
    let names: Option<BTreeSet<&str>> = map.values().map(serde_json::Value::as_str).collect();
    let names = names
        .filter(|names| !names.is_empty())
        .ok_or_else(|| broken(&index_path, "The index does not name a file for every tensor."))?;
    names
        .into_iter()
        .map(|name| {
            let plain = Path::new(name).file_name().is_some_and(|f| f == name);
            if plain {
                Ok(folder.join(name))
            } else {
                Err(broken(
                    &index_path,
                    format!("Shard `{name}` is outside the folder; only plain names are read."),
                ))
            }
        })
        .collect()
}

fn assemble(mut host: HostTensors, config: &ModelConfig, device: &Device) -> Result<Transformer, ModelError> {
    let (d, f, c) = (config.hidden_size, config.intermediate_size, config.head_dim());
    let (h, g, v) = (config.num_attention_heads, config.num_key_value_heads, config.vocab_size);
    // Checkpoints of the bare model leave out the prefix.
    let prefix = if host.tensors.contains_key("model.embed_tokens.weight") { "model." } else { "" };
    let vector = |values: Vec<f32>| {
        let n = values.len();
        Param::from_tensor(Tensor::<1>::from_data(TensorData::new(values, [n]), device))
    };
    let matrix = |values: Vec<f32>, rows: usize, columns: usize| {
        Param::from_tensor(Tensor::<2>::from_data(TensorData::new(values, [rows, columns]), device))
    };
    let mut blocks = Vec::with_capacity(config.num_hidden_layers);
    for layer in 0..config.num_hidden_layers {
        let name = |part: &str| format!("{prefix}layers.{layer}.{part}");
        // Stacked on disk-order rows first, then one transpose makes them columns side by side.
        let mut qkv = host.take(&name("self_attn.q_proj.weight"), &[h * c, d])?;
        qkv.extend(host.take(&name("self_attn.k_proj.weight"), &[g * c, d])?);
        qkv.extend(host.take(&name("self_attn.v_proj.weight"), &[g * c, d])?);
        let qkv_bias = if config.has_attention_bias() {
            let mut bias = host.take(&name("self_attn.q_proj.bias"), &[h * c])?;
            bias.extend(host.take(&name("self_attn.k_proj.bias"), &[g * c])?);
            bias.extend(host.take(&name("self_attn.v_proj.bias"), &[g * c])?);
            Some(vector(bias))
        } else {
            None
        };
        let output = host.take(&name("self_attn.o_proj.weight"), &[d, h * c])?;
        let mut gate_up = host.take(&name("mlp.gate_proj.weight"), &[f, d])?;
        gate_up.extend(host.take(&name("mlp.up_proj.weight"), &[f, d])?);
        let down = host.take(&name("mlp.down_proj.weight"), &[d, f])?;
        blocks.push(Block {
            input_norm: vector(host.take(&name("input_layernorm.weight"), &[d])?),
            qkv: matrix(transposed(&qkv, (h + 2 * g) * c, d), d, (h + 2 * g) * c),
            qkv_bias,
            output: matrix(transposed(&output, d, h * c), h * c, d),
            post_norm: vector(host.take(&name("post_attention_layernorm.weight"), &[d])?),
            gate_up: matrix(transposed(&gate_up, 2 * f, d), d, 2 * f),
            down: matrix(transposed(&down, d, f), f, d),
        });
    }
    let embedding = matrix(host.take(&format!("{prefix}embed_tokens.weight"), &[v, d])?, v, d);
    let norm = vector(host.take(&format!("{prefix}norm.weight"), &[d])?);
    let head = if config.tie_word_embeddings {
        host.tensors.remove("lm_head.weight");
        None
    } else {
        let head = host.take("lm_head.weight", &[v, d])?;
        Some(matrix(transposed(&head, v, d), d, v))
    };
    host.tensors.retain(|name, _| !name.ends_with("rotary_emb.inv_freq"));
    if let Some(name) = host.tensors.keys().next() {
        return Err(broken(
            &host.source,
            format!(
                "Tensor `{name}` belongs to no part of the model that config.json describes; only Qwen2 and \
                     Llama shapes are supported."
            ),
        ));
    }
    Ok(Transformer { embedding, blocks, norm, head, config: config.clone() })
}

/// The weights as one safetensors file in f32, names and layouts as transformers has them.
///
/// # Errors
/// When the device's memory cannot be read.
pub fn to_bytes(model: &Transformer) -> Result<Vec<u8>, ModelError> {
    let config = &model.config;
    let (d, f, c) = (config.hidden_size, config.intermediate_size, config.head_dim());
    let (h, g, v) = (config.num_attention_heads, config.num_key_value_heads, config.vocab_size);
    let mut out: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    let mut put = |name: String, shape: &[usize], values: &[f32]| {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        out.insert(name, (shape.to_vec(), bytes));
    };
    for (layer, block) in model.blocks.iter().enumerate() {
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        let qkv = transposed(&read(block.qkv.val())?, d, (h + 2 * g) * c);
        let (q_end, k_end) = (h * c * d, (h + g) * c * d);
        put(name("self_attn.q_proj.weight"), &[h * c, d], &qkv[..q_end]);
        put(name("self_attn.k_proj.weight"), &[g * c, d], &qkv[q_end..k_end]);
        put(name("self_attn.v_proj.weight"), &[g * c, d], &qkv[k_end..]);
        if let Some(bias) = &block.qkv_bias {
            let bias = read(bias.val())?;
            put(name("self_attn.q_proj.bias"), &[h * c], &bias[..h * c]);
            put(name("self_attn.k_proj.bias"), &[g * c], &bias[h * c..(h + g) * c]);
            put(name("self_attn.v_proj.bias"), &[g * c], &bias[(h + g) * c..]);
        }
        put(name("self_attn.o_proj.weight"), &[d, h * c], &transposed(&read(block.output.val())?, h * c, d));
        let gate_up = transposed(&read(block.gate_up.val())?, d, 2 * f);
        put(name("mlp.gate_proj.weight"), &[f, d], &gate_up[..f * d]);
        put(name("mlp.up_proj.weight"), &[f, d], &gate_up[f * d..]);
        put(name("mlp.down_proj.weight"), &[d, f], &transposed(&read(block.down.val())?, f, d));
        put(name("input_layernorm.weight"), &[d], &read(block.input_norm.val())?);
        put(name("post_attention_layernorm.weight"), &[d], &read(block.post_norm.val())?);
    }
    put("model.embed_tokens.weight".into(), &[v, d], &read(model.embedding.val())?);
    put("model.norm.weight".into(), &[d], &read(model.norm.val())?);
    if let Some(head) = &model.head {
        put("lm_head.weight".into(), &[v, d], &transposed(&read(head.val())?, d, v));
    }
    let memory = Path::new("model in memory");
    let views: Result<Vec<_>, _> = out
        .iter()
        .map(|(name, (shape, bytes))| {
            TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name, view))
        })
        .collect();
    let metadata = std::collections::HashMap::from([("format".to_string(), "pt".to_string())]);
    views
        .and_then(|views| safetensors::serialize(views, Some(metadata)))
        .map_err(|e| broken(memory, format!("The weights could not be written down: {e}.")))
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    tensor.into_data().try_to_vec::<f32>().map_err(|e| {
        broken(Path::new("model in memory"), format!("The weights could not be read back: {e:?}."))
    })
}

/// SHA-256 of a folder's weights, hexadecimal; shards are hashed one after the other.
///
/// # Errors
/// When they cannot be read.
pub fn hash_of_folder(folder: &Path) -> Result<String, ModelError> {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for file in weight_files(folder)? {
        hash.update(read_bounded(&file, MAX_WEIGHTS)?);
    }
    Ok(hexadecimal(&hash.finalize()))
}

/// Two digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
