//! LoRA adapters: what they compute, what is trained of them, and their files. `scripts/check_adapter.py` compares with
//! PEFT.

use aha_lab::{
    kernels::autodiff::CpuTensor,
    model::{
        adapter,
        cache::KvCache,
        folder,
        lora::{Adapter, Lora, Target},
        publish::WeightType,
        tokenizer::EndTokens,
        trainer::Trainer,
        transformer::Transformer,
    },
    rollout::sampler::{Request, RowSeed, SamplingOptions, Unobserved, sample},
    settings::{Choice, Several},
};
use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamGroup},
    tensor::{Device, Gradients, Int, Tensor, TensorData},
};

use super::{fixture, int_tensor, largest_difference, named, reference, tiny, tokens, values, workers};

fn lora(targets: impl IntoIterator<Item = Target>) -> Lora {
    Lora { lora_rank: 3, lora_alpha: 7.0, lora_targets: Several::of(targets) }
}

/// The tiny model with an adapter that changes something.
fn adapted(lora: &Lora) -> Transformer {
    grown(tiny().with_new_adapter(lora, 5))
}

/// The model with other numbers in its adapter, so that it changes something.
fn grown(model: Transformer) -> Transformer {
    struct Grown(Vec<f32>);
    impl ModuleMapper for Grown {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            // Only an adapter is a vector as long as this.
            let n = param.val().shape().num_elements();
            if D != 1 || n < 90 {
                return param;
            }
            let more: Vec<f32> = (0..n).map(|i| ((i * 37 % 101) as f32 / 101.0 - 0.5) * 0.4).collect();
            self.0.clone_from(&more);
            let shape = param.val().shape();
            param.map(|value| {
                value + Tensor::<1>::from_data(TensorData::new(more, [n]), &Device::flex()).reshape(shape)
            })
        }
    }
    let mut grown = Grown(Vec::new());
    let model = model.map(&mut grown);
    assert!(!grown.0.is_empty());
    model
}

fn ids() -> Vec<Vec<u32>> {
    tokens(&reference("tiny-qwen2")["token_ids"])
}

fn logits(model: &Transformer) -> Vec<f64> {
    values(model.logits(model.hidden(int_tensor(&ids(), &Device::flex()))))
}

#[test]
fn a_new_adapter_changes_no_bit() {
    let model = tiny().with_new_adapter(&lora(Target::all()), 5);
    assert_eq!(logits(&model), logits(&tiny()));
    assert_eq!(named(&folder::to_bytes(&model).unwrap()), named(&folder::to_bytes(&tiny()).unwrap()));
}

#[test]
fn the_kernels_burns_operations_and_merged_weights_compute_the_same() {
    for targets in [Target::all(), vec![Target::Q, Target::V], vec![Target::K, Target::Up]] {
        let model = adapted(&lora(targets));
        let fused = logits(&model);
        assert!(largest_difference(&fused, &logits(&tiny())) > 1e-2, "the adapter does something");
        let device = Device::flex();
        let mut cache = KvCache::new(&model.config, ids().len(), ids()[0].len(), &device);
        let plain = values(model.logits(model.prefill(int_tensor(&ids(), &device), &mut cache)));
        assert!(largest_difference(&fused, &plain) < 1e-4);
        assert!(largest_difference(&fused, &logits(&model.merged())) < 1e-4);
        assert_eq!(logits(&model.without_adapter()), logits(&tiny()));
    }
}

/// Gradients by the vectors of the adapters, and by everything else.
fn gradients(model: &Transformer, rows: &[Vec<u32>]) -> (Vec<Vec<f64>>, usize) {
    struct Collect(Gradients, Vec<Vec<f64>>, usize);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            match param.val().grad_remove(&mut self.0) {
                Some(gradient) if param.val().is_require_grad() => self.1.push(values(gradient)),
                _ => self.2 += 1,
            }
        }
    }
    let loss = loss(model, rows, &Device::flex().autodiff());
    let mut collect = Collect(loss.backward(), Vec::new(), 0);
    model.visit(&mut collect);
    (collect.1, collect.2)
}

fn loss(model: &Transformer, rows: &[Vec<u32>], device: &Device) -> Tensor<1> {
    let logits = model.logits(model.hidden(int_tensor(rows, device)));
    (logits.clone() * logits).mean()
}

/// Against differences: of the loss, along the direction of the gradient and along each of some numbers.
#[test]
fn gradients_of_an_adapter_are_those_of_finite_differences() {
    for targets in [Target::all(), vec![Target::K, Target::O, Target::Up]] {
        let chosen = lora(targets);
        let model = adapted(&chosen);
        let rows = ids();
        let trained = Trainer::new(model.clone(), 0.0, workers(1));
        let sizes = trained.parameter_sizes();
        let (found, _) = gradients(&in_training(&model), &rows);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), sizes, "of the adapters alone");
        let at = |block: usize, index: usize, by: f32| {
            let mut model = model.clone();
            let values = model.blocks[block].adapter.take().unwrap();
            let n = sizes[block];
            let mut change = vec![0.0; n];
            change[index] = by;
            let change = Tensor::<1>::from_data(TensorData::new(change, [n]), &Device::flex());
            model.blocks[block].adapter = Some(adapter_with(values, change));
            values_of(loss(&model, &rows, &Device::flex()))
        };
        for (block, gradient) in found.iter().enumerate() {
            let size = gradient.iter().fold(0.0f64, |a, x| a.max(x.abs()));
            assert!(size > 1e-3);
            for index in (0..gradient.len()).step_by(gradient.len() / 40) {
                let slope = (at(block, index, 1e-2) - at(block, index, -1e-2)) / 2e-2;
                assert!(
                    (slope - gradient[index]).abs() < 0.02 * size,
                    "{block} {index}: {slope} {}",
                    gradient[index]
                );
            }
        }
    }
}

fn values_of(loss: Tensor<1>) -> f64 {
    values(loss)[0]
}

fn adapter_with(adapter: Adapter, change: Tensor<1>) -> Adapter {
    Adapter { values: adapter.values.map(|values| values + change), ..adapter }
}

/// The model as the trainer has it: on a device with autodiff, all but the adapters frozen.
fn in_training(model: &Transformer) -> Transformer {
    model.clone().train().no_grad().set_require_grad_group(ParamGroup::from_predicate("adapter"), true)
}

#[test]
fn blocks_that_are_computed_again_give_the_same_bits() {
    for model in [tiny(), adapted(&lora(Target::all()))] {
        let of = |recompute: bool| {
            let mut model = model.clone();
            model.recompute = recompute;
            let model = if model.lora().is_some() { in_training(&model) } else { model.train() };
            gradients(&model, &ids())
        };
        assert_eq!(of(true), of(false));
    }
}

fn one_update(trainer: &mut Trainer) {
    let rows = ids();
    let batches: Vec<usize> = (0..rows.len()).collect();
    trainer
        .update(
            &batches,
            |_| 1,
            1e-2,
            1.0,
            |model, &row, device| (loss(model, &rows[row..=row], device), ()),
            || true,
        )
        .unwrap();
}

#[test]
fn an_update_changes_the_adapter_alone_and_its_reference_shares_the_weights() {
    let mut trainer =
        Trainer::new(tiny().with_new_adapter(&lora([Target::Q, Target::Down]), 1), 0.0, workers(2));
    let before = trainer.inference_model();
    one_update(&mut trainer);
    let after = trainer.inference_model();
    assert_ne!(logits(&before), logits(&after));
    let base = after.without_adapter();
    assert_eq!(named(&folder::to_bytes(&base).unwrap()), named(&folder::to_bytes(&tiny()).unwrap()));
    // No copy: the numbers lie where they lay.
    let place = |model: &Transformer| {
        let tensor = CpuTensor::of(model.blocks[0].gate_up.val()).unwrap();
        tensor.values().as_ptr()
    };
    assert_eq!(place(&base), place(&after));
    let numbers: usize = trainer.optimizer_state().moments.iter().map(|(first, _)| first.len()).sum();
    assert_eq!(numbers, lora([Target::Q, Target::Down]).parameters(&after.config));
}

#[test]
fn an_adapters_files_are_read_back_bit_for_bit_beside_their_base() {
    let base = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(fixture("tiny-qwen2").join(file), base.path().join(file)).unwrap();
    }
    std::fs::write(base.path().join("tokenizer.json"), "{}").unwrap();
    let sha256 = Some(folder::hash_of_folder(base.path()).unwrap());
    let of = adapter::AdapterBase { embedded: None, folder: Some(base.path().into()), sha256 };
    for targets in [Target::all(), vec![Target::V]] {
        let model = adapted(&lora(targets));
        let place = tempfile::tempdir().unwrap();
        for (name, bytes) in adapter::files(&model, Some(&of), WeightType::F32).unwrap() {
            std::fs::write(place.path().join(name), bytes).unwrap();
        }
        std::fs::write(place.path().join("prompt.jinja"), "{{ question }}").unwrap();
        let loaded = folder::load(place.path(), &Device::flex()).unwrap();
        assert_eq!(loaded.companions.prompt().as_deref(), Some("{{ question }}"));
        assert_eq!(loaded.model.lora(), model.lora());
        assert_eq!(logits(&loaded.model), logits(&model));
        assert_eq!(loaded.adapter_of.as_ref(), Some(&of));

        let config = place.path().join("adapter_config.json");
        let text = std::fs::read_to_string(&config).unwrap();
        for (from, to, said) in [
            ("\"LORA\"", "\"IA3\"", "only LORA is read"),
            ("\"r\": 3", "\"r\": 4", "has shape [3,"),
            ("\"bias\": \"none\"", "\"bias\": \"all\"", "Adapters with biases"),
            (
                "\"fan_in_fan_out\": false",
                "\"use_dora\": true",
                "`use_dora` is not supported. Merge it first",
            ),
        ] {
            assert!(text.contains(from), "{from} in {text}");
            std::fs::write(&config, text.replace(from, to)).unwrap();
            let refused = folder::load(place.path(), &Device::flex()).err().unwrap().to_string();
            assert!(refused.contains(said), "{refused}");
        }
        std::fs::write(&config, text).unwrap();
        std::fs::rename(base.path().join("config.json"), base.path().join("away")).unwrap();
        let refused = folder::load(place.path(), &Device::flex()).err().unwrap().to_string();
        assert!(refused.contains("there is no model in such a folder here"), "{refused}");
        std::fs::rename(base.path().join("away"), base.path().join("config.json")).unwrap();
    }
    // Another model of the same shape in the base's place.
    let other = tempfile::tempdir().unwrap();
    for (name, bytes) in adapter::files(&adapted(&lora([Target::Q])), Some(&of), WeightType::F32).unwrap() {
        std::fs::write(other.path().join(name), bytes).unwrap();
    }
    let device = Device::flex();
    device.seed(8);
    let changed = folder::to_bytes(&Transformer::random(&tiny().config, &device)).unwrap();
    std::fs::write(base.path().join("model.safetensors"), changed).unwrap();
    let refused = folder::load(other.path(), &device).err().unwrap().to_string();
    assert!(refused.contains("are not those that the adapter was trained on"), "{refused}");
}

/// OLMo 2 and Gemma 3 have no kernel for the whole block.
#[test]
fn an_adapter_works_in_blocks_of_other_families() {
    for name in ["olmo2", "gemma3_text", "smollm3-window", "qwen3-window"] {
        let place = fixture("families").join(name);
        let read = |file: &str| std::fs::read(place.join(file)).unwrap();
        let device = Device::flex();
        let base =
            folder::from_bytes(&read("config.json"), &read("model.safetensors"), &place, &device).unwrap();
        let model = grown(base.clone().with_new_adapter(&lora(Target::all()), 5));
        let ids: Vec<Vec<u32>> = vec![(3..17).collect(), (5..19).rev().collect()];
        let logits = |model: &Transformer| values(model.logits(model.hidden(int_tensor(&ids, &device))));
        let found = logits(&model);
        assert!(largest_difference(&found, &logits(&base)) > 1e-3, "{name}: the adapter does something");
        let mut cache = KvCache::new(&model.config, ids.len(), ids[0].len(), &device);
        let plain = values(model.logits(model.prefill(int_tensor(&ids, &device), &mut cache)));
        assert!(largest_difference(&found, &plain) < 1e-4, "{name}");
        assert!(largest_difference(&found, &logits(&model.merged())) < 1e-4, "{name}");
        assert_eq!(logits(&model.without_adapter()), logits(&base), "{name}");

        let (slopes, _) = gradients(&in_training(&model), &ids);
        assert_eq!(slopes.len(), model.blocks.len(), "{name}: of the adapters alone");
        assert!(slopes.iter().flatten().all(|slope| slope.is_finite()), "{name}");
        for (block, slopes) in model.blocks.iter().zip(&slopes) {
            for part in &block.adapter.as_ref().unwrap().plan.parts {
                let both = part.a(3).start..part.b(3).end;
                assert!(slopes[both].iter().any(|&slope| slope != 0.0), "{name}: {part:?}");
            }
        }
        adapter::files(&model, None, WeightType::F32).unwrap();
        assert_sampled_as_updated(&model);
    }
}

#[test]
fn a_row_that_is_sampled_has_the_log_probabilities_of_the_update() {
    assert_sampled_as_updated(&adapted(&lora(Target::all())));
}

fn assert_sampled_as_updated(model: &Transformer) {
    let prompt = [3, 1, 4];
    let requests: Vec<Request<'_>> =
        (0..6).map(|row| Request { prompt: &prompt, seed: RowSeed { run: 2, row } }).collect();
    let options = SamplingOptions {
        temperature: 1.0,
        max_new_tokens: 9,
        end: EndTokens::only(5),
        answer_ends: None,
        text_ends: None,
    };
    for completion in sample(model, &requests, options, &workers(2), &Unobserved).unwrap() {
        let whole: Vec<u32> = prompt.iter().chain(&completion.tokens).copied().collect();
        let device = Device::flex();
        let hidden = model.hidden(int_tensor(&[whole[..whole.len() - 1].to_vec()], &device));
        let n = completion.tokens.len();
        let hidden = hidden.narrow(0, prompt.len() - 1, n);
        let targets: Vec<i32> = completion.tokens.iter().map(|&t| t as i32).collect();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [n]), &device);
        let found = values(model.log_probs(hidden, targets, 1.0));
        let sampled: Vec<f64> = completion.logprobs.iter().map(|&x| f64::from(x)).collect();
        assert!(largest_difference(&found, &sampled) < 1e-4);
    }
}
