//! All state of the interface, but no drawing: the run, the screens, and what is open over them.

use std::time::Duration;

use ratatui::{
    crossterm::event::{KeyEvent, MouseEvent},
    layout::Rect,
};

use super::{
    effect::Effect,
    list::ScreenList,
    message::{Level, Message},
    prompt::Prompt,
    question::Question,
    restart,
    theme::Theme,
};
use crate::{
    protocol::{
        Capability, Event, RunFacts,
        side::{SideCommand, SideEvent},
    },
    tui::{
        screens::{AnyScreen, Context, REGISTRY, Scene, Screen, Shared},
        store::{Store, telling::News},
    },
};

pub use crate::tui::store::Ended;

/// An occurrence for [`super::update::update`].
#[derive(Debug, Clone)]
pub enum Action {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The mouse did something.
    Mouse(MouseEvent),
    /// An event from the engine or the journal being read.
    Engine(Event),
    /// Nothing more will come from the engine.
    EngineGone,
    /// An event from the side engine.
    Side(SideEvent),
    /// Nothing more will come from the side engine.
    SideGone,
    /// The time since the screen was opened.
    Clock(Duration),
    /// The terminal was resized or must be redrawn.
    Redraw,
    /// The system asks the program to end.
    Terminate,
}

/// Where the last frame put things around the screen in front.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// The names in the title bar, and which screen each brings to the front.
    pub tabs: Vec<(Rect, usize)>,
    /// The rows of the list of screens, likewise.
    pub listed: Vec<(Rect, usize)>,
    /// The last line to which the help can scroll.
    pub help_last: usize,
    /// How far a page of the help goes.
    pub help_page: usize,
}

/// How long quitting waits for the engine.
pub(crate) const QUIT_WAIT: Duration = Duration::from_secs(15);

/// All state of the terminal interface.
#[derive(Debug)]
pub struct App {
    /// How it is drawn.
    pub theme: Theme,
    /// The run.
    pub store: Store,
    /// The navigation state that screens share.
    pub shared: Shared,
    /// The screens.
    pub screens: Vec<Box<dyn AnyScreen>>,
    /// Which of them is in front.
    pub front: usize,
    /// First visible line of the help; `None` if it is closed.
    pub help: Option<usize>,
    /// The list of screens, when it is open.
    pub list: Option<ScreenList>,
    /// The prompt, when it is open.
    pub prompt: Option<Prompt>,
    /// A request that awaits confirmation.
    pub question: Option<Question>,
    /// The message line.
    pub message: Option<Message>,
    /// The message for when the prompt closes, see [`Self::report`].
    unsaid: Option<(Level, String)>,
    /// The group that the engine was last asked to inspect.
    pub(super) inspecting: Option<usize>,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// When quitting began.
    pub quitting: Option<Duration>,
    /// Whether Ctrl+C or a signal started it.
    pub interrupted: bool,
    /// The screen may be left.
    pub leave: bool,
    /// Pending commands for the side engine.
    pub asked: Vec<SideCommand>,
    /// Pending effects on the terminal and on files.
    pub effects: Vec<Effect>,
    /// Whether anything changed since the last frame.
    pub dirty: bool,
    /// Where the last frame put things.
    pub picture: Picture,
}

impl App {
    /// Before any event.
    pub fn new(theme: Theme, facts: RunFacts) -> Self {
        Self::with(theme, facts, REGISTRY.iter().map(|make| make()).collect())
    }

    /// The same with these screens, at least one.
    pub fn with(theme: Theme, facts: RunFacts, screens: Vec<Box<dyn AnyScreen>>) -> Self {
        Self {
            theme,
            store: Store::new(facts),
            shared: Shared::default(),
            screens,
            front: 0,
            help: None,
            list: None,
            prompt: None,
            question: None,
            message: None,
            unsaid: None,
            inspecting: None,
            mouse: true,
            quitting: None,
            interrupted: false,
            leave: false,
            asked: Vec::new(),
            effects: Vec::new(),
            dirty: true,
            picture: Picture { help_page: 1, ..Picture::default() },
        }
    }

    /// The data that a frame is drawn from.
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            store: &self.store,
            shared: &self.shared,
            theme: &self.theme,
            message: self.message.as_ref(),
            obeyed: self.obeyed(),
            restartable: restart::is_offered(self),
        }
    }

    /// The screen in front.
    pub fn in_front(&self) -> &dyn AnyScreen {
        self.screens[self.front].as_ref()
    }

    /// Runs an update of the screen in front.
    pub(super) fn front_does<T>(&mut self, act: impl FnOnce(&mut dyn AnyScreen, &mut Context<'_>) -> T) -> T {
        let mut context = Context { store: &self.store, shared: &mut self.shared };
        act(self.screens[self.front].as_mut(), &mut context)
    }

    /// Lets every screen follow the run.
    pub(super) fn refresh_all(&mut self) {
        let mut context = Context { store: &self.store, shared: &mut self.shared };
        self.screens.iter_mut().for_each(|screen| screen.refresh(&mut context));
    }

    /// Updates the texts and the screen in front before a frame.
    pub(super) fn settle(&mut self) {
        self.store.settle();
        self.front_does(|screen, context| screen.refresh(context));
    }

    /// Which screen has this name.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        self.screens.iter().position(|screen| screen.name() == name)
    }

    /// One of the screens; `None` if there is no such screen.
    pub fn screen<S: Screen>(&self) -> Option<&S> {
        self.screens.iter().find_map(|screen| screen.as_any().downcast_ref())
    }

    /// Brings a screen to the front, if it exists.
    pub fn bring<S: Screen>(&mut self) {
        self.front = self.place_of(S::NAME).unwrap_or(self.front);
    }

    /// Whether commands have an effect: an engine that is stopping takes none.
    pub fn obeyed(&self) -> bool {
        self.store.in_control() && self.quitting.is_none()
    }

    /// Whether the run supports this now.
    pub(crate) fn obeys(&self, needed: Capability) -> bool {
        self.store.can(needed) && self.quitting.is_none()
    }

    /// Puts a sentence on the message line.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.message = Some(Message::new(level, text.into(), self.store.now));
        self.dirty = true;
    }

    /// Shows an unsolicited message. While the prompt is open, the line is reserved for feedback on the typing: the
    /// newest message waits until the prompt closes, and a warning has priority.
    pub fn report(&mut self, level: Level, text: impl Into<String>) {
        if self.prompt.is_none() {
            return self.say(level, text);
        }
        if level == Level::Warning || self.unsaid.as_ref().is_none_or(|(waiting, _)| *waiting == Level::Info)
        {
            self.unsaid = Some((level, text.into()));
        }
    }

    /// Shows the run's news.
    pub(super) fn pass_on(&mut self, news: Option<News>) {
        match news {
            Some(News::Info(text)) => self.report(Level::Info, text),
            Some(News::Warning(text)) => self.report(Level::Warning, text),
            None => {}
        }
    }

    /// Shows the message that waited for the prompt to close.
    pub(super) fn report_unsaid(&mut self) {
        if self.prompt.is_none()
            && let Some((level, text)) = self.unsaid.take()
        {
            self.say(level, text);
        }
    }

    /// When the frame changes without an event: the run's clock, an expiring message, the end of the wait for the
    /// engine. `None` if it will not.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        let message = self.message.as_ref().and_then(|message| message.until);
        let quit = self.quitting.map(|since| since + QUIT_WAIT);
        [self.store.next_change(), message, quit].into_iter().flatten().min()
    }
}
