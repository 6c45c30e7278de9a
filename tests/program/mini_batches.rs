//! Steps whose groups are learned from in parts.

use aha_lab::{
    config::Config,
    engine::{replay, setup},
    grpo::{
        loss::{TrainingRow, loss},
        norm::BatchSize,
        step::{Batch, Grpo, rollout},
        unwatched::Unwatched,
    },
    metrics::registry,
    model::folder,
    runs::{Reader, RunDirectory},
};
use tempfile::TempDir;

use super::{
    assert_same,
    engine::{alone, options},
    metrics, outcome,
    resuming::resumed,
    tiny,
};

/// A coin pays, so that groups teach something from the first step on.
fn config() -> Config {
    let settings =
        ["control=random-reward", "prompts_per_step=5", "group_size=6", "warmup_steps=0", "seed=3"];
    tiny().with(settings).unwrap()
}

fn prepared(config: &Config) -> (TempDir, Grpo, Batch) {
    let root = TempDir::new().unwrap();
    let mut grpo = setup::prepare(&options(root.path(), config.clone(), 1)).unwrap().grpo;
    let batch = rollout(&mut Unwatched(&mut grpo), &config.grpo(), 1).unwrap().unwrap();
    (root, grpo, batch)
}

fn weights(grpo: &Grpo) -> Vec<u8> {
    folder::to_bytes(&grpo.trainer.inference_model()).unwrap()
}

/// AdamW steps made by hand on these groups, one after the other.
fn by_hand(config: &Config, parts: &[&[usize]]) -> Vec<u8> {
    let (_root, mut grpo, batch) = prepared(config);
    let settings = config.grpo();
    for part in parts {
        let groups: Vec<_> = part.iter().map(|&group| &batch.groups[group]).collect();
        let size = BatchSize {
            tokens: groups.iter().flat_map(|group| group.scored.group.lengths()).sum(),
            completions: groups.iter().map(|group| group.advantages.len()).sum(),
            max_new_tokens: settings.sampling.max_new_tokens,
        };
        let mut rows: Vec<TrainingRow<'_>> = Vec::new();
        for group in groups {
            let rollout = &group.scored.group;
            for (completion, &advantage) in rollout.completions.iter().zip(&group.advantages) {
                rows.push(TrainingRow {
                    prompt: &rollout.prompt_tokens,
                    tokens: &completion.tokens,
                    sampled_logprobs: &completion.logprobs,
                    advantage,
                    weight: settings.update.loss_norm.weight(completion.tokens.len(), size),
                    ..TrainingRow::default()
                });
            }
        }
        rows.retain(|row| row.advantage != 0.0);
        // All of them at once, the shortest first.
        rows.sort_by_key(TrainingRow::length);
        let whole: Vec<&TrainingRow<'_>> = rows.iter().collect();
        grpo.trainer
            .update(
                &[()],
                |()| 1,
                settings.optimizer.learning_rate,
                settings.optimizer.max_grad_norm,
                |model, (), device| loss(model, &whole, &settings.update, 1.0, device),
                || true,
            )
            .unwrap();
    }
    weights(&grpo)
}

#[test]
fn one_mini_batch_is_one_update_on_the_whole_batch_to_the_last_bit() {
    let config = config().with(["micro_tokens=1000000"]).unwrap();
    let (_root, mut grpo, batch) = prepared(&config);
    let report = grpo.update(&config.grpo(), 1, &batch.groups, &|_| true).unwrap();
    assert_eq!((report.optimizer_steps, grpo.trainer.updates()), (1, 1));
    assert!(weights(&grpo) == by_hand(&config, &[&[0, 1, 2, 3, 4]]));
}

#[test]
fn two_mini_batches_are_two_updates_on_whole_groups_and_the_reports_are_means_of_both() {
    let config = config().with(["micro_tokens=1000000", "mini_batches=2"]).unwrap();
    let (_root, mut grpo, batch) = prepared(&config);
    assert!(batch.groups.iter().all(|group| group.advantages.iter().any(|&one| one != 0.0)));
    let report = grpo.update(&config.grpo(), 1, &batch.groups, &|_| true).unwrap();
    assert_eq!((report.optimizer_steps, grpo.trainer.updates()), (2, 2));
    let ours = weights(&grpo);
    // Two groups and then three, whichever they are.
    let splits = (0..5).flat_map(|a| (a + 1..5).map(move |b| [a, b]));
    let fitting = splits.filter(|first| {
        let second: Vec<usize> = (0..5).filter(|group| !first.contains(group)).collect();
        by_hand(&config, &[first, &second]) == ours
    });
    assert_eq!(fitting.count(), 1);
}

/// So narrow that any other ratio than 1 is clipped where the advantage pushes it.
const NARROW: [&str; 2] = ["clip_eps_low=0.000001", "clip_eps_high=0.000001"];

fn clipped(run: &RunDirectory) -> Vec<f64> {
    metrics(run).iter().map(|step| step.get(&registry::CLIP_REGION_MEAN)).collect()
}

#[test]
fn clip_bounds_act_from_the_second_update_on_and_everything_that_is_promised_of_a_run_holds() {
    let root = TempDir::new().unwrap();
    let narrow = config().with(NARROW).unwrap();
    let parts = narrow.clone().with(["mini_batches=3", "inner_epochs=2"]).unwrap();
    let run = alone(options(&root.path().join("parts"), parts.clone(), 3));
    let steps = metrics(&run);
    let mut updates = 0;
    for step in &steps {
        assert_eq!(step.count(&registry::POLICY_VERSION), Some(updates), "updates before this step");
        assert_eq!(step.count(&registry::OPTIMIZER_STEPS), Some(6));
        updates += 6;
    }
    assert!(clipped(&run).iter().all(|&share| share > 0.1), "{:?}", clipped(&run));

    let records = Reader::new(&run).rollouts().unwrap().records;
    let third = records.iter().filter(|record| record.step == 3);
    let again = replay::make_again(&run, 3, |_, _| {}).unwrap();
    assert_eq!(again.records.len(), 30);
    assert!(again.records.iter().zip(third).all(|(a, b)| a.token_ids == b.token_ids));

    // Stopped after a step and gone on with, it is the same run.
    let stopped = alone(options(&root.path().join("stopped"), parts, 1));
    alone(resumed(&stopped, 3));
    assert_same(&outcome(&run, 3), &outcome(&stopped, 3), "resumed");

    let whole = alone(options(&root.path().join("whole"), narrow, 2));
    assert_eq!(metrics(&whole)[0].count(&registry::OPTIMIZER_STEPS), None);
}
