//! The CPU kernels against Burn's operations. A forward pass that fills a cache attends in Burn's operations, one
//! without a cache in the kernel; sequences here are longer than a block of queries.

use std::collections::BTreeMap;

use aha_lab::{
    model::{cache::KvCache, config::ModelConfig, tokenizer::EndTokens, transformer::Transformer},
    rollout::sampler::{Request, RowSeed, SamplingOptions, Unobserved, sample},
};
use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Distribution, Gradients, Tensor},
};

use super::{int_tensor, largest_difference, values, workers};

/// Three query heads a key/value head and a head width that no vector divides, a bias, and more than one layer.
fn odd() -> ModelConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": "qwen2", "hidden_size": 36, "intermediate_size": 50, "num_hidden_layers": 2,
        "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 6, "vocab_size": 37,
        "tie_word_embeddings": true,
    }))
    .unwrap()
}

/// The same with a window in some layers, shorter than a block of queries.
fn windowed() -> ModelConfig {
    let kinds = serde_json::json!(["sliding_attention", "full_attention", "sliding_attention"]);
    ModelConfig {
        num_hidden_layers: 3,
        sliding_window: Some(9),
        layer_types: Some(serde_json::from_value(kinds).unwrap()),
        ..odd()
    }
}

/// A block that is no single kernel: norms on both sides of each half, another activation; and a window that is longer
/// than a block of queries.
fn gemma() -> ModelConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": "gemma3_text", "hidden_size": 36, "intermediate_size": 50, "num_hidden_layers": 3,
        "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 6, "vocab_size": 37,
        "tie_word_embeddings": true, "sliding_window": 29, "query_pre_attn_scalar": 10.0,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
        "rope_theta": 1e6, "rope_local_base_freq": 1e4,
    }))
    .unwrap()
}

/// Without rotary positions in a layer, and with the norms after each half.
fn spared() -> ModelConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": "olmo2", "hidden_size": 36, "intermediate_size": 50, "num_hidden_layers": 2,
        "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 6, "vocab_size": 37,
        "no_rope_layers": [0, 1],
    }))
    .unwrap()
}

fn rows(count: u32, length: u32) -> Vec<Vec<u32>> {
    (0..count).map(|r| (0..length).map(|i| (i * i + 7 * r + i * r) % 37).collect()).collect()
}

fn gradients(model: &Transformer, loss: Tensor<1>) -> BTreeMap<usize, Vec<f64>> {
    struct Collect(Gradients, BTreeMap<usize, Vec<f64>>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = param.val().grad_remove(&mut self.0).unwrap();
            self.1.insert(self.1.len(), values(gradient));
        }
    }
    let mut collect = Collect(loss.backward(), BTreeMap::new());
    model.visit(&mut collect);
    collect.1
}

#[test]
fn attention_over_several_blocks_is_that_of_burn_and_so_are_its_gradients() {
    for shape in [odd(), windowed(), gemma(), spared()] {
        compare_with_burn(&shape);
    }
}

fn compare_with_burn(shape: &ModelConfig) {
    let device = Device::flex();
    device.seed(5);
    // Weights large enough that attention is far from uniform.
    let model = {
        struct Grow;
        impl burn::module::ModuleMapper for Grow {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|value| if D == 2 { value * 12.0 } else { value })
            }
        }
        Transformer::random(shape, &device).map(&mut Grow).train()
    };
    let autodiff = device.autodiff();
    let tokens = || int_tensor(&rows(3, 71), &autodiff);
    let mut cache = KvCache::new(&model.config, 3, 71, &autodiff);
    let fused = model.logits(model.hidden(tokens()));
    let plain = model.logits(model.prefill(tokens(), &mut cache));
    let apart = largest_difference(&values(fused.clone()), &values(plain.clone()));
    assert!(apart < 1e-4, "{:?}: {apart}", shape.family);

    let square = |x: Tensor<2>| (x.clone() * x).mean();
    let (fused, plain) = (gradients(&model, square(fused)), gradients(&model, square(plain)));
    for (index, exact) in &plain {
        let size = exact.iter().fold(0.0f64, |a, x| a.max(x.abs()));
        let gap = largest_difference(&fused[index], exact);
        assert!(size > 0.0 && gap < 1e-4 * size, "{:?}, parameter {index}: {gap} of {size}", shape.family);
    }
}

/// A query head whose scores of later positions are larger than those of seen ones by hundreds: not a trace of what
/// comes later may come through, in the kernel or in Burn's operations.
#[test]
fn the_future_is_unseen_whatever_the_biases() {
    let device = Device::flex();
    device.seed(8);
    let mut model = Transformer::random(&odd(), &device);
    for block in &mut model.blocks {
        block.qkv_bias = block
            .qkv_bias
            .take()
            .map(|bias| bias.map(|zeros| zeros.random_like(Distribution::Normal(0.0, 30.0))));
    }
    let whole = rows(3, 71);
    let (seen, width) = (40, model.config.hidden_size);
    let mut other = whole.clone();
    other.iter_mut().for_each(|row| row[seen..].iter_mut().for_each(|token| *token = (*token + 5) % 37));
    let plain = |ids: &[Vec<u32>]| {
        let mut cache = KvCache::new(&model.config, 3, 71, &device);
        values(model.prefill(int_tensor(ids, &device), &mut cache))
    };
    let kernel = |ids: &[Vec<u32>]| values(model.hidden(int_tensor(ids, &device)));
    for run in [&plain as &dyn Fn(&[Vec<u32>]) -> Vec<f64>, &kernel] {
        let (before, after) = (run(&whole), run(&other));
        for (before, after) in before.chunks(71 * width).zip(after.chunks(71 * width)) {
            assert_eq!(before[..seen * width], after[..seen * width], "to the last bit");
            assert_ne!(before[seen * width..], after[seen * width..]);
        }
    }
    let apart = largest_difference(&plain(&whole), &kernel(&whole));
    assert!(apart < 1e-2, "{apart}");
}

/// More requests than slots, prompts of different lengths: every slot is used again, and what was recorded is what a
/// forward pass over the whole sequence says.
#[test]
fn slots_that_are_used_again_forget_what_was_in_them() {
    for shape in [odd(), windowed(), gemma(), spared()] {
        use_slots_again(&shape);
    }
}

fn use_slots_again(shape: &ModelConfig) {
    let device = Device::flex();
    device.seed(6);
    let model = Transformer::random(shape, &device);
    let prompts: Vec<Vec<u32>> = (0..90).map(|i| rows(i + 1, 3 + i % 19).pop().unwrap()).collect();
    let requests: Vec<Request<'_>> = prompts
        .iter()
        .enumerate()
        .map(|(i, prompt)| Request { prompt, seed: RowSeed { run: 1, row: i as u64 } })
        .collect();
    let options = SamplingOptions {
        temperature: 1.0,
        max_new_tokens: 40,
        end: EndTokens::only(5),
        answer_ends: None,
        text_ends: None,
    };
    let written = sample(&model, &requests, options, &workers(2), &Unobserved).unwrap();
    for (prompt, completion) in prompts.iter().zip(&written) {
        let whole: Vec<u32> = prompt.iter().chain(&completion.tokens).copied().collect();
        let logits = values(model.logits(model.hidden(int_tensor(&[whole], &device))));
        for (i, (&token, logprob)) in completion.tokens.iter().zip(&completion.logprobs).enumerate() {
            let row = &logits[(prompt.len() - 1 + i) * 37..][..37];
            let total = row.iter().map(|x| x.exp()).sum::<f64>().ln();
            let exact = row[token as usize] - total;
            assert!((exact - f64::from(*logprob)).abs() < 1e-4);
            let entropy: f64 = row.iter().map(|x| -(x - total) * (x - total).exp()).sum();
            assert!((entropy - f64::from(completion.entropies[i])).abs() < 1e-4);
        }
        assert!(completion.truncated == (completion.tokens.last() != Some(&5)));
    }
}

/// With scores far beyond those of a trained model, in Burn's own operations.
#[test]
fn later_positions_are_not_seen_however_large_their_scores_are() {
    let device = Device::flex();
    device.seed(7);
    struct Grow;
    impl burn::module::ModuleMapper for Grow {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|value| if D == 2 { value * 200.0 } else { value })
        }
    }
    let model = Transformer::random(&odd(), &device).map(&mut Grow);
    let hidden = |last: i64| {
        let mut tokens = rows(1, 9);
        tokens[0][8] = last as u32;
        let mut cache = KvCache::new(&model.config, 1, 9, &device);
        let all = values(model.prefill(int_tensor(&tokens, &device), &mut cache));
        let before_last = all.len() / 9 * 8;
        (all[..before_last].to_vec(), all[before_last..].to_vec())
    };
    let ((before, last), (before_other, other)) = (hidden(3), hidden(4));
    assert_eq!(before, before_other, "to the last bit");
    assert!(last != other);
}
