//! Logs that are read whole, while they grow, torn, or broken.

use std::{fs, thread};

use aha_lab::{
    metrics::registry,
    record::{Rollout, RunEvent},
    runs::{Follower, Journal, JournalPosition, Reader, TrainingState},
};
use proptest::prelude::*;

use super::*;

#[test]
fn what_is_written_is_read_back() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut journal = Journal::begin(&run).unwrap();
    for step in 1..=3 {
        write_step(&mut journal, step);
    }
    journal.event(3, RunEvent::Paused, "by a key").unwrap();
    let position = journal.sync().unwrap();
    assert_eq!(position.metrics, fs::metadata(run.metrics_path()).unwrap().len());
    assert_eq!(position.rollouts, fs::metadata(run.rollouts_path()).unwrap().len());
    assert_eq!(position.events, fs::metadata(run.events_path()).unwrap().len());

    let reader = Reader::new(&run);
    let log = reader.metrics().unwrap();
    assert_eq!(log.records, [metrics(1), metrics(2), metrics(3)]);
    assert!(log.bad.is_empty() && !log.torn);
    let events = reader.events().unwrap().records;
    assert_eq!(
        (events[0].step, &events[0].event, events[0].detail.as_str()),
        (3, &RunEvent::Paused, "by a key")
    );
    assert!(events[0].time.ends_with('Z'), "{}", events[0].time);
    let rollouts = reader.rollouts().unwrap().records;
    assert_eq!(rollouts.len(), 6);
    let index = reader.rollout_index().unwrap();
    assert_eq!(index.summaries().len(), 6);
    for (summary, whole) in index.summaries().iter().zip(&rollouts) {
        assert_eq!(&index.load(summary).unwrap(), whole);
        assert_eq!((summary.step, summary.tokens, summary.checks), (whole.step, 3, 2));
        assert_eq!((summary.true_checks, summary.self_corrections), (1, 1));
        assert_eq!((summary.reward, summary.advantage, summary.correct), (1.0, 0.75, true));
    }
    assert_eq!(rollouts[4], rollout(3, 0, 0));
}

#[test]
fn a_run_without_logs_is_empty() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    assert_eq!(steps(&run), Vec::<u64>::new());
    assert!(Reader::new(&run).rollout_index().unwrap().summaries().is_empty());
    let fresh = Follower::new(&run).poll().unwrap();
    assert!(fresh.metrics.is_empty() && !fresh.restarted && !fresh.behind);
}

#[test]
fn numbers_that_json_lacks_come_back_as_nan_and_not_as_zero() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut journal = Journal::begin(&run).unwrap();
    let diverged = metrics(1)
        .with(&registry::GRAD_NORM, f64::INFINITY)
        .with(&registry::REWARD, f64::NAN)
        .with(&registry::LOSS, 0.5);
    journal.add_metrics(&diverged).unwrap();
    journal
        .add_rollout(&Rollout {
            logprobs: Some(vec![f32::NAN, -1.0]),
            advantage: Some(f64::NAN),
            ..rollout(1, 0, 0)
        })
        .unwrap();
    journal.flush().unwrap();
    let reader = Reader::new(&run);
    let read = reader.metrics().unwrap().records[0].clone();
    assert!(read.get(&registry::GRAD_NORM).is_nan() && read.get(&registry::REWARD).is_nan());
    assert_eq!((read.get(&registry::LOSS), read.count(&registry::NUM_TOKENS)), (0.5, Some(100)));
    let record = &reader.rollouts().unwrap().records[0];
    assert!(record.logprobs()[0].is_nan() && record.logprobs()[1] == -1.0 && record.advantage().is_nan());
    assert!(reader.rollout_index().unwrap().summaries()[0].advantage.is_nan());
}

#[test]
fn torn_last_lines_are_dropped_and_bad_ones_named() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut journal = Journal::begin(&run).unwrap();
    write_step(&mut journal, 1);
    drop(journal);
    append(&run.metrics_path(), b"{\"step\": nonsense}\n\n\xff\xfe\n");
    append(&run.metrics_path(), &[b'x'; 300_000]);
    append(&run.metrics_path(), b"\n{\"step\":2}\r\n{\"step\":3,\"rew");
    let log = Reader::new(&run).metrics().unwrap();
    assert_eq!(log.records.iter().map(|record| record.step).collect::<Vec<_>>(), [1, 2]);
    assert!(log.torn);
    assert_eq!(log.bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [2, 4, 5]);
    assert_eq!(log.bad_total, 3);
    let named = log.bad[0].to_string();
    assert!(named.contains("metrics.jsonl, line 2, is skipped"), "{named}");
    assert!(log.bad[2].to_string().contains("too long"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Wherever a crash cuts the log, the whole lines before the cut are read and nothing else.
    #[test]
    fn a_log_cut_anywhere_gives_its_whole_lines(cut in 0usize..2_000) {
        let root = tempfile::tempdir().unwrap();
        let run = new_run(&root);
        let mut journal = Journal::begin(&run).unwrap();
        write_step(&mut journal, 1);
        write_step(&mut journal, 2);
        drop(journal);
        let whole = fs::read(run.rollouts_path()).unwrap();
        let cut = cut.min(whole.len());
        fs::write(run.rollouts_path(), &whole[..cut]).unwrap();
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        let index = Reader::new(&run).rollout_index().unwrap();
        prop_assert_eq!(index.summaries().len(), lines);
        prop_assert_eq!(index.is_torn(), cut > 0 && whole[cut - 1] != b'\n');
        prop_assert!(Reader::new(&run).rollouts().unwrap().bad.is_empty());
    }

    #[test]
    fn log_probabilities_survive_exactly(bits in prop::collection::vec(any::<f32>(), 0..20)) {
        let logprobs: Vec<f32> = bits.into_iter().filter(|number| number.is_finite()).collect();
        let record = Rollout { logprobs: Some(logprobs), ..rollout(1, 2, 3) };
        let back: Rollout = serde_json::from_slice(&serde_json::to_vec(&record).unwrap()).unwrap();
        prop_assert_eq!(back, record);
    }

    #[test]
    fn training_state_survives_exactly(flops in 0f64..1e24, rate in 0f64..=1.0, coef in 0f64..=100.0) {
        let root = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.set("preset", "grpo").unwrap();
        config.set("learning_rate", &rate.to_string()).unwrap();
        config.set("kl_coef", &coef.to_string()).unwrap();
        let state = TrainingState { flops, config, ..state(JournalPosition::default()) };
        fs::write(root.path().join("state.json"), state.to_json().unwrap()).unwrap();
        prop_assert_eq!(TrainingState::load(root.path()).unwrap(), state);
    }
}

#[test]
fn a_follower_sees_every_step_of_a_live_run_once_and_in_order() {
    const STEPS: u64 = 200;
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut follower = Follower::new(&run);
    let writer = thread::spawn({
        let run = run.clone();
        move || {
            let mut journal = Journal::begin(&run).unwrap();
            for step in 1..=STEPS {
                write_step(&mut journal, step);
                journal.event(step, RunEvent::Paused, "").unwrap();
            }
        }
    });
    let (mut seen, mut events, mut completions) = (vec![], vec![], 0);
    loop {
        let done = writer.is_finished();
        let fresh = follower.poll().unwrap();
        assert!(!fresh.restarted && fresh.bad.is_empty());
        seen.extend(fresh.metrics.iter().map(|record| record.step));
        events.extend(fresh.events.iter().map(|record| record.step));
        assert_eq!(fresh.rollouts.start, completions);
        completions = fresh.rollouts.end;
        // A step is never shown before its completions.
        assert!(completions >= 2 * seen.len());
        if done && !fresh.behind {
            break;
        }
    }
    writer.join().unwrap();
    assert_eq!(seen, (1..=STEPS).collect::<Vec<_>>());
    assert_eq!(events, seen);
    let index = follower.rollouts();
    assert_eq!(index.summaries().len(), 2 * STEPS as usize);
    assert_eq!(index.load(&index.summaries()[123]).unwrap(), rollout(62, 0, 1));
    assert!(!follower.is_live());
}

#[test]
fn a_line_that_comes_in_pieces_is_given_once_it_is_whole() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut follower = Follower::new(&run);
    let line = serde_json::to_vec(&metrics(7)).unwrap();
    for piece in line.chunks(40) {
        append(&run.metrics_path(), piece);
        assert!(follower.poll().unwrap().metrics.is_empty());
    }
    append(&run.metrics_path(), b"\n");
    assert_eq!(follower.poll().unwrap().metrics, [metrics(7)]);
    assert!(follower.poll().unwrap().metrics.is_empty());
}

#[test]
fn a_follower_begins_anew_when_a_run_is_resumed() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let mut journal = Journal::begin(&run).unwrap();
    write_step(&mut journal, 1);
    let at = journal.sync().unwrap();
    write_step(&mut journal, 2);
    drop(journal);
    let mut follower = Follower::new(&run);
    assert_eq!(follower.poll().unwrap().metrics.len(), 2);
    let stale = follower.rollouts().summaries()[3];

    // Cut back and grown past the old end between two polls.
    let mut journal = Journal::resume(&run, at).unwrap();
    for step in 2..=5 {
        journal.add_rollout(&rollout(step, 1, 0)).unwrap();
        journal.add_metrics(&metrics(step).with(&registry::REWARD, 0.5)).unwrap();
    }
    journal.flush().unwrap();
    assert!(
        follower.rollouts().load(&stale).unwrap_err().to_string().contains("was changed while it was open")
    );
    let fresh = follower.poll().unwrap();
    assert!(fresh.restarted);
    assert_eq!(
        fresh.metrics.iter().map(|record| record.get(&registry::REWARD)).collect::<Vec<_>>(),
        [0.25, 0.5, 0.5, 0.5, 0.5]
    );
    assert_eq!(fresh.rollouts, 0..6);
    assert_eq!(follower.rollouts().summaries().len(), 6);
    assert!(!follower.poll().unwrap().restarted);
}

#[test]
fn a_log_larger_than_one_poll_is_read_in_several() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(&root);
    let long = Rollout { completion: "x".repeat(1_000_000), ..rollout(1, 0, 0) };
    let mut journal = Journal::begin(&run).unwrap();
    for index in 0..20 {
        journal.add_rollout(&Rollout { index, ..long.clone() }).unwrap();
    }
    journal.flush().unwrap();
    let mut follower = Follower::new(&run);
    let first = follower.poll().unwrap();
    assert!(first.behind && first.rollouts.end < 20, "{first:?}");
    while follower.poll().unwrap().behind {}
    let index = follower.rollouts();
    assert_eq!(
        index.summaries().iter().map(|summary| summary.index).collect::<Vec<_>>(),
        (0..20).collect::<Vec<_>>()
    );
    assert_eq!(index.load(&index.summaries()[17]).unwrap().completion.len(), 1_000_000);
}
