//! Every family in the registry: what transformers computes, and the decoder against the forward pass that defines it.
//! A family needs a folder in `fixtures/families`, made by `fixtures/make_families.py`.

use std::{collections::BTreeSet, path::PathBuf};

use aha_lab::{
    kernels::decoder::Entry,
    model::{
        cache::KvCache,
        config::ModelConfig,
        families::FAMILIES,
        folder,
        transformer::{Rotary, Transformer, target_log_probs},
    },
};
use burn::{
    module::Module,
    tensor::{Device, Int, Tensor, TensorData},
};
use serde_json::Value;

use super::{
    fixture, int_tensor, largest_difference, named, numbers, reference, reference::Gradient, tokens, values,
};

struct Fixture {
    name: String,
    model: Transformer,
    weights: Vec<u8>,
    reference: Value,
    ids: Vec<Vec<u32>>,
}

fn read(folder: PathBuf) -> Fixture {
    let name = format!("families/{}", folder.file_name().unwrap().to_str().unwrap());
    let config = std::fs::read(folder.join("config.json")).unwrap();
    let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
    let model = folder::from_bytes(&config, &weights, &folder, &Device::flex()).unwrap();
    let reference = reference(&name);
    let ids = tokens(&reference["token_ids"]);
    Fixture { name, model, weights, reference, ids }
}

/// All of them; at least one for each family of the registry.
fn fixtures() -> Vec<Fixture> {
    let folders = std::fs::read_dir(fixture("families")).unwrap().map(|entry| entry.unwrap().path());
    let all: Vec<Fixture> = folders.map(read).collect();
    let have: BTreeSet<&str> = all.iter().map(|fixture| fixture.model.config.family.model_type).collect();
    let want: BTreeSet<&str> = FAMILIES.iter().map(|family| family.model_type).collect();
    assert_eq!(have, want, "a family without a folder in tests/fixtures/families is not known to be right");
    all
}

/// The definition: logits of whole sequences, `[B T, V]`.
/// Sums in another order, as another vector unit makes them, differ by so much.
const ROUNDING: f64 = 5e-5;

fn logits(model: &Transformer, ids: &[Vec<u32>]) -> Tensor<2> {
    model.logits(model.hidden(int_tensor(ids, &model.device())))
}

#[test]
fn the_logits_of_every_family_are_those_of_transformers() {
    for Fixture { name, model, reference, ids, .. } in fixtures() {
        let worst = largest_difference(&values(logits(&model, &ids)), &numbers(&reference["logits"]));
        assert!(worst < ROUNDING, "{name}: {worst}");
    }
}

#[test]
fn the_gradients_of_every_family_are_those_of_transformers() {
    for Fixture { name, model, reference, ids, .. } in fixtures() {
        let model = model.train();
        let read: Vec<Vec<u32>> = ids.iter().map(|row| row[..row.len() - 1].to_vec()).collect();
        let next: Vec<i32> = ids.iter().flat_map(|row| row[1..].iter().map(|&token| token as i32)).collect();
        let count = next.len();
        let next = Tensor::<1, Int>::from_data(TensorData::new(next, [count]), &model.device());
        let loss = -target_log_probs(logits(&model, &read), next).mean();
        let gradients = model.clone().map(&mut Gradient(loss.backward()));
        let ours = named(&folder::to_bytes(&gradients).unwrap());
        let theirs = reference["gradient_norms"].as_object().unwrap();
        // The bias of the output projection is not computed with.
        let theirs = theirs.iter().filter(|(parameter, _)| !parameter.ends_with("o_proj.bias"));
        for (parameter, norm) in theirs {
            let found = ours[parameter].iter().map(|x| x * x).sum::<f64>().sqrt();
            let norm = norm.as_f64().unwrap();
            // A key's bias moves all scores of a query alike where positions do not turn it, so its gradient may be small.
            assert!((found - norm).abs() < 1e-4 * norm.max(1e-3), "{name} {parameter}: {found}, not {norm}");
        }
    }
}

#[test]
fn what_decodes_token_by_token_computes_what_the_forward_pass_defines() {
    for Fixture { name, model, ids, .. } in fixtures() {
        let (rows, length) = (ids.len(), ids[0].len());
        let whole = values(logits(&model, &ids));
        let vocabulary = whole.len() / (rows * length);
        let expected = |position: usize| -> Vec<f64> {
            let of_row = |row: usize| &whole[(row * length + position) * vocabulary..][..vocabulary];
            (0..rows).flat_map(|row| of_row(row).to_vec()).collect()
        };
        // The CPU's decoder: a prompt in one step, then one token at a time.
        let prompt = 4;
        let mut decoder = model.decoder(rows, length).unwrap();
        let entry = |slot: usize, position: usize| Entry { slot, position, token: ids[slot][position] };
        let start: Vec<Entry> = (0..rows)
            .flat_map(|row| (0..prompt).map(move |i| (row, i)))
            .map(|(row, i)| entry(row, i))
            .collect();
        let mut found: Vec<f64> = decoder.step(&start).iter().map(|&x| f64::from(x)).collect();
        for position in prompt..length {
            let worst = largest_difference(&found, &expected(position - 1));
            assert!(worst < ROUNDING, "{name}: decoder, position {}: {worst}", position - 1);
            let next: Vec<Entry> = (0..rows).map(|row| entry(row, position)).collect();
            found = decoder.step(&next).iter().map(|&x| f64::from(x)).collect();
        }
        // What runs on other devices, which attends in Burn's operations.
        let device = Device::flex();
        let mut cache = KvCache::new(&model.config, rows, length, &device);
        let start: Vec<Vec<u32>> = ids.iter().map(|row| row[..prompt].to_vec()).collect();
        let _ = model.prefill(int_tensor(&start, &device), &mut cache);
        let rotary = Rotary::new(&model.config, 0, length, &device);
        for position in prompt..length {
            let next: Vec<i32> = ids.iter().map(|row| row[position] as i32).collect();
            let next = Tensor::<1, Int>::from_data(TensorData::new(next, [rows]), &device);
            let found = values(model.logits(model.decode(next, &rotary, &mut cache)));
            let worst = largest_difference(&found, &expected(position));
            assert!(worst < ROUNDING, "{name}: cache, position {position}: {worst}");
        }
    }
}

#[test]
fn every_family_is_written_as_it_was_read() {
    for Fixture { name, model, weights, .. } in fixtures() {
        assert_eq!(named(&folder::to_bytes(&model).unwrap()), named(&weights), "{name}");
        let numbers: usize = named(&weights).values().map(Vec::len).sum();
        let unused = if model.config.arch().output_bias { 2 * model.config.hidden_size } else { 0 };
        assert_eq!(model.config.parameters() + unused, numbers, "{name}");
        let written = serde_json::to_vec(&model.config).unwrap();
        assert_eq!(serde_json::from_slice::<ModelConfig>(&written).unwrap(), model.config, "{name}");
    }
}
