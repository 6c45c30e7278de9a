//! Forward, gradients and optimizer steps against PyTorch.

use aha_lab::{
    grpo::{
        loss::{TrainingRow, loss},
        norm::BatchSize,
        settings::{LossNorm, Update},
    },
    model::{
        cache::KvCache,
        folder,
        trainer::Trainer,
        transformer::{Rotary, Transformer},
    },
};
use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Device, Gradients, Int, Tensor, TensorData, s},
};
use serde_json::Value;

use super::{
    fixture, int_tensor, largest_difference, named, numbers, reference, tiny, tokens, values, workers,
};

#[test]
fn logits_are_those_of_transformers() {
    let reference = reference("tiny-qwen2");
    let model = tiny();
    let ids = tokens(&reference["token_ids"]);
    let logits = values(model.logits(model.hidden(int_tensor(&ids, &Device::flex()))));
    let worst = largest_difference(&logits, &numbers(&reference["logits"]));
    assert!(worst < 2e-5, "{worst}");
}

#[test]
fn a_sharded_untied_folder_gives_the_logits_of_transformers() {
    let folder = fixture("tiny-qwen2-sharded");
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    std::fs::write(copy.path().join("tokenizer.json"), "{}").unwrap();
    let model = folder::load(copy.path(), &Device::flex()).unwrap().model;
    let reference = reference("tiny-qwen2-sharded");
    let ids = tokens(&reference["token_ids"]);
    let logits = values(model.logits(model.hidden(int_tensor(&ids, &Device::flex()))));
    let worst = largest_difference(&logits, &numbers(&reference["logits"]));
    assert!(worst < 2e-5, "{worst}");
}

#[test]
fn decoding_with_the_cache_gives_the_same_logits_as_reading_the_whole() {
    let model = tiny();
    let device = Device::flex();
    let ids = tokens(&reference("tiny-qwen2")["token_ids"]);
    let (rows, length, prompt) = (ids.len(), ids[0].len(), 4);
    let whole = model.logits(model.hidden(int_tensor(&ids, &device))).reshape([rows, length, 40]);
    let mut cache = KvCache::new(&model.config, rows, length, &device);
    let start: Vec<Vec<u32>> = ids.iter().map(|row| row[..prompt].to_vec()).collect();
    let _ = model.prefill(int_tensor(&start, &device), &mut cache);
    let rotary = Rotary::new(&model.config, 0, length, &device);
    for position in prompt..length {
        let next: Vec<i32> = ids.iter().map(|row| row[position] as i32).collect();
        let next = Tensor::<1, Int>::from_data(TensorData::new(next, [rows]), &device);
        let logits = values(model.logits(model.decode(next, &rotary, &mut cache)));
        let expected = values(whole.clone().slice(s![.., position..position + 1, ..]));
        let worst = largest_difference(&logits, &expected);
        assert!(worst < 2e-5, "position {position}: {worst}");
    }
}

#[test]
fn a_saved_model_is_read_back_bit_for_bit() {
    let model = tiny();
    let bytes = folder::to_bytes(&model).unwrap();
    let original = std::fs::read(fixture("tiny-qwen2").join("model.safetensors")).unwrap();
    assert_eq!(named(&bytes), named(&original));
}

/// The three completions of the fixture as rows to learn from.
struct Batch {
    ids: Vec<Vec<u32>>,
    sampled: Vec<Vec<f32>>,
    reference: Vec<Vec<f32>>,
    advantages: Vec<f64>,
    lengths: Vec<usize>,
    prompt: usize,
    rules: Update,
    max_new_tokens: usize,
    expected: Value,
}

impl Batch {
    fn load() -> Self {
        let whole = reference("tiny-qwen2");
        let grpo = &whole["grpo"];
        let rows = |value: &Value| -> Vec<Vec<f32>> {
            value.as_array().unwrap().iter().map(|r| numbers(r).iter().map(|&x| x as f32).collect()).collect()
        };
        Self {
            ids: tokens(&whole["token_ids"]),
            sampled: rows(&grpo["old_log_probs"]),
            reference: rows(&grpo["reference_log_probs"]),
            advantages: numbers(&grpo["advantages"]),
            lengths: numbers(&grpo["completion_lengths"]).iter().map(|&n| n as usize).collect(),
            prompt: grpo["prompt_length"].as_u64().unwrap() as usize,
            rules: Update {
                clip_eps_low: grpo["clip_eps_low"].as_f64().unwrap(),
                clip_eps_high: grpo["clip_eps_high"].as_f64().unwrap(),
                kl_coef: grpo["kl_coef"].as_f64().unwrap(),
                ..Update::default()
            },
            max_new_tokens: grpo["max_new_tokens"].as_u64().unwrap() as usize,
            expected: grpo.clone(),
        }
    }

    fn rows(&self, norm: LossNorm) -> Vec<TrainingRow<'_>> {
        let batch = BatchSize {
            tokens: self.lengths.iter().sum(),
            completions: self.ids.len(),
            max_new_tokens: self.max_new_tokens,
        };
        (0..self.ids.len())
            .map(|i| TrainingRow {
                prompt: &self.ids[i][..self.prompt],
                tokens: &self.ids[i][self.prompt..self.prompt + self.lengths[i]],
                sampled_logprobs: &self.sampled[i][..self.lengths[i]],
                reference_logprobs: Some(&self.reference[i][..self.lengths[i]]),
                advantage: self.advantages[i],
                weight: norm.weight(self.lengths[i], batch),
                ..TrainingRow::default()
            })
            .collect()
    }
}

#[test]
fn the_loss_is_that_of_the_reference_under_every_norm() {
    let batch = Batch::load();
    let model = tiny();
    for (norm, name) in
        [(LossNorm::Token, "token"), (LossNorm::Sequence, "sequence"), (LossNorm::Constant, "constant")]
    {
        let rows = batch.rows(norm);
        let (value, stats) =
            loss(&model, &rows.iter().collect::<Vec<_>>(), &batch.rules, 1.0, &Device::flex());
        let expected = batch.expected["loss"][name].as_f64().unwrap();
        assert!((values(value)[0] - expected).abs() < 2e-6, "{name}");
        assert!((stats.loss - expected).abs() < 2e-6, "{name}");
        assert!((stats.kl / stats.tokens - batch.expected["kl"].as_f64().unwrap()).abs() < 1e-6);
        let clipped = stats.clipped / stats.tokens;
        assert!((clipped - batch.expected["clip_ratio"].as_f64().unwrap()).abs() < 1e-6, "{clipped}");
    }
}

/// Puts each parameter's gradient in its place, so that gradients get the names and layouts of a file.
pub(super) struct Gradient(pub(super) Gradients);

impl ModuleMapper for Gradient {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let gradient = param.val().grad(&self.0).expect("every parameter has a gradient");
        Param::from_tensor(gradient)
    }
}

#[test]
fn gradients_are_those_of_pytorch() {
    let batch = Batch::load();
    let model: Transformer = tiny().train();
    let rows = batch.rows(LossNorm::Token);
    let device = Device::flex().autodiff();
    let (value, _) = loss(&model, &rows.iter().collect::<Vec<_>>(), &batch.rules, 1.0, &device);
    let gradients = model.clone().map(&mut Gradient(value.backward()));
    let ours = named(&folder::to_bytes(&gradients).unwrap());
    let theirs = named(&std::fs::read(fixture("tiny-qwen2").join("gradients.safetensors")).unwrap());
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, expected) in &theirs {
        let scale = expected.iter().fold(0.0f64, |m, x| m.max(x.abs()));
        let worst = largest_difference(&ours[name], expected);
        assert!(worst < 1e-4 * scale.max(1e-2), "{name}: {worst} of {scale}");
    }
}

/// Two steps: the first of AdamW hardly depends on the gradient's size, the second tests both moments and their
/// bias correction. Twice, because how the rows are spread over workers must not matter.
#[test]
fn two_clipped_adamw_steps_give_the_weights_of_pytorch() {
    for count in [1, 2] {
        let batch = Batch::load();
        let rows = batch.rows(LossNorm::Token);
        let mut trainer = Trainer::new(tiny(), 0.0, workers(count));
        for (file, norm) in [
            ("after-step.safetensors", batch.expected["grad_norm"].as_f64().unwrap()),
            ("after-two-steps.safetensors", batch.expected["second_step"]["grad_norm"].as_f64().unwrap()),
        ] {
            let micro: Vec<Vec<usize>> = vec![vec![0], vec![1, 2]];
            let update = trainer
                .update(
                    &micro,
                    Vec::len,
                    1e-3,
                    1.0,
                    |model, batch_rows, device| {
                        let rows: Vec<&TrainingRow<'_>> = batch_rows.iter().map(|&i| &rows[i]).collect();
                        loss(model, &rows, &batch.rules, 1.0, device)
                    },
                    || true,
                )
                .unwrap();
            assert!((update.grad_norm - norm).abs() < 1e-4 * norm, "{} {norm}", update.grad_norm);
            let ours = named(&folder::to_bytes(&trainer.inference_model()).unwrap());
            let theirs = named(&std::fs::read(fixture("tiny-qwen2").join(file)).unwrap());
            for (name, expected) in &theirs {
                let worst = largest_difference(&ours[name], expected);
                // The steps are of size 1e-3.
                assert!(worst < 2e-6, "{file} {name}: {worst}");
            }
        }
    }
}
