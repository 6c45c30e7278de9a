//! The event loop: handles events, draws when something changed, and blocks otherwise.

mod shelf;

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Select, TryRecvError, never};
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
    export,
    message::Level,
    remembered::LAYOUT,
    restart,
    update::update,
    view::view,
    wire::{Heard, Wire},
};
use crate::{
    protocol::{Event, RunSource, Started},
    runs::overview::Overview,
    system::platform::Signal,
    tui::store::{Run, shelf::Fork},
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
    /// Remembers a text for later starts, under this name.
    ///
    /// # Errors
    /// What the file system answered.
    fn remember(&mut self, _file_name: &str, _text: &str) -> io::Result<()> {
        Ok(())
    }
    /// Starts an engine that resumes a run from its last checkpoint.
    ///
    /// # Errors
    /// If the system has no thread left, or nothing can be started here.
    fn restart(&mut self, run: &Path) -> io::Result<RunSource>;
    /// The record of the run that an engine continues; `None` if there is none.
    fn past(&mut self, started: &Started) -> Option<Receiver<Event>>;
    /// Opens the run in a folder or file.
    ///
    /// # Errors
    /// A sentence that says why it cannot be opened.
    fn open(&mut self, _run: &Path) -> Result<RunSource, String> {
        Err("No run can be opened from here.".into())
    }
    /// Starts a fork in the background; where it is, or why it did not begin, is told later.
    ///
    /// # Errors
    /// A sentence that says why nothing can be started.
    fn fork(&mut self, _fork: &Fork) -> Result<Receiver<Forked>, String> {
        Err("No run can be started from here.".into())
    }
}

/// Where a fork is, or why it did not begin.
pub(crate) type Forked = Result<PathBuf, String>;

/// The channels of the loop.
#[derive(Debug)]
pub(crate) struct Channels {
    /// Keys, mouse, size.
    pub input: Receiver<event::Event>,
    /// Requests of the system.
    pub signals: Receiver<Signal>,
    /// The runs, as the app has them.
    pub runs: Vec<RunSource>,
    /// The runs of the folder of runs, while they are read.
    pub shelf: Receiver<Overview>,
    /// The fork that is being started.
    pub forked: Receiver<Forked>,
}

impl Channels {
    /// Of these runs.
    pub(crate) fn new(
        input: Receiver<event::Event>,
        signals: Receiver<Signal>,
        runs: Vec<RunSource>,
    ) -> Self {
        Self { input, signals, runs, shelf: never(), forked: never() }
    }
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
    let mut wires: Vec<Wire> = std::mem::take(&mut channels.runs).into_iter().map(Wire::new).collect();
    for place in (0..wires.len()).filter(|place| !wires[*place].has_side()) {
        app.store.get_mut(place).into_iter().for_each(Run::side_gone);
    }
    let mut mouse = app.mouse;
    let mut looked = Instant::now();
    while !app.leave {
        act(app, Action::Clock(start.elapsed()), &mut wires);
        if app.mouse != mouse {
            mouse = app.mouse;
            host.set_mouse(mouse)?;
        }
        for effect in std::mem::take(&mut app.effects) {
            match effect {
                // Asked for twice at once, it is started once.
                Effect::Restart if restart::is_offered(app) => restart(app, &mut wires, host),
                Effect::ReadShelf => shelf::begin(app, &mut channels),
                Effect::Note(run, notes) => shelf::note(app, &run, &notes, &mut channels),
                Effect::Delete(run) => shelf::delete(app, &run, &mut channels),
                Effect::Open(runs) => shelf::open_all(app, &runs, &mut wires, host),
                Effect::Fork(fork) => shelf::fork(app, &fork, &mut channels, host),
                other => carry_out(terminal, app, other, host)?,
            }
        }
        let pace = if touched { ECHO } else { FRAME };
        let due = last_frame.is_none_or(|last| last.elapsed() >= pace);
        if app.dirty && due {
            terminal.draw(|frame| view(frame, app)).map_err(io::Error::other)?;
            (app.dirty, touched) = (false, false);
            last_frame = Some(Instant::now());
        }
        for (place, command) in app.asked.drain(..) {
            wires[place].ask(command);
        }
        wires.iter_mut().for_each(Wire::send);

        let next_frame =
            app.dirty.then(|| last_frame.map_or(Duration::ZERO, |last| pace.saturating_sub(last.elapsed())));
        let wait = patience(app, start, next_frame, wires.iter().any(Wire::is_behind));
        let speaker = first_to_speak(&channels, &wires, wait.min(LOOK));
        touched |= attend_to(speaker, app, &mut channels, &mut wires, host)?;
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if !host.is_there() {
                return Err(gone());
            }
        }
        while let Ok(input) = channels.input.try_recv() {
            touched = true;
            act(app, from_input(input), &mut wires);
        }
    }
    wires.iter_mut().for_each(Wire::send);
    Ok(())
}

/// Who has something to say, or is gone.
enum Speaker {
    /// The person.
    Input,
    /// The system.
    System,
    /// Whoever reads the folder of runs.
    Shelf,
    /// Whoever starts a fork.
    Forker,
    /// A run.
    Run(usize, Heard),
}

/// Takes what one of them has to say. Returns whether it asks for a quick answer on the screen.
fn attend_to(
    speaker: Option<Speaker>,
    app: &mut App,
    channels: &mut Channels,
    wires: &mut Vec<Wire>,
    host: &mut impl Host,
) -> io::Result<bool> {
    match speaker {
        Some(Speaker::Input) => match channels.input.try_recv() {
            Ok(input) => {
                act(app, from_input(input), wires);
                return Ok(true);
            }
            Err(TryRecvError::Empty) => {}
            // Without a keyboard nobody can leave. Our own engine first writes its last checkpoint.
            Err(_) if app.store.own_in_hand().is_some() => return Err(gone()),
            Err(_) => app.leave = true,
        },
        Some(Speaker::System) => match channels.signals.try_recv() {
            Ok(signal) => {
                signalled(app, signal, host, wires)?;
                return Ok(true);
            }
            Err(TryRecvError::Empty) => {}
            Err(_) => channels.signals = never(),
        },
        Some(Speaker::Shelf) => {
            let channel = channels.shelf.clone();
            if !drain(&channel, |run| act(app, Action::Shelved(Some(Box::new(run))), wires)) {
                channels.shelf = never();
                act(app, Action::Shelved(None), wires);
            }
        }
        Some(Speaker::Forker) => {
            let told = channels.forked.try_recv();
            channels.forked = never();
            if let Ok(told) = told {
                shelf::forked(app, told, wires, host);
            }
        }
        Some(Speaker::Run(place, heard)) => listen(app, place, heard, wires, host),
        None => {}
    }
    Ok(false)
}

/// Waits until anybody speaks, so long at the most.
fn first_to_speak(channels: &Channels, wires: &[Wire], wait: Duration) -> Option<Speaker> {
    let mut select = Select::new();
    let input = select.recv(&channels.input);
    let system = select.recv(&channels.signals);
    let shelf = select.recv(&channels.shelf);
    let forker = select.recv(&channels.forked);
    wires.iter().for_each(|wire| wire.listen(&mut select));
    let ready = select.ready_timeout(wait).ok()?;
    Some(match ready.checked_sub(forker + 1) {
        Some(of_a_run) => Speaker::Run(of_a_run / Heard::ALL.len(), Heard::ALL[of_a_run % Heard::ALL.len()]),
        None if ready == input => Speaker::Input,
        None if ready == system => Speaker::System,
        None if ready == shelf => Speaker::Shelf,
        None => Speaker::Forker,
    })
}

/// Takes in what a run says.
fn listen(app: &mut App, place: usize, heard: Heard, wires: &mut [Wire], host: &mut impl Host) {
    match heard {
        Heard::Event => {
            let channel = wires[place].events.clone();
            if !drain(&channel, |event| hear(app, place, event, wires, host)) {
                wires[place].events = never();
                if wires[place].past.engine_gone() {
                    act(app, Action::EngineGone(place), wires);
                }
            }
        }
        Heard::Recorded => {
            let channel = wires[place].past.recorded.clone();
            if !drain(&channel, |event| act(app, Action::Engine(place, event), wires)) {
                past_is_told(app, place, wires);
            }
        }
        Heard::Answer => {
            let channel = wires[place].answers.clone();
            if !drain(&channel, |event| act(app, Action::Side(place, event), wires)) {
                wires[place].answers = never();
                act(app, Action::SideGone(place), wires);
            }
        }
    }
}

/// The starter of the run is told and lets its engine end.
fn gone() -> io::Error {
    io::Error::other("The terminal is gone; the run was ended, and everything journalled is safe.")
}

/// Takes in what is there, up to a limit. Whether more can come.
fn drain<T>(channel: &Receiver<T>, mut take_in: impl FnMut(T)) -> bool {
    for _ in 0..EVENTS_AT_ONCE {
        match channel.try_recv() {
            Ok(event) => take_in(event),
            Err(TryRecvError::Empty) => return true,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
    true
}

/// Takes in what an engine tells. With the first word of ours it is asked what its run holds already, which goes before.
fn hear(app: &mut App, place: usize, event: Event, wires: &mut [Wire], host: &mut impl Host) {
    let run = &app.store.all()[place];
    let begins = run.is_ours() && run.started.is_none();
    if let (Event::Started(started), true) = (&event, begins) {
        let recorded = host.past(started);
        act(app, Action::Engine(place, event), wires);
        if let Some(recorded) = recorded {
            wires[place].past.begin(recorded);
        }
    } else if let Some(event) = wires[place].past.hold(event) {
        act(app, Action::Engine(place, event), wires);
    }
}

/// The record has been shown; the events that waited for it follow.
fn past_is_told(app: &mut App, place: usize, wires: &mut [Wire]) {
    let (waiting, gone) = wires[place].past.end();
    for event in waiting {
        act(app, Action::Engine(place, event), wires);
    }
    if gone {
        act(app, Action::EngineGone(place), wires);
    }
}

fn signalled(app: &mut App, signal: Signal, host: &mut impl Host, wires: &mut [Wire]) -> io::Result<()> {
    match signal {
        Signal::Terminate => act(app, Action::Terminate, wires),
        Signal::Suspend => app.effects.push(Effect::Suspend),
        Signal::Resize => act(app, Action::Redraw, wires),
        Signal::Continue => {
            host.resumed()?;
            act(app, Action::Redraw, wires);
        }
    }
    Ok(())
}

fn act(app: &mut App, action: Action, wires: &mut [Wire]) {
    for order in update(app, action) {
        wires[order.run].tell(order.command);
    }
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
fn restart(app: &mut App, wires: &mut [Wire], host: &mut impl Host) {
    let Some(own) = app.store.own() else { return };
    let Some(run) = app.store.all()[own].path() else { return };
    match host.restart(&run) {
        Ok(source) => {
            wires[own].begin_again(source);
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
        Effect::Write { file_name, what, replace } => {
            let size = terminal.size().map_err(io::Error::other)?;
            export::carry_out(app, (file_name, what, replace), size);
        }
        Effect::KeepLayout => {
            if let Err(error) = host.remember(LAYOUT, &app.layout.text()) {
                app.say(Level::Warning, format!("this layout cannot be remembered: {error}"));
            }
        }
        // The others are carried out by their requester.
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests;
