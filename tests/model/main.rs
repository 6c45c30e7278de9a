//! The model, the loss and the optimizer against numbers that PyTorch and transformers computed
//! (`fixtures/make_fixtures.py`, `fixtures/make_parts.py`, `fixtures/make_gguf.py`), and the sampler against itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod families;
mod forms;
mod gguf;
mod kernels;
mod learning;
mod lora;
mod parts;
mod reference;
mod registry;
mod sampling;
mod templates;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use aha_lab::{
    model::{folder, transformer::Transformer},
    system::workers::Workers,
};
use burn::tensor::{Device, Int, Tensor, TensorData};
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The tiny model on the CPU. The folder has no tokenizer, so its parts are read one by one.
fn tiny() -> Transformer {
    let folder = fixture("tiny-qwen2");
    let config = std::fs::read(folder.join("config.json")).unwrap();
    let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
    folder::from_bytes(&config, &weights, &folder, &Device::flex()).unwrap()
}

fn reference(folder: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(folder).join("reference.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn tokens(value: &Value) -> Vec<Vec<u32>> {
    value.as_array().unwrap().iter().map(|row| numbers(row).iter().map(|&t| t as u32).collect()).collect()
}

fn int_tensor(rows: &[Vec<u32>], device: &Device) -> Tensor<2, Int> {
    let width = rows[0].len();
    let flat: Vec<i32> = rows.iter().flatten().map(|&t| t as i32).collect();
    Tensor::from_data(TensorData::new(flat, [rows.len(), width]), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().try_to_vec::<f32>().unwrap().into_iter().map(f64::from).collect()
}

/// Weights by their Hugging Face names.
fn named(bytes: &[u8]) -> BTreeMap<String, Vec<f64>> {
    let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
    let read = |data: &[u8]| {
        data.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect::<Vec<_>>()
    };
    file.tensors().into_iter().map(|(name, view)| (name, read(view.data()))).collect()
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

fn workers(count: usize) -> Arc<Workers> {
    Arc::new(Workers::new(count).unwrap())
}
