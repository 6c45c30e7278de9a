//! A model computes the same with every vector unit that this machine has.
#![allow(clippy::unwrap_used)]

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Gradients, Int, Tensor, TensorData},
};

use super::{config::ModelConfig, transformer::Transformer};
use crate::kernels::{
    decoder::Entry,
    unit::{VectorUnit, forced::with_each},
};

fn model(device: &Device) -> Transformer {
    // Three query heads per key/value head, and a head width that is no multiple of any vector width.
    let shape: ModelConfig = serde_json::from_value(serde_json::json!({
        "model_type": "qwen2", "hidden_size": 36, "intermediate_size": 50, "num_hidden_layers": 2,
        "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 6, "vocab_size": 37,
        "tie_word_embeddings": true,
    }))
    .unwrap();
    device.seed(11);
    Transformer::random(&shape, device)
}

fn values(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

struct Collect(Gradients, Vec<f32>);

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad_remove(&mut self.0).unwrap();
        let size = gradient.dims().iter().product::<usize>() as i32;
        self.1.extend(values(gradient.reshape([size])));
    }
}

fn assert_close(made: &[(VectorUnit, Vec<f32>)], what: &str) {
    let (first, expected) = &made[0];
    let size = expected.iter().fold(0.0f32, |a, x| a.max(x.abs()));
    assert!(size > 0.0 && size.is_finite());
    for (unit, found) in made {
        let gap = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(
            found.len() == expected.len() && gap < 2e-5 * size,
            "{what}: {unit} is {gap} from {first}, of {size}"
        );
    }
}

/// Each unit may add up products in another order, so these agree within rounding.
#[test]
fn a_model_and_its_gradients_are_the_same_within_rounding_with_every_unit() {
    let device = Device::flex();
    let model = model(&device).train();
    let device = device.autodiff();
    let tokens: Vec<i32> = (0..3 * 71).map(|i| (i * i + i / 7) % 37).collect();
    let made = with_each(|| {
        let data = TensorData::new(tokens.clone(), [3, 71]);
        let logits = model.logits(model.hidden(Tensor::<2, Int>::from_data(data, &device)));
        let loss = (logits.clone() * logits).mean();
        let mut collect = Collect(loss.backward(), Vec::new());
        model.visit(&mut collect);
        collect.1
    });
    assert_close(&made, "gradients");
}

#[test]
fn the_decoder_writes_the_same_within_rounding_with_every_unit() {
    let model = model(&Device::flex());
    let made = with_each(|| {
        let mut decoder = model.decoder(3, 40).unwrap();
        let mut all = Vec::new();
        for position in 0..40 {
            let entry = |slot| Entry { slot, position, token: ((position * 5 + slot) % 37) as u32 };
            all.extend_from_slice(decoder.step(&[entry(0), entry(1), entry(2)]));
        }
        all
    });
    assert_close(&made, "logits");
}
