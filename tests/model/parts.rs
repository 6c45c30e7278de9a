//! The parts of a step against PyTorch. Whatever has a name in a registry must have values to compare with.

use aha_lab::{
    config::Choice,
    grpo::{
        advantage::{Advantage, Earned},
        objective::{Objective, Tokens},
        registry::Chosen,
        settings::Update,
    },
};
use burn::tensor::{Device, Tensor, TensorData};
use serde_json::Value;

use super::{fixture, largest_difference, numbers, values};

fn parts() -> Value {
    serde_json::from_slice(&std::fs::read(fixture("parts.json")).unwrap()).unwrap()
}

#[test]
fn losses_of_tokens_and_their_gradients_are_those_of_pytorch() {
    let parts = parts();
    let lengths: Vec<usize> = numbers(&parts["lengths"]).iter().map(|&length| length as usize).collect();
    let sampled = numbers(&parts["sampled"]);
    let logprobs: Vec<f64> = sampled.iter().zip(numbers(&parts["moved"])).map(|(a, b)| a + b).collect();
    let advantages: Vec<f64> = numbers(&parts["advantages_of_rows"])
        .iter()
        .zip(&lengths)
        .flat_map(|(&advantage, &length)| std::iter::repeat_n(advantage, length))
        .collect();
    let plain = Device::flex();
    let constant = |values: &[f64]| {
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        let n = values.len();
        Tensor::<1>::from_inner(Tensor::from_data(TensorData::new(values, [n]), &plain))
    };
    for objective in Chosen::<dyn Objective>::all() {
        let name = objective.name();
        let cases = parts["objectives"][name].as_array().unwrap_or_else(|| panic!("no values of {name}"));
        for case in cases {
            let rules = Update {
                objective,
                clip_eps_low: case["clip_eps_low"].as_f64().unwrap(),
                clip_eps_high: case["clip_eps_high"].as_f64().unwrap(),
                ..Update::default()
            };
            let trained = constant(&logprobs).require_grad();
            let tokens = Tokens {
                logprobs: trained.clone(),
                sampled: constant(&sampled),
                advantages: constant(&advantages),
                lengths: lengths.clone(),
            };
            let losses = rules.objective.surrogate(&tokens, &rules).loss;
            let worst = largest_difference(&values(losses.clone().inner()), &numbers(&case["losses"]));
            assert!(worst < 1e-6, "{name}: {worst}");
            let gradients = (losses * constant(&numbers(&case["weights"]))).sum().backward();
            let expected = numbers(&case["gradients"]);
            let worst = largest_difference(&values(trained.grad(&gradients).unwrap()), &expected);
            let scale = expected.iter().fold(0.0f64, |most, x| most.max(x.abs()));
            assert!(worst < 2e-6 * scale, "{name}: {worst} of {scale}");
        }
    }
}

#[test]
fn advantages_are_those_of_pytorch() {
    let parts = parts();
    let rows = |value: &Value| -> Vec<Vec<f64>> { value.as_array().unwrap().iter().map(numbers).collect() };
    let rewards = rows(&parts["rewards"]);
    let lengths: Vec<Vec<usize>> = rows(&parts["completion_lengths"])
        .iter()
        .map(|row| row.iter().map(|&length| length as usize).collect())
        .collect();
    let batch: Vec<Earned<'_>> =
        rewards.iter().zip(&lengths).map(|(rewards, lengths)| Earned { rewards, lengths }).collect();
    for kind in Chosen::<dyn Advantage>::all() {
        let name = kind.name();
        let expected = parts["advantages"][name].as_array().unwrap_or_else(|| panic!("no values of {name}"));
        assert_eq!(expected.len(), 2, "{name}: without and with scaling");
        for (scaled, expected) in [false, true].into_iter().zip(expected) {
            let ours = kind.advantages(&batch, scaled);
            for (ours, expected) in ours.iter().zip(rows(expected)) {
                let worst = ours.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(ours.len() == expected.len() && worst < 1e-12, "{name}: {ours:?} {expected:?}");
            }
        }
    }
}
