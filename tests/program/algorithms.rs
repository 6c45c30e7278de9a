//! What the algorithms of the presets promise of a whole run.

use std::fs;

use aha_lab::{
    config::{Choice, Config, Preset},
    engine::replay,
    metrics::registry::{self, Metric},
    runs::{Reader, RunDirectory},
};
use tempfile::TempDir;

use super::{
    assert_same, checkpoint,
    engine::{alone, options},
    metrics, outcome,
    resuming::resumed,
    tiny,
};

/// A coin pays, so that groups teach something from the first step on.
fn config(settings: &[&str]) -> Config {
    tiny().with(["control=random-reward", "warmup_steps=0", "seed=3"]).unwrap().with(settings).unwrap()
}

fn values(run: &RunDirectory, metric: &Metric) -> Vec<f64> {
    metrics(run).iter().map(|step| step.get(metric)).collect()
}

/// The third step of a run, made again, is the one in its journal: its tokens, its rewards and its advantages.
fn assert_replayed(run: &RunDirectory) {
    let again = replay::make_again(run, 3, |_, _| {}).unwrap().records;
    let records = Reader::new(run).rollouts().unwrap().records;
    let third: Vec<_> = records.into_iter().filter(|record| record.step == 3).collect();
    assert_eq!(again.len(), third.len());
    for (again, then) in again.iter().zip(&third) {
        assert_eq!(again.token_ids, then.token_ids);
        // What is read from JSON may be off by its last bit.
        assert!(
            (again.reward - then.reward).abs() < 1e-12
                && (again.advantage() - then.advantage()).abs() < 1e-12
        );
        assert!(again.penalties.keys().eq(then.penalties.keys()));
    }
}

#[test]
fn every_preset_trains_is_replayed_and_goes_on_exactly() {
    for preset in Preset::all() {
        let root = TempDir::new().unwrap();
        let config = config(&[&format!("preset={preset}")]);
        let run = alone(options(&root.path().join("whole"), config.clone(), 3));
        assert!(values(&run, &registry::GRAD_NORM).iter().any(|&norm| norm > 0.0), "{preset}");
        assert!(values(&run, &registry::LOSS).iter().all(|loss| loss.is_finite()), "{preset}");
        assert_replayed(&run);
        let stopped = alone(options(&root.path().join("stopped"), config, 1));
        alone(resumed(&stopped, 3));
        assert_same(&outcome(&run, 3), &outcome(&stopped, 3), preset.name());
    }
}

#[test]
fn kl_in_the_reward_is_taken_off_by_name_and_moves_the_advantages() {
    let root = TempDir::new().unwrap();
    let settings = ["kl_coef=0.5", "kl_in=reward", "kl_estimator=k1", "learning_rate=0.002"];
    let run = alone(options(root.path(), config(&settings), 3));
    let records = Reader::new(&run).rollouts().unwrap().records;
    let taken: Vec<f64> = records.iter().filter_map(|record| record.penalties.get("kl").copied()).collect();
    assert!(taken.len() > 10, "the policy has moved from the second step on: {}", taken.len());
    for record in &records {
        let paid = record.reward + record.penalties.values().sum::<f64>();
        assert!((paid - paid.round()).abs() < 1e-12, "a coin pays 0 or 1: {paid}");
    }
    // Per token, and of the step's mean reward.
    let of_step = |step: u64| records.iter().filter(move |record| record.step == step);
    let sum: f64 = of_step(3).map(|record| record.penalties.get("kl").copied().unwrap_or_default()).sum();
    let tokens: usize = of_step(3).map(|record| record.token_ids().len()).sum();
    assert!((values(&run, &registry::KL)[2] - sum / 0.5 / tokens as f64).abs() < 1e-12);
    assert!((values(&run, &registry::PENALTY_KL)[2] + sum / of_step(3).count() as f64).abs() < 1e-12);
    assert_replayed(&run);
}

#[test]
fn kl_is_measured_at_coefficient_0_now_and_then_and_changes_nothing() {
    let root = TempDir::new().unwrap();
    let measured = alone(options(&root.path().join("measured"), config(&["kl_every=2"]), 4));
    let plain = alone(options(&root.path().join("plain"), config(&[]), 4));
    let kl = values(&measured, &registry::KL);
    assert!(kl[0].is_nan() && kl[1] > 0.0 && kl[2].is_nan() && kl[3] > kl[1], "{kl:?}");
    let (measured, plain) = (outcome(&measured, 4), outcome(&plain, 4));
    assert!(measured.weights == plain.weights && measured.rollouts == plain.rollouts);
}

#[test]
fn a_refreshed_reference_is_the_policy_of_that_step_and_survives_a_stop() {
    for lora in ["lora_rank=0", "lora_rank=2"] {
        let root = TempDir::new().unwrap();
        let settings = ["kl_coef=0.1", "reference_refresh=2", "checkpoint_every=1", "learning_rate=0.004"];
        let config = config(&settings).with([lora]).unwrap();
        let run = alone(options(&root.path().join("whole"), config.clone(), 4));
        let reference = |step| fs::read(checkpoint(&run, step).join("reference.safetensors")).unwrap();
        // Before the third step, the policy takes the place of the base.
        assert!(reference(1) == reference(2) && reference(2) != reference(3) && reference(3) == reference(4));
        let kl = values(&run, &registry::KL);
        // That of the policy to itself is rounding.
        assert!(kl[1] > 10.0 * kl[2].abs() && kl[3] > 10.0 * kl[2].abs(), "{kl:?}");
        assert_replayed(&run);
        let stopped = alone(options(&root.path().join("stopped"), config, 3));
        alone(resumed(&stopped, 4));
        assert_same(&outcome(&run, 4), &outcome(&stopped, 4), lora);
    }
}

#[test]
fn a_penalty_on_length_is_shown_by_name_and_cut_off_completions_are_left_out() {
    let root = TempDir::new().unwrap();
    let settings = ["overlong_penalty=0.5", "overlong_buffer=0.5", "max_new_tokens=20"];
    let run = alone(options(&root.path().join("penalty"), config(&settings), 2));
    let records = Reader::new(&run).rollouts().unwrap().records;
    for record in &records {
        let over = (record.token_ids().len() as f64 - 10.0).max(0.0) / 10.0 * 0.5;
        assert!((record.penalties.get("overlong").copied().unwrap_or_default() - over).abs() < 1e-12);
    }
    assert!(records.iter().any(|record| record.truncated), "some are cut off");
    assert!(values(&run, &registry::PENALTY_OVERLONG)[0] < 0.0);

    // Where all of them are, there is nothing to learn from.
    let cut = config(&["mask_truncated=true", "max_new_tokens=4"]);
    let run = alone(options(&root.path().join("cut"), cut, 1));
    assert_eq!(values(&run, &registry::CLIPPED_RATIO), [1.0]);
    assert_eq!(values(&run, &registry::GRAD_NORM), [0.0]);
    assert!(
        fs::read(checkpoint(&run, 1).join("model.safetensors")).unwrap()
            == fs::read(checkpoint(&run, 0).join("model.safetensors")).unwrap()
    );
}

#[test]
fn the_gap_between_sampler_and_trainer_is_rounding_and_a_correction_for_it_is_next_to_none() {
    let root = TempDir::new().unwrap();
    let plain = alone(options(&root.path().join("plain"), config(&[]), 2));
    for gap in values(&plain, &registry::SAMPLING_GAP_MAX) {
        assert!((0.0..1e-4).contains(&gap), "{gap}");
    }
    assert!(
        values(&plain, &registry::SAMPLING_GAP_MEAN)[0] <= values(&plain, &registry::SAMPLING_GAP_MAX)[0]
    );
    assert!(!metrics(&plain)[0].has(&registry::SAMPLING_RATIO_MEAN));
    for correction in ["correction=tis", "correction=icepop"] {
        let run = alone(options(&root.path().join(correction), config(&[correction]), 2));
        for metric in
            [&registry::SAMPLING_RATIO_MIN, &registry::SAMPLING_RATIO_MEAN, &registry::SAMPLING_RATIO_MAX]
        {
            assert!(values(&run, metric).iter().all(|ratio| (ratio - 1.0).abs() < 1e-4), "{correction}");
        }
        let gap = |run| values(run, &registry::GRAD_NORM)[0];
        assert!((gap(&run) - gap(&plain)).abs() < 1e-3 * gap(&plain));
    }
    // So narrow that rounding alone leaves tokens out.
    let narrow = config(&["correction=icepop", "icepop_low=1", "icepop_high=1"]);
    let run = alone(options(&root.path().join("narrow"), narrow, 1));
    assert_eq!(values(&run, &registry::SAMPLING_RATIO_MIN), [0.0]);
}

#[test]
fn an_entropy_bonus_raises_the_entropy_and_a_falling_rate_falls() {
    let root = TempDir::new().unwrap();
    let of = |name: &str, settings: &[&str]| alone(options(&root.path().join(name), config(settings), 6));
    let plain = of("plain", &["learning_rate=0.002"]);
    let bonus = of("bonus", &["learning_rate=0.002", "entropy_coef=1"]);
    let entropy = |run| values(run, &registry::ENTROPY);
    assert_eq!(entropy(&plain)[0], entropy(&bonus)[0]);
    assert!(entropy(&bonus)[5] > entropy(&plain)[5] * 1.1, "{:?} {:?}", entropy(&bonus), entropy(&plain));
    let falling = of("falling", &["learning_rate=0.001", "learning_rate_decay=linear", "decay_steps=4"]);
    let rates = values(&falling, &registry::LEARNING_RATE);
    let expected = [0.75e-3, 0.5e-3, 0.25e-3, 0.0, 0.0, 0.0];
    assert!(rates.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{rates:?}");
}
