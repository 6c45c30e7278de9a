//! Hugging Face folders: `config.json`, `model.safetensors` (or shards with an index), `tokenizer.json`.
//!
//! Tensor names and layouts are those of transformers' `Qwen2ForCausalLM`, so folders can be exchanged in
//! both directions. Weights are `[in, out]` in memory and `[out, in]` on disk.

use std::{collections::BTreeMap, path::Path};

use burn::{
    module::Param,
    tensor::{Device, Tensor, TensorData},
};
use safetensors::{Dtype, tensor::TensorView};

pub(crate) use super::host::hexadecimal;
pub use super::host::{ModelError, read_bounded};
use super::{
    adapter::{self, AdapterBase},
    companions::{self, Companions},
    config::ModelConfig,
    finding, gguf,
    host::{
        HostBlock, HostTensors, MAX_JSON, MAX_WEIGHTS, Matrix, arrange, broken, transposed, weight_files,
    },
    layout::{Layout, Place},
    publish::{self, WeightType},
    transformer::{Block, QkNorm, Transformer},
    weights::{F16_ENDS, encoded},
};
use crate::{
    model::tokenizer::{Tokenizer, TokenizerError},
    system::memory::Memory,
};

/// A model, the folder's `tokenizer.json`, and the small files beside them.
pub struct LoadedModel {
    /// On the requested device, with the shape that it was written with.
    pub model: Transformer,
    /// The bytes of `tokenizer.json`.
    pub tokenizer: Vec<u8>,
    /// The other small files of the folder.
    pub companions: Companions,
    /// Notes for the user, in sentences.
    pub notes: Vec<String>,
    /// Where the model has an adapter: what it belongs to.
    pub adapter_of: Option<AdapterBase>,
}

impl LoadedModel {
    /// A model that was made here from scratch.
    pub fn made(mut model: Transformer, tokenizer: Vec<u8>) -> Self {
        model.config = publish::published_shape(model.config, &tokenizer);
        Self { model, tokenizer, companions: Companions::default(), notes: Vec::new(), adapter_of: None }
    }

    /// The tokenizer, with the end tokens that the folder names.
    ///
    /// # Errors
    /// As for [`Tokenizer::from_bytes`].
    pub fn read_tokenizer(&self) -> Result<Tokenizer, TokenizerError> {
        Tokenizer::with_ends(&self.tokenizer, Path::new("tokenizer.json"), &self.companions.ends())
    }
}

/// Loads a Hugging Face folder onto `device`, or a folder with an adapter and the model that it belongs to.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn load(folder: &Path, device: &Device) -> Result<LoadedModel, ModelError> {
    if adapter::is_adapter(folder) {
        return adapter::load(folder, device);
    }
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
    Ok(LoadedModel { model, tokenizer, companions, notes, adapter_of: None })
}

/// Loads a GGUF file onto `device`, as if it were a folder.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn load_gguf(path: &Path, device: &Device) -> Result<LoadedModel, ModelError> {
    finding::check_exists(path)?;
    let mut file = gguf::open(path)?;
    let (config, parameters) = (file.config.clone(), file.config.parameters() as u64);
    finding::check_memory(path, file.memory(), parameters, Memory::of_this_machine())?;
    let (tokenizer, notes) = (std::mem::take(&mut file.tokenizer), std::mem::take(&mut file.notes));
    let companions = file.companions.clone();
    let mut model = onto_device(file.weights()?, &config, device).map_err(|error| match error {
        ModelError::Broken { path, reason } => broken(&path, gguf::of_metadata(&reason)),
        other => other,
    })?;
    model.config = publish::published_shape(config, &tokenizer);
    Ok(LoadedModel { model, tokenizer, companions, notes, adapter_of: None })
}

/// Loads a model from bytes in memory. `source` is named in errors.
///
/// # Errors
/// As for [`load`].
pub fn from_bytes(
    config: &[u8],
    weights: &[u8],
    source: &Path,
    device: &Device,
) -> Result<Transformer, ModelError> {
    let config = ModelConfig::parse(config).map_err(|reason| broken(source, reason))?;
    with_weights(&config, weights, source, device)
}

/// A model of a known shape with the weights of a file. `source` is named in errors.
///
/// # Errors
/// As for [`load`].
pub(crate) fn with_weights(
    config: &ModelConfig,
    weights: &[u8],
    source: &Path,
    device: &Device,
) -> Result<Transformer, ModelError> {
    let mut host = HostTensors::none(source.to_owned());
    host.add(weights, source)?;
    onto_device(host, config, device)
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
        input_norm: block.input_norm.map(vector),
        qkv: matrix(block.qkv),
        qkv_bias: block.qkv_bias.map(vector),
        qk_norm: block.qk_norm.map(|[queries, keys]| QkNorm { queries: vector(queries), keys: vector(keys) }),
        output: matrix(block.output),
        attention_norm: block.attention_norm.map(vector),
        post_norm: block.post_norm.map(vector),
        gate_up: matrix(block.gate_up),
        down: matrix(block.down),
        feed_forward_norm: block.feed_forward_norm.map(vector),
        adapter: None,
    };
    Ok(Transformer {
        embedding: matrix(host.embedding),
        blocks: host.blocks.into_iter().map(block).collect(),
        norm: vector(host.norm),
        head: host.head.map(matrix),
        recompute: false,
        config: config.clone(),
    })
}

/// The weights, an adapter merged into them, as one safetensors file in f32, with transformers' names and layouts.
///
/// # Errors
/// If the device's memory cannot be read.
pub fn to_bytes(model: &Transformer) -> Result<Vec<u8>, ModelError> {
    to_bytes_as(model, WeightType::F32)
}

/// Like [`to_bytes`], with each weight rounded to a type.
///
/// # Errors
/// As for [`to_bytes`], and if a weight is out of the type's range.
pub(crate) fn to_bytes_as(model: &Transformer, as_type: WeightType) -> Result<Vec<u8>, ModelError> {
    let memory = Path::new("model in memory");
    let mut file = File { as_type, tensors: BTreeMap::new(), beyond: None };
    let layout = Layout::of(&model.config);
    for (layer, block) in model.blocks.iter().enumerate() {
        let (places, block) = (layout.block(layer), block.merged());
        file.put(&places.qkv, block.qkv.val())?;
        for (place, weight) in [
            (&places.qkv_bias, &block.qkv_bias),
            (&places.input_norm, &block.input_norm),
            (&places.attention_norm, &block.attention_norm),
            (&places.post_norm, &block.post_norm),
            (&places.feed_forward_norm, &block.feed_forward_norm),
        ] {
            if let (Some(place), Some(weight)) = (place, weight) {
                file.put(place, weight.val())?;
            }
        }
        if let (Some([queries, keys]), Some(norm)) = (&places.qk_norm, &block.qk_norm) {
            file.put(queries, norm.queries.val())?;
            file.put(keys, norm.keys.val())?;
        }
        file.put(&places.output, block.output.val())?;
        if let Some(place) = &places.output_bias {
            file.put_values(place, &vec![0.0; place.rows()]);
        }
        file.put(&places.gate_up, block.gate_up.val())?;
        file.put(&places.down, block.down.val())?;
    }
    file.put(&layout.embedding(), model.embedding.val())?;
    file.put(&layout.norm(), model.norm.val())?;
    if let Some(head) = &model.head {
        file.put(&layout.head(), head.val())?;
    }
    if let Some(name) = file.beyond {
        return Err(broken(
            memory,
            format!("Tensor `{name}` has values that float16 cannot hold; use float32."),
        ));
    }
    serialized(&file.tensors, as_type)
}

/// One safetensors file of tensors of a type, by name with their shapes.
pub(super) fn serialized(
    tensors: &BTreeMap<String, (Vec<usize>, Vec<u8>)>,
    as_type: WeightType,
) -> Result<Vec<u8>, ModelError> {
    let dtype = match as_type {
        WeightType::F32 => Dtype::F32,
        WeightType::Bf16 => Dtype::BF16,
        WeightType::F16 => Dtype::F16,
    };
    let views: Result<Vec<_>, _> = tensors
        .iter()
        .map(|(name, (shape, bytes))| TensorView::new(dtype, shape.clone(), bytes).map(|view| (name, view)))
        .collect();
    let metadata = std::collections::HashMap::from([("format".to_string(), "pt".to_string())]);
    views
        .and_then(|views| safetensors::serialize(views, Some(metadata)))
        .map_err(|e| broken(Path::new("model in memory"), format!("The weights could not be written: {e}.")))
}

/// The tensors of a file being written.
struct File {
    as_type: WeightType,
    tensors: BTreeMap<String, (Vec<usize>, Vec<u8>)>,
    /// A tensor with a number out of the type's range.
    beyond: Option<String>,
}

impl File {
    fn put<const D: usize>(&mut self, place: &Place, weight: Tensor<D>) -> Result<(), ModelError> {
        let values = read(weight)?;
        match place.columns.filter(|_| place.transposed) {
            Some(columns) => self.put_values(place, &transposed(&values, columns, place.rows())),
            None => self.put_values(place, &values),
        }
        Ok(())
    }

    /// Appends numbers in file order, part by part.
    fn put_values(&mut self, place: &Place, mut values: &[f32]) {
        for (name, rows) in &place.parts {
            let (part, rest) = values.split_at(rows * place.columns.unwrap_or(1));
            values = rest;
            if self.as_type == WeightType::F16 && part.iter().any(|v| v.abs() >= F16_ENDS) {
                self.beyond = Some(name.clone());
            }
            self.tensors.insert(name.clone(), (place.shape(*rows), encoded(part, self.as_type)));
        }
    }
}

pub(super) fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    tensor.into_data().try_to_vec::<f32>().map_err(|e| {
        broken(Path::new("model in memory"), format!("The weights could not be read back: {e:?}."))
    })
}

/// SHA-256 of a folder's weights, hexadecimal; shards are hashed in sequence.
///
/// # Errors
/// If they cannot be read.
pub fn hash_of_folder(folder: &Path) -> Result<String, ModelError> {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    let files = match adapter::is_adapter(folder) {
        true => vec![folder.join(adapter::WEIGHTS)],
        false => weight_files(folder)?,
    };
    for file in files {
        hash.update(read_bounded(&file, MAX_WEIGHTS)?);
    }
    Ok(hexadecimal(&hash.finalize()))
}
