//! What crosses between the engine and whoever watches it also crosses as JSON, whole.
#![allow(clippy::unwrap_used, missing_docs)]

use aha_lab::{
    config::Config,
    eval::BaseReference,
    metrics::registry,
    protocol::{
        Command, Event, ForkPoint, GroupInspection, Phase, Play, Playing, RowInspection, Speed, Started,
        StepBy, Temporality, TokenView,
    },
    record::{
        Measurement, NumberPuzzle, PinnedAnswer, Puzzle, Rollout, Score, Step,
        explain::{Bound, Bounds, Explanation, TokenTerm},
    },
    runs::{Reader, RunDirectory},
};
use serde::{Serialize, de::DeserializeOwned};

fn puzzle() -> Puzzle {
    NumberPuzzle { numbers: vec![4, 1, 16], target: 19 }.into()
}

fn showcase() -> RunDirectory {
    RunDirectory::open(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("runs/first-aha")).unwrap()
}

fn rollout() -> Rollout {
    Reader::new(&showcase()).rollouts().unwrap().records.swap_remove(0)
}

fn pinned() -> PinnedAnswer {
    showcase().pinned().unwrap().records.swap_remove(0)
}

fn measurement() -> Measurement {
    showcase().measurements().unwrap().0.swap_remove(0)
}

fn started() -> Started {
    let mut config = Config::default();
    config.set("seed", "7").unwrap();
    Started {
        run: "runs/somewhere".into(),
        config,
        step: 3,
        backend: "cpu x2".into(),
        backend_reason: "There is no GPU.".into(),
        parameters: 1234,
        base: Some(BaseReference {
            reward: 0.1,
            well_formed: Some(0.9),
            accuracy: 0.2,
            mean_length: 60.0,
            checks: 0.1,
            self_corrections: 0.0,
            self_checking_share: 0.05,
            completions: 500,
        }),
        forks: vec![ForkPoint { run: "first".into(), step: 2 }],
        pins: Some(vec![puzzle()]),
        engine: None,
    }
}

fn inspection() -> GroupInspection {
    let view = TokenView { logprob: -0.5, entropy: 0.25, top: vec![("4".into(), 0.75)] };
    let score = Score {
        reward: 1.0,
        correct: true,
        format: true,
        answer: Some("4 - 1 + 16".into()),
        value: Some("19".into()),
        reason: "It is right.".into(),
    };
    let row = RowInspection {
        record: rollout(),
        score: Some(score),
        pieces: vec!["4".into()],
        before: vec![view.clone()],
        after: vec![view],
        reference: vec![-0.75],
        explained: Some(Explanation {
            formula: "-min(r A, clip(r, 0.8, 1.28) A)".into(),
            bounds: Bounds { low: Some(0.8), high: Some(1.28), dual: Some(3.0) },
            kl_formula: Some("exp(ref - logp) - (ref - logp) - 1".into()),
            norm: "1 over the tokens of the step".into(),
            weight: Some(0.01),
            tokens: vec![TokenTerm {
                ratio: 1.5,
                acts: Some(Bound::High),
                correction: Some(0.75),
                loss: -0.5,
                kl: Some(0.25),
            }],
        }),
        explained_after: Some(Explanation::default()),
    };
    GroupInspection { step: 3, group: 1, groups: 4, phase: Phase::Update, rows: vec![row] }
}

/// One of each; [`place`] makes the compiler ask for the next one.
fn events() -> Vec<Event> {
    vec![
        Event::Started(Box::new(started())),
        Event::PhaseChanged { step: 1, phase: Phase::Sample, done: 2, total: 3 },
        Event::Temporality(Temporality::Pausing),
        Event::CompletionStarted { step: 1, group: 2, index: 3, puzzle: puzzle() },
        Event::Token { step: 1, group: 2, index: 3, text: " 4 \"\u{2713}\"\n".into() },
        Event::TokensDropped(17),
        Event::RolloutScored(Box::new(rollout())),
        Event::Inspected(Box::new(inspection())),
        Event::StepDone(Box::new(Reader::new(&showcase()).metrics().unwrap().records.swap_remove(0))),
        Event::EvalDone { step: 5, accuracy: 0.5, pass_at_k: Some((4, 0.75)), puzzles: 128 },
        Event::PinnedAnswered(Box::new(pinned())),
        Event::Measured(Box::new(measurement())),
        Event::Edited { step: 4, key: "temperature".into(), value: "0.8".into(), before: "1".into() },
        Event::CheckpointSaved { step: 5, path: "runs/somewhere/checkpoints/step-000005".into() },
        Event::Warning("The disk is nearly full.".into()),
        Event::Failed("The disk is full.".into()),
        Event::Finished { steps: 9, run: "runs/somewhere".into() },
        Event::StepAmended(Box::new(Step::new(3).with(&registry::CHECKS, 0.5))),
    ]
}

fn place(event: &Event) -> usize {
    match event {
        Event::Started(_) => 0,
        Event::PhaseChanged { .. } => 1,
        Event::Temporality(_) => 2,
        Event::CompletionStarted { .. } => 3,
        Event::Token { .. } => 4,
        Event::TokensDropped(_) => 5,
        Event::RolloutScored(_) => 6,
        Event::Inspected(_) => 7,
        Event::StepDone(_) => 8,
        Event::EvalDone { .. } => 9,
        Event::PinnedAnswered(_) => 10,
        Event::Measured(_) => 11,
        Event::Edited { .. } => 12,
        Event::CheckpointSaved { .. } => 13,
        Event::Warning(_) => 14,
        Event::Failed(_) => 15,
        Event::Finished { .. } => 16,
        Event::StepAmended(_) => 17,
        // Stays in the process that plays a record, see `what_plays_a_record_does_not_cross`.
        Event::Playing(_) => usize::MAX,
    }
}

fn crossed<T: Serialize + DeserializeOwned>(message: &T) -> T {
    serde_json::from_str(&serde_json::to_string(message).unwrap()).unwrap()
}

#[test]
fn every_event_crosses() {
    let events = events();
    let places: Vec<usize> = events.iter().map(place).collect();
    assert_eq!(places, (0..events.len()).collect::<Vec<_>>());
    for event in events {
        assert_eq!(crossed(&event), event);
    }
}

#[test]
fn every_command_crosses() {
    // The compiler asks for the next one here too.
    let known = |command: &Command| match command {
        Command::Pause
        | Command::Resume
        | Command::TryAgain
        | Command::Step(_)
        | Command::Set { .. }
        | Command::Checkpoint
        | Command::Pin(_)
        | Command::Unpin(_)
        | Command::Inspect { .. }
        | Command::Stop => 10,
        Command::Play(_) => 0,
    };
    let commands = [
        Command::Pause,
        Command::Resume,
        Command::TryAgain,
        Command::Step(StepBy::Phases(2)),
        Command::Step(StepBy::Steps(3)),
        Command::Set { key: "temperature".into(), value: "0.8".into() },
        Command::Checkpoint,
        Command::Pin(puzzle()),
        Command::Unpin(puzzle()),
        Command::Inspect { group: Some(1) },
        Command::Inspect { group: None },
        Command::Stop,
    ];
    let kinds: std::collections::HashSet<_> = commands.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), known(&commands[0]));
    for command in commands {
        assert_eq!(crossed(&command), command);
    }
}

#[test]
fn what_plays_a_record_does_not_cross() {
    let playing = Playing { speed: Speed::AS_IT_WAS, first: 1, last: 9, seconds: 2.0, over: false };
    assert!(serde_json::to_string(&Event::Playing(playing)).is_err());
    assert!(serde_json::to_string(&Command::Play(Play::Faster)).is_err());
    assert!(serde_json::from_str::<Command>(r#"{"command":"play"}"#).is_err());
}

#[test]
fn numbers_that_json_lacks_cross_as_unknown() {
    let step = Step::new(1).with(&registry::REWARD, f64::NAN);
    let Event::StepDone(back) = crossed(&Event::StepDone(Box::new(step))) else { unreachable!() };
    assert!(back.get(&registry::REWARD).is_nan() && back.has(&registry::REWARD));
}

#[test]
fn the_wire_is_what_scripts_write() {
    let said = |text: &str| serde_json::from_str::<Command>(text).unwrap();
    assert_eq!(said(r#"{"command":"step","phases":1}"#), Command::Step(StepBy::Phases(1)));
    assert_eq!(said(r#"{"command":"pin","numbers":[4,1,16],"target":19}"#), Command::Pin(puzzle()));
    let told =
        serde_json::to_string(&Event::PhaseChanged { step: 1, phase: Phase::Score, done: 0, total: 2 });
    assert_eq!(told.unwrap(), r#"{"phase":{"step":1,"phase":"score","done":0,"total":2}}"#);
}
