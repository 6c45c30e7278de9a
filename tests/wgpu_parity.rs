//! The wgpu path against the CPU: same logits, same sampled tokens, one update close to the CPU's. Ignored by
//! default because it needs an adapter; CI runs it on a software rasterizer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{path::PathBuf, sync::Arc};

use aha_lab::{
    device::{BackendRequest, choose},
    grpo::loss::{LossNorm, LossRules, TrainingRow, loss},
    model::{folder, trainer::Trainer, transformer::Transformer},
    rollout::sampler::{Request, RowSeed, SamplingOptions, Unobserved, sample},
    workers::Workers,
};
use burn::tensor::{Device, Int, Tensor, TensorData};

fn tiny(device: &Device) -> Transformer {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-qwen2");
    let config = std::fs::read(folder.join("config.json")).unwrap();
    let weights = std::fs::read(folder.join("model.safetensors")).unwrap();
    folder::from_bytes(&config, &weights, &folder, device).unwrap()
}

fn logits(device: &Device) -> Vec<f32> {
    let tokens: Vec<i32> = (0..20).map(|i| (i * 7 + 3) % 40).collect();
    let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [2, 10]), device);
    let model = tiny(device);
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

    let [ours, theirs] = devices.each_ref().map(logits);
    let worst = largest_difference(&ours, &theirs);
    eprintln!("logits differ by {worst:e}");
    assert!(worst < 1e-4, "{worst}");

    let workers = Arc::new(Workers::new(1).unwrap());
    let prompts: Vec<Vec<u32>> = (0..4).map(|i| vec![1, 8 + i, 3]).collect();
    let requests: Vec<Request<'_>> = prompts
        .iter()
        .enumerate()
        .map(|(row, prompt)| Request { prompt, seed: RowSeed { run: 3, row: row as u64 } })
        .collect();
    let options = SamplingOptions { temperature: 1.0, max_new_tokens: 8, end: 7 };
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
            reference_logprobs: None,
            advantage: if i % 2 == 0 { 0.75 } else { -0.5 },
            weight: LossNorm::Token.weight(c.tokens.len(), 32, 4, 8),
        })
        .collect();
    let rules = LossRules { clip_eps_low: 0.2, clip_eps_high: 0.28, kl_coef: 0.0, temperature: 1.0 };
    let updated = devices.each_ref().map(|device| {
        let mut trainer = Trainer::new(tiny(device), 0.0, workers.clone());
        let update = trainer
            .update(
                &[[0usize, 1, 2, 3]],
                |batch| batch.len(),
                1e-3,
                1.0,
                |model, batch, device| {
                    loss(model, &batch.iter().map(|&i| &rows[i]).collect::<Vec<_>>(), &rules, device)
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
