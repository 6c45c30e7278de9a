//! What a killed process leaves goes on exactly: every step that is made again is the step that was made before.

use std::{fs, path::Path};

use aha_lab::{
    config::Config,
    engine::setup::{EngineOptions, Start},
    metrics::registry,
    protocol::{Command, Event, StepBy},
    runs::{Journal, RunDirectory, RunError, RunLock},
};
use tempfile::TempDir;

use super::{
    assert_same, checkpoint,
    engine::{Driven, alone, events, options, set},
    metrics, outcome,
    resuming::{contents, resumed, straight, with_reference},
    tiny,
};

/// No checkpoint but the first and the last.
fn never_saving(config: Config) -> Config {
    config.with(["checkpoint_every=0"]).unwrap()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// What there would be of a run that is being written, had its process been killed now.
fn as_killed_now(driven: &Driven, root: &Path) -> RunDirectory {
    let started = driven.told.iter().find_map(|event| match event {
        Event::Started(started) => Some(started.run.clone()),
        _ => None,
    });
    let run = started.unwrap();
    let copy = root.join("killed").join(run.file_name().unwrap());
    copy_folder(&run, &copy);
    RunDirectory::open(&copy).unwrap()
}

#[test]
fn a_run_that_is_killed_before_its_first_checkpoint_is_due_goes_on_exactly() {
    let root = TempDir::new().unwrap();
    let config = never_saving(with_reference());
    let mut driven = Driven::start_paused(options(root.path(), config.clone(), 4));
    let unbegun = as_killed_now(&driven, &root.path().join("0"));
    driven.step(StepBy::Steps(2));
    driven.step(StepBy::Phases(2));
    let killed = as_killed_now(&driven, root.path());
    driven.stop();
    for run in [unbegun, killed] {
        alone(resumed(&run, 4));
        assert_same(
            &outcome(&run, 4),
            &straight(config.clone(), 4),
            "killed without a checkpoint of its own",
        );
    }
}

#[test]
fn a_fork_that_is_killed_before_its_first_checkpoint_is_due_goes_on_exactly() {
    let root = TempDir::new().unwrap();
    let parent = alone(options(root.path(), with_reference(), 2));
    let config = never_saving(with_reference().with(["seed=8"]).unwrap());
    let fork = |last| EngineOptions {
        start: Start::Fork(parent.clone(), Some(2)),
        ..options(root.path(), config.clone(), last)
    };
    let whole = outcome(&alone(fork(5)), 5);
    let mut driven = Driven::start_paused(fork(5));
    driven.step(StepBy::Steps(2));
    let killed = as_killed_now(&driven, root.path());
    driven.stop();
    alone(resumed(&killed, 5));
    assert_same(&outcome(&killed, 5), &whole, "a killed fork");
}

#[test]
fn edits_after_the_last_checkpoint_are_made_again_where_they_were_made() {
    let root = TempDir::new().unwrap();
    let config = never_saving(tiny().with(["warmup_steps=0"]).unwrap());
    let mut driven = Driven::start_paused(options(root.path(), config, 6));
    driven.step(StepBy::Steps(1));
    driven.ask(set("temperature", "0.7"));
    driven.step(StepBy::Steps(1));
    // Within step 3: it holds in step 4, where the policy as it then is becomes the reference.
    driven.step(StepBy::Phases(1));
    driven.ask(set("kl_coef", "0.1"));
    driven.ask(set("learning_rate", "0.002"));
    driven.step(StepBy::Steps(1));
    driven.step(StepBy::Steps(1));
    driven.ask(set("learning_rate", "0.001"));
    driven.step(StepBy::Steps(1));
    let killed = as_killed_now(&driven, root.path());
    driven.ask(Command::Resume);
    let (_, run) = driven.end();
    assert_eq!(
        metrics(&run).iter().map(|m| m.get(&registry::LEARNING_RATE)).collect::<Vec<_>>(),
        [4e-4, 4e-4, 4e-4, 2e-3, 1e-3, 1e-3]
    );
    alone(resumed(&killed, 6));
    assert_same(&outcome(&killed, 6), &outcome(&run, 6), "edits after the last checkpoint");

    // Once more from a checkpoint in between: what it holds is not made again, the rest is.
    let middle = never_saving(tiny()).with(["checkpoint_every=3"]).unwrap();
    let mut driven = Driven::start_paused(options(root.path(), middle, 5));
    driven.ask(set("temperature", "0.6"));
    driven.step(StepBy::Steps(3));
    driven.ask(set("temperature", "0.8"));
    driven.step(StepBy::Steps(1));
    let killed = as_killed_now(&driven, &root.path().join("middle"));
    driven.ask(Command::Resume);
    let (_, run) = driven.end();
    alone(resumed(&killed, 5));
    assert_same(&outcome(&killed, 5), &outcome(&run, 5), "edits around a checkpoint");
}

#[test]
fn a_reference_made_by_an_edit_survives_a_while_without_kl_and_a_stop() {
    let with_stop = |stop: bool| {
        let root = TempDir::new().unwrap();
        let mut driven = Driven::start_paused(options(root.path(), tiny(), 5));
        driven.step(StepBy::Steps(1));
        driven.ask(set("kl_coef", "0.1"));
        driven.step(StepBy::Steps(1));
        driven.ask(set("kl_coef", "0"));
        driven.step(StepBy::Steps(1));
        if stop {
            let (_, run) = driven.stop();
            driven = Driven::start_paused(resumed(&run, 5));
        }
        driven.ask(set("kl_coef", "0.1"));
        driven.ask(Command::Resume);
        let (_, run) = driven.end();
        let reference = fs::read(checkpoint(&run, 5).join("reference.safetensors")).unwrap();
        (outcome(&run, 5), reference)
    };
    let (stopped, straight) = (with_stop(true), with_stop(false));
    assert_same(&stopped.0, &straight.0, "a reference from an edit");
    assert!(stopped.1 == straight.1, "the reference is another one");
}

#[test]
fn a_checkpoint_asked_for_within_a_step_is_of_the_whole_step() {
    let whole = straight(with_reference(), 3);
    for phases in 1..=5 {
        let root = TempDir::new().unwrap();
        let mut driven = Driven::start_paused(options(root.path(), never_saving(with_reference()), 9));
        driven.step(StepBy::Steps(1));
        driven.step(StepBy::Phases(phases));
        driven.ask(Command::Checkpoint);
        driven.step(StepBy::Phases(1));
        driven.step(StepBy::Steps(1));
        let killed = as_killed_now(&driven, root.path());
        driven.stop();
        alone(resumed(&killed, 3));
        assert_same(&outcome(&killed, 3), &whole, &format!("a checkpoint asked for after {phases} phases"));
    }
}

#[test]
fn a_run_without_any_checkpoint_begins_again_only_where_nothing_is_lost_by_it() {
    let root = TempDir::new().unwrap();
    let run = alone(options(root.path(), tiny(), 0));
    fs::remove_dir_all(run.checkpoints_path()).unwrap();
    alone(resumed(&run, 2));
    assert_same(&outcome(&run, 2), &straight(tiny(), 2), "killed as it began");

    // With steps in its journal it needs the checkpoint that it had.
    fs::remove_dir_all(run.checkpoints_path()).unwrap();
    let before = contents(run.path());
    let told = Driven::start(resumed(&run, 3)).failure();
    assert!(told.contains("has no usable checkpoint"), "{told}");
    assert!(contents(run.path()) == before);
}

#[test]
fn the_lock_is_taken_before_the_checkpoint_is_read() {
    let root = TempDir::new().unwrap();
    let run = alone(options(root.path(), tiny(), 1));
    let lock = RunLock::acquire(run.path()).unwrap();
    // With nothing there to read, what is said is still that another process has the run.
    fs::remove_dir_all(run.checkpoints_path()).unwrap();
    let told = Driven::start(resumed(&run, 2)).failure();
    assert!(told.contains("is being written by"), "{told}");
    drop(lock);
    assert!(matches!(Journal::begin(&run), Err(RunError::NotEmpty { .. })), "the lock is free again");
    assert_eq!(events(&run).last().unwrap().event.name(), "finished");
}
