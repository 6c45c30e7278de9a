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
    config::ModelConfig,
    host::{
        HostBlock, HostTensors, MAX_JSON, MAX_WEIGHTS, Matrix, arrange, broken, transposed, weight_files,
    },
    transformer::{Block, Transformer},
};

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
    let mut host = HostTensors::none(folder.join("model.safetensors"));
    for file in weight_files(folder)? {
        host.add(&read_bounded(&file, MAX_WEIGHTS)?, &file)?;
    }
    let model = onto_device(host, &config, device)?;
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
    let mut host = HostTensors::none(source.to_owned());
    host.add(weights, source)?;
    onto_device(host, &config, device)
}

fn parse_config(bytes: &[u8], path: &Path) -> Result<ModelConfig, ModelError> {
    ModelConfig::parse(bytes).map_err(|reason| broken(path, reason))
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
