//! A disk of which any single operation fails: what was there stays, what comes afterwards is whole.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

use aha_lab::record::RunEvent;
use aha_lab::runs::{
    CheckpointWriter, Journal, JournalPosition, Reader, RunDirectory, RunError,
    disk::{Disk, Faults, Operation},
    newest_valid,
};

use super::*;

/// Fails some operations in a row, counted from the moment when it was armed.
#[derive(Default)]
struct Fault {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: usize,
    first: usize,
    count: usize,
    kind: Option<io::ErrorKind>,
    failed: Vec<(Operation, String)>,
}

impl Fault {
    fn arm(&self, first: usize, count: usize, kind: io::ErrorKind) {
        *self.state.lock().unwrap() = State { first, count, kind: Some(kind), ..State::default() };
    }

    fn failed(&self) -> Vec<(Operation, String)> {
        self.state.lock().unwrap().failed.clone()
    }
}

impl Faults for Fault {
    fn before(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        let Some(kind) = state.kind else { return Ok(()) };
        state.seen += 1;
        if state.seen <= state.first || state.seen > state.first + state.count {
            return Ok(());
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        state.failed.push((operation, name));
        Err(kind.into())
    }
}

const WEIGHTS: &[u8] = &[7; 3000];

fn save(run: &RunDirectory, journal: &mut Journal, step: u64) -> Result<JournalPosition, RunError> {
    let position = journal.sync()?;
    let mut writer = CheckpointWriter::begin_on(run.disk(), &run.checkpoints_path(), step)?;
    writer.write_bytes("model.safetensors", WEIGHTS)?;
    writer.write_bytes("state.json", position.metrics.to_string().as_bytes())?;
    writer.finish()?;
    Ok(position)
}

/// Tries until it succeeds; every refusal must be a sentence that names a file of the run.
fn until_it_works<T>(said: &mut Vec<String>, mut what: impl FnMut() -> Result<T, RunError>) -> T {
    for _ in 0..20 {
        match what() {
            Ok(done) => return done,
            Err(error) => said.push(error.to_string()),
        }
    }
    panic!("it never worked: {said:?}");
}

/// A run of three steps with a checkpoint after each; what the disk refuses is tried again.
fn three_steps(root: &Path, fault: &Arc<Fault>, said: &mut Vec<String>) -> RunDirectory {
    let disk = Disk::with_faults(fault.clone());
    let info = info();
    let run =
        until_it_works(said, || RunDirectory::create_on(&disk, root, "faulty", &Config::default(), &info));
    let mut journal = until_it_works(said, || Journal::begin(&run));
    for step in 1..=3 {
        journal.add_metrics(&metrics(step)).unwrap();
        // An event is written at once; refused, it is kept and goes with the next.
        if let Err(error) = journal.event(step, RunEvent::Warning, "one") {
            said.push(error.to_string());
        }
        until_it_works(said, || journal.flush());
        let before = newest_valid(&run.checkpoints_path()).0.map(|newest| newest.step);
        assert_eq!(before, (step > 1).then_some(step - 1), "the checkpoint before is still there");
        until_it_works(said, || {
            let saved = save(&run, &mut journal, step);
            if saved.is_err() {
                let (newest, invalid) = newest_valid(&run.checkpoints_path());
                assert!(invalid.is_empty(), "{invalid:?}");
                assert!(newest.map(|newest| newest.step) >= before, "a checkpoint was lost");
            }
            saved
        });
    }
    run
}

fn logs(run: &RunDirectory) -> Vec<String> {
    let reader = Reader::new(run);
    let (metrics, events) = (reader.metrics().unwrap(), reader.events().unwrap());
    assert!(metrics.bad.is_empty() && !metrics.torn && events.bad.is_empty() && !events.torn);
    let steps = metrics.records.iter().map(|m| format!("step {}", m.step));
    steps.chain(events.records.iter().map(|e| format!("{} at {}", e.event.name(), e.step))).collect()
}

#[test]
fn whatever_fails_first_nothing_is_lost_and_nothing_is_there_twice() {
    let undisturbed = tempfile::tempdir().unwrap();
    let expected = logs(&three_steps(undisturbed.path(), &Arc::default(), &mut vec![]));
    assert_eq!(expected.len(), 6);
    let kinds = [
        io::ErrorKind::StorageFull,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::ReadOnlyFilesystem,
        io::ErrorKind::Other,
    ];
    let mut tried = 0;
    for count in [1, 3] {
        for first in 0.. {
            let root = tempfile::tempdir().unwrap();
            let fault = Arc::new(Fault::default());
            fault.arm(first, count, kinds[first % kinds.len()]);
            let mut said = vec![];
            let run = three_steps(root.path(), &fault, &mut said);
            let failed = fault.failed();
            if failed.is_empty() {
                break;
            }
            tried += 1;
            // Removing a leftover and the like may fail unheard; a write never.
            let must_be_heard = failed.iter().any(|(operation, _)| *operation == Operation::Write);
            assert!(!must_be_heard || !said.is_empty(), "{failed:?}");
            for sentence in &said {
                assert!(sentence.starts_with("Cannot ") && sentence.ends_with('.'), "{sentence}");
                assert!(
                    failed.iter().any(|(_, name)| sentence.contains(name.trim_end_matches(".partial"))),
                    "{sentence}: {failed:?}"
                );
            }
            assert_eq!(logs(&run), expected, "after {failed:?}");
            let (newest, invalid) = newest_valid(&run.checkpoints_path());
            assert!(invalid.is_empty() && newest.unwrap().step == 3, "after {failed:?}: {invalid:?}");
            let left: Vec<_> =
                fs::read_dir(run.checkpoints_path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            assert_eq!(left.len(), 3, "after {failed:?}: {left:?}");
        }
    }
    assert!(tried > 100, "only {tried} operations failed");
}
