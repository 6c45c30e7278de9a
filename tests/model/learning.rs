//! Training end to end, small enough for a test.

use aha_lab::{
    model::{
        config::ModelConfig,
        folder,
        source::ModelSource,
        trainer::{OptimizerState, Trainer, UpdateError},
        transformer::{Transformer, target_log_probs},
    },
    pretrain::train::{Pretraining, Recipe},
    task::{countdown::FAMILY, lessons::Lessons},
};
use burn::{
    module::ParamGroup,
    tensor::{Device, Int, Tensor, TensorData},
};

use super::{named, workers};

fn lessons() -> Box<dyn Lessons> {
    (FAMILY.lessons)(true)
}

fn quick() -> Recipe {
    Recipe { updates: 6, documents: 8, warmup: 2, ..Recipe::of(FAMILY.name, lessons().as_ref()) }
}

/// An interrupted pretraining that goes on ends with the very weights of one that was not interrupted.
#[test]
fn pretraining_resumes_exactly() {
    let device = Device::flex();
    let mut straight = Pretraining::new(quick(), lessons(), workers(2), &device);
    let mut losses = Vec::new();
    for _ in 0..6 {
        losses.push(straight.update().unwrap().loss);
    }
    assert!(losses[5] < losses[0], "{losses:?}");
    let folder = tempfile::tempdir().unwrap();
    let mut first = Pretraining::new(quick(), lessons(), workers(2), &device);
    for _ in 0..3 {
        first.update().unwrap();
    }
    first.save(folder.path()).unwrap();
    let mut second = Pretraining::new(quick(), lessons(), workers(2), &device);
    assert!(second.resume(folder.path(), &device).unwrap());
    for _ in 0..3 {
        second.update().unwrap();
    }
    assert_eq!(
        folder::to_bytes(&straight.model()).unwrap(),
        folder::to_bytes(&second.model()).unwrap(),
        "bit for bit"
    );
    // A newer checkpoint replaces the older one, and a damaged one is refused by name instead of begun anew.
    second.save(folder.path()).unwrap();
    let kept: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let mut other = Pretraining::new(Recipe { seed: 9, ..quick() }, lessons(), workers(1), &device);
    assert!(other.resume(folder.path(), &device).unwrap_err().contains("another recipe"));
    std::fs::write(kept[0].join("optimizer.f32"), b"damaged").unwrap();
    let mut damaged = Pretraining::new(quick(), lessons(), workers(1), &device);
    assert!(damaged.resume(folder.path(), &device).unwrap_err().contains("optimizer.f32"));
}

/// A level's own base begins from what the first level's base knows, and with that alone.
#[test]
fn pretraining_begins_with_another_base() {
    let device = Device::flex();
    let lessons = || FAMILY.lessons_at("tinyzero", true);
    let recipe = || Recipe { documents: 8, ..Recipe::of(FAMILY.name, lessons().as_ref()) };
    let first = ModelSource::Embedded(&FAMILY.base).load(&device).unwrap().model;
    let mut fresh = Pretraining::new(recipe(), lessons(), workers(2), &device);
    let mut taught =
        Pretraining::new(recipe(), lessons(), workers(2), &device).beginning_with(first.clone()).unwrap();
    assert_eq!(taught.done(), 0);
    let values = |model: &Transformer| model.embedding.val().into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(values(&taught.model()), values(&first));
    let (random, known) = (fresh.update().unwrap().loss, taught.update().unwrap().loss);
    assert!(known < random / 2.0, "{known} {random}");
    let other = Pretraining::new(recipe(), lessons(), workers(1), &device).beginning_with(small_model());
    assert!(other.err().unwrap().contains("another shape"));
}

fn small_model() -> Transformer {
    let config = ModelConfig {
        hidden_size: 16,
        intermediate_size: 32,
        num_hidden_layers: 1,
        ..ModelConfig::small(20)
    };
    let device = Device::flex();
    device.seed(4);
    Transformer::random(&config, &device)
}

fn small_trainer(threads: usize) -> Trainer {
    Trainer::new(small_model(), 0.0, workers(threads))
}

fn one_update(trainer: &mut Trainer, scale: f64) -> Result<f64, UpdateError> {
    update_clipped(trainer, scale, 1.0)
}

/// One update; its gradient norm before clipping to `max_norm` (0: not clipped).
fn update_clipped(trainer: &mut Trainer, scale: f64, max_norm: f64) -> Result<f64, UpdateError> {
    let batches: Vec<Vec<i32>> = (0..8).map(|i| (0..12).map(|j| (i * 5 + j * 3) % 20).collect()).collect();
    let update = trainer.update(
        &batches,
        Vec::len,
        1e-3,
        max_norm,
        |model, batch, device| {
            let n = batch.len();
            let read =
                Tensor::<2, Int>::from_data(TensorData::new(batch[..n - 1].to_vec(), [1, n - 1]), device);
            let next = Tensor::<1, Int>::from_data(TensorData::new(batch[1..].to_vec(), [n - 1]), device);
            (target_log_probs(model.logits(model.hidden(read)), next).sum() * -scale, ())
        },
        || true,
    )?;
    Ok(update.grad_norm)
}

/// Two threads on forks of one model: burn-autodiff deadlocks within a few steps when they share leaves.
#[test]
fn many_updates_on_two_workers_do_not_deadlock_and_repeat_exactly() {
    // One model for both: the device's seed belongs to all tests of this process, and another may draw in between.
    let model = small_model();
    let run = || {
        let mut trainer = Trainer::new(model.clone(), 0.0, workers(2));
        for _ in 0..150 {
            one_update(&mut trainer, 0.01).unwrap();
        }
        folder::to_bytes(&trainer.inference_model()).unwrap()
    };
    assert_eq!(run(), run());
}

#[test]
fn gradients_that_are_not_finite_leave_the_weights_alone() {
    let mut trainer = small_trainer(2);
    let before = folder::to_bytes(&trainer.inference_model()).unwrap();
    assert!(matches!(one_update(&mut trainer, f64::NAN), Err(UpdateError::NotFinite { .. })));
    assert_eq!(before, folder::to_bytes(&trainer.inference_model()).unwrap());
    assert!(trainer.optimizer_state().moments.is_empty());
}

#[test]
fn an_optimizer_state_goes_to_the_host_and_back() {
    let mut trainer = small_trainer(1);
    one_update(&mut trainer, 0.01).unwrap();
    let state = trainer.optimizer_state();
    assert_eq!(state.time, 1);
    let weights = folder::to_bytes(&trainer.inference_model()).unwrap();
    let config = serde_json::to_vec(&trainer.inference_model().config).unwrap();
    let model = folder::from_bytes(&config, &weights, "memory".as_ref(), &Device::flex()).unwrap();
    let mut copy = Trainer::new(model, 0.0, workers(1));
    copy.set_optimizer_state(state).unwrap();
    one_update(&mut trainer, 0.01).unwrap();
    one_update(&mut copy, 0.01).unwrap();
    let end = |t: &Trainer| named(&folder::to_bytes(&t.inference_model()).unwrap());
    assert_eq!(end(&trainer), end(&copy));
    let foreign = OptimizerState { time: 1, moments: vec![(vec![0.0], vec![0.0])] };
    assert!(copy.set_optimizer_state(foreign).is_err());
}

#[test]
fn frozen_parameters_keep_their_bits_and_count_for_nothing() {
    let model = small_model();
    let trained_by = |group: Option<ParamGroup>| {
        let mut trainer = Trainer::new(model.clone(), 0.1, workers(2));
        if let Some(group) = group {
            trainer = trainer.only(group).unwrap();
        }
        let norm = update_clipped(&mut trainer, 0.01, 0.0).unwrap();
        let sizes: Vec<usize> = trainer.optimizer_state().moments.iter().map(|(m, _)| m.len()).collect();
        assert_eq!(sizes, trainer.parameter_sizes(), "moments of the trained parameters alone");
        let first = named(&folder::to_bytes(&trainer.inference_model()).unwrap());
        update_clipped(&mut trainer, 0.01, 0.0).unwrap();
        (norm, sizes, first, named(&folder::to_bytes(&trainer.inference_model()).unwrap()))
    };
    let before = named(&folder::to_bytes(&model).unwrap());
    let chosen = || ParamGroup::from_regex(r"^blocks\.0\.(qkv|down)$").unwrap();
    let (norm, sizes, first, second) = trained_by(Some(chosen()));
    assert_eq!(sizes, [16 * 8 * 4, 32 * 16]);
    let (norm_of_all, sizes_of_all, all, _) = trained_by(None);
    assert!(sizes_of_all.len() > 2);
    for (name, weights) in &before {
        let is_trained = ["q_proj.weight", "k_proj.weight", "v_proj.weight", "down_proj.weight"]
            .iter()
            .any(|part| name.ends_with(part));
        // The first step is that of a training of all; a frozen parameter does not even decay.
        assert_eq!(&first[name], if is_trained { &all[name] } else { weights }, "{name}");
        assert_eq!(first[name] != second[name], is_trained, "{name}");
    }
    // The squares of a norm are those of its parts.
    let others = ParamGroup::from_regex(
        r"^(embedding|norm|blocks\.0\.(input_norm|qkv_bias|output|post_norm|gate_up))$",
    );
    let (norm_of_others, ..) = trained_by(Some(others.unwrap()));
    assert!((norm.hypot(norm_of_others) - norm_of_all).abs() < 1e-6 * norm_of_all);
    assert!(Trainer::new(model.clone(), 0.0, workers(1)).only(ParamGroup::from_path("adapter")).is_err());
    // What is frozen stays so over a snapshot.
    let mut trainer = Trainer::new(model.clone(), 0.0, workers(1)).only(chosen()).unwrap();
    let snapshot = trainer.snapshot();
    one_update(&mut trainer, 0.01).unwrap();
    trainer.restore(snapshot);
    assert_eq!(trainer.parameter_sizes(), [16 * 8 * 4, 32 * 16]);
}
