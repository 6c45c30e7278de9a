//! A LoRA adapter's files, as PEFT has them: `adapter_config.json` and `adapter_model.safetensors`. The base stays where it
//! is; beside them, `base.json` names it with the hash of its weights.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    cached,
    companions::Companions,
    config::ModelConfig,
    folder::{self, LoadedModel},
    gguf,
    host::{HostTensors, MAX_JSON, MAX_WEIGHTS, ModelError, broken, read_bounded, transposed},
    layout::{BlockLayout, Layout, Place},
    lora::{Lora, Target},
    publish::WeightType,
    source::{ModelSource, embedded_of},
    transformer::Transformer,
    weights::encoded,
};
use crate::{
    settings::Several,
    system::quoting::{quoting, shortened},
    task,
};

/// The adapter's weights.
pub const WEIGHTS: &str = "adapter_model.safetensors";
/// What PEFT needs to know of them.
pub const CONFIG: &str = "adapter_config.json";
/// The base.
const BASE: &str = "base.json";

/// The model that an adapter belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterBase {
    /// The task whose embedded model it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<String>,
    /// The folder that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// SHA-256 of its weights, hexadecimal; not known of adapters that other programs made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// Whether a folder holds an adapter, and no model.
pub fn is_adapter(folder: &Path) -> bool {
    let has = |name: &str| std::fs::symlink_metadata(folder.join(name)).is_ok();
    has(CONFIG) && !has("model.safetensors") && !has("model.safetensors.index.json")
}

/// Whether this is where a model is, not an adapter.
fn is_model(path: &Path) -> bool {
    let is_gguf = gguf::is_meant(path) && path.is_file();
    is_gguf || path.join("config.json").is_file() && !is_adapter(path)
}

/// Where the cache of the hub has a model of this name, if it is one.
fn in_cache(base: &Path) -> Option<PathBuf> {
    cached::find(base.to_str()?, "main").filter(|folder| is_model(folder))
}

/// Loads an adapter with its base onto a device.
///
/// # Errors
/// A sentence that names the file and what is wrong with it, or the base and why it is not the adapter's.
pub fn load(folder: &Path, device: &Device) -> Result<LoadedModel, ModelError> {
    let peft = PeftConfig::read(&folder.join(CONFIG))?;
    let base = base_of(folder, &peft)?;
    let loaded = base.load(folder, device)?;
    let path = folder.join(WEIGHTS);
    let mut host = HostTensors::none(path.clone());
    host.add(&read_bounded(&path, MAX_WEIGHTS)?, &path)?;
    let (lora, values) = arranged(&mut host, &loaded.model.config, &peft, &path)?;
    let model = loaded.model.with_adapter(&lora, values);
    // A run keeps its own prompt beside its adapter.
    let companions = match Companions::of_folder(folder)?.prompt() {
        Some(text) => loaded.companions.with_prompt(&text),
        None => loaded.companions,
    };
    Ok(LoadedModel { model, companions, adapter_of: Some(base), ..loaded })
}

/// The adapter's files, with numbers of this type; `base` names the base where that is known.
///
/// # Errors
/// If the model has no adapter, or its family stores as one what the adapter has apart.
pub fn files(
    model: &Transformer,
    base: Option<&AdapterBase>,
    as_type: WeightType,
) -> Result<Vec<(String, Vec<u8>)>, ModelError> {
    let memory = Path::new("model in memory");
    let lora = model.lora().ok_or_else(|| broken(memory, "The model has no LoRA adapter."))?;
    let layout = Layout::of(&model.config);
    let mut tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)> = BTreeMap::new();
    let mut modules: Vec<String> = Vec::new();
    for (layer, block) in model.blocks.iter().enumerate() {
        let Some(adapter) = &block.adapter else { continue };
        let (places, plan) = (layout.block(layer), &adapter.plan);
        let values = folder::read(adapter.values.val())?;
        for (target, part) in lora.lora_targets.chosen().zip(&plan.parts) {
            let (rank, out) = (plan.rank, part.columns.len());
            let name = module(target, &places).ok_or_else(|| {
                let family = model.config.family.model_type;
                broken(memory, format!("A {family} model stores together what the adapter has apart."))
            })?;
            modules.extend(name.rsplit('.').next().map(str::to_owned));
            let a = transposed(&values[part.a(rank)], part.input, rank);
            let b = transposed(&values[part.b(rank)], rank, out);
            tensors.insert(tensor_name(name, 'A'), (vec![rank, part.input], a));
            tensors.insert(tensor_name(name, 'B'), (vec![out, rank], b));
        }
    }
    modules.sort_unstable();
    modules.dedup();
    let encode = |(name, (shape, values)): (String, (Vec<usize>, Vec<f32>))| {
        (name, (shape, encoded(&values, as_type)))
    };
    let weights = folder::serialized(&tensors.into_iter().map(encode).collect(), as_type)?;
    let config = peft_config(lora, base, &modules);
    let text = |value: &Value| serde_json::to_vec_pretty(value).unwrap_or_default();
    let mut files = vec![(CONFIG.to_owned(), text(&config)), (WEIGHTS.to_owned(), weights)];
    files.extend(base.map(|base| (BASE.to_owned(), text(&json!(base)))));
    Ok(files)
}

/// The name of the module in the file that a target adds to, as `model.layers.0.self_attn.q_proj`.
fn module(target: Target, places: &BlockLayout) -> Option<&str> {
    let (place, index, of): (&Place, usize, usize) = match target {
        Target::Q => (&places.qkv, 0, 3),
        Target::K => (&places.qkv, 1, 3),
        Target::V => (&places.qkv, 2, 3),
        Target::O => (&places.output, 0, 1),
        Target::Gate => (&places.gate_up, 0, 2),
        Target::Up => (&places.gate_up, 1, 2),
        Target::Down => (&places.down, 0, 1),
    };
    let (name, _) = place.parts.get(index).filter(|_| place.parts.len() == of)?;
    name.strip_suffix(".weight")
}

fn tensor_name(module: &str, factor: char) -> String {
    format!("base_model.model.{module}.lora_{factor}.weight")
}

fn peft_config(lora: &Lora, base: Option<&AdapterBase>, modules: &[String]) -> Value {
    let whole = lora.lora_alpha.fract() == 0.0;
    let alpha = if whole { json!(lora.lora_alpha as u64) } else { json!(lora.lora_alpha) };
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base.and_then(|base| base.folder.clone()),
        "r": lora.lora_rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "target_modules": modules,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
    })
}

/// What we read of `adapter_config.json`.
#[derive(Deserialize)]
struct PeftConfig {
    #[serde(default)]
    peft_type: String,
    #[serde(default)]
    r: usize,
    #[serde(default)]
    lora_alpha: f64,
    base_model_name_or_path: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl PeftConfig {
    fn read(path: &Path) -> Result<Self, ModelError> {
        let read: Self = serde_json::from_slice(&read_bounded(path, MAX_JSON)?)
            .map_err(|e| broken(path, format!("This is no adapter_config.json of PEFT: {}.", quoting(&e))))?;
        if read.peft_type != "LORA" {
            let kind = shortened(&read.peft_type);
            return Err(broken(path, format!("`peft_type` is `{kind}`; only LORA is read.")));
        }
        if !((1..=1024).contains(&read.r) && read.lora_alpha.is_finite() && read.lora_alpha > 0.0) {
            return Err(broken(path, "`r` must be between 1 and 1024, and `lora_alpha` a positive number."));
        }
        // Each of these makes another computation of the same weights.
        let unread = [
            "use_dora",
            "use_rslora",
            "use_qalora",
            "fan_in_fan_out",
            "lora_bias",
            "modules_to_save",
            "rank_pattern",
            "alpha_pattern",
            "layers_to_transform",
            "layer_replication",
            "trainable_token_indices",
            "target_parameters",
        ];
        let is_set = |name: &&&str| match read.others.get(**name) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Object(fields)) => !fields.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(_) => true,
        };
        if let Some(name) = unread.iter().find(is_set) {
            return Err(broken(path, format!("`{name}` is not supported. {MERGE}")));
        }
        match read.others.get("bias").and_then(Value::as_str) {
            None | Some("none") => Ok(read),
            Some(_) => Err(broken(path, format!("Adapters with biases are not supported. {MERGE}"))),
        }
    }
}

/// What helps with every adapter.
const MERGE: &str = "Merge it first: `merge_and_unload()` in PEFT, then `save_pretrained(DIR)`.";

/// What a folder says of the adapter's base.
fn base_of(folder: &Path, peft: &PeftConfig) -> Result<AdapterBase, ModelError> {
    let path = folder.join(BASE);
    if std::fs::symlink_metadata(&path).is_ok() {
        return serde_json::from_slice(&read_bounded(&path, MAX_JSON)?)
            .map_err(|e| broken(&path, format!("It does not name a base: {}.", quoting(&e))));
    }
    let folder = peft.base_model_name_or_path.as_ref().map(PathBuf::from);
    Ok(AdapterBase { embedded: None, folder, sha256: None })
}

impl AdapterBase {
    /// The model, checked against its hash. `adapter` is named in errors.
    fn load(&self, adapter: &Path, device: &Device) -> Result<LoadedModel, ModelError> {
        let refused = |reason: String| Err(broken(adapter, reason));
        let found;
        let source = match (&self.embedded, &self.folder) {
            (Some(task), _) => match task::family(task) {
                // A task may have several: the weights tell which.
                Ok(family) => ModelSource::Embedded(
                    self.sha256.as_deref().and_then(embedded_of).unwrap_or(&family.base),
                ),
                Err(reason) => return refused(reason),
            },
            (None, Some(base)) if is_model(base) => ModelSource::Folder(base),
            (None, Some(base)) if let Some(cached) = in_cache(base) => {
                found = cached;
                ModelSource::Folder(&found)
            }
            (None, Some(base)) => {
                let base = shortened(&base.to_string_lossy());
                return refused(format!(
                    "This is an adapter (LoRA) of `{base}`, and there is no model in such a folder here, nor one of that name in \
                     the hub's cache. Put it there (`aha-lab export NAME DIR` fetches a model of the hub), or write the \
                     right folder into {CONFIG} as `base_model_name_or_path`. {MERGE}"
                ));
            }
            (None, None) => {
                return refused(format!("This is an adapter (LoRA) without its model. {MERGE}"));
            }
        };
        if let Some(expected) = &self.sha256
            && source.hash()? != *expected
        {
            return refused(format!(
                "The weights of the base, {self}, are not those that the adapter was trained on: their SHA-256 is not {}. \
                 Put the original ones back.",
                shortened(expected)
            ));
        }
        source.load(device)
    }
}

impl std::fmt::Display for AdapterBase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.embedded, &self.folder) {
            (Some(task), _) => write!(f, "the embedded model of {}", shortened(task)),
            (None, Some(folder)) => f.write_str(&shortened(&folder.to_string_lossy())),
            (None, None) => f.write_str("unknown"),
        }
    }
}

/// The adapter's shape and its weights, one vector for each block.
fn arranged(
    host: &mut HostTensors,
    config: &ModelConfig,
    peft: &PeftConfig,
    path: &Path,
) -> Result<(Lora, Vec<Vec<f32>>), ModelError> {
    let layout = Layout::of(config);
    let first = layout.block(0);
    let has = |target: &Target| module(*target, &first).is_some_and(|name| host.has(&tensor_name(name, 'A')));
    let targets: Vec<Target> = <Target as crate::settings::Choice>::all().into_iter().filter(has).collect();
    if targets.is_empty() {
        return Err(broken(path, "It has no tensor that belongs to a block of the base."));
    }
    let lora = Lora { lora_rank: peft.r, lora_alpha: peft.lora_alpha, lora_targets: Several::of(targets) };
    let plan = lora.plan(config);
    let mut blocks = Vec::new();
    for layer in 0..config.num_hidden_layers {
        let places = layout.block(layer);
        let mut values = vec![0.0; plan.size()];
        for (target, part) in lora.lora_targets.chosen().zip(&plan.parts) {
            let (rank, out) = (plan.rank, part.columns.len());
            let name = module(target, &places).unwrap_or_default();
            let a = host.take(&tensor_name(name, 'A'), &[rank, part.input])?;
            let b = host.take(&tensor_name(name, 'B'), &[out, rank])?;
            values[part.a(rank)].copy_from_slice(&transposed(&a, rank, part.input));
            values[part.b(rank)].copy_from_slice(&transposed(&b, out, rank));
        }
        blocks.push(values);
    }
    match host.left() {
        None => Ok((lora, blocks)),
        Some(name) => Err(broken(
            path,
            format!("Tensor `{}` adds to something that is not supported. {MERGE}", shortened(name)),
        )),
    }
}
