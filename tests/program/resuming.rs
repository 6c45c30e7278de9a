//! Stopping, resuming and forking: what goes on from a checkpoint is what would have come anyway.

use std::{collections::BTreeMap, fs, path::Path};

use aha_lab::{
    config::Config,
    engine::setup::{EngineOptions, Start},
    protocol::{Command, Event, StepBy},
    runs::{Reader, RunDirectory, RunLock},
};
use tempfile::TempDir;

use super::{
    Outcome, assert_same, checkpoint,
    engine::{Driven, alone, options},
    headless, lab, metrics, only_run, outcome, refusal, succeeds, text, tiny,
};

/// Goes on with a run. The configuration given here is another one on purpose: a resumed run has its own.
pub fn resumed(run: &RunDirectory, last_step: u64) -> EngineOptions {
    let elsewhere = run.path().join("nothing-is-made-here");
    EngineOptions {
        start: Start::Resume(run.clone(), None),
        ..options(&elsewhere, Config::default(), last_step)
    }
}

/// With a KL term, so that the reference model has to survive too.
pub fn with_reference() -> Config {
    tiny().with(["kl_coef=0.05", "inner_epochs=2", "seed=3"]).unwrap()
}

pub fn straight(config: Config, steps: u64) -> Outcome {
    let root = TempDir::new().unwrap();
    outcome(&alone(options(root.path(), config, steps)), steps)
}

#[test]
fn two_steps_and_two_more_are_four() {
    let root = TempDir::new().unwrap();
    let run = alone(options(root.path(), with_reference(), 2));
    assert_eq!(alone(resumed(&run, 4)), run);
    assert_same(&outcome(&run, 4), &straight(with_reference(), 4), "2 + 2 steps against 4");
}

#[test]
fn a_stop_after_any_phase_leaves_a_run_that_goes_on_exactly() {
    let uninterrupted = straight(with_reference(), 3);
    for phases in 1..=5 {
        let root = TempDir::new().unwrap();
        let mut driven = Driven::start_paused(options(root.path(), with_reference(), 3));
        driven.step(StepBy::Steps(1));
        driven.step(StepBy::Phases(phases));
        let (steps, run) = driven.stop();
        // A step whose update is made is finished; before that it never was.
        assert_eq!(steps, if phases < 4 { 1 } else { 2 }, "stopped after {phases} phases");
        outcome(&run, steps);
        alone(resumed(&run, 3));
        assert_same(&outcome(&run, 3), &uninterrupted, &format!("stopped after {phases} phases of step 2"));
    }
}

#[test]
fn a_stop_in_the_middle_of_a_phase_goes_on_exactly() {
    let uninterrupted = straight(with_reference(), 3);
    let at_a_token = |event: &Event| matches!(event, Event::Token { step: 2, .. });
    let in_update = |event: &Event| {
        matches!(event, Event::PhaseChanged { step: 2, phase: aha_lab::protocol::Phase::Update, .. })
    };
    for (what, moment) in [("token", &at_a_token as &dyn Fn(&Event) -> bool), ("update", &in_update)] {
        let root = TempDir::new().unwrap();
        let mut driven = Driven::start(options(root.path(), with_reference(), 3));
        driven.until(moment);
        let (steps, run) = driven.stop();
        outcome(&run, steps);
        alone(resumed(&run, 3));
        assert_same(&outcome(&run, 3), &uninterrupted, &format!("stopped in a {what}"));
    }
}

#[test]
fn a_live_edit_survives_stopping_and_resuming() {
    let edited = |stop: bool| {
        let root = TempDir::new().unwrap();
        let mut driven = Driven::start_paused(options(root.path(), tiny(), 3));
        driven.step(StepBy::Steps(1));
        driven.ask(Command::Set { key: "temperature".into(), value: "0.5".into() });
        driven.step(StepBy::Steps(1));
        let (_, run) = if stop {
            let stopped = driven.stop();
            alone(resumed(&stopped.1, 3));
            stopped
        } else {
            driven.ask(Command::Resume);
            driven.end()
        };
        outcome(&run, 3)
    };
    assert_same(&edited(true), &edited(false), "an edit, with and without a stop");
}

/// Every file below a folder, with its content. Not the log: all runs of this process share the first one's.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if path.file_name().unwrap() != "engine.log" {
            found.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_fork_is_a_new_run_from_that_step_and_leaves_the_old_one_alone() {
    let root = TempDir::new().unwrap();
    let config = tiny().with(["checkpoint_every=1"]).unwrap();
    let parent = alone(options(root.path(), config.clone(), 3));
    let before = contents(parent.path());
    let fork = |config: Config| EngineOptions {
        start: Start::Fork(parent.clone(), Some(1)),
        ..options(root.path(), config, 3)
    };
    let mut driven = Driven::start(fork(config.clone()));
    let told = driven.until(|event| matches!(event, Event::Started(_)));
    let Some(Event::Started(started)) = told.last() else { panic!("{told:?}") };
    assert_eq!(started.step, 1);
    let (_, child) = driven.end();
    assert_ne!(child, parent);
    let records = Reader::new(&child).events().unwrap().records;
    assert_eq!(records[0].event.name(), "forked");
    assert!(records[0].detail.contains(&format!("{}@1", parent.name())), "{}", records[0].detail);

    // The same configuration makes the same steps 2 and 3; another seed does not.
    let (old, new) = (outcome(&parent, 3), outcome(&child, 3));
    assert_eq!(new.metrics, old.metrics[1..]);
    assert!(new.weights == old.weights && old.rollouts.ends_with(&new.rollouts));
    let other = alone(fork(config.with(["seed=9"]).unwrap()));
    assert!(outcome(&other, 3).rollouts != new.rollouts);
    assert!(contents(parent.path()) == before, "the fork changed its parent");
}

/// A run of two steps with a checkpoint after each.
fn two_checkpoints(runs: &Path) -> RunDirectory {
    succeeds(headless(runs, 2).args(["--set", "checkpoint_every=1"]));
    only_run(runs)
}

fn resume(runs: &Path, name: &str, steps: u64) -> std::process::Command {
    let mut command = lab(&["run", "--headless", "--resume", name, "--steps", &steps.to_string()]);
    command.arg("--runs").arg(runs);
    command
}

/// Flips one bit in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_newest_checkpoint_is_named_and_the_one_before_is_used() {
    let root = TempDir::new().unwrap();
    let run = two_checkpoints(root.path());
    let intact = outcome(&run, 2);
    damage(&checkpoint(&run, 2).join("model.safetensors"));
    let output = succeeds(&mut resume(root.path(), &run.name(), 2));
    let said = text(&output.stderr);
    assert!(said.contains("step-000002") && said.contains("model.safetensors"), "{said}");
    assert!(!said.contains("step-000001"), "{said}");
    assert_same(&outcome(&run, 2), &intact, "step 2 made again from step 1");

    // Every one damaged: nothing is begun, nothing is changed.
    fs::remove_dir_all(checkpoint(&run, 0)).unwrap();
    let optimizer = checkpoint(&run, 1).join("optimizer.f32");
    fs::write(&optimizer, &fs::read(&optimizer).unwrap()[..1000]).unwrap();
    damage(&checkpoint(&run, 2).join("state.json"));
    let before = contents(run.path());
    let said = refusal(&mut resume(root.path(), &run.name(), 4));
    assert!(said.contains("step-000002") && said.contains("is broken"), "{said}");
    assert!(contents(run.path()) == before);
}

#[test]
fn a_run_that_cannot_be_told_is_not_resumed() {
    let root = TempDir::new().unwrap();
    let said = refusal(&mut resume(root.path(), "nothing", 1));
    assert!(said.contains("There is no run `nothing`"), "{said}");

    for name in ["red", "blue"] {
        succeeds(headless(root.path(), 1).args(["--name", name]));
    }
    let said = refusal(&mut resume(root.path(), "20", 1));
    assert!(said.contains("-red") && said.contains("-blue"), "{said}");
    let said = refusal(&mut resume(root.path(), "green", 1));
    assert!(said.contains("-red") && said.contains("-blue"), "{said}");
    succeeds(&mut resume(root.path(), "blue", 2));

    // A checkpoint that is not there, by its step.
    let mut fork = lab(&["run", "--headless", "--fork", "red@7", "--steps", "8", "--runs"]);
    let said = refusal(fork.arg(root.path()));
    assert!(said.contains("of step 7") && said.contains("Checkpoints exist for steps 0, 1"), "{said}");
    assert_eq!(RunDirectory::list(root.path()).unwrap().len(), 2);
}

#[test]
fn a_run_that_another_process_writes_is_left_to_it() {
    let root = TempDir::new().unwrap();
    succeeds(&mut headless(root.path(), 1));
    let run = only_run(root.path());
    let lock = RunLock::acquire(run.path()).unwrap();
    let before = contents(run.path());
    let said = refusal(&mut resume(root.path(), &run.name(), 2));
    assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
    assert!(contents(run.path()) == before);
    drop(lock);
    succeeds(&mut resume(root.path(), &run.name(), 2));
    outcome(&run, 2);
}

fn resume_at(runs: &Path, at: &str, steps: u64) -> std::process::Command {
    let mut command = lab(&["run", "--headless", "--resume", at, "--steps", &steps.to_string()]);
    command.arg("--runs").arg(runs);
    command
}

/// As it is advised where the logs do not fit the newest checkpoint.
#[test]
fn a_run_goes_on_from_an_earlier_checkpoint_exactly() {
    let (root, straight) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let every = ["--set", "checkpoint_every=1"];
    succeeds(headless(root.path(), 4).args(every));
    succeeds(headless(straight.path(), 4).args(every));
    let run = only_run(root.path());
    let steps = || -> Vec<u64> {
        aha_lab::runs::checkpoint::list(&run.checkpoints_path()).into_iter().map(|(step, _)| step).collect()
    };
    // A log that was cut: no line ends where the newest checkpoint says.
    let rollouts = fs::read(run.rollouts_path()).unwrap();
    fs::write(run.rollouts_path(), &rollouts[..rollouts.len() - 10]).unwrap();
    let said = refusal(&mut resume_at(root.path(), &run.name(), 5));
    assert!(said.contains("does not fit the checkpoint") && said.contains("--resume RUN@STEP"), "{said}");
    assert_eq!(steps(), [0, 1, 2, 3, 4]);

    // One that there is not, and one that does not fit either, change nothing.
    let said = refusal(&mut resume_at(root.path(), &format!("{}@9", run.name()), 5));
    assert!(said.contains("no usable checkpoint of step 9"), "{said}");
    refusal(&mut resume_at(root.path(), &format!("{}@4", run.name()), 5));
    assert_eq!(steps(), [0, 1, 2, 3, 4]);

    succeeds(&mut resume_at(root.path(), &format!("{}@2", run.name()), 2));
    assert_eq!(steps(), [0, 1, 2]);
    assert_eq!(metrics(&run).len(), 2);
    succeeds(&mut resume_at(root.path(), &run.name(), 4));
    let straight = only_run(straight.path());
    assert_same(&outcome(&run, 4), &outcome(&straight, 4), "back to step 2 and on to step 4");
}

#[test]
fn a_run_that_has_made_its_steps_says_so() {
    let root = TempDir::new().unwrap();
    succeeds(&mut headless(root.path(), 2));
    let run = only_run(root.path());
    let told = text(&succeeds(&mut resume_at(root.path(), &run.name(), 2)).stdout);
    assert!(told.contains("no step was made") && !told.contains("->") && !told.contains("-0.0"), "{told}");
    let told = text(&succeeds(resume_at(root.path(), &run.name(), 2).arg("--json")).stdout);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&told["steps"], &told["first"], &told["last"]), (&2.into(), &().into(), &().into()));
}

#[test]
fn what_is_ignored_on_resume_is_reported() {
    let root = TempDir::new().unwrap();
    succeeds(&mut headless(root.path(), 3));
    let run = only_run(root.path());
    let said = |steps| text(&succeeds(&mut resume_at(root.path(), &run.name(), steps)).stderr);
    let about = |said: &str, name: &str| said.lines().any(|line| line.contains(name) && line.ends_with('.'));
    let fine = said(4);
    assert!(!about(&fine, "is skipped") && !about(&fine, "are ignored"), "{fine}");

    for path in [run.metrics_path(), run.rollouts_path(), run.events_path(), run.pinned_path()] {
        let whole = fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        damaged[1..5].fill(0);
        fs::write(&path, &damaged).unwrap();
        let said = said(4);
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(about(&said, &format!("{name}: line 1 is not a record but binary data")), "{said}");
        let now = fs::read(&path).unwrap();
        fs::write(&path, [&whole[..5], &now[5..]].concat()).unwrap();
    }

    let path = run.path().join("config.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{config}temprature = 0.5\n")).unwrap();
    let told = said(5);
    assert!(about(&told, "table, which are ignored: temprature"), "{told}");
    fs::write(&path, config.replace("warmup_steps = 5", "warmup_steps = 9")).unwrap();
    let told = said(5);
    assert!(about(&told, "says warmup_steps = 9, but the run began with 5"), "{told}");
    fs::write(&path, config).unwrap();
    let told = said(5);
    assert!(!told.contains("are ignored") && !told.contains("says warmup_steps"), "{told}");
}

/// With a KL term, whose reference is the adapter's base.
fn with_adapter() -> Config {
    with_reference().with(["lora_rank=4", "lora_targets=q,v,down", "gradient_checkpointing=true"]).unwrap()
}

#[test]
fn a_run_of_an_adapter_goes_on_exactly_from_the_adapter_alone() {
    let root = TempDir::new().unwrap();
    let run = alone(options(root.path(), with_adapter(), 2));
    let files = contents(&run.checkpoint(None).unwrap().path);
    let has = |name: &str| files.keys().any(|path| path.ends_with(name));
    assert!(
        has("adapter_model.safetensors") && has("adapter_config.json") && has("base.json"),
        "{:?}",
        files.keys()
    );
    assert!(!has("/model.safetensors") && !has("reference.safetensors"), "{:?}", files.keys());
    alone(resumed(&run, 4));
    assert_same(&outcome(&run, 4), &straight(with_adapter(), 4), "2 + 2 steps of an adapter against 4");

    // Another shape is no continuation; without an adapter it is merged, and all is trained.
    let fork = |settings: &[&str]| EngineOptions {
        start: Start::Fork(run.clone(), None),
        ..options(root.path(), with_reference().with(settings).unwrap(), 5)
    };
    let refused = aha_lab::engine::setup::prepare(&fork(&["lora_rank=8"])).err().unwrap().to_string();
    assert!(
        refused.contains("has a LoRA adapter with lora_rank=4") && refused.contains("q,v,down"),
        "{refused}"
    );
    let merged = alone(fork(&["lora_rank=0"]));
    assert!(
        contents(&merged.checkpoint(None).unwrap().path)
            .keys()
            .any(|path| path.ends_with("/model.safetensors"))
    );
}
