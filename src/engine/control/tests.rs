use std::sync::Arc;

use super::*;

fn control(paused: bool) -> (Arc<Control>, Sender<Command>, Receiver<Event>) {
    let (commands_in, commands) = crossbeam_channel::bounded(16);
    let (events, events_out) = crossbeam_channel::unbounded();
    (Arc::new(Control::new(Config::default(), paused, commands, events)), commands_in, events_out)
}

fn temporality(events: &Receiver<Event>) -> Temporality {
    match events.recv_timeout(Duration::from_secs(5)).unwrap() {
        Event::Temporality(t) => t,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pause_holds_every_worker_and_a_resume_lets_them_go() {
    let (control, commands, events) = control(false);
    assert!(control.gate());
    commands.send(Command::Pause).unwrap();
    let held: Vec<_> = (0..2)
        .map(|_| {
            let control = control.clone();
            std::thread::spawn(move || control.gate())
        })
        .collect();
    assert_eq!(temporality(&events), Temporality::Pausing);
    assert_eq!(temporality(&events), Temporality::Paused);
    assert!(held.iter().all(|thread| !thread.is_finished()));
    commands.send(Command::Resume).unwrap();
    assert_eq!(temporality(&events), Temporality::Unpausing);
    assert_eq!(temporality(&events), Temporality::Live);
    assert!(held.into_iter().all(|thread| thread.join().unwrap()));
}

#[test]
fn a_step_of_two_phases_pauses_after_the_second() {
    let (control, commands, _events) = control(true);
    commands.send(Command::Step(StepBy::Phases(2))).unwrap();
    assert!(control.gate());
    control.phase_over(false);
    assert!(!control.pausing());
    control.phase_over(false);
    assert!(control.pausing());
}

#[test]
fn a_stop_or_a_lost_person_ends_it_even_while_paused() {
    let (control, commands, _events) = control(true);
    drop(commands);
    assert!(!control.gate());
    assert!(!control.wait_between_phases(None));
}

#[test]
fn only_a_run_that_waits_for_nothing_but_the_disk_goes_on_with_it() {
    let (control, commands, _events) = control(false);
    assert!(!control.disk_is_back());
    control.pause_for_disk();
    assert!(control.wait_between_phases(Some(Instant::now())), "the moment has come");
    assert!(control.pausing() && control.disk_is_back() && !control.pausing());
    // The user, or another cause, also paused it, before or after the disk did.
    control.pause_for_disk();
    commands.send(Command::Pause).unwrap();
    assert!(!control.disk_is_back() && control.pausing());
    control.pause_for_disk();
    assert!(!control.disk_is_back() && control.pausing());
    commands.send(Command::Resume).unwrap();
    assert!(!control.pausing());
    control.pause_for_disk();
    control.pause();
    assert!(!control.disk_is_back() && control.pausing());
}

#[test]
fn who_begins_to_look_while_it_is_paused_wakes_it_once() {
    let (control, commands, _events) = control(true);
    commands.send(Command::Inspect { group: Some(2) }).unwrap();
    assert!(control.wait_between_phases(None));
    control.take_requests();
    assert_eq!(control.inspecting(), Some((2, 1)));
    let soon = Instant::now() + Duration::from_millis(50);
    assert!(control.wait_between_phases(Some(soon)) && soon <= Instant::now(), "it waited");
}

#[test]
fn edits_are_checked_and_hold_from_the_next_step() {
    let (control, commands, events) = control(false);
    let set = |key: &str, value: &str| {
        commands.send(Command::Set { key: key.into(), value: value.into() }).unwrap();
    };
    set("learning_rate", "0.001");
    set("micro_tokens", "4");
    let requests = control.take_requests();
    assert_eq!(control.wanted().optimizer.learning_rate, 0.001);
    assert_eq!(requests.edits.len(), 1);
    assert!(matches!(events.try_recv().unwrap(), Event::Warning(_)));
}
