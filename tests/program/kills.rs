//! `kill -9` at any moment: no finished step is lost, and the run can always be opened and resumed.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use aha_lab::runs::{Reader, RunDirectory, fingerprint::fingerprint, newest_valid};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::{assert_same, headless, lab, only_run, outcome, succeeds};

/// The longest that a process lives at the least, milliseconds. Starting takes a tenth of it, a step about as long; on
/// a machine that is slower than that, processes live as long as two steps took, ten times this at the most.
const LONGEST_LIFE: u64 = 250;

fn endless(runs: &Path, name: &str) -> Command {
    let mut command = lab(&["run", "--headless", "--resume", name, "--steps", "1000000"]);
    command.arg("--runs").arg(runs).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Lets a process live for a random time, then kills it as a power cut would.
fn live_and_die(command: &mut Command, longest: u64, random: &mut ChaCha8Rng) {
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(random.random_range(0..longest)));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Every finished step: its line of `metrics.jsonl` without the clock, and the fingerprint of its completions.
fn finished(run: &RunDirectory) -> BTreeMap<u64, (String, String)> {
    let log = Reader::new(run).metrics().unwrap();
    assert!(log.bad.is_empty(), "{:?}", log.bad);
    let steps = log.records.iter().map(|m| (m.step, serde_json::to_string(&m.without_clock()).unwrap()));
    let steps: BTreeMap<u64, String> = steps.collect();
    assert!(steps.keys().copied().eq(1..=steps.len() as u64), "{:?}", steps.keys());
    let rollouts = Reader::new(run).rollouts().unwrap();
    assert!(rollouts.bad.is_empty(), "{:?}", rollouts.bad);
    let of_steps = rollouts.records.chunk_by(|one, next| one.step == next.step);
    let prints: BTreeMap<u64, String> = of_steps.clone().map(|of| (of[0].step, fingerprint(of))).collect();
    assert_eq!(prints.len(), of_steps.count(), "the completions of a step stand together, and once");
    steps.into_iter().map(|(step, line)| (step, (line, prints[&step].clone()))).collect()
}

fn survive(kills: usize, seed: u64) {
    let (root, straight) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let begin = |runs: &Path, steps: u64| {
        let mut command = headless(runs, steps);
        command.args(["--set", "checkpoint_every=2", "--set", "max_new_tokens=8", "--set", "seed=5"]);
        command
    };
    let began = Instant::now();
    succeeds(&mut begin(root.path(), 2));
    let longest = (began.elapsed().as_millis() as u64).clamp(LONGEST_LIFE, 10 * LONGEST_LIFE);
    let run = only_run(root.path());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut known = finished(&run);
    let mut safe = 2;
    for kill in 1..=kills {
        live_and_die(&mut endless(root.path(), &run.name()), longest, &mut random);
        // It opens: all logs read, with at most a torn last line.
        let now = finished(&run);
        let rollouts = Reader::new(&run).rollouts().unwrap();
        assert!(rollouts.bad.is_empty() && rollouts.records.len() >= 8 * now.len(), "kill {kill}");
        assert!(Reader::new(&run).events().unwrap().bad.is_empty(), "kill {kill}");
        // It resumes: the newest checkpoint is whole, and never older than it was.
        let (newest, invalid) = newest_valid(&run.checkpoints_path());
        assert!(invalid.is_empty(), "kill {kill}: {invalid:?}");
        let newest = newest.unwrap().step;
        assert!(newest >= safe, "kill {kill}: the newest checkpoint is of step {newest}, not {safe}");
        safe = newest;
        // A finished step is there, or is made again from the checkpoint before it: the same line, the same
        // completions, to the last bit.
        assert!(now.len() as u64 >= safe, "kill {kill}");
        for (step, made) in &now {
            assert!(
                known.get(step).is_none_or(|before| before == made),
                "kill {kill}: step {step} is another"
            );
        }
        known.extend(now);
    }
    let last = known.len() as u64 + 2;
    assert!(
        last as usize > 10 + kills / 20,
        "the processes did not live long enough to do anything: {last} steps"
    );
    let mut command = lab(&["run", "--headless", "--resume", &run.name(), "--steps", &last.to_string()]);
    succeeds(command.arg("--runs").arg(root.path()));
    succeeds(&mut begin(straight.path(), last));
    let whole = only_run(straight.path());
    // Not one step that was ever finished is missing or another, neither in the killed run nor in the undisturbed one.
    let (survived, undisturbed) = (finished(&run), finished(&whole));
    assert!(known.iter().all(|(step, made)| survived.get(step) == Some(made)));
    assert!(known.iter().all(|(step, made)| undisturbed.get(step) == Some(made)));
    assert_same(&outcome(&run, last), &outcome(&whole, last), "killed again and again, against undisturbed");
    eprintln!("{kills} kills, {last} steps");
}

#[test]
fn a_run_survives_a_hundred_kills_at_random_moments() {
    survive(100, 1);
}

/// `AHA_KILLS=5000 cargo test --release --test program soak_of_kills -- --ignored --nocapture`
#[test]
#[ignore = "as long as one likes; see its comment"]
fn a_soak_of_kills() {
    let kills = std::env::var("AHA_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let began = Instant::now();
    let seed = began.elapsed().subsec_nanos().into();
    survive(kills, seed);
}

/// Killed while it is being made: there is either no run, or one that opens.
#[test]
fn a_run_killed_at_its_beginning_opens_or_is_not_there() {
    let root = TempDir::new().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..20 {
        let mut command = headless(root.path(), 1_000_000);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.random_range(0..60)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    for run in RunDirectory::list(root.path()).unwrap() {
        run.config().unwrap();
        finished(&run);
        let mut resume = lab(&["run", "--headless", "--resume", &run.name(), "--steps", "1"]);
        let output = resume.arg("--runs").arg(root.path()).output().unwrap();
        let said = super::text(&output.stderr);
        let refused = output.status.code() == Some(1) && said.contains("has no usable checkpoint");
        assert!(output.status.success() || refused, "{said}");
    }
}
