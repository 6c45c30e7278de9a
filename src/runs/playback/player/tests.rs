use crossbeam_channel::unbounded;

use super::*;
use crate::{
    engine::scripted::Script,
    metrics::registry,
    protocol::{RunFacts, RunSource, SourceKind},
    record::Step,
    runs::playback,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A finished run of this many steps, each a second long.
fn source(steps: u64) -> RunSource {
    let (feed, events) = unbounded();
    let script = Script::new(7);
    let tell = |event| feed.send(event).unwrap();
    tell(Event::Started(Box::new(script.started("runs/x".into(), 0))));
    tell(Event::Edited { step: 2, key: "temperature".into(), value: "0.5".into(), before: "1".into() });
    script.pins(0).into_iter().for_each(|answer| tell(Event::PinnedAnswered(Box::new(answer))));
    for step in 1..=steps {
        let metrics = script.metrics(step).with(&registry::STEP_TIME, 1.0);
        tell(Event::StepDone(Box::new(metrics)));
    }
    for step in 1..=steps {
        script.group(step, 0).into_iter().for_each(|record| tell(Event::RolloutScored(Box::new(record))));
    }
    RunSource { facts: RunFacts::of_our_files(false), events, commands: None, side: None }
}

fn play(steps: u64, speed: &str) -> RunSource {
    playback::start(source(steps), speed.parse().unwrap()).unwrap()
}

fn until(handle: &RunSource, mut found: impl FnMut(&Event) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    loop {
        let event = handle.events.recv_timeout(PATIENCE).unwrap();
        let last = found(&event);
        seen.push(event);
        if last {
            return seen;
        }
    }
}

fn paused(event: &Event) -> bool {
    matches!(event, Event::Temporality(Temporality::Paused))
}

fn done(seen: &[Event]) -> Vec<u64> {
    let step = |event: &Event| match event {
        Event::StepDone(step) => Some(step.step),
        _ => None,
    };
    seen.iter().filter_map(step).collect()
}

fn playing(seen: &[Event]) -> Playing {
    let how = |event: &Event| match event {
        Event::Playing(playing) => Some(*playing),
        _ => None,
    };
    seen.iter().rev().find_map(how).unwrap()
}

#[test]
fn a_record_is_played_from_its_beginning_to_its_end_and_then_again() {
    let handle = play(3, "1000x");
    assert_eq!(handle.facts.kind, SourceKind::Playback);
    let seen = until(&handle, paused);
    assert!(matches!(&seen[0], Event::Started(started) if started.step == 0 && started.pins.is_none()));
    assert_eq!(done(&seen), [1, 2, 3]);
    let at_the_end = playing(&seen);
    assert_eq!((at_the_end.first, at_the_end.last, at_the_end.seconds), (1, 3, 3.0));
    for step in 1..=3 {
        let group = Script::new(7).group(step, 0);
        let told = seen.iter().filter(|e| matches!(e, Event::RolloutScored(r) if r.step == step)).count();
        assert_eq!(told, group.len());
        assert!(seen.iter().any(|e| matches!(e, Event::Token { step: s, .. } if *s == step)));
    }
    assert!(handle.command(Command::Resume));
    let again = until(&handle, paused);
    assert!(matches!(&again[0], Event::Started(started) if started.step == 0));
    assert_eq!(done(&again), [1, 2, 3]);
}

#[test]
fn it_is_stepped_by_phase_and_by_step() {
    let handle = play(3, "1000x");
    assert!(handle.command(Command::Pause));
    until(&handle, paused);
    assert!(handle.command(Command::Play(Play::To(0))));
    until(&handle, paused);
    for expected in Phase::ALL {
        assert!(handle.command(Command::Step(StepBy::Phases(1))));
        let seen = until(&handle, paused);
        let phase = |event: &Event| match event {
            Event::PhaseChanged { phase, .. } => Some(*phase),
            _ => None,
        };
        let phases: Vec<Phase> = seen.iter().filter_map(phase).collect();
        assert!(!phases.is_empty() && phases.iter().all(|phase| *phase == expected), "{phases:?}");
    }
    assert!(handle.command(Command::Step(StepBy::Steps(2))));
    assert_eq!(done(&until(&handle, paused)), [2, 3]);
}

#[test]
fn going_elsewhere_says_where_that_is_and_tells_what_is_missing_there() {
    let handle = play(8, "0.01x");
    assert!(handle.command(Command::Pause));
    until(&handle, paused);
    let go = |play: Play, from: u64, told: &[u64]| {
        assert!(handle.command(Command::Play(play)));
        let seen = until(&handle, paused);
        let started = seen.iter().find_map(|event| match event {
            Event::Started(started) => Some(started),
            _ => None,
        });
        let started = started.unwrap();
        assert_eq!((started.step, done(&seen)), (from, told.to_vec()), "{play:?}");
        // The edit of step 2 is part of how it went on.
        let temperature = started.config.get("temperature").unwrap();
        assert_eq!(temperature, if from >= 2 { "0.5" } else { "1" }, "{play:?}");
        playing(&seen).seconds
    };
    assert_eq!(go(Play::To(5), 0, &[1, 2, 3, 4, 5]), 5.0);
    assert_eq!(go(Play::To(3), 3, &[]), 3.0);
    assert_eq!(go(Play::By(1), 3, &[4]), 4.0);
    assert_eq!(go(Play::By(-1), 3, &[]), 3.0);
    assert_eq!(go(Play::To(u64::MAX), 3, &[4, 5, 6, 7, 8]), 8.0);
    assert_eq!(go(Play::By(isize::MIN), 0, &[]), 0.0);
    assert_eq!(go(Play::By(isize::MAX), 0, &[1, 2, 3, 4, 5, 6, 7, 8]), 8.0);
    assert_eq!(go(Play::To(0), 0, &[]), 0.0);
}

#[test]
fn whoever_goes_by_single_steps_stays_where_they_go() {
    let handle = play(4, "0.01x");
    assert!(handle.command(Command::Step(StepBy::Steps(1))));
    until(&handle, |event| matches!(event, Event::PhaseChanged { .. }));
    assert!(handle.command(Command::Play(Play::To(2))));
    assert_eq!(done(&until(&handle, paused)), [1, 2]);
}

#[test]
fn one_back_within_a_step_is_to_its_beginning() {
    let handle = play(4, "0.01x");
    assert!(handle.command(Command::Play(Play::To(2))));
    until(&handle, |event| matches!(event, Event::PhaseChanged { step: 3, .. }));
    assert!(handle.command(Command::Play(Play::By(-1))));
    let seen = until(&handle, |event| matches!(event, Event::Started(_)));
    assert!(matches!(seen.last(), Some(Event::Started(started)) if started.step == 2));
}

#[test]
fn the_speed_goes_from_notch_to_notch_and_is_told() {
    let handle = play(1, "0.01x");
    until(&handle, |event| matches!(event, Event::PhaseChanged { .. }));
    for (command, shown) in [(Play::Faster, "0.1x"), (Play::Faster, "0.2x"), (Play::Slower, "0.1x")] {
        assert!(handle.command(Command::Play(command)));
        let seen = until(&handle, |event| matches!(event, Event::Playing(_)));
        assert_eq!(playing(&seen).speed.to_string(), shown);
    }
}

#[test]
fn a_record_without_a_step_waits_at_its_end() {
    let handle = play(0, "10x");
    let seen = until(&handle, paused);
    assert_eq!((done(&seen), playing(&seen).last), (vec![], 0));
    assert!(handle.command(Command::Resume));
    until(&handle, paused);
}

#[test]
fn a_step_that_was_never_finished_and_a_bad_line_are_played_and_told() {
    let (feed, events) = unbounded();
    let script = Script::new(7);
    feed.send(Event::Started(Box::new(script.started("runs/x".into(), 0)))).unwrap();
    feed.send(Event::StepDone(Box::new(Step::new(4)))).unwrap();
    feed.send(Event::RolloutScored(Box::new(script.rollout(5, 0, 0)))).unwrap();
    feed.send(Event::Warning("A torn line.".into())).unwrap();
    drop(feed);
    let source = RunSource { facts: RunFacts::of_our_files(false), events, commands: None, side: None };
    let handle = playback::start(source, "1000x".parse().unwrap()).unwrap();
    let seen = until(&handle, paused);
    assert_eq!((playing(&seen).first, playing(&seen).last, done(&seen)), (4, 5, vec![4]));
    assert!(seen.contains(&Event::Warning("A torn line.".into())));
    assert!(seen.iter().any(|event| matches!(event, Event::RolloutScored(r) if r.step == 5)));
}

#[test]
fn it_ends_when_nobody_watches() {
    let handle = play(50, "1x");
    let RunSource { events, commands, .. } = handle;
    drop(events);
    // The thread holds the other end of the commands until it ends.
    let commands = commands.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while commands.send(Command::Resume).is_ok() {
        assert!(Instant::now() < deadline, "it still plays");
    }
}
