//! The wgpu path against the CPU: same logits, same sampled tokens, one update close to the CPU's. Ignored by
//! default because it needs an adapter; CI runs it on a software rasterizer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use aha_lab::{
    device::{BackendRequest, choose},
    grpo::{
        loss::{TrainingRow, loss},
        settings::Update,
    },
    model::{config::ModelConfig, folder, tokenizer::EndTokens, trainer::Trainer, transformer::Transformer},
    rollout::sampler::{Request, RowSeed, SamplingOptions, Unobserved, sample},
    runs::{Reader, RunDirectory},
    system::workers::Workers,
};
use burn::tensor::{Device, Int, Tensor, TensorData};

fn tiny(device: &Device) -> Transformer {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-qwen2");
    let config = std::fs::read(folder.join("config.json")).unwrap();
    let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
    folder::from_bytes(&config, &weights, &folder, device).unwrap()
}

/// The biases of queries, keys and values are made so many times as large.
fn logits(device: &Device, biases: f64) -> Vec<f32> {
    let tokens: Vec<i32> = (0..20).map(|i| (i * 7 + 3) % 40).collect();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [2, 10]), device);
    let mut model = tiny(device);
    for block in &mut model.blocks {
        block.qkv_bias = block.qkv_bias.take().map(|bias| bias.map(|values| values * biases));
    }
    model.logits(model.hidden(tokens)).into_data().try_to_vec::<f32>().unwrap()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
}

/// One test, because a wgpu device is made once a process.
#[test]
#[ignore = "needs a wgpu adapter"]
fn wgpu_computes_what_the_cpu_computes() {
    let gpu = choose(BackendRequest::Wgpu).unwrap();
    eprintln!("{}: {}", gpu.name, gpu.reason);
    let devices = [Device::flex(), gpu.device];

    // With large biases, scores of tokens to come are larger by hundreds than those of what is seen.
    for (biases, most) in [(1.0, 1e-4), (60.0, 1e-2)] {
        let [ours, theirs] = devices.each_ref().map(|device| logits(device, biases));
        let worst = largest_difference(&ours, &theirs);
        eprintln!("logits differ by {worst:e} with biases {biases} times as large");
        assert!(worst < most, "{worst}");
    }

    let workers = Arc::new(Workers::new(1).unwrap());
    let prompts: Vec<Vec<u32>> = (0..4).map(|i| vec![1, 8 + i, 3]).collect();
    let requests: Vec<Request<'_>> = prompts
        .iter()
        .enumerate()
        .map(|(row, prompt)| Request { prompt, seed: RowSeed { run: 3, row: row as u64 } })
        .collect();
    let options = SamplingOptions {
        temperature: 1.0,
        max_new_tokens: 8,
        end: EndTokens::only(7),
        answer_ends: None,
        text_ends: None,
    };
    let [ours, theirs] =
        devices.each_ref().map(|d| sample(&tiny(d), &requests, options, &workers, &Unobserved).unwrap());
    for (a, b) in ours.iter().zip(&theirs) {
        assert_eq!(a.tokens, b.tokens);
        assert!(largest_difference(&a.logprobs, &b.logprobs) < 1e-3);
        assert!(largest_difference(&a.entropies, &b.entropies) < 1e-3);
    }

    let rows: Vec<TrainingRow<'_>> = ours
        .iter()
        .zip(&prompts)
        .enumerate()
        .map(|(i, (c, prompt))| TrainingRow {
            prompt,
            tokens: &c.tokens,
            sampled_logprobs: &c.logprobs,
            advantage: if i % 2 == 0 { 0.75 } else { -0.5 },
            weight: 1.0 / 32.0,
            ..TrainingRow::default()
        })
        .collect();
    let rules = Update::default();
    let updated = devices.each_ref().map(|device| {
        let mut trainer = Trainer::new(tiny(device), 0.0, workers.clone());
        let update = trainer
            .update(
                &[[0usize, 1, 2, 3]],
                |batch| batch.len(),
                1e-3,
                1.0,
                |model, batch, device| {
                    loss(model, &batch.iter().map(|&i| &rows[i]).collect::<Vec<_>>(), &rules, 1.0, device)
                },
                || true,
            )
            .unwrap();
        let weights = trainer.inference_model().embedding.val().into_data().try_to_vec::<f32>().unwrap();
        (update.grad_norm, weights)
    });
    let [(norm, weights), (gpu_norm, gpu_weights)] = updated;
    assert!((norm - gpu_norm).abs() < 1e-3 * norm, "{norm} {gpu_norm}");
    // AdamW's first step is close to the sign of the gradient, so a few entries near zero may differ by a step.
    let mut apart: Vec<f32> = weights.iter().zip(&gpu_weights).map(|(a, b)| (a - b).abs()).collect();
    apart.sort_by(f32::total_cmp);
    eprintln!("updated weights differ by {:e} at the 99th percentile", apart[apart.len() * 99 / 100]);
    assert!(apart[apart.len() * 99 / 100] < 1e-4);
    assert!(apart[apart.len() - 1] < 2.1e-3);
}

/// A base model with the program's tokenizer, small enough for a GPU made of software.
fn small_base(folder: &Path) {
    let mut export = Command::new(env!("CARGO_BIN_EXE_aha-lab"));
    assert!(export.args(["export", "embedded"]).arg(folder).output().unwrap().status.success());
    let mut config = std::fs::read_to_string(folder.join("config.json")).unwrap();
    for (key, value) in [("hidden_size", 32), ("intermediate_size", 64), ("num_hidden_layers", 1)] {
        let from = config.find(&format!("\"{key}\"")).unwrap();
        let to = from + config[from..].find(',').unwrap();
        config.replace_range(from..to, &format!("\"{key}\": {value}"));
    }
    std::fs::write(folder.join("config.json"), &config).unwrap();
    let model = Transformer::random(&ModelConfig::parse(config.as_bytes()).unwrap(), &Device::flex());
    std::fs::write(folder.join("model.safetensors"), folder::to_bytes(&model).unwrap()).unwrap();
}

/// A process for each run, since a wgpu device is made once a process.
fn train(runs: &Path, more: &[&str]) -> RunDirectory {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aha-lab"));
    let output = command.args(["run", "--headless", "--runs"]).arg(runs).args(more).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    RunDirectory::list(runs).unwrap().remove(0)
}

/// The embedding after this step.
fn weights(run: &RunDirectory, step: u64) -> Vec<f32> {
    let checkpoint = run.checkpoints_path().join(format!("step-{step:06}"));
    let read = |name| std::fs::read(checkpoint.join(name)).unwrap();
    let (config, weights) = (read("config.json"), read("model.safetensors"));
    let model = folder::from_bytes(&config, &weights, &checkpoint, &Device::flex()).unwrap();
    model.embedding.val().into_data().try_to_vec::<f32>().unwrap()
}

/// The tokens of every completion, and all their log-probabilities.
fn completions(run: &RunDirectory) -> (Vec<Vec<u32>>, Vec<f32>) {
    let records = Reader::new(run).rollouts().unwrap().records;
    let logprobs = records.iter().flat_map(|record| record.logprobs.clone().unwrap()).collect();
    (records.into_iter().map(|record| record.token_ids.unwrap()).collect(), logprobs)
}

/// What is promised of the CPU to the last bit is measured here: a GPU may add in another order each time.
#[test]
#[ignore = "needs a wgpu adapter"]
fn a_run_that_is_resumed_on_wgpu_goes_on_as_one_that_never_stopped() {
    let root = tempfile::TempDir::new().unwrap();
    let base = root.path().join("base");
    small_base(&base);
    let mut new = vec!["--backend", "wgpu", "--base", base.to_str().unwrap()];
    for pair in
        ["prompts_per_step=2", "group_size=4", "max_new_tokens=8", "pinned_every=0", "control=random-reward"]
    {
        new.extend(["--set", pair]);
    }
    let whole = train(&root.path().join("whole"), &[&new[..], &["--steps", "2"]].concat());
    let runs = root.path().join("resumed");
    let resumed = train(&runs, &[&new[..], &["--steps", "1"]].concat());
    train(&runs, &["--resume", &resumed.name(), "--steps", "2"]);

    let trained = largest_difference(&weights(&whole, 0), &weights(&whole, 2));
    let apart = largest_difference(&weights(&whole, 2), &weights(&resumed, 2));
    let ((tokens, logprobs), (resumed_tokens, resumed_logprobs)) =
        (completions(&whole), completions(&resumed));
    assert_eq!(tokens, resumed_tokens);
    let logprobs_apart = largest_difference(&logprobs, &resumed_logprobs);
    eprintln!(
        "two steps change the embedding by {trained:e}; stopped between them it differs by {apart:e}, and \
         log-probabilities by {logprobs_apart:e}"
    );
    assert!(trained > 0.0 && apart <= 1e-2 * trained && logprobs_apart < 1e-3);
}
