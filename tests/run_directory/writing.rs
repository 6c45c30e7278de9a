//! Logs on a disk that fills up, and logs that are cut back.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex},
};

use aha_lab::{
    record::{RunEvent, Step},
    runs::{Journal, JournalPosition, Reader, journal::LogFile},
};

use super::*;

#[derive(Clone, Default)]
struct SmallDisk {
    content: Arc<Mutex<Vec<u8>>>,
    space: Arc<Mutex<usize>>,
    /// Cutting fails too, as on a disk that went away.
    stuck: Arc<Mutex<bool>>,
}

impl LogFile for SmallDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut content = self.content.lock().unwrap();
        let fits = bytes.len().min(self.space.lock().unwrap().saturating_sub(content.len()));
        content.extend_from_slice(&bytes[..fits]);
        if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        if *self.stuck.lock().unwrap() {
            return Err(io::ErrorKind::Other.into());
        }
        self.content.lock().unwrap().truncate(length as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_tears_no_line_and_loses_no_record() {
    for cutting_fails_at_first in [false, true] {
        let disk = SmallDisk::default();
        let other =
            || Box::new(SmallDisk { space: Arc::new(Mutex::new(usize::MAX)), ..SmallDisk::default() });
        let mut journal = Journal::over(Path::new("runs/x"), Box::new(disk.clone()), other(), other());
        journal.add_metrics(&metrics(1)).unwrap();
        *disk.space.lock().unwrap() = usize::MAX;
        journal.flush().unwrap();
        let first = disk.content.lock().unwrap().clone();

        journal.add_metrics(&metrics(2)).unwrap();
        *disk.space.lock().unwrap() = first.len() + 10;
        *disk.stuck.lock().unwrap() = cutting_fails_at_first;
        let message = journal.flush().unwrap_err().to_string();
        assert!(message.starts_with("Cannot write runs/x") && message.contains("metrics.jsonl"), "{message}");
        assert!(message.contains("Free some space"), "{message}");
        assert_eq!(journal.position().metrics, first.len() as u64);
        if !cutting_fails_at_first {
            assert_eq!(*disk.content.lock().unwrap(), first, "the torn line must be gone");
        }

        *disk.space.lock().unwrap() = usize::MAX;
        *disk.stuck.lock().unwrap() = false;
        journal.add_metrics(&metrics(3)).unwrap();
        journal.flush().unwrap();
        let content = disk.content.lock().unwrap().clone();
        let read: Vec<Step> = content
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!(read, [metrics(1), metrics(2), metrics(3)]);
    }
}

#[test]
fn an_abandoned_step_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut journal = Journal::begin(&run).unwrap();
    journal.add_rollout(&rollout(1, 0, 0)).unwrap();
    journal.discard_pending();
    write_step(&mut journal, 1);
    assert_eq!(Reader::new(&run).rollouts().unwrap().records.len(), 2);
}

#[test]
fn resuming_cuts_metrics_and_rollouts_back_and_keeps_events() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut journal = Journal::begin(&run).unwrap();
    write_step(&mut journal, 1);
    journal.event(1, RunEvent::Checkpoint, "step 1").unwrap();
    let at = journal.sync().unwrap();
    write_step(&mut journal, 2);
    journal.event(2, RunEvent::Warning, "after the checkpoint").unwrap();
    drop(journal);
    append(&run.metrics_path(), b"{\"step\":3,\"to");
    append(&run.events_path(), b"{\"time\":\"to");

    let mut journal = Journal::resume(&run, at).unwrap();
    assert_eq!((journal.position().metrics, journal.position().rollouts), (at.metrics, at.rollouts));
    write_step(&mut journal, 2);
    journal.event(2, RunEvent::Resumed { after: Some(1) }, "from step 1").unwrap();
    drop(journal);
    assert_eq!(steps(&run), [1, 2]);
    let reader = Reader::new(&run);
    assert_eq!(reader.rollouts().unwrap().records.len(), 4);
    let events = reader.events().unwrap();
    let words: Vec<&str> = events.records.iter().map(|record| record.event.name()).collect();
    assert_eq!(words, ["checkpoint", "warning", "resumed"]);
    assert!(events.bad.is_empty() && !events.torn);
}

#[test]
fn logs_that_do_not_fit_the_checkpoint_are_named_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut journal = Journal::begin(&run).unwrap();
    write_step(&mut journal, 1);
    let at = journal.sync().unwrap();
    write_step(&mut journal, 2);
    drop(journal);
    let before = fs::read(run.metrics_path()).unwrap();
    let refused = |at| Journal::resume(&run, at).err().expect("must be refused").to_string();
    let message = refused(JournalPosition { rollouts: 1_000_000, ..at });
    assert!(message.contains("rollouts.jsonl does not fit") && message.contains("1000000"), "{message}");
    let message = refused(JournalPosition { rollouts: at.rollouts - 1, ..at });
    assert!(message.contains("rollouts.jsonl") && message.contains("not the end of a line"), "{message}");
    assert_eq!(fs::read(run.metrics_path()).unwrap(), before, "a refused resume must cut nothing");
    let message = Journal::begin(&run).err().expect("must be refused").to_string();
    assert!(message.contains("already has records"), "{message}");
}
