//! A run whose directory, logs or lock are taken away while it is at work: it says so within a step, and writes nothing
//! anywhere else.

use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use aha_lab::{
    protocol::{Command, Event, StepBy},
    runs::{RunDirectory, RunLock},
};
use tempfile::TempDir;

use super::{
    assert_same, checkpoint,
    engine::{Driven, options},
    headless, lab, metrics, only_run, outcome,
    resuming::straight,
    succeeds, text, tiny,
};

const PATIENCE: Duration = Duration::from_secs(120);

fn waits_for(what: &str, mut there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !there() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A headless run that has made two steps and would never end, and its directory.
fn at_work(runs: &Path) -> (Child, RunDirectory) {
    let mut command = headless(runs, 1_000_000);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let runs = runs.to_owned();
    let lines = move || {
        let run = RunDirectory::list(&runs).ok()?.into_iter().next()?;
        (fs::read_to_string(run.metrics_path()).ok()?.lines().count() >= 2).then_some(run)
    };
    waits_for("two steps", || lines().is_some());
    (child, lines().unwrap())
}

/// It ends with code 1 and says this.
fn fails(mut child: Child, said: &str) {
    waits_for("the end", || child.try_wait().unwrap().is_some());
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(said) && told.trim_end().ends_with('.') && !told.contains("panicked"), "{told}");
    assert!(text(&output.stdout).is_empty(), "it says that it made steps there");
}

#[test]
fn a_run_without_a_screen_ends_when_its_directory_is_moved_and_goes_on_where_it_is() {
    let root = TempDir::new().unwrap();
    let (child, run) = at_work(root.path());
    let moved = root.path().join("moved");
    fs::rename(run.path(), &moved).unwrap();
    fails(child, "was moved or deleted");
    assert!(!run.path().exists(), "files came back at the old place");
    let moved = RunDirectory::open(&moved).unwrap();
    assert!(!moved.is_live());
    let steps = metrics(&moved).len() as u64 + 1;
    let mut resume = lab(&["run", "--headless", "--steps", &steps.to_string(), "--resume"]);
    succeeds(resume.arg(moved.path()));
    assert_same(&outcome(&moved, steps), &straight(tiny(), steps), "moved while it was at work");
}

#[test]
fn a_run_without_a_screen_ends_when_its_directory_is_deleted_or_another_takes_its_place() {
    for replaced in [false, true] {
        let root = TempDir::new().unwrap();
        let (child, run) = at_work(&root.path().join("runs"));
        let gone = root.path().join("gone");
        fs::rename(run.path(), &gone).unwrap();
        if replaced {
            fs::create_dir(run.path()).unwrap();
        }
        waits_for("all is deleted", || fs::remove_dir_all(&gone).is_ok());
        fails(child, "was moved or deleted");
        assert!(!gone.exists());
        assert_eq!(run.path().exists(), replaced);
        assert!(!replaced || fs::read_dir(run.path()).unwrap().count() == 0, "files in another's folder");
    }
}

#[test]
fn a_run_without_a_screen_ends_when_a_log_is_deleted() {
    let root = TempDir::new().unwrap();
    let (child, run) = at_work(root.path());
    fs::remove_file(run.rollouts_path()).unwrap();
    fails(child, "rollouts.jsonl was deleted");
    assert!(!run.rollouts_path().exists());
}

fn warned(said: &'static str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Warning(text) if text.contains(said))
}

/// A paused run of four steps, of which one is made.
fn one_step(root: &TempDir) -> (Driven, RunDirectory) {
    let mut driven = Driven::start_paused(options(root.path(), tiny(), 4));
    driven.step(StepBy::Steps(1));
    (driven, only_run(root.path()))
}

#[test]
fn a_run_that_somebody_watches_waits_until_what_was_taken_away_is_put_back() {
    let undisturbed = straight(tiny(), 4);
    for what in ["", "metrics.jsonl", "events.jsonl"] {
        let root = TempDir::new().unwrap();
        let (mut driven, run) = one_step(&root);
        let (place, aside) = (run.path().join(what), root.path().join("aside"));
        fs::rename(&place, &aside).unwrap();
        driven.ask(Command::Resume);
        let told = driven.until(warned(if what.is_empty() { "was moved or deleted" } else { "was deleted" }));
        let done = told.iter().filter(|event| matches!(event, Event::StepDone(_))).count();
        assert!(done <= 1, "{what}: noticed after {done} steps");
        driven.until(warned("Paused; "));
        assert!(!place.exists(), "{what} came back");
        fs::rename(&aside, &place).unwrap();
        driven.until(warned("can be written again"));
        driven.end();
        assert_same(&outcome(&run, 4), &undisturbed, &format!("without `{what}` for a while"));
    }
}

#[test]
fn a_log_that_something_else_changed_is_not_written_on() {
    let root = TempDir::new().unwrap();
    let (mut driven, run) = one_step(&root);
    let before = fs::read(run.metrics_path()).unwrap();
    fs::write(run.metrics_path(), [&before[..], b"{}\n"].concat()).unwrap();
    driven.ask(Command::Resume);
    driven.until(warned("metrics.jsonl was deleted, replaced or changed"));
    assert_eq!(fs::read(run.metrics_path()).unwrap(), [&before[..], b"{}\n"].concat());
    fs::write(run.metrics_path(), before).unwrap();
    driven.end();
    assert_same(&outcome(&run, 4), &straight(tiny(), 4), "a log that was changed for a while");
}

#[test]
fn a_deleted_lock_lets_no_second_writer_in_and_comes_back() {
    let root = TempDir::new().unwrap();
    let (mut driven, run) = one_step(&root);
    let lock = run.path().join("run.lock");
    for _ in 0..2 {
        fs::remove_file(&lock).unwrap();
        assert!(run.is_live(), "it is still being written");
        let said = RunLock::acquire(run.path()).unwrap_err().to_string();
        assert!(said.contains("is being written by"), "{said}");
        let mut second = lab(&["run", "--headless", "--steps", "4", "--resume"]);
        let said = super::refusal(second.arg(run.path()));
        assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
        driven.step(StepBy::Steps(1));
        assert!(lock.is_file() && run.is_live());
    }
    driven.ask(Command::Resume);
    driven.end();
    assert!(!run.is_live());
    assert_same(&outcome(&run, 4), &straight(tiny(), 4), "a lock that was deleted");
}

#[test]
fn of_two_writers_the_one_that_lost_its_lock_writes_no_more() {
    let root = TempDir::new().unwrap();
    let (mut driven, run) = one_step(&root);
    // Nothing is left that could tell of the first one.
    fs::remove_file(run.path().join("run.lock")).unwrap();
    fs::remove_file(run.path().join("run.pid")).unwrap();
    let mut second = lab(&["run", "--headless", "--steps", "2", "--resume"]);
    succeeds(second.arg(run.path()));
    let (rows, saved) = (outcome(&run, 2), checkpoint(&run, 2));
    driven.ask(Command::Resume);
    driven.until(warned("was deleted, replaced or changed by something else"));
    driven.ask(Command::Stop);
    let said = driven.failure();
    assert!(said.contains("changed by something else"), "{said}");
    assert!(saved.is_dir());
    assert_same(&outcome(&run, 2), &rows, "after the first writer came back");
}
