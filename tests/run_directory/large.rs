//! Runs that are larger than what a screen keeps.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use aha_lab::{
    engine::scripted::Script,
    runs::{Follower, Journal, Reader, RolloutIndex, RunDirectory},
};

use super::*;

fn run_of(completions: usize, root: &TempDir) -> RunDirectory {
    let run = new_run(root);
    let mut journal = Journal::begin(&run).unwrap();
    for n in 0..completions {
        journal.add_rollout(&rollout(1 + n as u64 / 8, n / 4 % 2, n % 4)).unwrap();
    }
    journal.flush().unwrap();
    run
}

fn place(record: &Rollout) -> usize {
    (record.step as usize - 1) * 8 + record.group * 4 + record.index
}

#[test]
fn only_the_newest_are_read_and_all_of_those() {
    let root = TempDir::new().unwrap();
    let run = run_of(3000, &root);
    let whole = fs::metadata(run.rollouts_path()).unwrap().len();
    for kept in [0, 1, 7, 1000, 2999, 3000, 5000] {
        let mut read = vec![];
        let (passed_over, bad) =
            Reader::new(&run).newest_rollouts(None, kept, |record| read.push(place(&record))).unwrap();
        assert!(bad.is_empty());
        assert!(read.iter().copied().eq(3000 - kept.min(3000)..3000), "{kept} kept: {} read", read.len());
        assert_eq!(passed_over == 0, kept >= 3000);
        assert_eq!(passed_over == whole, kept == 0);
    }
    // A torn last line is none of them; a bad one is named by where it is.
    append(&run.rollouts_path(), b"{\"no record\"}\n{\"torn");
    let mut read = 0;
    let (passed_over, bad) = Reader::new(&run).newest_rollouts(None, 10, |_| read += 1).unwrap();
    assert_eq!((read, bad.len()), (9, 1));
    assert!(
        bad[0].to_string().contains(&format!("line 10 after byte {passed_over}, is skipped")),
        "{}",
        bad[0]
    );
    let nothing = Reader::new(&new_run(&root)).newest_rollouts(None, 10, |_| panic!()).unwrap();
    assert_eq!(nothing, (0, vec![]));
}

#[test]
fn a_live_run_is_followed_from_its_newest_completions_on() {
    let root = TempDir::new().unwrap();
    let run = run_of(100, &root);
    let (mut follower, passed_over) = Follower::of_newest(&run, 30).unwrap();
    assert!(passed_over > 0);
    assert_eq!(follower.poll().unwrap().rollouts, 0..30);
    append(&run.rollouts_path(), &[serde_json::to_vec(&rollout(50, 0, 0)).unwrap(), vec![b'\n']].concat());
    let fresh = follower.poll().unwrap();
    assert_eq!((fresh.restarted, fresh.rollouts), (false, 30..31));
    let index: &RolloutIndex = follower.rollouts();
    assert_eq!(place(&index.load(&index.summaries()[0]).unwrap()), 70);
    assert_eq!(index.load(&index.summaries()[30]).unwrap().step, 50);
}

/// Makes a run of a million completions in `AHA_LARGE_RUN`, to open by hand:
/// `AHA_LARGE_RUN=/var/tmp/large cargo test --release --test run_directory million -- --ignored`
#[test]
#[ignore = "writes gigabytes; see its comment"]
fn a_million_completions() {
    let Some(root) = std::env::var_os("AHA_LARGE_RUN") else { return };
    fs::create_dir_all(&root).unwrap();
    let run = RunDirectory::create(Path::new(&root), "million", &Config::default(), &info()).unwrap();
    let script = Script::new(1);
    let mut lines = BufWriter::new(File::create(run.rollouts_path()).unwrap());
    let mut steps = BufWriter::new(File::create(run.metrics_path()).unwrap());
    for step in 1..=1_000_000 / 256 {
        for row in 0..256 {
            serde_json::to_writer(&mut lines, &script.rollout(step, row / 16, row % 16)).unwrap();
            lines.write_all(b"\n").unwrap();
        }
        serde_json::to_writer(&mut steps, &script.metrics(step)).unwrap();
        steps.write_all(b"\n").unwrap();
    }
}
