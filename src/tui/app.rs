//! Everything the screen shows, and nothing of how.

use std::{path::PathBuf, time::Duration};

use ratatui::{
    crossterm::event::{KeyEvent, MouseEvent},
    layout::Rect,
};

use super::{
    frontier::Frontier,
    history::History,
    meter::MeterScreen,
    microscope::Microscope,
    playground::Playground,
    prompt::Prompt,
    question::Question,
    screen::Screen,
    search_view::SearchView,
    sentinel::SentinelScreen,
    streams::Streams,
    theme::Theme,
    transcripts::{Effect, Transcripts},
    travel::Travel,
};
use crate::{
    protocol::{
        BaseReference, Capability, Event, ForkPoint, Phase, RunFacts, SourceKind, Started, Temporality,
        side::{SideCommand, SideEvent},
    },
    task,
};

/// Whose run is on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Our own engine: every key works.
    Control,
    /// A run that another process trains and that takes our commands: leaving it does not end it.
    Attached,
    /// A run that another process is writing: read-only.
    Following,
    /// A run that is over: read-only.
    Finished,
}

impl Mode {
    /// That of a source.
    pub(super) fn of(facts: &RunFacts) -> Self {
        match facts.kind {
            SourceKind::Engine => Self::Control,
            SourceKind::Process => Self::Attached,
            SourceKind::Files if facts.capabilities.can(Capability::Live) => Self::Following,
            SourceKind::Files => Self::Finished,
        }
    }
}

/// Something that happened, to be taken in by [`super::update::update`].
#[derive(Debug, Clone)]
pub enum Action {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// The engine (or the journal being read) told something.
    Engine(Event),
    /// Nothing more will come from the engine.
    EngineGone,
    /// The side engine told something.
    Side(SideEvent),
    /// Nothing more will come from the side engine.
    SideGone,
    /// So much time has passed since the screen was opened.
    Clock(Duration),
    /// The terminal has another size, or must be drawn anew.
    Redraw,
    /// The system asks us to end.
    Terminate,
}

/// How urgent a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// An answer to a key.
    Info,
    /// Something a person should know.
    Warning,
    /// Something went wrong.
    Error,
}

/// The line above the hint bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// How urgent.
    pub level: Level,
    /// One sentence.
    pub text: String,
    /// When it is put away by itself; `None` keeps it until Esc.
    pub until: Option<Duration>,
    /// Whether it is put away as soon as the engine has paused.
    pub until_paused: bool,
}

/// How the engine ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// As asked.
    Finished,
    /// For this reason.
    Failed(String),
}

/// What the terminal and its host must do, asked for by a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TerminalRequests {
    /// Suspend the process.
    pub suspend: bool,
    /// Clear and draw everything.
    pub redraw: bool,
    /// Start a failed engine again.
    pub restart: bool,
}

/// A phase as it was last told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The step.
    pub step: u64,
    /// The phase.
    pub phase: Phase,
    /// Units done.
    pub done: usize,
    /// Units in all; 0 when unknown.
    pub total: usize,
}

/// What a held-out evaluation found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluated {
    /// After this many steps.
    pub step: u64,
    /// Share of completions that are right.
    pub accuracy: f64,
    /// pass@k, `k` beside it.
    pub pass_at_k: Option<(usize, f64)>,
}

/// Where things are on screen, for the mouse.
#[derive(Debug, Clone, Default)]
pub struct HitAreas {
    /// The names of the screens in the title bar.
    pub tabs: Vec<(Rect, Screen)>,
}

/// How long an answer to a key stays.
pub(super) const INFO_STAYS: Duration = Duration::from_secs(6);
/// How long a warning stays.
pub(super) const WARNING_STAYS: Duration = Duration::from_secs(20);
/// How long quitting waits for the engine to end.
pub const QUIT_WAIT: Duration = Duration::from_secs(15);

/// All state of the terminal interface.
#[derive(Debug)]
pub struct App {
    /// How it is drawn.
    pub theme: Theme,
    /// Whose run it is.
    pub mode: Mode,
    /// The screen shown.
    pub screen: Screen,
    /// First line of the help shown; `None` when it is closed.
    pub help: Option<usize>,
    /// The prompt, when it is open.
    pub prompt: Option<Prompt>,
    /// What the engine is; `None` until it has told.
    pub started: Option<Started>,
    /// The phase it is in.
    pub progress: Option<Progress>,
    /// Whether time passes in it.
    pub temporality: Temporality,
    /// How it ended.
    pub ended: Option<Ended>,
    /// Whether a failed engine can be started again from here.
    pub can_restart: bool,
    /// Whether an engine was started again and has not told yet where it stands.
    pub(super) restarting: bool,
    /// Streamed tokens that were dropped on the way to the screen.
    pub tokens_dropped: u64,
    /// Held-out evaluations.
    pub evaluations: Vec<Evaluated>,
    /// The steps.
    pub history: History,
    /// The completions of the current step.
    pub streams: Streams,
    /// All completions.
    pub transcripts: Transcripts,
    /// What the checks are worth.
    pub meter: MeterScreen,
    /// One completion as a tree.
    pub search: SearchView,
    /// The answers to pinned puzzles.
    pub travel: Travel,
    /// One group of a step, token by token.
    pub microscope: Microscope,
    /// Two models that answer a puzzle of one's own.
    pub playground: Playground,
    /// What the side engine is to be told.
    pub asked: Vec<SideCommand>,
    /// What accuracy thinking buys.
    pub frontier: Frontier,
    /// What could go wrong, and what did.
    pub sentinel: SentinelScreen,
    /// The group that the engine was last asked to look at.
    pub(super) inspecting: Option<usize>,
    /// The message line.
    pub message: Option<Message>,
    /// What is said when the prompt is closed, see [`Self::report`].
    unsaid: Option<(Level, String)>,
    /// Dollars an hour.
    pub price_per_hour: f64,
    /// Whether the length chart has a logarithmic axis.
    pub log_length: bool,
    /// Rows of a completion; `None` fits them to the panel.
    pub card_rows: Option<u16>,
    /// First completion shown.
    pub first_card: usize,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// Time since the screen was opened.
    pub now: Duration,
    /// Time in which the engine was at work since then.
    pub worked: Duration,
    /// Seconds of the steps that were finished before we watched.
    pub worked_before: f64,
    /// When quitting began.
    pub quitting: Option<Duration>,
    /// Whether it was Ctrl+C or a signal that began it.
    pub interrupted: bool,
    /// The screen may be left.
    pub leave: bool,
    /// What the terminal is asked to do.
    pub requests: TerminalRequests,
    /// What a key asked for and a person has not confirmed yet.
    pub question: Option<Question>,
    /// What is to be done outside the screen: copies and exports.
    pub effects: Vec<Effect>,
    /// Whether something changed since the last picture.
    pub dirty: bool,
    /// Where things are, from the last picture.
    pub hits: HitAreas,
    /// The charts as they were last drawn.
    pub(super) chart_cache: super::view::ChartCache,
    /// The last line that the help can begin with, and how far a page goes, from the last picture.
    pub(super) help_last: usize,
    pub(super) help_page: usize,
    /// Completions that fit the panel, from the last picture.
    pub(super) cards_fit: usize,
    /// Whether the Live screen had room for charts, from the last picture.
    pub(super) has_charts: bool,
}

impl App {
    /// Nothing told yet.
    pub fn new(theme: Theme, mode: Mode) -> Self {
        Self {
            theme,
            mode,
            screen: Screen::Live,
            help: None,
            prompt: None,
            started: None,
            progress: None,
            temporality: Temporality::Live,
            ended: None,
            can_restart: false,
            restarting: false,
            tokens_dropped: 0,
            evaluations: Vec::new(),
            history: History::default(),
            streams: Streams::default(),
            transcripts: Transcripts::default(),
            meter: MeterScreen::default(),
            search: SearchView::default(),
            travel: Travel::default(),
            microscope: Microscope::default(),
            playground: Playground::default(),
            asked: Vec::new(),
            frontier: Frontier::default(),
            sentinel: SentinelScreen::default(),
            inspecting: None,
            message: None,
            unsaid: None,
            price_per_hour: crate::config::Config::default().watch.price_per_hour,
            log_length: false,
            card_rows: None,
            first_card: 0,
            mouse: true,
            now: Duration::ZERO,
            worked: Duration::ZERO,
            worked_before: 0.0,
            quitting: None,
            interrupted: false,
            leave: false,
            requests: TerminalRequests::default(),
            question: None,
            effects: Vec::new(),
            dirty: true,
            hits: HitAreas::default(),
            chart_cache: super::view::ChartCache::default(),
            help_last: 0,
            help_page: 1,
            cards_fit: 1,
            has_charts: true,
        }
    }

    /// The name of the run's task; the first one's until a run is known.
    pub fn task(&self) -> &'static str {
        self.started.as_ref().map_or(task::FAMILIES[0], |started| started.config.puzzles.task).name
    }

    /// Whether keys reach an engine.
    pub fn in_control(&self) -> bool {
        matches!(self.mode, Mode::Control | Mode::Attached) && self.ended.is_none()
    }

    /// Whether nothing more will come.
    pub fn over(&self) -> bool {
        self.ended.is_some() || self.mode == Mode::Finished
    }

    /// Whether the engine is at work, so that the clock runs.
    pub fn working(&self) -> bool {
        self.mode == Mode::Control
            && self.ended.is_none()
            && self.started.is_some()
            && self.temporality != Temporality::Paused
    }

    /// The step in hand, or the last finished one.
    pub fn step(&self) -> u64 {
        let done = self.history.last().map_or(0, |step| step.step);
        let told = self.started.as_ref().map_or(0, |started| started.step);
        let at = self.progress.map_or(0, |progress| progress.step);
        done.max(told).max(at)
    }

    /// Time the run has taken so far, pauses left out.
    pub fn elapsed(&self) -> Duration {
        let before = if self.worked_before.is_finite() { self.worked_before.max(0.0) } else { 0.0 };
        self.worked + Duration::try_from_secs_f64(before).unwrap_or_default()
    }

    /// What the run has cost so far at the price an hour, dollars.
    pub fn cost(&self) -> f64 {
        self.elapsed().as_secs_f64() / 3600.0 * self.price_per_hour
    }

    /// Where the run was forked from another, if it was.
    pub fn fork(&self) -> Option<&ForkPoint> {
        self.started.as_ref()?.forks.first()
    }

    /// What the base showed when it was measured beforehand.
    pub fn measured_base(&self) -> Option<&BaseReference> {
        self.started.as_ref().and_then(|started| started.base.as_ref())
    }

    /// What the base showed, as far as is known, its reward by what is paid now.
    pub fn base(&self) -> Option<BaseReference> {
        let base = self.history.reference(self.measured_base())?;
        let reward = self.started.as_ref().map_or(base.reward, |started| base.reward_under(&started.config));
        Some(BaseReference { reward, ..base })
    }

    /// The aha step.
    pub fn aha(&self) -> Option<u64> {
        self.history.aha(self.measured_base())
    }

    /// The run directory, once it is known.
    pub fn run(&self) -> Option<PathBuf> {
        self.started.as_ref().map(|started| started.run.clone())
    }

    /// Puts a sentence on the message line. An error is not pushed away by an answer to a key.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        let until = match level {
            Level::Info => Some(self.now + INFO_STAYS),
            Level::Warning => Some(self.now + WARNING_STAYS),
            Level::Error => None,
        };
        self.message = Some(Message { level, text: text.into(), until, until_paused: false });
        self.dirty = true;
    }

    /// Says what nobody asked for. While a person types, the line belongs to the answers to what is typed: the newest
    /// sentence waits until the prompt is closed, a warning before anything else.
    pub fn report(&mut self, level: Level, text: impl Into<String>) {
        if self.prompt.is_none() {
            return self.say(level, text);
        }
        if level == Level::Warning || self.unsaid.as_ref().is_none_or(|(waiting, _)| *waiting == Level::Info)
        {
            self.unsaid = Some((level, text.into()));
        }
    }

    /// Says what waited for the prompt to be closed.
    pub(super) fn report_unsaid(&mut self) {
        if self.prompt.is_none()
            && let Some((level, text)) = self.unsaid.take()
        {
            self.say(level, text);
        }
    }

    /// When the picture changes without anything happening: the clock's next second, a message that goes,
    /// a light that goes out. `None` while nothing will.
    pub fn next_change(&self) -> Option<Duration> {
        let clock = self.working().then(|| Duration::from_secs(self.now.as_secs() + 1));
        let message = self.message.as_ref().and_then(|message| message.until);
        let light = self.streams.current().and_then(|(_, group)| {
            group.cards.values().filter_map(|card| card.lit_until).filter(|until| *until > self.now).min()
        });
        let quit = self.quitting.map(|since| since + QUIT_WAIT);
        [clock, message, light, quit, self.sentinel.looks_again_at()].into_iter().flatten().min()
    }
}
