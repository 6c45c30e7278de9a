//! The engine on a disk of which any single operation fails, and on a slow one: it pauses with a sentence, keeps what it
//! has in memory, and goes on when the disk does.

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use aha_lab::{
    config::Config,
    protocol::{Command, Event, StepBy, Temporality},
    runs::{
        RunDirectory,
        disk::{Disk, Faults, Operation},
    },
};
use tempfile::TempDir;

use super::{
    assert_same,
    engine::{Driven, alone, options},
    outcome,
    resuming::{resumed, straight},
    tiny,
};

/// Fails some operations in a row, or only takes its time.
struct Bad {
    seen: AtomicUsize,
    failing: std::ops::Range<usize>,
    kind: io::ErrorKind,
    takes: Duration,
}

impl Faults for Bad {
    fn before(&self, _: Operation, _: &Path) -> io::Result<()> {
        std::thread::sleep(self.takes);
        let seen = self.seen.fetch_add(1, Ordering::SeqCst);
        if self.failing.contains(&seen) { Err(self.kind.into()) } else { Ok(()) }
    }
}

fn config() -> Config {
    tiny().with(["checkpoint_every=2", "pinned_every=2"]).unwrap()
}

/// Goes on from step 1 to step 3 on this disk. Whenever the run pauses itself, a person resumes it. What was warned of,
/// and whether it could not even begin.
fn go_on(run: &RunDirectory, bad: &Arc<Bad>) -> (Vec<String>, bool) {
    let mut driven = Driven::start(resumed(&run.clone().on(Disk::with_faults(bad.clone())), 3));
    let mut warned = Vec::new();
    loop {
        match driven.next() {
            Event::Warning(sentence) => warned.push(sentence),
            Event::Temporality(Temporality::Pausing) => driven.ask(Command::Resume),
            Event::Failed(reason) => {
                warned.push(reason);
                return (warned, true);
            }
            Event::Finished { .. } => return (warned, false),
            _ => {}
        }
    }
}

#[test]
fn whatever_the_disk_refuses_the_run_pauses_says_so_and_goes_on_exactly() {
    let undisturbed = straight(config(), 3);
    let kinds =
        [io::ErrorKind::StorageFull, io::ErrorKind::ReadOnlyFilesystem, io::ErrorKind::PermissionDenied];
    let (mut first, mut paused) = (0, 0);
    loop {
        let root = TempDir::new().unwrap();
        let run = alone(options(root.path(), config(), 1));
        let bad = Arc::new(Bad {
            seen: AtomicUsize::new(0),
            failing: first..first + 1 + first % 3,
            kind: kinds[first % 3],
            takes: Duration::ZERO,
        });
        let (warned, failed) = go_on(&run, &bad);
        let happened = bad.seen.load(Ordering::SeqCst) > first;
        assert_eq!(warned.is_empty(), !happened, "operation {first}: {warned:?}");
        for sentence in &warned {
            let named = sentence.contains(root.path().to_str().unwrap());
            assert!(named && sentence.ends_with('.'), "operation {first}: {sentence}");
        }
        if failed {
            // Not begun: as if nobody had tried.
            assert!(first < 20, "operation {first}: {warned:?}");
            alone(resumed(&run, 3));
        } else {
            paused += usize::from(happened);
        }
        assert_same(&outcome(&run, 3), &undisturbed, &format!("operation {first} failed: {warned:?}"));
        if !happened {
            break;
        }
        first += 1;
    }
    assert!(paused >= 30, "only {paused} of {first} times did the run go on after a refusal");
}

/// Takes no file of this name while it is full.
struct Full {
    name: &'static str,
    full: AtomicBool,
}

impl Faults for Full {
    fn before(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let meant = operation == Operation::Write && path.file_name().is_some_and(|name| name == self.name);
        if meant && self.full.load(Ordering::SeqCst) {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }
}

/// Nobody presses a key: the run waits while the disk is full, and goes on when it is not. But for a person who wants
/// it paused: then it only writes what is waiting.
#[test]
fn a_run_that_waits_for_the_disk_goes_on_by_itself_when_there_is_space() {
    let undisturbed = straight(config(), 3);
    for (name, person) in [("metrics.jsonl", false), ("model.safetensors", false), ("metrics.jsonl", true)] {
        let root = TempDir::new().unwrap();
        let run = alone(options(root.path(), config(), 1));
        let disk = Arc::new(Full { name, full: AtomicBool::new(true) });
        let mut driven = Driven::start(resumed(&run.clone().on(Disk::with_faults(disk.clone())), 3));
        // Twice: it is tried again, and is still full.
        let refusal = |event: &Event| matches!(event, Event::Warning(text) if text.contains(name) && text.contains("Free some space"));
        driven.until(refusal);
        let waited = driven.until(refusal);
        assert!(
            !waited.iter().any(|event| matches!(event, Event::StepDone(_))),
            "{name}: it went on without the disk"
        );
        if person {
            driven.ask(Command::Pause);
        }
        disk.full.store(false, Ordering::SeqCst);
        if person {
            let metrics = run.metrics_path();
            let began = std::time::Instant::now();
            let written = || std::fs::read_to_string(&metrics).unwrap().lines().count() == 2;
            while !written() && began.elapsed() < Duration::from_secs(60) {
                std::thread::sleep(Duration::from_millis(20));
            }
            assert!(written(), "what was kept was not written");
            driven.ask(Command::Resume);
        }
        let told = driven
            .rest()
            .iter()
            .any(|event| matches!(event, Event::Warning(text) if text.contains("can be written again")));
        assert_eq!(told, !person, "{name}");
        assert_same(&outcome(&run, 3), &undisturbed, &format!("{name} could not be written for a while"));
    }
}

/// Whatever a person at the controls asks for, no step is begun while the disk refuses the checkpoint before it.
#[test]
fn nobody_trains_past_a_checkpoint_that_is_refused() {
    let undisturbed = straight(config(), 2);
    let root = TempDir::new().unwrap();
    // As it is when it was killed before its first checkpoint.
    let driven = Driven::start_paused(options(root.path(), config(), 2));
    let run = driven.told.iter().find_map(|event| match event {
        Event::Started(started) => Some(RunDirectory::open(&started.run).unwrap()),
        _ => None,
    });
    let run = run.unwrap();
    std::fs::remove_dir_all(run.checkpoints_path()).unwrap();
    driven.ask(Command::Stop);
    driven.end();
    for log in [run.metrics_path(), run.rollouts_path(), run.pinned_path()] {
        std::fs::write(log, "").unwrap();
    }
    let _ = std::fs::remove_dir_all(run.checkpoints_path());

    let disk = Arc::new(Full { name: "model.safetensors", full: AtomicBool::new(true) });
    let mut driven = Driven::start(resumed(&run.clone().on(Disk::with_faults(disk.clone())), 2));
    let refusal = |event: &Event| matches!(event, Event::Warning(text) if text.contains("Free some space"));
    driven.until(refusal);
    for command in [
        Command::Resume,
        Command::Step(StepBy::Phases(1)),
        Command::Step(StepBy::Steps(2)),
        Command::Checkpoint,
    ] {
        driven.ask(command);
        driven.until(refusal);
    }
    let begun = |event: &Event| matches!(event, Event::PhaseChanged { .. } | Event::StepDone(_));
    assert!(!driven.told.iter().any(begun), "a step was begun");
    disk.full.store(false, Ordering::SeqCst);
    driven.ask(Command::Resume);
    driven.end();
    assert_same(&outcome(&run, 2), &undisturbed, "begun on a full disk");
}

#[test]
fn a_slow_disk_makes_a_slow_run_and_no_other() {
    let root = TempDir::new().unwrap();
    let run = alone(options(root.path(), config(), 1));
    let takes = Duration::from_millis(10);
    let bad = Arc::new(Bad { seen: AtomicUsize::new(0), failing: 0..0, kind: io::ErrorKind::Other, takes });
    assert_eq!(go_on(&run, &bad), (vec![], false));
    assert!(bad.seen.load(Ordering::SeqCst) > 20);
    assert_same(&outcome(&run, 3), &straight(config(), 3), "a slow disk");
}
