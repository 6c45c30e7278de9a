//! The Search, Travel, Playground and Sentinel screens in a real terminal.

use aha_lab::{
    runs::Reader,
    task::{NumberPuzzle, Puzzle},
};
use tempfile::TempDir;

use super::{only_run, pty::Lab};

const TRANSCRIPTS: &str = "\x1bOR";
const SEARCH: &str = "\x1b[15~";
const TRAVEL: &str = "\x1b[17~";
const PLAYGROUND: &str = "\x1b[19~";

#[test]
fn a_person_looks_at_a_tree_travels_and_pins() {
    let root = TempDir::new().unwrap();
    let mut lab = Lab::run(root.path(), &["--set", "pinned_every=1"]);
    lab.press(TRAVEL);
    lab.shows("pinned puzzle 1 of 4");
    lab.shows("A before training");
    lab.until("a later answer beside it", |screen| screen.contains("B after step"));
    lab.press("]");
    lab.shows("pinned puzzle 2 of 4");
    lab.press("i4 1 16 = 19\r");
    lab.shows("pinned puzzle 2 of 5");
    lab.press("]]]");
    lab.shows("4 1 16 → 19 pinned puzzle 5 of 5");

    lab.press(SEARCH);
    lab.shows("compared with the solver");
    lab.shows("states seen");
    lab.shows("; v shows");
    lab.press("v");
    lab.until("the solutions", |screen| screen.contains("the solver") && !screen.contains("; v shows"));
    lab.press("\x1b[C");
    lab.press(TRANSCRIPTS);
    lab.press("P");
    lab.shows("is answered now, then every 1 steps");
    lab.press(TRAVEL);
    lab.shows("of 6");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();

    let run = only_run(&root.path().join("runs"));
    let log = run.pinned().unwrap();
    assert!(log.bad.is_empty() && !log.torn);
    let mine = Puzzle::from(NumberPuzzle { numbers: vec![4, 1, 16], target: 19 });
    let steps: Vec<u64> = log.records.iter().filter(|a| a.puzzle == mine).map(|a| a.step).collect();
    assert!(steps.first().is_some_and(|step| *step > 0), "not asked of the weights before: {steps:?}");
    let events = Reader::new(&run).events().unwrap().records;
    let pinned: Vec<&str> = events
        .iter()
        .filter(|event| event.event.name() == "pinned")
        .map(|event| event.detail.as_str())
        .collect();
    assert_eq!(pinned.len(), 2, "{events:?}");
    assert_eq!(pinned[0], "4 1 16 -> 19, by a person");
    // The same, read from its directory.
    let mut lab = Lab::start(&["open", &run.path().display().to_string()], root.path());
    lab.press(TRAVEL);
    lab.shows("pinned puzzle 1 of 6");
    lab.press("i");
    lab.shows("read-only: this run is over");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
}

#[test]
fn a_person_plays_on_a_paused_run_and_on_finished_ones() {
    let root = TempDir::new().unwrap();
    let mut lab = Lab::run(root.path(), &["--paused"]);
    let verdicts = |screen: &str| screen.matches("of thought").count() == 2;
    lab.press(PLAYGROUND);
    lab.shows("a solution exists");
    lab.shows("B now, step 0");
    lab.press("Gioff\r");
    lab.shows("pace off");
    lab.press("\r");
    lab.until("two whole answers", verdicts);
    lab.press("a");
    lab.shows("Bksp deletes it");
    lab.press("\x7f");
    lab.until("both arms and the difference", |screen| {
        screen.contains("│ without  ") && screen.contains("points")
    });
    lab.press("ihmm ,\r");
    lab.until("the second change", |screen| {
        screen.contains("with \"hmm ,\" inserted") && screen.contains("│ changed  ")
    });
    // Back to the fields, and a puzzle that nothing solves.
    lab.press("\x1b");
    lab.shows("a solution exists");
    lab.press("gi\x7f\x7f\x7f\x7f\x7f\x7f3 7 25 = 78\r");
    lab.shows("the nearest reachable value is 82");
    lab.press("\r");
    lab.until("two whole answers to it", verdicts);
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();

    let run = only_run(&root.path().join("runs"));
    let mut lab = Lab::start(&["open", &run.path().display().to_string()], root.path());
    lab.press(PLAYGROUND);
    lab.shows("B checkpoint 0");
    lab.press("\r");
    lab.until("two whole answers of a finished run", verdicts);
    lab.press("q");
    assert_eq!(lab.ended(), 0);

    std::fs::remove_dir_all(run.path().join("checkpoints")).unwrap();
    let mut lab = Lab::start(&["open", &run.path().display().to_string()], root.path());
    lab.press(PLAYGROUND);
    lab.shows("only the embedded base can answer");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
}

#[test]
fn a_person_is_warned_and_reads_why() {
    let root = TempDir::new().unwrap();
    let mut lab = Lab::run(root.path(), &["--set", "max_new_tokens=8", "--set", "sentinel=pause"]);
    lab.until("the sentinel to pause", |screen| screen.contains("paused") && screen.contains('▲'));
    lab.press("!");
    lab.shows("Answers cut off (step 5)");
    lab.shows("max_new_tokens=12.");
    lab.press("j");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
    // The same is read out of the run afterwards.
    let run = only_run(&root.path().join("runs"));
    let mut lab = Lab::start(&["open", &run.path().display().to_string()], root.path());
    lab.press("\x1b[21~");
    lab.shows("Answers cut off (step 5)");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
}

#[test]
fn a_person_walks_through_every_screen_of_another_task() {
    let root = TempDir::new().unwrap();
    // No checkpoints: what is said of one would take the place of what is said to the person.
    let more = [
        "--task",
        "multiplication",
        "--set",
        "max_new_tokens=64",
        "--set",
        "pinned_every=1",
        "--set",
        "checkpoint_every=0",
    ];
    let mut lab = Lab::run(root.path(), &more);
    // The factors, and the product behind the arrow.
    lab.until("a step", |screen| {
        screen.contains("step 1") && screen.contains(" * ") && screen.contains(" → ")
    });
    lab.press(TRANSCRIPTS);
    lab.until("a group of completions", |screen| screen.contains(" * ") && screen.contains("answer"));
    lab.press("\x1bOS");
    lab.shows("right if checked");
    lab.press(SEARCH);
    lab.shows("Multiplication has no search tree");
    lab.press(TRAVEL);
    lab.shows("pinned puzzle 1 of 4");
    lab.press("i23 x 47\r");
    lab.shows("pinned puzzle 1 of 5");
    lab.press("[");
    lab.shows("23 * 47 → 1081 pinned puzzle 5 of 5");
    lab.press("i1 2 3 4\r");
    lab.shows("write two whole numbers");
    lab.press("\x1b\x1b[18~");
    lab.until("the microscope", |screen| screen.contains("group 1 of") && screen.contains(" * "));
    lab.press(PLAYGROUND);
    lab.shows("the prompt contains only the factors");
    lab.press("gi\x7f\x7f\x7f\x7f\x7f\x7f12 34\r");
    lab.shows("the right answer is 408");
    lab.press("\r");
    lab.until("two whole answers", |screen| screen.matches("of thought").count() == 2);
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();

    let run = only_run(&root.path().join("runs"));
    let config = run.config().unwrap().config;
    assert_eq!((config.puzzles.task.name, config.puzzles.level.name()), ("multiplication", "2x2"));
    let rollouts = Reader::new(&run).rollouts().unwrap().records;
    assert!(
        rollouts.iter().all(|record| record.problem.task == "multiplication"
            && record.problem.prompt.starts_with("multiply "))
    );
    // A finished run is opened, evaluated, scored and analysed by its own task.
    let mut lab = Lab::start(&["open", &run.path().display().to_string()], root.path());
    lab.press(SEARCH);
    lab.shows("Multiplication has no search tree");
    lab.press("q");
    assert_eq!(lab.ended(), 0);
}

#[test]
fn a_transcript_is_found_by_what_it_is_and_written_to_a_file() {
    let root = TempDir::new().unwrap();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/runs/first-aha");
    let mut lab = Lab::start(&["open", source], root.path());
    lab.press(TRANSCRIPTS);
    lab.shows("transcripts");
    lab.press("/wrong step:29..30\r");
    lab.until("the matches", |screen| screen.contains("/wrong step:29..30") && screen.contains("n next"));
    lab.press("x");
    lab.press("wmine\r");
    lab.shows("has no ending");
    lab.press("\x15mine.md\r");
    lab.shows("written to");
    let text = std::fs::read_to_string(root.path().join("mine.md")).unwrap();
    assert!(text.starts_with("# aha") && text.contains("**reward**"), "{text}");
    // Another one is written over it only after a question.
    lab.press("]w\x15mine.md\r");
    lab.shows("Replace it?");
    lab.press("n");
    assert_eq!(std::fs::read_to_string(root.path().join("mine.md")).unwrap(), text);
    lab.press("w\x15mine.svg\r");
    lab.shows("mine.svg");
    lab.until("the picture", |_| root.path().join("mine.svg").is_file());
    lab.press("q");
    assert_eq!(lab.ended(), 0);
    lab.assert_restored();
}
