#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crossbeam_channel::{Sender, unbounded};
use ratatui::{
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};

use super::*;
use crate::{
    engine::scripted::{self, ScriptedOptions},
    protocol::{Command, RunFacts},
    tui::{
        shell::{effect::Contents, export::Form, theme::Theme},
        store::{Ended, RunStore},
    },
};

/// A host that notes what it was asked.
#[derive(Default)]
struct Notes(Vec<String>);

impl Host for Notes {
    fn is_there(&self) -> bool {
        true
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.0.push("suspend".into());
        Err(io::Error::other("there is no shell to go back to"))
    }
    fn resumed(&mut self) -> io::Result<()> {
        self.0.push("resumed".into());
        Ok(())
    }
    fn set_mouse(&mut self, wanted: bool) -> io::Result<()> {
        self.0.push(format!("mouse {wanted}"));
        Ok(())
    }
    fn copy(&mut self, text: &str) -> io::Result<()> {
        self.0.push(format!("copy {}", !text.is_empty()));
        Ok(())
    }
    fn restart(&mut self, _: &Path) -> io::Result<RunSource> {
        Err(io::Error::other("nothing is started again here"))
    }
    fn past(&mut self, _: &Started) -> Option<Receiver<Event>> {
        None
    }
}

/// A run that takes no commands.
fn read(events: Receiver<Event>) -> RunSource {
    RunSource { facts: RunFacts::of_our_files(false), events, commands: None, side: None }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> event::Event {
    event::Event::Key(KeyEvent::new(code, modifiers))
}

/// The engine tells as much as it can, and the keys are still served in their order, to the end.
#[test]
fn keys_are_served_through_a_flood_of_events() {
    let options = ScriptedOptions { position: Duration::ZERO, ..ScriptedOptions::default() };
    let handle = scripted::start(options).unwrap();
    let (keys, input) = unbounded();
    let (signals, signal_ends) = unbounded();
    for (code, modifiers) in [
        (KeyCode::Tab, KeyModifiers::NONE),
        (KeyCode::Char('M'), KeyModifiers::SHIFT),
        (KeyCode::Char('z'), KeyModifiers::CONTROL),
        (KeyCode::Char('q'), KeyModifiers::NONE),
    ] {
        keys.send(key(code, modifiers)).unwrap();
    }
    signals.send(Signal::Continue).unwrap();
    let channels = Channels::new(input, signal_ends, vec![handle]);
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
    let mut notes = Notes::default();
    run(&mut terminal, &mut app, channels, &mut notes).unwrap();
    assert_eq!(app.in_front().name(), "Transcripts");
    assert_eq!(app.run().ended, Some(Ended::Finished), "it waited for the engine's end");
    assert!(notes.0.contains(&"mouse false".into()) && notes.0.contains(&"suspend".into()), "{:?}", notes.0);
}

/// Forwards events. Once the engine has failed or finished, this key is pressed until it takes effect.
fn watched(engine: RunSource, keys: Sender<event::Event>, pressed: char) -> RunSource {
    let (told, events) = unbounded();
    std::thread::spawn(move || {
        for event in engine.events {
            let over = matches!(event, Event::Failed(_) | Event::Finished { .. });
            let heard = told.send(event).is_ok();
            // A key that overtook the engine's last word would leave before it is heard.
            while over && !told.is_empty() {
                std::thread::sleep(Duration::from_millis(1));
            }
            while over && heard && keys.send(key(KeyCode::Char(pressed), KeyModifiers::NONE)).is_ok() {
                std::thread::sleep(Duration::from_millis(2));
                if told.send(Event::TokensDropped(0)).is_err() {
                    return;
                }
            }
        }
    });
    RunSource { events, ..engine }
}

#[test]
fn a_failed_engine_is_started_again_and_what_was_seen_stays() {
    struct Again(Sender<event::Event>, Vec<String>);
    impl Host for Again {
        fn is_there(&self) -> bool {
            true
        }
        fn suspend(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn resumed(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn set_mouse(&mut self, _: bool) -> io::Result<()> {
            Ok(())
        }
        fn copy(&mut self, _: &str) -> io::Result<()> {
            Ok(())
        }
        fn restart(&mut self, run: &Path) -> io::Result<RunSource> {
            self.1.push(run.display().to_string());
            // The first try is refused, as by a system without threads left.
            if self.1.len() == 1 {
                return Err(io::Error::other("no thread is left"));
            }
            let options = ScriptedOptions {
                position: Duration::ZERO,
                first_step: 3,
                steps: Some(5),
                ..ScriptedOptions::default()
            };
            Ok(watched(scripted::start(options)?, self.0.clone(), 'q'))
        }
        fn past(&mut self, _: &Started) -> Option<Receiver<Event>> {
            None
        }
    }
    let options =
        ScriptedOptions { position: Duration::ZERO, fail_at: Some(4), ..ScriptedOptions::default() };
    let (keys, input) = unbounded();
    let source = watched(scripted::start(options).unwrap(), keys.clone(), 'r');
    let channels = Channels::new(input, never(), vec![source]);
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
    let mut again = Again(keys, Vec::new());
    run(&mut terminal, &mut app, channels, &mut again).unwrap();
    assert_eq!(again.1, ["runs/scripted", "runs/scripted"]);
    assert_eq!(app.run().ended, Some(Ended::Finished));
    let steps: Vec<u64> = app.run().history.steps().iter().map(|step| step.step).collect();
    assert_eq!(steps, [1, 2, 3, 4, 5]);
    assert_eq!(app.run().completions.len(), 5 * 16 * 8);
    assert_eq!(
        app.run().started.as_ref().map(|started| started.step),
        Some(2),
        "it went on from its checkpoint"
    );
}

/// More events than one round takes: the one on the border of two rounds is not lost.
#[test]
fn no_event_of_a_flood_is_lost() {
    let (told, events) = unbounded();
    let script = crate::engine::scripted::Script::new(1);
    let sent = 2 * EVENTS_AT_ONCE + 5;
    for index in 0..sent {
        let record = script.rollout(1 + index as u64 / 16, 0, index % 16);
        told.send(Event::RolloutScored(Box::new(record))).unwrap();
    }
    drop(told);
    let (keys, input) = unbounded::<event::Event>();
    let watched = events.clone();
    let leaving = std::thread::spawn(move || {
        while !watched.is_empty() {
            std::thread::yield_now();
        }
        drop(keys);
    });
    let channels = Channels::new(input, never(), vec![read(events)]);
    let mut terminal = Terminal::new(TestBackend::new(20, 5)).unwrap();
    let mut app = App::new(Theme::plain(), RunFacts::of_our_files(false));
    run(&mut terminal, &mut app, channels, &mut Notes::default()).unwrap();
    leaving.join().unwrap();
    assert_eq!(app.run().completions.len(), sent);
}

#[test]
fn a_lost_keyboard_ends_the_loop() {
    let (_, input) = unbounded();
    let channels = Channels::new(input, never(), vec![read(never())]);
    let mut terminal = Terminal::new(TestBackend::new(20, 5)).unwrap();
    let mut app = App::new(Theme::plain(), RunFacts::of_our_files(false));
    run(&mut terminal, &mut app, channels, &mut Notes::default()).unwrap();
    assert!(app.leave);
}

/// The record is replayed slowly and the engine is quick: it fails before the last recorded step arrives.
#[test]
fn what_is_recorded_comes_before_what_the_engine_counts_and_not_before_what_it_writes() {
    struct Resumed(Option<Receiver<Event>>);
    impl Host for Resumed {
        fn is_there(&self) -> bool {
            true
        }
        fn suspend(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn resumed(&mut self) -> io::Result<()> {
            Ok(())
        }
        fn set_mouse(&mut self, _: bool) -> io::Result<()> {
            Ok(())
        }
        fn copy(&mut self, _: &str) -> io::Result<()> {
            Ok(())
        }
        fn restart(&mut self, _: &Path) -> io::Result<RunSource> {
            Err(io::Error::other("nothing is started again here"))
        }
        fn past(&mut self, started: &Started) -> Option<Receiver<Event>> {
            assert_eq!(started.step, 3);
            self.0.take()
        }
    }
    let script = crate::engine::scripted::Script::new(1);
    let (told, events) = unbounded();
    let (recorded_in, recorded) = unbounded();
    let (keys, input) = unbounded::<event::Event>();
    told.send(Event::Started(Box::new(script.started("runs/x".into(), 3)))).unwrap();
    told.send(Event::CompletionStarted { step: 4, group: 0, index: 0, puzzle: script.puzzle(4, 0) }).unwrap();
    for record in script.group(4, 0) {
        told.send(Event::RolloutScored(Box::new(record))).unwrap();
    }
    told.send(Event::StepDone(Box::new(script.metrics(4)))).unwrap();
    told.send(Event::Failed("It broke.".into())).unwrap();
    drop(told);
    let engine = events.clone();
    std::thread::spawn(move || {
        while !engine.is_empty() {
            std::thread::yield_now();
        }
        for step in 1..=3 {
            std::thread::sleep(Duration::from_millis(20));
            recorded_in.send(Event::StepDone(Box::new(script.metrics(step)))).unwrap();
            for record in script.group(step, 0) {
                recorded_in.send(Event::RolloutScored(Box::new(record))).unwrap();
            }
        }
        drop(recorded_in);
        std::thread::sleep(Duration::from_millis(50));
        keys.send(key(KeyCode::Char('q'), KeyModifiers::NONE)).unwrap();
        std::thread::sleep(Duration::from_secs(60));
    });
    let channels = Channels::new(input, never(), vec![read(events)]);
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    let mut app = App::new(Theme::plain(), RunFacts::of_our_engine());
    run(&mut terminal, &mut app, channels, &mut Resumed(Some(recorded))).unwrap();
    let steps: Vec<u64> = app.run().history.steps().iter().map(|step| step.step).collect();
    assert_eq!(steps, [1, 2, 3, 4]);
    assert_eq!(app.run().completions.len(), 4 * 8);
    assert_eq!(app.run().counts.meter.window_range(None), Some((1, 4)));
    assert_eq!(app.run().ended, Some(Ended::Failed("It broke.".into())));
}

/// What was typed at the prompt becomes a file; another of its name is replaced only after a question.
#[test]
fn a_file_is_written_in_the_form_of_its_ending_and_replaced_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = App::new(Theme::plain(), RunFacts::of_our_engine());
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut write = |app: &mut App, name: &str, what: Contents, replace| {
        let file_name = folder.path().join(name).display().to_string();
        let effect = Effect::Write { file_name, what, replace };
        carry_out(&mut terminal, app, effect, &mut Notes::default()).unwrap();
        (app.question.take(), app.message.take().map(|message| message.text))
    };
    let text = |text: &str| Contents::Text(text.to_owned());
    let (asked, said) = write(&mut app, "a.txt", text("one"), false);
    assert!(asked.is_none() && said.unwrap().starts_with("written to "));
    let (_, said) = write(&mut app, "a.txt", text("one"), false);
    assert!(said.unwrap().starts_with("it is already in "));
    let (asked, said) = write(&mut app, "a.txt", text("two"), false);
    assert!(asked.unwrap().words.contains("Replace it?") && said.is_none());
    assert_eq!(std::fs::read_to_string(folder.path().join("a.txt")).unwrap(), "one");
    write(&mut app, "a.txt", text("two"), true);
    assert_eq!(std::fs::read_to_string(folder.path().join("a.txt")).unwrap(), "two");
    let (_, said) = write(&mut app, "no/such/folder.txt", text("x"), false);
    assert!(said.unwrap().starts_with("could not write "));
    for form in Form::ALL {
        let name = format!("screen{}", form.ending());
        write(&mut app, &name, Contents::Screen(form), false);
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.contains("Live") && text.contains("quit"), "{form:?}: {text}");
    }
}

/// A vanished terminal is reported twice, by a signal and by a closed keyboard, in either order. The starter of the
/// run is told and waits for the engine; a second signal would not wait.
#[test]
fn a_lost_keyboard_is_the_end_of_the_terminal_whatever_else_says_so() {
    for signal_first in [true, false] {
        let (told, events) = unbounded();
        let (commands, asked) = unbounded();
        let (keys, input) = unbounded::<event::Event>();
        let (hang_up, signals) = unbounded();
        let script = crate::engine::scripted::Script::new(1);
        told.send(Event::Started(Box::new(script.started("runs/x".into(), 0)))).unwrap();
        if signal_first {
            hang_up.send(Signal::Terminate).unwrap();
            std::thread::spawn(move || asked.recv().map(|_| drop(keys)));
        } else {
            drop(keys);
        }
        let source = RunSource { commands: Some(commands), ..read(events) };
        let channels = Channels::new(input, signals, vec![source]);
        let mut terminal = Terminal::new(TestBackend::new(20, 5)).unwrap();
        let mut app = App::new(Theme::plain(), RunFacts::of_our_engine());
        let ended = run(&mut terminal, &mut app, channels, &mut Notes::default());
        assert!(ended.unwrap_err().to_string().contains("The terminal is gone"), "{signal_first}");
    }
}

/// What each run tells is kept as its own, keys command the one that is shown, and a run that floods does not hold up the
/// other.
#[test]
fn each_run_is_told_by_its_own_source_and_only_the_shown_one_is_commanded() {
    let script = crate::engine::scripted::Script::new(1);
    let (told, floods) = unbounded();
    for index in 0..3 * EVENTS_AT_ONCE {
        let record = script.rollout(1 + index as u64 / 16, 0, index % 16);
        told.send(Event::RolloutScored(Box::new(record))).unwrap();
    }
    let (also_told, attached) = unbounded();
    also_told.send(Event::Started(Box::new(script.started("runs/second".into(), 0)))).unwrap();
    also_told.send(Event::StepDone(Box::new(script.metrics(1)))).unwrap();
    let (commands, asked) = unbounded();
    let second = RunSource {
        facts: RunFacts::of_another_process(),
        events: attached,
        commands: Some(commands),
        side: None,
    };
    let (keys, input) = unbounded::<event::Event>();
    let watched = floods.clone();
    let person = std::thread::spawn(move || {
        let press = |code| keys.send(key(KeyCode::Char(code), KeyModifiers::NONE)).unwrap();
        // The first run takes no command.
        press(' ');
        press('>');
        press(' ');
        let paused = asked.recv().unwrap();
        while !watched.is_empty() {
            std::thread::yield_now();
        }
        press('<');
        press(' ');
        press('q');
        (paused, asked.try_recv().ok())
    });
    let runs = vec![read(floods), second];
    let store = RunStore::new(runs[0].facts, [runs[1].facts]);
    let mut app = App::of_runs(Theme::plain(), store);
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    run(&mut terminal, &mut app, Channels::new(input, never(), runs), &mut Notes::default()).unwrap();
    assert_eq!(person.join().unwrap(), (Command::Pause, None));
    let [first, second] = app.store.all() else { panic!() };
    assert_eq!((first.completions.len(), second.completions.len()), (3 * EVENTS_AT_ONCE, 0));
    assert_eq!((first.history.steps().len(), second.history.steps().len()), (0, 1));
    assert_eq!(app.store.place(), 0);
    drop((told, also_told));
}
