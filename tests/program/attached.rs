//! A run in the background: it needs no terminal, takes commands through its socket, and outlives who gave them.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use aha_lab::{
    protocol::{Command, Event, StepBy, Temporality},
    runs::RunDirectory,
    socket::{Connection, Line, Request, SOCKET_FILE},
    task::{NumberPuzzle, Puzzle},
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    TINY, lab, only_run,
    pty::{Lab, assert_intact, journalled},
    refusal, succeeds, text,
};

const PATIENCE: Duration = Duration::from_secs(120);

/// A run in the background, ended with this whatever happens.
struct Background {
    run: RunDirectory,
    process: Pid,
}

impl Background {
    fn start(folder: &Path) -> Self {
        let runs = folder.join("runs");
        let mut command = lab(&["run", "--detach", "--steps", "1000000", "--json", "--runs"]);
        command.arg(&runs).args(TINY.iter().flat_map(|pair| ["--set", pair]));
        // It returns although the run goes on: nothing of the background holds its output open.
        let output = succeeds(&mut command);
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let process = Pid::from_raw(told["process"].as_i64().unwrap() as i32).unwrap();
        let run = only_run(&runs);
        assert_eq!(told["run"], run.path().to_str().unwrap());
        assert!(run.is_live());
        Self { run, process }
    }

    fn ends(&self) {
        let began = Instant::now();
        // The lock and the socket go within a moment of each other, in either order.
        while self.run.is_live() || self.run.path().join(SOCKET_FILE).exists() {
            assert!(began.elapsed() < PATIENCE, "the run does not end, or leaves its socket behind");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.run.is_live() {
            let _ = kill_process(self.process, Signal::KILL);
        }
    }
}

#[test]
fn a_run_in_the_background_is_commanded_from_a_screen_and_outlives_it() {
    let folder = TempDir::new().unwrap();
    let background = Background::start(folder.path());
    let socket = background.run.path().join(SOCKET_FILE);
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    // Its session has no terminal whose end could reach it.
    assert_eq!(rustix::process::getsid(Some(background.process)).unwrap(), background.process);

    let name = background.run.name();
    let mut screen = Lab::start(&["open", &name, "--runs", "runs"], folder.path());
    screen.shows("attached, live");
    screen.press(" ");
    screen.shows("attached, paused");
    let before = journalled(folder.path());
    thread::sleep(Duration::from_millis(500));
    assert_eq!(journalled(folder.path()), before, "it went on although it is paused");
    screen.press("s");
    screen.until("the end of the step", |seen| {
        journalled(folder.path()) == before + 1 && seen.contains("attached, paused")
    });
    screen.press(":");
    screen.press("temperature=99\r");
    screen.shows("`temperature` cannot be `99`");
    // What is taken is what the prompt says from then on, here and wherever the run is opened.
    screen.press(":temperature=0.5\r");
    screen.press("s");
    screen.until("one more step", |seen| {
        journalled(folder.path()) == before + 2 && seen.contains("attached, paused")
    });
    screen.press(":temperature=");
    screen.shows("now 0.5");
    screen.press("\x1b");
    screen.until("the prompt to close", |seen| !seen.contains("Esc leaves"));
    screen.press("q");
    assert_eq!(screen.ended(), 0);
    screen.assert_restored();
    assert!(screen.screen().contains("continues without this screen"), "{}", screen.screen());
    assert!(background.run.is_live(), "leaving the screen ended the run");

    // Two more at once: both see the pause, and what one asks for is seen by the other.
    let open = || Lab::start(&["open", &name, "--runs", "runs"], folder.path());
    let (mut one, mut other) = (open(), open());
    one.shows("attached, paused");
    other.shows("attached, paused");
    one.press(" ");
    other.shows("attached, live");
    other.press("Q");
    other.shows("End the run?");
    // Any other key is a no.
    other.press("\x1b");
    other.until("the question to go", |screen| !screen.contains("End the run?"));
    other.press("Qy");
    one.shows("finished");
    other.shows("finished");
    background.ends();
    assert!(assert_intact(folder.path()) > before);
    assert!(background.run.log_path().is_file());
}

/// The next answer, whatever is told in between.
fn answer(connection: &mut Connection) -> Line {
    loop {
        match connection.line().expect("an answer") {
            Line::Told(_) => {}
            line => return line,
        }
    }
}

#[test]
fn the_socket_refuses_in_sentences_and_works_below_a_long_path() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("a".repeat(60)).join("b".repeat(60));
    fs::create_dir_all(&folder).unwrap();
    let background = Background::start(&folder);
    let mut connection = Connection::open(background.run.path()).unwrap();
    let refused = [
        (Command::Step(StepBy::Steps(0)), "at least 1"),
        (Command::Step(StepBy::Phases(0)), "at least 1"),
        (Command::Set { key: "learning_rat".into(), value: "1".into() }, "`learning_rate`"),
        (Command::Set { key: "micro_tokens".into(), value: "4".into() }, "cannot change during a run"),
    ];
    for (request, expected) in refused {
        connection.say(&request.clone().into()).unwrap();
        let Line::Refused(said) = answer(&mut connection) else { panic!("{request:?} was taken") };
        assert!(said.contains(expected) && said.ends_with('.'), "{said}");
    }
    connection.say(&Command::Pause.into()).unwrap();
    assert!(matches!(answer(&mut connection), Line::Done(_)));
    // Each is answered with what it does, and not with what another one does.
    let puzzle = Puzzle::from(NumberPuzzle { numbers: vec![4, 1, 16], target: 19 });
    let done = [
        (Command::Pin(puzzle.clone()), "The puzzle is pinned"),
        (Command::Unpin(puzzle), "The puzzle is no longer pinned"),
        (Command::Inspect { group: Some(1) }, "Group 1 of each step"),
        (Command::Inspect { group: None }, "No group is inspected"),
        (Command::Checkpoint, "A checkpoint is written"),
        (Command::Set { key: "temperature".into(), value: "0.9".into() }, "temperature = 0.9"),
    ];
    for (request, expected) in done {
        connection.say(&request.clone().into()).unwrap();
        let Line::Done(said) = answer(&mut connection) else { panic!("{request:?} was refused") };
        assert!(said.starts_with(expected) && said.ends_with('.'), "{request:?}: {said}");
    }
    // Who comes later is told how things stand.
    connection.say(&Request::WATCH).unwrap();
    while !matches!(connection.line(), Some(Line::Told(Event::Temporality(Temporality::Paused)))) {}
    let said = refusal(
        lab(&["run", "--headless", "--runs"])
            .arg(folder.join("runs"))
            .args(["--resume", &background.run.name()]),
    );
    assert!(said.ends_with('.'), "{said}");
    connection.say(&Command::Stop.into()).unwrap();
    while !matches!(connection.line().expect("the end"), Line::Told(Event::Finished { .. })) {}
    background.ends();
}

#[test]
fn a_socket_of_another_user_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let background = Background::start(folder.path());
    let socket = background.run.path().join(SOCKET_FILE);
    let me = fs::metadata(&socket).unwrap().uid();
    if std::os::unix::fs::chown(&socket, Some(me + 1), None).is_err() {
        eprintln!("not tested: only root may give a file to another user");
        return;
    }
    let said = Connection::open(background.run.path()).err().unwrap().to_string();
    assert!(said.contains("belongs to another user"), "{said}");
    std::os::unix::fs::chown(&socket, Some(me), None).unwrap();
    Connection::open(background.run.path()).unwrap().say(&Command::Stop.into()).unwrap();
    background.ends();
}

#[test]
fn a_run_that_cannot_begin_in_the_background_says_why() {
    let folder = TempDir::new().unwrap();
    let output =
        lab(&["run", "--detach", "--base", "no-such-model", "--runs"]).arg(folder.path()).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("no-such-model"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
