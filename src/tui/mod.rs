//! The terminal interface. It knows nothing about tensors: it receives [`Event`]s and sends
//! [`Command`](crate::protocol::Command)s, whether the events come from an engine in this process or from a run
//! directory.

pub mod cast;
pub mod chart;
pub mod panels;
pub mod screens;
pub mod shell;
pub mod store;
pub mod widgets;

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use crossbeam_channel::{Receiver, never};

use self::shell::{
    app::{App, Ended},
    event_loop::{self, Channels, Host},
    input::InputThread,
    message::Level,
    osc52,
    past::Historian,
    remembered,
    restart::Restarter,
    terminal::{self, TerminalGuard},
    theme::Theme,
    themes::Named,
};
use self::store::{
    Run, RunStore,
    shelf::{Fork, Shelf},
};
use crate::{
    protocol::{Event, RunSource, Started},
    system::platform,
};

/// Options of the interface.
#[derive(Debug, Clone)]
pub struct TuiOptions {
    /// How it is drawn.
    pub theme: Theme,
    /// Whether to capture the mouse at the start.
    pub mouse: bool,
    /// Where standard error goes meanwhile; discarded if `None`.
    pub engine_log: Option<PathBuf>,
    /// What a person should know from the start.
    pub warning: Option<String>,
    /// Whether they see the lab for the first time.
    pub welcome: bool,
    /// The folder of runs.
    pub runs: PathBuf,
    /// The folder of what is remembered from start to start; `None` remembers nothing.
    pub state: Option<PathBuf>,
    /// What they chose before.
    pub remembered: Remembered,
}

/// What is remembered of a person from one start to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remembered {
    /// The theme.
    pub theme: Named,
    /// The screen that was in front, by its name.
    pub screen: Option<String>,
}

impl Default for TuiOptions {
    fn default() -> Self {
        Self {
            theme: Theme::detect(|name| std::env::var(name).ok()),
            mouse: true,
            engine_log: None,
            warning: None,
            welcome: false,
            runs: PathBuf::from("runs"),
            state: None,
            remembered: Remembered::default(),
        }
    }
}

/// What was seen of a run when it was left.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The last finished step.
    pub steps: u64,
    /// Its directory or file, if it was told.
    pub run: Option<PathBuf>,
    /// The price of an hour in dollars, as last set.
    pub price_per_hour: f64,
}

/// How it was left.
#[derive(Debug, Clone, PartialEq)]
pub struct TuiOutcome {
    /// Each run, in the order in which they were opened.
    pub runs: Vec<Seen>,
    /// Why the engine failed, if it did.
    pub failed: Option<String>,
    /// Whether Ctrl+C or a signal ended it.
    pub interrupted: bool,
    /// What is to be remembered for the next start.
    pub remembered: Remembered,
    /// Whether our engine reported its end, or there was none. If not, it may still be writing its last checkpoint.
    pub engine_ended: bool,
}

/// What the starter of a screen provides to it.
pub struct Helpers<'a, 'b> {
    /// What only a run of our own engine has.
    pub engine: Option<EngineHelpers<'a, 'b>>,
    /// Opens the run in a folder or file, or says in a sentence why not.
    pub open: &'a mut Opener<'b>,
    /// Starts a fork in the background.
    pub fork: &'a mut Forker<'b>,
}

/// What the starter of our engine provides.
pub struct EngineHelpers<'a, 'b> {
    /// Restarts a failed engine with the configuration on screen.
    pub restart: &'a mut Restarter<'b>,
    /// Returns what the run has recorded so far.
    pub past: &'a mut Historian<'b>,
}

/// Opens a run, or says in a sentence why not.
type Opener<'a> = dyn FnMut(&Path) -> Result<RunSource, String> + 'a;
/// Starts a fork, or says in a sentence why nothing can be started; the channel tells where it is.
type Forker<'a> = dyn FnMut(&Fork) -> Result<Receiver<Result<PathBuf, String>>, String> + 'a;

/// Shows runs until a person leaves, the first of them first. One of our own engine is ended then; any other goes on
/// without us.
///
/// # Errors
/// If standard output is not a terminal, or the terminal fails.
pub fn run(
    first: RunSource,
    others: Vec<RunSource>,
    options: TuiOptions,
    helpers: Helpers<'_, '_>,
) -> io::Result<TuiOutcome> {
    let (guard, mut screen) = TerminalGuard::take(options.mouse, options.engine_log.as_deref())?;
    // Signals are optional: the interface opens without them.
    let signals = platform::signals().unwrap_or_else(|_| never());
    let (input_thread, input) = InputThread::start()?;
    let store = RunStore::new(first.facts, others.iter().map(|source| source.facts));
    let mut app = App::of_runs(options.theme, store);
    app.mouse = options.mouse;
    app.welcome = options.welcome;
    app.recall(&options.remembered);
    app.shelf = Shelf::of(options.runs);
    match options.state.as_deref().map_or(Ok(None), remembered::layout) {
        Ok(layout) => app.layout = layout.unwrap_or_default(),
        Err(sentence) => app.say(Level::Warning, sentence),
    }
    if let Some(warning) = options.warning {
        app.say(Level::Warning, warning);
    }
    let channels = Channels::new(input, signals, std::iter::once(first).chain(others).collect());
    let mut terminal = RealTerminal { mouse: options.mouse, state: options.state, helpers };
    let result = event_loop::run(&mut screen, &mut app, channels, &mut terminal);
    // While its reads still return on their own.
    drop(input_thread);
    // While standard error is still redirected: the terminal library prints there if it cannot show the cursor, and
    // panics if the terminal is gone.
    drop(screen);
    drop(guard);
    result?;
    Ok(outcome(&app))
}

fn outcome(app: &App) -> TuiOutcome {
    let own = app.store.own().map(|place| &app.store.all()[place]);
    let seen = |run: &Run| Seen {
        // Of a record, all of them are there, wherever it was left.
        steps: run
            .playing
            .map_or_else(|| run.history.last().map_or(0, |step| step.step), |playing| playing.last),
        run: run.path(),
        price_per_hour: run.price_per_hour,
    };
    TuiOutcome {
        runs: app.store.all().iter().map(seen).collect(),
        failed: match own.and_then(|run| run.ended.as_ref()) {
            Some(Ended::Failed(reason)) => Some(reason.clone()),
            _ => None,
        },
        interrupted: app.interrupted,
        remembered: Remembered { theme: app.named, screen: Some(app.in_front().name().to_owned()) },
        engine_ended: app.store.own_in_hand().is_none(),
    }
}

/// The user's terminal.
struct RealTerminal<'a, 'b> {
    mouse: bool,
    state: Option<PathBuf>,
    helpers: Helpers<'a, 'b>,
}

impl Host for RealTerminal<'_, '_> {
    fn is_there(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn suspend(&mut self) -> io::Result<()> {
        platform::can_suspend()?;
        terminal::leave();
        let stopped = platform::suspend();
        terminal::enter(self.mouse)?;
        stopped
    }

    fn resumed(&mut self) -> io::Result<()> {
        terminal::enter(self.mouse)
    }

    fn set_mouse(&mut self, wanted: bool) -> io::Result<()> {
        self.mouse = wanted;
        terminal::set_mouse(wanted)
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(osc52(text).as_bytes())?;
        out.flush()
    }

    fn remember(&mut self, file_name: &str, text: &str) -> io::Result<()> {
        self.state.as_deref().map_or(Ok(()), |folder| remembered::write(folder, file_name, text))
    }

    fn restart(&mut self, run: &Path) -> io::Result<RunSource> {
        match &mut self.helpers.engine {
            Some(engine) => (engine.restart)(run),
            None => Err(io::Error::other("nothing can be restarted from here")),
        }
    }

    fn past(&mut self, started: &Started) -> Option<Receiver<Event>> {
        (self.helpers.engine.as_mut()?.past)(started)
    }

    fn open(&mut self, run: &Path) -> Result<RunSource, String> {
        (self.helpers.open)(run)
    }

    fn fork(&mut self, fork: &Fork) -> Result<Receiver<Result<PathBuf, String>>, String> {
        (self.helpers.fork)(fork)
    }
}
