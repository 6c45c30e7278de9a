//! The pinned puzzles: when they are answered, that training does not notice, and what survives.

use std::fs;

use aha_lab::{
    config::Config,
    engine::setup::{EngineOptions, Start},
    protocol::{Command, Event, StepBy},
    record::PinnedAnswer,
    runs::{Reader, RunDirectory},
    task::{NumberPuzzle, Puzzle, Split, countdown::puzzle::split_of},
};
use tempfile::TempDir;

use super::{
    assert_same,
    engine::{Driven, alone, options},
    outcome, tiny,
};

fn every(steps: u64) -> Config {
    tiny().with([format!("pinned_every={steps}")]).unwrap()
}

fn answers(run: &RunDirectory) -> Vec<PinnedAnswer> {
    let log = run.pinned().unwrap();
    assert!(log.bad.is_empty() && !log.torn);
    log.records
}

fn resumed(run: &RunDirectory, last_step: u64) -> EngineOptions {
    let elsewhere = run.path().join("nothing-is-made-here");
    EngineOptions {
        start: Start::Resume(run.clone(), None),
        ..options(&elsewhere, Config::default(), last_step)
    }
}

fn told(events: &[Event]) -> Vec<PinnedAnswer> {
    let answer = |event: &Event| match event {
        Event::PinnedAnswered(answer) => Some((**answer).clone()),
        _ => None,
    };
    events.iter().filter_map(answer).collect()
}

#[test]
fn a_few_held_out_puzzles_are_answered_before_training_and_every_so_often() {
    let root = TempDir::new().unwrap();
    let mut driven = Driven::start(options(root.path(), every(2), 5));
    let events = driven.until(|event| matches!(event, Event::StepDone(step) if step.step == 5));
    let (_, run) = driven.end();
    let answers = answers(&run);
    assert_eq!(told(&events), answers, "what is told is what is journalled");
    let steps: Vec<u64> = answers.iter().map(|answer| answer.step).collect();
    assert_eq!(steps, [0, 0, 0, 0, 2, 2, 2, 2, 4, 4, 4, 4]);
    for answer in &answers {
        assert_eq!(split_of(&NumberPuzzle::of(&answer.puzzle).unwrap()), Split::Heldout);
        assert!(answer.tokens > 0 && answer.tokens <= 24 && !answer.completion.is_empty());
        assert_eq!(
            answer.analysis,
            aha_lab::reasoning::analyze(&NumberPuzzle::of(&answer.puzzle).unwrap(), &answer.completion)
        );
    }
    let at = |step: u64| -> Vec<&Puzzle> {
        answers.iter().filter(|answer| answer.step == step).map(|answer| &answer.puzzle).collect()
    };
    assert_eq!(at(0), at(4), "the same puzzles each time");
}

#[test]
fn one_seed_gives_one_answer_and_training_does_not_notice() {
    let root = TempDir::new().unwrap();
    let often = alone(options(root.path(), every(1), 3));
    let again = alone(options(root.path(), every(1), 3));
    assert_eq!(fs::read(often.pinned_path()).unwrap(), fs::read(again.pinned_path()).unwrap());
    let never = alone(options(root.path(), every(0), 3));
    assert!(answers(&never).is_empty());
    let (often, never) = (outcome(&often, 3), outcome(&never, 3));
    assert_eq!(often.rollouts, never.rollouts);
    assert!(often.weights == never.weights, "the draws of training are its own");
}

#[test]
fn the_draws_are_the_same_at_every_step() {
    let root = TempDir::new().unwrap();
    let still = every(1).with(["learning_rate=0.0"]).unwrap();
    let answers = answers(&alone(options(root.path(), still, 2)));
    let of = |step: u64| -> Vec<String> {
        answers.iter().filter(|answer| answer.step == step).map(|answer| answer.completion.clone()).collect()
    };
    assert_eq!(of(0), of(1), "weights that do not change answer the same");
    assert_eq!(of(1), of(2));
}

#[test]
fn a_stop_after_any_phase_leaves_answers_that_go_on_exactly() {
    let whole = TempDir::new().unwrap();
    let straight = fs::read(alone(options(whole.path(), every(1), 3)).pinned_path()).unwrap();
    for phases in 1..=5 {
        let root = TempDir::new().unwrap();
        let mut driven = Driven::start_paused(options(root.path(), every(1), 3));
        driven.step(StepBy::Steps(1));
        driven.step(StepBy::Phases(phases));
        let (_, run) = driven.stop();
        alone(resumed(&run, 3));
        assert!(fs::read(run.pinned_path()).unwrap() == straight, "stopped after {phases} phases of step 2");
    }
}

#[test]
fn answers_after_the_checkpoint_are_cut_back_on_resume() {
    let root = TempDir::new().unwrap();
    let run = alone(options(root.path(), every(1), 2));
    let whole = fs::read(run.pinned_path()).unwrap();
    let mut more = whole.clone();
    more.extend(b"{\"step\":3,\"torn");
    fs::write(run.pinned_path(), &more).unwrap();
    alone(resumed(&run, 2));
    assert!(fs::read(run.pinned_path()).unwrap() == whole);
    fs::write(run.pinned_path(), &whole[..whole.len() / 2]).unwrap();
    let (handle, thread) = aha_lab::engine::spawn(resumed(&run, 3)).unwrap();
    let failed = handle.events.iter().find_map(|event| match event {
        Event::Failed(reason) => Some(reason),
        _ => None,
    });
    thread.join().unwrap();
    assert!(failed.as_ref().is_some_and(|reason| reason.contains("pinned.jsonl")), "{failed:?}");
    let metrics = Reader::new(&run).metrics().unwrap().records.len();
    assert_eq!(metrics, 2, "nothing else was cut");
}

#[test]
fn what_a_person_pins_is_answered_at_once_and_from_then_on_and_survives() {
    let root = TempDir::new().unwrap();
    let mut driven = Driven::start_paused(options(root.path(), every(2), 2));
    driven.step(StepBy::Steps(1));
    let mine = Puzzle::from(NumberPuzzle { numbers: vec![3, 4, 5], target: 17 });
    driven.ask(Command::Pin(mine.clone()));
    let now = told(&driven.until(|event| matches!(event, Event::PinnedAnswered(_))));
    assert_eq!((now[0].step, &now[0].puzzle), (1, &mine), "while paused, with the weights as they are");
    driven.ask(Command::Pin(mine.clone()));
    driven.until(|event| matches!(event, Event::Warning(why) if why.contains("already pinned")));
    let unreadable = Puzzle::from(NumberPuzzle { numbers: vec![123_456, 4, 5], target: 17 });
    driven.ask(Command::Pin(unreadable));
    driven.until(|event| matches!(event, Event::Warning(why) if why.contains("no token for")));
    let first = answers(&driven_run(&driven))[0].puzzle.clone();
    driven.ask(Command::Unpin(first.clone()));
    driven.ask(Command::Resume);
    let (_, run) = driven.end();
    let steps = |run: &RunDirectory, puzzle: &Puzzle| -> Vec<u64> {
        answers(run).iter().filter(|answer| answer.puzzle == *puzzle).map(|answer| answer.step).collect()
    };
    assert_eq!((steps(&run, &mine), steps(&run, &first)), (vec![1, 2], vec![0]));
    let deeds: Vec<String> =
        Reader::new(&run).events().unwrap().records.into_iter().map(|e| e.event.name().to_owned()).collect();
    assert!(deeds.contains(&"pinned".to_owned()) && deeds.contains(&"unpinned".to_owned()), "{deeds:?}");

    alone(resumed(&run, 4));
    assert_eq!((steps(&run, &mine), steps(&run, &first)), (vec![1, 2, 4], vec![0]), "after a resume");
    let fork =
        EngineOptions { start: Start::Fork(run.clone(), Some(2)), ..options(root.path(), every(2), 4) };
    let fork = alone(fork);
    assert_eq!((steps(&fork, &mine), steps(&fork, &first)), (vec![2, 4], vec![]), "in a fork");
    assert_same(&outcome(&run, 4), &outcome(&run, 4), "a run that was pinned in is whole");
}

/// The run of an engine that is still at work.
fn driven_run(driven: &Driven) -> RunDirectory {
    let started = driven.told.iter().find_map(|event| match event {
        Event::Started(started) => Some(started.run.clone()),
        _ => None,
    });
    RunDirectory::open(&started.unwrap()).unwrap()
}
