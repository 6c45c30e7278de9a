//! Hugging Face folders: `config.json`, `model.safetensors` (or shards with an index), `tokenizer.json`.
//!
//! Tensor names and layouts are those of transformers' `Qwen2ForCausalLM`, so that what is written here loads
//! there and the other way round. Weights are kept `[in, out]` in memory and `[out, in]` on disk.

use std::{collections::BTreeMap, path::Path};

use burn::{
    module::Param,
    tensor::{Device, Tensor, TensorData},
};
use safetensors::{Dtype, tensor::TensorView};

pub(crate) use super::host::hexadecimal;
pub use super::host::{ModelError, read_bounded};
use super::{
    companions::{self, Companions},
    config::ModelConfig,
    finding,
    host::{
        HostBlock, HostTensors, MAX_JSON, MAX_WEIGHTS, Matrix, arrange, broken, transposed, weight_files,
    },
    publish::{self, WeightType},
    transformer::{Block, Transformer},
    weights::{F16_ENDS, encoded},
};
use crate::{
    model::tokenizer::{Tokenizer, TokenizerError},
    system::memory::Memory,
};

/// A model, the folder's `tokenizer.json`, and the small files beside them.
pub struct LoadedModel {
    /// On the device asked for. Its shape is the one that it is written with.
    pub model: Transformer,
    /// The bytes of `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// The other small files of the folder.
    pub companions: Companions,
    /// What a person should know of it, in sentences.
    pub notes: Vec<String>,
}

impl LoadedModel {
    /// A model that was made here, from nothing.
    pub fn made(mut model: Transformer, tokenizer: Vec<u8>) -> Self {
        model.config = publish::published_shape(model.config, &tokenizer);
        Self { model, tokenizer, companions: Companions::default(), notes: Vec::new() }
    }

    /// The tokenizer, with the end tokens that the folder names.
    ///
    /// # Errors
    /// As [`Tokenizer::from_bytes`].
    pub fn read_tokenizer(&self) -> Result<Tokenizer, TokenizerError> {
        Tokenizer::with_ends(&self.tokenizer, Path::new("tokenizer.json"), &self.companions.ends())
    }
}

/// Loads a Hugging Face folder onto `device`.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn load(folder: &Path, device: &Device) -> Result<LoadedModel, ModelError> {
    finding::check_folder(folder)?;
    let config_path = folder.join(companions::CONFIG);
    let config = read_bounded(&config_path, MAX_JSON)?;
    // The path says which file it is.
    let in_file = |reason: String| broken(&config_path, reason.trim_start_matches("config.json: "));
    let (config, notes) = ModelConfig::parse_with_notes(&config).map_err(in_file)?;
    let companions = Companions::of_folder(folder)?;
    let tokenizer = read_bounded(&folder.join("tokenizer.json"), MAX_JSON)?;
    finding::check_size(folder, &config, Memory::of_this_machine())?;
    let mut host = HostTensors::none(folder.join("model.safetensors"));
    for file in weight_files(folder)? {
        host.add(&read_bounded(&file, MAX_WEIGHTS)?, &file)?;
    }
    let mut model = onto_device(host, &config, device)?;
    model.config = publish::published_shape(config, &tokenizer);
    Ok(LoadedModel { model, tokenizer, companions, notes })
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
    let config = ModelConfig::parse(config).map_err(|reason| broken(source, reason))?;
    let mut host = HostTensors::none(source.to_owned());
    host.add(weights, source)?;
    onto_device(host, &config, device)
}

fn onto_device(host: HostTensors, config: &ModelConfig, device: &Device) -> Result<Transformer, ModelError> {
    let host = arrange(host, config)?;
    let vector = |values: Vec<f32>| {
        let n = values.len();
        Param::from_tensor(Tensor::<1>::from_data(TensorData::new(values, [n]), device))
    };
    let matrix = |Matrix { values, rows, columns }: Matrix| {
        Param::from_tensor(Tensor::<2>::from_data(TensorData::new(values, [rows, columns]), device))
    };
    let block = |block: HostBlock| Block {
        input_norm: vector(block.input_norm),
        qkv: matrix(block.qkv),
        qkv_bias: block.qkv_bias.map(vector),
        output: matrix(block.output),
        post_norm: vector(block.post_norm),
        gate_up: matrix(block.gate_up),
        down: matrix(block.down),
    };
    Ok(Transformer {
        embedding: matrix(host.embedding),
        blocks: host.blocks.into_iter().map(block).collect(),
        norm: vector(host.norm),
        head: host.head.map(matrix),
        config: config.clone(),
    })
}

/// The weights as one safetensors file in f32, names and layouts as transformers has them.
///
/// # Errors
/// When the device's memory cannot be read.
pub fn to_bytes(model: &Transformer) -> Result<Vec<u8>, ModelError> {
    to_bytes_as(model, WeightType::F32)
}

/// As [`to_bytes`], each weight rounded to a type.
///
/// # Errors
/// As there, and where a weight is beyond what the type can hold.
pub fn to_bytes_as(model: &Transformer, as_type: WeightType) -> Result<Vec<u8>, ModelError> {
    let config = &model.config;
    let (d, f, c) = (config.hidden_size, config.intermediate_size, config.head_dim());
    let (h, g, v) = (config.num_attention_heads, config.num_key_value_heads, config.vocab_size);
    let mut out: BTreeMap<String, (Vec<usize>, Vec<u8>)> = BTreeMap::new();
    let mut beyond = None;
    let mut put = |name: String, shape: &[usize], values: &[f32]| {
        if as_type == WeightType::F16 && values.iter().any(|v| v.abs() >= F16_ENDS) {
            beyond = Some(name.clone());
        }
        out.insert(name, (shape.to_vec(), encoded(values, as_type)));
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
        if config.has_output_bias() {
            put(name("self_attn.o_proj.bias"), &[d], &vec![0.0; d]);
        }
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
    if let Some(name) = beyond {
        return Err(broken(
            memory,
            format!("Tensor `{name}` holds numbers that float16 cannot; use float32."),
        ));
    }
    let dtype = match as_type {
        WeightType::F32 => Dtype::F32,
        WeightType::Bf16 => Dtype::BF16,
        WeightType::F16 => Dtype::F16,
    };
    let views: Result<Vec<_>, _> = out
        .iter()
        .map(|(name, (shape, bytes))| TensorView::new(dtype, shape.clone(), bytes).map(|view| (name, view)))
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
