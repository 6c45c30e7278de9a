//! Numbers gone bad: whatever is not finite is caught before the update is kept, and the run pauses.

use std::fs;

use aha_lab::{
    config::Config,
    engine::setup,
    grpo::{
        step::{Grpo, JudgedGroup, rollout},
        unwatched::Unwatched,
    },
    model::{folder, trainer::UpdateError},
    protocol::Event,
    runs::{Reader, RunDirectory},
    task::Score,
};
use tempfile::TempDir;

use super::{
    checkpoint,
    engine::{Driven, alone, options},
    metrics,
    scored::scored_by,
    tiny,
};

/// A coin pays, so that there is something to learn from the first step on.
fn paid_by_a_coin() -> Config {
    tiny().with(["control=random-reward", "warmup_steps=1", "seed=3"]).unwrap()
}

#[test]
fn a_run_pauses_says_why_and_keeps_the_last_good_weights() {
    let root = TempDir::new().unwrap();
    let mut driven = Driven::start_with(options(root.path(), tiny(), 5), |prepared| {
        scored_by(prepared, |score| Score { reward: f64::NAN, ..score });
    });
    let told = driven.until_paused();
    let said = told.iter().find_map(|event| match event {
        Event::Warning(sentence) => Some(sentence.clone()),
        _ => None,
    });
    let said = said.expect("a warning");
    assert!(said.starts_with("A reward is NaN; the weights are as they were"), "{said}");
    assert!(said.ends_with("The run is paused."), "{said}");
    let (steps, run) = driven.stop();
    assert_eq!((steps, metrics(&run).len()), (1, 1), "the step counts, without an update");
    for file in ["model.safetensors", "optimizer.f32"] {
        let of = |step| fs::read(checkpoint(&run, step).join(file)).unwrap();
        assert!(of(1) == of(0), "{file} was changed by a step that went wrong");
    }
    let events = Reader::new(&run).events().unwrap().records;
    assert!(events.iter().any(|event| event.event.name() == "warning" && event.detail == said), "{events:?}");
}

#[test]
fn a_collapse_is_told_and_saved_and_pauses_the_run_where_that_is_wanted() {
    // No answer of the base is that short.
    let cut_off = tiny().with(["max_new_tokens=8", "sentinel=pause"]).unwrap();
    let root = TempDir::new().unwrap();
    let mut driven = Driven::start(options(root.path(), cut_off.clone(), 9));
    let told = driven.until_paused();
    let said = told.iter().find_map(|event| match event {
        Event::Warning(sentence) if sentence.starts_with("Answers cut off: in steps 1 to 5, 100 %") => {
            Some(sentence.clone())
        }
        _ => None,
    });
    let said = said.unwrap_or_else(|| panic!("{told:?}"));
    assert!(said.ends_with("Try max_new_tokens=12. The run is saved and paused."), "{said}");
    let (steps, run) = driven.stop();
    assert_eq!(steps, 5);
    assert!(checkpoint(&run, 5).is_dir());
    let warned = |run: &RunDirectory| {
        let events = Reader::new(run).events().unwrap().records;
        events.iter().filter(|event| event.event.name() == "warning").count()
    };
    assert!(warned(&run) > 0);

    let root = TempDir::new().unwrap();
    let quiet = cut_off.with(["sentinel=off"]).unwrap();
    let run = alone(options(root.path(), quiet, 6));
    assert_eq!((metrics(&run).len(), warned(&run)), (6, 0));
}

fn sampled(config: &Config, grpo: &mut Grpo) -> Vec<JudgedGroup> {
    rollout(&mut Unwatched(grpo), &config.grpo(), 1).unwrap().unwrap().groups
}

#[test]
fn rewards_and_log_probabilities_that_are_no_numbers_are_not_learned_from() {
    let root = TempDir::new().unwrap();
    let config = paid_by_a_coin();
    let mut grpo = setup::prepare(&options(root.path(), config.clone(), 1)).unwrap().grpo;
    let weights = |grpo: &Grpo| folder::to_bytes(&grpo.trainer.inference_model()).unwrap();
    let before = weights(&grpo);
    let healthy = sampled(&config, &mut grpo);
    type Spoil = fn(&mut JudgedGroup);
    let spoilt: [(&str, Spoil); 4] = [
        ("a reward", |group| group.scored.rewards[1] = f64::NAN),
        ("a reward", |group| group.scored.rewards[0] = f64::INFINITY),
        ("an advantage", |group| group.advantages[0] = f64::NAN),
        ("the log-probability of a sampled token", |group| {
            group.scored.group.completions[0].logprobs[0] = f32::NEG_INFINITY;
        }),
    ];
    for (named, spoil) in spoilt {
        let mut groups = healthy.clone();
        spoil(&mut groups[1]);
        match grpo.update(&config.grpo(), 1, &groups, &|_| true) {
            Err(UpdateError::NotFinite { what, .. }) => assert_eq!(what, named),
            other => panic!("{named}: {:?}", other.map(|report| report.grad_norm)),
        }
        assert!(weights(&grpo) == before && grpo.trainer.updates() == 0, "{named}");
    }
    grpo.update(&config.grpo(), 1, &healthy, &|_| true).unwrap();
    assert!(weights(&grpo) != before && grpo.trainer.updates() == 1, "and the healthy ones are");
}

/// In the second case the first epoch goes well, and leaves weights under which the second computes nothing but NaN.
#[test]
fn an_update_that_would_blow_the_weights_up_is_not_kept_and_takes_its_first_epoch_with_it() {
    let root = TempDir::new().unwrap();
    let config = paid_by_a_coin();
    let mut grpo = setup::prepare(&options(root.path(), config.clone(), 1)).unwrap().grpo;
    let weights = |grpo: &Grpo| folder::to_bytes(&grpo.trainer.inference_model()).unwrap();
    let groups = sampled(&config, &mut grpo);
    grpo.update(&config.grpo(), 1, &groups, &|_| true).unwrap();
    let (before, moments) = (weights(&grpo), grpo.trainer.optimizer_state().to_bytes());
    for (learning_rate, inner_epochs) in [(1e30, 1), (1e12, 2)] {
        // Beyond what the configuration takes.
        let mut settings = config.grpo();
        settings.optimizer.learning_rate = learning_rate;
        settings.update.inner_epochs = inner_epochs;
        let error = grpo
            .update(&settings, 2, &groups, &|_| true)
            .map(|report| report.grad_norm)
            .expect_err("must be refused");
        assert!(matches!(error, UpdateError::NotFinite { .. }), "{error}");
        if inner_epochs == 1 {
            assert!(error.to_string().starts_with("The norm of the updated weights is inf"), "{error}");
        }
        assert!(weights(&grpo) == before && grpo.trainer.optimizer_state().to_bytes() == moments, "{error}");
    }
}
