//! The loop: takes in what happens, draws when something changed, and waits without turning.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, never, select};
use ratatui::{
    Terminal,
    backend::Backend,
    crossterm::event,
    layout::{Position, Rect},
};

use super::{
    app::{Action, App, Level, TerminalRequests},
    restart,
    transcripts::{Effect, SENT_TO_CLIPBOARD},
    update::update,
    view::view,
};
use crate::{
    engine::protocol::{
        Command, EngineHandle, Event,
        side::{SideCommand, SideEvent, SideHandle},
    },
    platform::Signal,
};

/// At most 30 pictures a second of what the engine tells.
const FRAME: Duration = Duration::from_millis(33);
/// What a person did is shown as soon as this: one who types must not wait for the next picture.
const ECHO: Duration = Duration::from_millis(8);
/// Events taken in between two looks at the keyboard: some two milliseconds.
const EVENTS_AT_ONCE: usize = 256;
/// How often the loop looks whether the terminal is still there: without one no key ever comes.
const LOOK: Duration = Duration::from_secs(1);
/// How soon a command that found the channel full is tried again.
const RETRY: Duration = Duration::from_millis(20);

/// What the loop asks of a real terminal; a test backend needs none of it.
pub trait Host {
    /// Whether the terminal is still there.
    fn is_there(&self) -> bool;
    /// Gives the terminal to the shell and comes back when the shell lets us.
    ///
    /// # Errors
    /// A sentence where there is no shell to go back to, or what the terminal answered.
    fn suspend(&mut self) -> io::Result<()>;
    /// Takes the terminal again after the process was stopped and continued from outside.
    ///
    /// # Errors
    /// What the terminal answered.
    fn resumed(&mut self) -> io::Result<()>;
    /// Takes or releases the mouse.
    ///
    /// # Errors
    /// What the terminal answered.
    fn set_mouse(&mut self, wanted: bool) -> io::Result<()>;
    /// Asks the terminal to put text on the clipboard.
    ///
    /// # Errors
    /// What the terminal answered.
    fn copy(&mut self, text: &str) -> io::Result<()>;
    /// Starts an engine that goes on with a run from its last checkpoint.
    ///
    /// # Errors
    /// When the system has no thread left, or there is nothing to start here.
    fn restart(&mut self, run: &Path) -> io::Result<EngineHandle>;
}

/// The ends of everything the loop listens and talks to.
#[derive(Debug)]
pub struct Channels {
    /// Keys, mouse, size.
    pub input: Receiver<event::Event>,
    /// The engine, or the journal being read.
    pub events: Receiver<Event>,
    /// The engine's ear; `None` when it is not ours.
    pub commands: Option<Sender<Command>>,
    /// Who answers beside training; `None` where nobody does.
    pub side: Option<SideHandle>,
    /// What the system asks of us.
    pub signals: Receiver<Signal>,
}

/// Runs until the app asks to leave.
///
/// # Errors
/// What the terminal answered when it could not be drawn on.
pub fn run<B: Backend>(
    terminal: &mut Terminal<B>,
    app: &mut App,
    mut channels: Channels,
    host: &mut impl Host,
) -> io::Result<()>
where
    B::Error: Send + Sync + 'static,
{
    let start = Instant::now();
    let mut last_frame: Option<Instant> = None;
    // Whether a person did something that is not shown yet.
    let mut touched = false;
    let mut unsent: VecDeque<Command> = VecDeque::new();
    let (mut asking, mut answers) = side_ends(app, channels.side.take());
    let mut unasked: VecDeque<SideCommand> = VecDeque::new();
    let mut mouse = app.mouse;
    let mut looked = Instant::now();
    while !app.leave {
        act(app, Action::Clock(start.elapsed()), &mut unsent);
        if app.mouse != mouse {
            mouse = app.mouse;
            host.set_mouse(mouse)?;
        }
        for effect in std::mem::take(&mut app.effects) {
            carry_out(app, effect, host);
        }
        serve_requests(terminal, app, host)?;
        if std::mem::take(&mut app.requests.restart) {
            restart(app, &mut channels, host);
            unsent.clear();
            if let Some(side) = channels.side.take() {
                (asking, answers) = side_ends(app, Some(side));
                unasked = VecDeque::from([SideCommand::Models]);
            }
        }
        let pace = if touched { ECHO } else { FRAME };
        let due = last_frame.is_none_or(|last| last.elapsed() >= pace);
        if app.dirty && due {
            terminal.draw(|frame| view(frame, app)).map_err(io::Error::other)?;
            (app.dirty, touched) = (false, false);
            last_frame = Some(Instant::now());
        }
        send(&mut unsent, channels.commands.as_ref());
        unasked.extend(app.asked.drain(..));
        send(&mut unasked, asking.as_ref());

        let next_frame =
            app.dirty.then(|| last_frame.map_or(Duration::ZERO, |last| pace.saturating_sub(last.elapsed())));
        let wait = patience(app, start, next_frame, !(unsent.is_empty() && unasked.is_empty()));
        select! {
            recv(channels.input) -> input => match input {
                Ok(input) => {
                    touched = true;
                    act(app, from_input(input), &mut unsent);
                }
                // Without a keyboard nobody can ask to leave.
                Err(_) => app.leave = true,
            },
            recv(channels.signals) -> signal => match signal {
                Ok(Signal::Terminate) => act(app, Action::Terminate, &mut unsent),
                Ok(Signal::Suspend) => app.requests.suspend = true,
                Ok(Signal::Continue) => {
                    host.resumed()?;
                    act(app, Action::Redraw, &mut unsent);
                }
                Err(_) => channels.signals = never(),
            },
            recv(channels.events) -> event => {
                let mut next = event.map_err(|_| TryRecvError::Disconnected);
                // Whatever was taken out of the channel is acted on: the limit is looked at before the next.
                for more in (0..EVENTS_AT_ONCE).rev() {
                    match next {
                        Ok(event) => act(app, Action::Engine(event), &mut unsent),
                        Err(TryRecvError::Empty) => break,
                        Err(TryRecvError::Disconnected) => {
                            channels.events = never();
                            act(app, Action::EngineGone, &mut unsent);
                            break;
                        }
                    }
                    if more == 0 {
                        break;
                    }
                    next = channels.events.try_recv();
                }
            },
            recv(answers) -> event => match event {
                Ok(event) => {
                    act(app, Action::Side(event), &mut unsent);
                    for event in answers.try_iter().take(EVENTS_AT_ONCE) {
                        act(app, Action::Side(event), &mut unsent);
                    }
                }
                Err(_) => {
                    answers = never();
                    act(app, Action::SideGone, &mut unsent);
                }
            },
            default(wait.min(LOOK)) => {}
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if !host.is_there() {
                return Err(io::Error::other(
                    "The terminal is gone; the run was ended, and what it journalled is safe.",
                ));
            }
        }
        while let Ok(input) = channels.input.try_recv() {
            touched = true;
            act(app, from_input(input), &mut unsent);
        }
    }
    send(&mut unsent, channels.commands.as_ref());
    Ok(())
}

/// The ends of whoever answers beside training.
fn side_ends(app: &mut App, side: Option<SideHandle>) -> (Option<Sender<SideCommand>>, Receiver<SideEvent>) {
    match side {
        Some(SideHandle { commands, events }) => (Some(commands), events),
        None => {
            app.playground.gone();
            (None, never())
        }
    }
}

fn act(app: &mut App, action: Action, unsent: &mut VecDeque<Command>) {
    unsent.extend(update(app, action));
}

fn from_input(input: event::Event) -> Action {
    match input {
        event::Event::Key(key) => Action::Key(key),
        event::Event::Mouse(mouse) => Action::Mouse(mouse),
        event::Event::Paste(text) => Action::Paste(text),
        _ => Action::Redraw,
    }
}

/// How long to wait when nothing happens: to the next picture, or to the next change by the clock.
fn patience(app: &App, start: Instant, frame: Option<Duration>, unsent: bool) -> Duration {
    let change = app.next_change().map(|at| at.saturating_sub(start.elapsed()));
    let retry = unsent.then_some(RETRY);
    [frame, change, retry].into_iter().flatten().min().unwrap_or(Duration::from_secs(3600))
}

/// Sends what can be sent without waiting: the screen must not stand still because the engine is busy.
fn send<T>(unsent: &mut VecDeque<T>, commands: Option<&Sender<T>>) {
    let Some(commands) = commands else {
        unsent.clear();
        return;
    };
    while let Some(command) = unsent.pop_front() {
        match commands.try_send(command) {
            Ok(()) => {}
            Err(TrySendError::Full(command)) => {
                unsent.push_front(command);
                return;
            }
            Err(TrySendError::Disconnected(_)) => unsent.clear(),
        }
    }
}

fn serve_requests<B: Backend>(
    terminal: &mut Terminal<B>,
    app: &mut App,
    host: &mut impl Host,
) -> io::Result<()>
where
    B::Error: Send + Sync + 'static,
{
    let restart = app.requests.restart;
    let requests = std::mem::replace(&mut app.requests, TerminalRequests { restart, ..Default::default() });
    if requests.suspend {
        if let Err(error) = host.suspend() {
            app.say(Level::Warning, error.to_string());
        }
        app.dirty = true;
    }
    if requests.suspend || requests.redraw {
        // Not `clear`: it asks the terminal where the cursor is, and the answer would come in as keys.
        let size = terminal.size().map_err(io::Error::other)?;
        terminal.resize(Rect::from((Position::ORIGIN, size))).map_err(io::Error::other)?;
        app.dirty = true;
    }
    Ok(())
}

/// Puts another engine in the place of the one that failed.
fn restart(app: &mut App, channels: &mut Channels, host: &mut impl Host) {
    let Some(run) = app.run() else { return };
    match host.restart(&run) {
        Ok(EngineHandle { commands, events, side }) => {
            channels.events = events;
            channels.commands = Some(commands);
            channels.side = side;
            restart::begun(app);
        }
        Err(error) => app.say(Level::Error, format!("the engine cannot be started again: {error}")),
    }
}

fn carry_out(app: &mut App, effect: Effect, host: &mut impl Host) {
    match effect {
        Effect::Copy { text } => match host.copy(&text) {
            Ok(()) => app.say(Level::Info, SENT_TO_CLIPBOARD),
            Err(error) => app.say(Level::Warning, format!("could not write to the terminal: {error}")),
        },
        Effect::Export { file_name, text } => match std::fs::write(&file_name, text) {
            Ok(()) => {
                let folder = std::env::current_dir().unwrap_or_default();
                app.say(Level::Info, format!("written to {}", folder.join(&file_name).display()));
            }
            Err(error) => app.say(Level::Warning, format!("could not write {file_name} here: {error}")),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use crossbeam_channel::unbounded;
    use ratatui::{
        backend::TestBackend,
        crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    };

    use super::*;
    use crate::{
        engine::scripted::{self, ScriptedOptions},
        tui::{app::Mode, screen::Screen, theme::Theme},
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
        fn restart(&mut self, _: &Path) -> io::Result<EngineHandle> {
            Err(io::Error::other("nothing is started again here"))
        }
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
        let channels = Channels {
            input,
            events: handle.events,
            commands: Some(handle.commands),
            side: None,
            signals: signal_ends,
        };
        let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
        let mut app = App::new(Theme::colored(), Mode::Control);
        let mut notes = Notes::default();
        run(&mut terminal, &mut app, channels, &mut notes).unwrap();
        assert_eq!(app.screen, Screen::Transcripts);
        assert_eq!(app.ended, Some(crate::tui::app::Ended::Finished), "it waited for the engine's end");
        assert!(
            notes.0.contains(&"mouse false".into()) && notes.0.contains(&"suspend".into()),
            "{:?}",
            notes.0
        );
    }

    /// Passes events on. Once the engine has failed or finished, a person presses this key until they are heard.
    fn watched(engine: EngineHandle, keys: Sender<event::Event>, pressed: char) -> EngineHandle {
        let (told, events) = unbounded();
        std::thread::spawn(move || {
            for event in engine.events {
                let over = matches!(event, Event::Failed(_) | Event::Finished { .. });
                let heard = told.send(event).is_ok();
                while over && heard && keys.send(key(KeyCode::Char(pressed), KeyModifiers::NONE)).is_ok() {
                    std::thread::sleep(Duration::from_millis(2));
                    if told.send(Event::TokensDropped(0)).is_err() {
                        return;
                    }
                }
            }
        });
        EngineHandle { commands: engine.commands, events, side: engine.side }
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
            fn restart(&mut self, run: &Path) -> io::Result<EngineHandle> {
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
        }
        let options =
            ScriptedOptions { position: Duration::ZERO, fail_at: Some(4), ..ScriptedOptions::default() };
        let (keys, input) = unbounded();
        let EngineHandle { commands, events, side } =
            watched(scripted::start(options).unwrap(), keys.clone(), 'r');
        let channels = Channels { input, events, commands: Some(commands), side, signals: never() };
        let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
        let mut app = App::new(Theme::colored(), Mode::Control);
        app.can_restart = true;
        let mut again = Again(keys, Vec::new());
        run(&mut terminal, &mut app, channels, &mut again).unwrap();
        assert_eq!(again.1, ["runs/scripted", "runs/scripted"]);
        assert_eq!(app.ended, Some(crate::tui::app::Ended::Finished));
        let steps: Vec<u64> = app.history.steps().iter().map(|step| step.step).collect();
        assert_eq!(steps, [1, 2, 3, 4, 5]);
        assert_eq!(app.transcripts.len(), 5 * 16 * 8);
        assert_eq!(app.started.map(|started| started.step), Some(2), "it went on from its checkpoint");
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
        let channels = Channels { input, events, commands: None, side: None, signals: never() };
        let mut terminal = Terminal::new(TestBackend::new(20, 5)).unwrap();
        let mut app = App::new(Theme::plain(), Mode::Finished);
        run(&mut terminal, &mut app, channels, &mut Notes::default()).unwrap();
        leaving.join().unwrap();
        assert_eq!(app.transcripts.len(), sent);
    }

    #[test]
    fn a_lost_keyboard_ends_the_loop() {
        let (_, input) = unbounded();
        let channels = Channels { input, events: never(), commands: None, side: None, signals: never() };
        let mut terminal = Terminal::new(TestBackend::new(20, 5)).unwrap();
        let mut app = App::new(Theme::plain(), Mode::Finished);
        run(&mut terminal, &mut app, channels, &mut Notes::default()).unwrap();
        assert!(app.leave);
    }
}
