//! The parts of a step against PyTorch. Whatever has a name in a registry must have values to compare with.

use aha_lab::{
    config::Choice,
    grpo::{
        advantage::{Advantage, Earned},
        entropy::entropies,
        objective::{Objective, Tokens},
        registry::Chosen,
        settings::{Correction, KlEstimator, Update},
    },
};
use burn::tensor::{Device, Tensor, TensorData};
use serde_json::Value;

use super::{fixture, largest_difference, numbers, values};

fn parts() -> Value {
    serde_json::from_slice(&std::fs::read(fixture("parts.json")).unwrap()).unwrap()
}

fn constant(values: &[f64]) -> Tensor<1> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    let n = values.len();
    Tensor::from_inner(Tensor::from_data(TensorData::new(values, [n]), &Device::flex()))
}

/// Panics unless the values and their gradients are those of the case, which has the weights that they are summed with.
fn assert_same(name: &str, case: &Value, values_of: &Tensor<1>, weights: &[f64], of: &Tensor<1>) {
    let expected = case.get("losses").unwrap_or(&case["values"]);
    let worst = largest_difference(&values(values_of.clone().inner()), &numbers(expected));
    assert!(worst < 2e-6, "{name}: {worst}");
    let gradients = (values_of.clone() * constant(weights)).sum().backward();
    let expected = numbers(&case["gradients"]);
    let worst = largest_difference(&values(of.grad(&gradients).unwrap()), &expected);
    let scale = expected.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    assert!(worst < 2e-6 * scale, "{name}: {worst} of {scale}");
}

/// The completions of the fixture; the log-probabilities are trained.
fn tokens(parts: &Value, old: &[f64]) -> Tokens {
    let lengths: Vec<usize> = numbers(&parts["lengths"]).iter().map(|&length| length as usize).collect();
    let advantages: Vec<f64> = numbers(&parts["advantages_of_rows"])
        .iter()
        .zip(&lengths)
        .flat_map(|(&advantage, &length)| std::iter::repeat_n(advantage, length))
        .collect();
    let logprobs: Vec<f64> = old.iter().zip(numbers(&parts["moved"])).map(|(a, b)| a + b).collect();
    Tokens {
        logprobs: constant(&logprobs).require_grad(),
        old: constant(old),
        advantages: constant(&advantages),
        lengths,
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn losses_of_tokens_and_their_gradients_are_those_of_pytorch() {
    let parts = parts();
    for objective in Chosen::<dyn Objective>::all() {
        let name = objective.name();
        let cases = parts["objectives"][name].as_array().unwrap_or_else(|| panic!("no values of {name}"));
        for case in cases {
            let rules = Update {
                objective,
                clip_eps_low: number(&case["clip_eps_low"]),
                clip_eps_high: number(&case["clip_eps_high"]),
                dual_clip: number(&parts["dual_clip"]),
                sapo_tau_positive: number(&parts["sapo_tau"]["positive"]),
                sapo_tau_negative: number(&parts["sapo_tau"]["negative"]),
                ..Update::default()
            };
            let tokens = tokens(&parts, &numbers(&parts["sampled"]));
            let losses = rules.objective.surrogate(&tokens, &rules).loss;
            assert_same(name, case, &losses, &numbers(&case["weights"]), &tokens.logprobs);
        }
    }
}

#[test]
fn corrections_for_the_sampler_are_those_of_pytorch() {
    let parts = parts();
    let sampled = numbers(&parts["sampled"]);
    let trained: Vec<f64> = sampled.iter().zip(numbers(&parts["trained"])).map(|(a, b)| a + b).collect();
    for correction in Correction::all() {
        let (name, case) = (correction.name(), &parts["corrections"][correction.name()]);
        let keys = &parts["correction_keys"];
        let rules = Update {
            correction,
            tis_cap: number(&keys["tis_cap"]),
            icepop_low: number(&keys["icepop_low"]),
            icepop_high: number(&keys["icepop_high"]),
            ..Update::default()
        };
        let old = if correction == Correction::None { &sampled } else { &trained };
        let tokens = tokens(&parts, old);
        let mut losses = rules.objective.surrogate(&tokens, &rules).loss;
        if let Some(weights) = rules.correction_weights(|| constant(&trained) - constant(&sampled)) {
            let worst = largest_difference(&values(weights.clone().inner()), &numbers(&case["weights"]));
            assert!(worst < 2e-6, "{name}: {worst}");
            losses = losses * weights;
        }
        assert_same(name, case, &losses, &vec![1.0; sampled.len()], &tokens.logprobs);
    }
}

#[test]
fn estimates_of_kl_and_their_gradients_are_those_of_pytorch() {
    let parts = parts();
    let apart = numbers(&parts["from_reference"]);
    let weights: Vec<f64> = (1..=apart.len()).map(|weight| weight as f64).collect();
    for estimator in KlEstimator::all() {
        let name = estimator.name();
        // Of a reference whose log-probabilities are 0.
        let logprobs = constant(&apart).require_grad();
        let found = estimator.of_tokens(logprobs.clone().neg());
        assert_same(name, &parts["kl"][name], &found, &weights, &logprobs);
    }
}

#[test]
fn entropies_and_their_gradients_are_those_of_pytorch() {
    let case = &parts()["entropy"];
    let rows: Vec<Vec<f64>> = case["logits"].as_array().unwrap().iter().map(numbers).collect();
    let flat = constant(&rows.concat()).require_grad();
    let found = entropies(flat.clone().reshape([rows.len(), rows[0].len()]));
    let weights: Vec<f64> = (1..=rows.len()).map(|weight| weight as f64).collect();
    let gradients: Vec<Vec<f64>> = case["gradients"].as_array().unwrap().iter().map(numbers).collect();
    let case = serde_json::json!({ "values": case["values"], "gradients": gradients.concat() });
    assert_same("entropy", &case, &found, &weights, &flat);
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
