//! The event loop: handles events, draws when something changed, and blocks otherwise.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvError, Sender, TryRecvError, TrySendError, never, select};
use ratatui::{
    Terminal,
    backend::Backend,
    crossterm::event,
    layout::{Position, Rect},
};

use super::{
    app::{Action, App},
    clipboard::SENT_TO_CLIPBOARD,
    effect::Effect,
    export::export,
    message::Level,
    past::Past,
    restart,
    update::update,
    view::view,
};
use crate::{
    protocol::{
        Command, Event, RunSource, Started,
        side::{SideCommand, SideEvent, SideHandle},
    },
    system::platform::Signal,
};

/// At most 30 frames per second for engine events.
const FRAME: Duration = Duration::from_millis(33);
/// The shorter delay after input: typing must not wait for the next frame.
const ECHO: Duration = Duration::from_millis(8);
/// Events handled between two polls of the keyboard: about two milliseconds.
const EVENTS_AT_ONCE: usize = 256;
/// How often the loop checks that the terminal still exists; without one no key ever arrives.
const LOOK: Duration = Duration::from_secs(1);
/// How soon a command is retried after the channel was full.
const RETRY: Duration = Duration::from_millis(20);

/// What the loop needs from a real terminal; a test backend needs none of it.
pub(crate) trait Host {
    /// Whether the terminal is still there.
    fn is_there(&self) -> bool;
    /// Gives the terminal to the shell, and returns when the shell resumes us.
    ///
    /// # Errors
    /// If there is no shell to return to, or the terminal fails.
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
    /// Starts an engine that resumes a run from its last checkpoint.
    ///
    /// # Errors
    /// If the system has no thread left, or nothing can be started here.
    fn restart(&mut self, run: &Path) -> io::Result<RunSource>;
    /// The record of the run that an engine continues; `None` if there is none.
    fn past(&mut self, started: &Started) -> Option<Receiver<Event>>;
}

/// The channels of the loop.
#[derive(Debug)]
pub(crate) struct Channels {
    /// Keys, mouse, size.
    pub input: Receiver<event::Event>,
    /// The engine, or the journal being read.
    pub events: Receiver<Event>,
    /// Commands to the engine; `None` if it is not ours.
    pub commands: Option<Sender<Command>>,
    /// The side engine; `None` if there is none.
    pub side: Option<SideHandle>,
    /// Requests of the system.
    pub signals: Receiver<Signal>,
}

/// Runs until the app asks to leave.
///
/// # Errors If the terminal cannot be drawn on.
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
    // Whether there was input that is not shown yet.
    let mut touched = false;
    let mut unsent: VecDeque<Command> = VecDeque::new();
    let (mut asking, mut answers) = side_ends(app, channels.side.take());
    let mut unasked: VecDeque<SideCommand> = VecDeque::new();
    let mut past = Past::default();
    let mut mouse = app.mouse;
    let mut looked = Instant::now();
    while !app.leave {
        act(app, Action::Clock(start.elapsed()), &mut unsent);
        if app.mouse != mouse {
            mouse = app.mouse;
            host.set_mouse(mouse)?;
        }
        let effects = std::mem::take(&mut app.effects);
        let begins_again = effects.contains(&Effect::Restart);
        for effect in effects {
            carry_out(terminal, app, effect, host)?;
        }
        if begins_again {
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
                // Without a keyboard nobody can leave. Our own engine first writes its last checkpoint.
                Err(_) if app.store.is_ours() && app.store.ended.is_none() => return Err(gone()),
                Err(_) => app.leave = true,
            },
            recv(channels.signals) -> signal => match signal {
                Ok(signal) => {
                    touched = true;
                    signalled(app, signal, host, &mut unsent)?;
                }
                Err(_) => channels.signals = never(),
            },
            recv(channels.events) -> event => {
                let there = drain(event, &channels.events.clone(), |event| {
                    hear(app, event, &mut past, host, &mut unsent);
                });
                if !there {
                    channels.events = never();
                    if past.engine_gone() {
                        act(app, Action::EngineGone, &mut unsent);
                    }
                }
            },
            recv(past.recorded) -> event => {
                let there = drain(event, &past.recorded.clone(), |event| {
                    act(app, Action::Engine(event), &mut unsent);
                });
                if !there {
                    past_is_told(app, &mut past, &mut unsent);
                }
            },
            recv(answers) -> event => {
                if !drain(event, &answers.clone(), |event| act(app, Action::Side(event), &mut unsent)) {
                    answers = never();
                    act(app, Action::SideGone, &mut unsent);
                }
            },
            default(wait.min(LOOK)) => {}
        }
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if !host.is_there() {
                return Err(gone());
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

/// The starter of the run is told and lets its engine end.
fn gone() -> io::Error {
    io::Error::other("The terminal is gone; the run was ended, and everything journalled is safe.")
}

/// Handles the received event and further pending ones, up to a limit. Returns whether more can come.
fn drain<T>(first: Result<T, RecvError>, channel: &Receiver<T>, mut take_in: impl FnMut(T)) -> bool {
    let mut next = first.map_err(|_| TryRecvError::Disconnected);
    // Every event taken from the channel is handled; the limit is checked before taking the next.
    for more in (0..EVENTS_AT_ONCE).rev() {
        match next {
            Ok(event) => take_in(event),
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
        if more == 0 {
            break;
        }
        next = channel.try_recv();
    }
    true
}

/// Handles an engine event. On its first one, the run's record is requested and goes first.
fn hear(app: &mut App, event: Event, past: &mut Past, host: &mut impl Host, unsent: &mut VecDeque<Command>) {
    if let Event::Started(started) = &event
        && app.store.started.is_none()
    {
        let recorded = host.past(started);
        act(app, Action::Engine(event), unsent);
        if let Some(recorded) = recorded {
            past.begin(recorded);
        }
    } else if let Some(event) = past.hold(event) {
        act(app, Action::Engine(event), unsent);
    }
}

/// The record has been shown; the events that waited for it follow.
fn past_is_told(app: &mut App, past: &mut Past, unsent: &mut VecDeque<Command>) {
    let (waiting, gone) = past.end();
    for event in waiting {
        act(app, Action::Engine(event), unsent);
    }
    if gone {
        act(app, Action::EngineGone, unsent);
    }
}

fn signalled(
    app: &mut App,
    signal: Signal,
    host: &mut impl Host,
    unsent: &mut VecDeque<Command>,
) -> io::Result<()> {
    match signal {
        Signal::Terminate => act(app, Action::Terminate, unsent),
        Signal::Suspend => app.effects.push(Effect::Suspend),
        Signal::Resize => act(app, Action::Redraw, unsent),
        Signal::Continue => {
            host.resumed()?;
            act(app, Action::Redraw, unsent);
        }
    }
    Ok(())
}

/// The ends of whoever answers beside training.
fn side_ends(app: &mut App, side: Option<SideHandle>) -> (Option<Sender<SideCommand>>, Receiver<SideEvent>) {
    match side {
        Some(SideHandle { commands, events }) => (Some(commands), events),
        None => {
            app.store.side_gone();
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

/// How long to block: until the next frame, or the next change by the clock.
fn patience(app: &App, start: Instant, frame: Option<Duration>, unsent: bool) -> Duration {
    let change = app.next_change().map(|at| at.saturating_sub(start.elapsed()));
    let retry = unsent.then_some(RETRY);
    [frame, change, retry].into_iter().flatten().min().unwrap_or(Duration::from_secs(3600))
}

/// Sends without blocking: a busy engine must not freeze the screen.
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

/// Clears the terminal, so that everything is drawn.
fn redraw<B: Backend>(terminal: &mut Terminal<B>, app: &mut App) -> io::Result<()>
where
    B::Error: Send + Sync + 'static,
{
    // Not `clear`: it asks the terminal for the cursor position, and the answer would arrive as keys.
    let size = terminal.size().map_err(io::Error::other)?;
    terminal.resize(Rect::from((Position::ORIGIN, size))).map_err(io::Error::other)?;
    app.dirty = true;
    Ok(())
}

/// Replaces the failed engine.
fn restart(app: &mut App, channels: &mut Channels, host: &mut impl Host) {
    let Some(run) = app.store.run() else { return };
    match host.restart(&run) {
        Ok(RunSource { facts: _, events, commands, side }) => {
            channels.events = events;
            channels.commands = commands;
            channels.side = side;
            restart::begun(app);
        }
        Err(error) => app.say(Level::Error, format!("the engine cannot be restarted: {error}")),
    }
}

fn carry_out<B: Backend>(
    terminal: &mut Terminal<B>,
    app: &mut App,
    effect: Effect,
    host: &mut impl Host,
) -> io::Result<()>
where
    B::Error: Send + Sync + 'static,
{
    match effect {
        Effect::Suspend => {
            if let Err(error) = host.suspend() {
                app.say(Level::Warning, error.to_string());
            }
            redraw(terminal, app)?;
        }
        Effect::Redraw => redraw(terminal, app)?,
        Effect::Copy { text } => match host.copy(&text) {
            Ok(()) => app.say(Level::Info, SENT_TO_CLIPBOARD),
            Err(error) => app.say(Level::Warning, format!("could not write to the terminal: {error}")),
        },
        Effect::Export { file_name, text } => {
            let folder = std::env::current_dir().unwrap_or_default();
            match export(&folder, &file_name, &text) {
                Ok((path, true)) => app.say(Level::Info, format!("written to {}", path.display())),
                Ok((path, false)) => app.say(Level::Info, format!("it is already in {}", path.display())),
                Err(error) => app.say(Level::Warning, format!("could not write {file_name} here: {error}")),
            }
        }
        // The others are carried out by their requester.
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
