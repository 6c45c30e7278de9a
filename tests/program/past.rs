//! The screen of a run that is resumed or forked is what its directories hold, and what follows.

use std::{fs, path::Path, process::Command as Process};

use aha_lab::runs::RunDirectory;
use tempfile::TempDir;

use super::{
    engine::{alone, options},
    lab, only_run,
    pty::Lab,
    succeeds, text, tiny,
};

const LIVE: &str = "\x1bOQ";
const TRANSCRIPTS: &str = "\x1bOR";
const METER: &str = "\x1bOS";
const SEARCH: &str = "\x1b[15~";
const TRAVEL: &str = "\x1b[17~";
const MICROSCOPE: &str = "\x1b[18~";
const FRONTIER: &str = "\x1b[20~";
const SENTINEL: &str = "\x1b[21~";

/// A run of five steps in `runs`, with a checkpoint and answers to pinned puzzles at each.
fn five_steps(folder: &Path) -> RunDirectory {
    let config = tiny().with(["checkpoint_every=1", "pinned_every=1", "evaluate_every=0"]).unwrap();
    let run = alone(options(&folder.join("runs"), config, 5));
    let newest = run.path().display().to_string();
    let few = ["--count", "4", "--samples", "2", "--budget", "8,16", "--record"];
    succeeds(lab(&["eval", "--checkpoint", &newest]).args(few));
    run
}

/// Nothing has happened on this screen yet, and every part of it knows the first `steps` steps.
fn shows_all(lab: &mut Lab, steps: u64) {
    lab.shows("paused");
    lab.until("the charts", |screen| {
        screen.contains(&format!("step {steps}")) && !screen.contains("waiting for the first step")
    });
    lab.press(TRANSCRIPTS);
    lab.shows(&format!("transcripts {0} of {0}", 8 * steps));
    lab.press(METER);
    lab.shows(&format!("aha-meter, steps 1 to {steps}"));
    lab.press(SEARCH);
    lab.shows(&format!("step {steps} group 2 completion 4"));
    lab.press(TRAVEL);
    lab.shows("A before training");
    lab.shows(&format!("B after step {steps}"));
    lab.press(MICROSCOPE);
    lab.shows("group 1 of 2");
    lab.press(SENTINEL);
    lab.shows(&format!("steps 1 to {steps}"));
}

#[test]
fn a_run_that_is_resumed_on_screen_shows_what_it_was_and_goes_on() {
    let folder = TempDir::new().unwrap();
    let run = five_steps(folder.path());
    let mut lab =
        Lab::start(&["run", "--paused", "--resume", &run.path().display().to_string()], folder.path());
    shows_all(&mut lab, 5);
    lab.press(FRONTIER);
    lab.until("what was measured", |screen| screen.contains("after 5 steps") || screen.contains("step 5"));
    lab.press(LIVE);
    lab.press("s");
    lab.until("a step more", |screen| screen.contains("step 6") && screen.contains("paused"));
    lab.press(TRANSCRIPTS);
    lab.shows("transcripts 48 of 48");
    lab.press(METER);
    lab.shows("aha-meter, steps 1 to 6");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
    assert_farewell(&lab.screen(), &run, 6);
}

#[test]
fn a_fork_shows_its_parents_steps_as_such_live_and_opened() {
    let folder = TempDir::new().unwrap();
    let parent = five_steps(folder.path());
    let at = format!("{}@3", parent.path().display());
    let arguments = ["run", "--paused", "--fork", &at, "--runs", "forks", "--set", "seed=9"];
    let mut lab = Lab::start(&arguments, folder.path());
    shows_all(&mut lab, 3);
    lab.press(LIVE);
    lab.shows("fork 3");
    lab.shows(&format!("forked: steps 1 to 3 are of {}", parent.name()));
    lab.press(TRANSCRIPTS);
    lab.until("whose steps they are", |screen| screen.matches("parent 3 ").count() >= 2);
    lab.press("s");
    lab.press(LIVE);
    lab.until("a step of its own", |screen| screen.contains("step 4") && screen.contains("paused"));
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();

    let fork = only_run(&folder.path().join("forks"));
    let told = lab.screen();
    assert!(told.contains(&format!("forked from {} after step 3", parent.name())), "{told}");
    // A fork of the fork, and that opened: both parts of the past are there.
    let again = format!("{}@4", fork.path().display());
    succeeds(lab_in(
        folder.path(),
        &["run", "--headless", "--steps", "5", "--runs", "more", "--fork", &again],
    ));
    let third = only_run(&folder.path().join("more"));
    let mut lab = Lab::start(&["open", &third.path().display().to_string()], folder.path());
    lab.shows("fork 4");
    lab.press(TRANSCRIPTS);
    lab.shows("transcripts 40 of 40");
    lab.press(TRAVEL);
    lab.shows("A before training");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    // Without the runs it came from it still opens, and says what is missing.
    fs::remove_dir_all(folder.path().join("runs")).unwrap();
    let mut lab = Lab::start(&["open", &third.path().display().to_string()], folder.path());
    lab.shows("which no longer exists");
    lab.press(TRANSCRIPTS);
    lab.shows("transcripts 16 of 16");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
}

fn lab_in(folder: &Path, arguments: &[&str]) -> &'static mut Process {
    let mut command = lab(arguments);
    command.current_dir(folder);
    Box::leak(Box::new(command))
}

/// The lines that are said at the end, and whether their commands do what they say.
fn assert_farewell(screen: &str, run: &RunDirectory, steps: u64) {
    for part in [
        format!("{steps} steps are in "),
        "  accuracy 0.".into(),
        "aha".into(),
        " of training, ".into(),
        format!(" run --resume {}", run.path().display()),
        format!(" run --fork {}@{steps}", run.path().display()),
    ] {
        assert!(screen.replace('\n', "").contains(&part), "{part}: {screen}");
    }
}

#[test]
fn the_commands_that_are_told_at_the_end_can_be_pasted() {
    let folder = TempDir::new().unwrap();
    let runs = "my runs/it's $HOME";
    let mut command = super::headless(Path::new(runs), 2);
    let output = succeeds(command.args(["--json"]).current_dir(folder.path()));
    let told = text(&output.stdout);
    assert!(serde_json::from_str::<serde_json::Value>(&told).is_ok(), "one JSON object: {told}");
    let said = text(&output.stderr);
    let run = only_run(&folder.path().join(runs));
    let command = |name: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {said}")).trim().to_owned()
    };
    let paste = |line: &str, more: &str| {
        let mut shell = Process::new("sh");
        succeeds(shell.args(["-c", &format!("{line} {more}")]).current_dir(folder.path()))
    };
    paste(&command("resume"), "--headless --steps 3");
    assert_eq!(super::metrics(&run).len(), 3);
    paste(&command("fork"), "--headless --steps 3 --name forked");
    let made = RunDirectory::list(&folder.path().join(runs)).unwrap();
    let fork = made.iter().find(|other| other.name().contains("forked")).expect("the fork is beside it");
    assert_eq!(super::metrics(fork)[0].step, 3);
    // What opens it needs a terminal, and says so only when it has found the run.
    let mut lab = Lab::start_line(&command("open"), folder.path());
    lab.shows("finished");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    assert!(lab.screen().contains("3 steps are in my runs/it's $HOME"), "{}", lab.screen());
}
