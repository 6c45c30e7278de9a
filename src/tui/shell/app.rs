//! Everything on screen, and nothing of how it is drawn: the runs, the screens, and what is open over them.

use std::time::Duration;

use ratatui::{
    crossterm::event::{KeyEvent, MouseEvent},
    layout::{Position, Rect},
};

use super::{
    command_palette::CommandPalette,
    effect::Effect,
    list::List,
    message::{Level, Message},
    prompt::Prompt,
    question::Question,
    restart,
    theme::Theme,
    themes::Named,
    tour::Tour,
    visit::Visit,
};
use crate::{
    protocol::{
        Capability, Command, Event, RunFacts,
        side::{SideCommand, SideEvent},
    },
    runs::overview::Overview,
    tui::{
        Remembered,
        panels::{Panel, Panels},
        screens::{
            AnyScreen, Context, Looks, Scene, Screen,
            charts::ChartLayout,
            listing::{Listing, Needle},
        },
        store::{Run, RunStore, shelf::Shelf, telling::News},
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
    /// The engine of the run at this place (or its journal being read) told something.
    Engine(usize, Event),
    /// Nothing more will come from its engine.
    EngineGone(usize),
    /// Its side engine told something.
    Side(usize, SideEvent),
    /// Nothing more will come from its side engine.
    SideGone(usize),
    /// A run of the folder of runs was read; with none, all of them were.
    Shelved(Option<Box<Overview>>),
    /// The time since the screen was opened.
    Clock(Duration),
    /// The terminal was resized or must be redrawn.
    Redraw,
    /// The system asks the program to end.
    Terminate,
}

/// What a run is to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Its place.
    pub run: usize,
    /// What its engine is to do.
    pub command: Command,
}

/// Where the last frame put things around the screen in front.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    /// The names in the title bar, and which screen each brings to the front.
    pub tabs: Vec<(Rect, usize)>,
    /// The hints at the bottom, and the key that each is.
    pub hints: Vec<(Rect, KeyEvent)>,
    /// Which run of how many it is; empty where only one is open.
    pub count: Rect,
    /// The rows of the list that is open, and the place that each stands for.
    pub listed: Vec<(Rect, usize)>,
    /// The bar of the steps of a record that is played; empty where there is none.
    pub scrubber: Rect,
    /// The panels.
    pub panels: Vec<(Rect, Panel)>,
    /// How often what is searched for stands in it.
    pub found: usize,
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
    /// The theme that was chosen.
    pub named: Named,
    /// The theme that fits the terminal as far as that is known.
    auto: Theme,
    /// The open runs.
    pub store: RunStore,
    /// The runs of the folder of runs, open or not.
    pub shelf: Shelf,
    /// Where a person is in each of them.
    pub visits: Vec<Visit>,
    /// How the charts are drawn.
    pub looks: Looks,
    /// The panels of the Charts screen.
    pub layout: ChartLayout,
    /// Which screen is in front, in whichever run.
    pub front: usize,
    /// The screens that were in front before, the last at the end.
    pub(super) trail: Vec<usize>,
    /// Whether the screen in front changed on the way back.
    pub(super) going_back: bool,
    /// What is searched for on the screens.
    pub needle: Option<Needle>,
    /// The command palette, when it is open.
    pub commands: Option<CommandPalette>,
    /// First visible line of the help; `None` if it is closed.
    pub help: Option<usize>,
    /// The panel that the help begins with.
    pub explained: Option<Panel>,
    /// Where the tour is, while somebody takes it.
    pub tour: Option<Tour>,
    /// Whether the lines of the first start are shown.
    pub welcome: bool,
    /// Where the mouse is, if it was moved since the last key.
    pub pointer: Option<Position>,
    /// The list of screens or of runs, when one is open.
    pub list: Option<List>,
    /// The prompt, when it is open.
    pub prompt: Option<Prompt>,
    /// A request that awaits confirmation.
    pub question: Option<Question>,
    /// The message line.
    pub message: Option<Message>,
    /// The message for when the prompt closes, see [`Self::report`].
    unsaid: Option<(Level, String)>,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// When quitting began.
    pub quitting: Option<Duration>,
    /// Whether Ctrl+C or a signal started it.
    pub interrupted: bool,
    /// The screen may be left.
    pub leave: bool,
    /// What the side engines are to be told, each with the place of its run.
    pub asked: Vec<(usize, SideCommand)>,
    /// Pending effects on the terminal and on files.
    pub effects: Vec<Effect>,
    /// Whether anything changed since the last frame.
    pub dirty: bool,
    /// Where the last frame put things.
    pub picture: Picture,
    /// Where the frame that is being drawn puts its panels.
    panels: Panels,
}

impl App {
    /// One run, of which nothing is told yet.
    pub fn new(theme: Theme, facts: RunFacts) -> Self {
        Self::of_runs(theme, RunStore::new(facts, []))
    }

    /// These runs.
    pub fn of_runs(theme: Theme, store: RunStore) -> Self {
        Self {
            auto: theme.clone(),
            named: Named::default(),
            theme,
            trail: Vec::new(),
            going_back: false,
            needle: None,
            commands: None,
            visits: store.all().iter().map(|_| Visit::default()).collect(),
            store,
            shelf: Shelf::default(),
            looks: Looks::default(),
            layout: ChartLayout::default(),
            front: 0,
            help: None,
            explained: None,
            tour: None,
            welcome: false,
            pointer: None,
            list: None,
            prompt: None,
            question: None,
            message: None,
            unsaid: None,
            mouse: true,
            quitting: None,
            interrupted: false,
            leave: false,
            asked: Vec::new(),
            effects: Vec::new(),
            dirty: true,
            picture: Picture { help_page: 1, ..Picture::default() },
            panels: Panels::default(),
        }
    }

    /// The data that a frame is drawn from.
    pub fn scene(&self) -> Scene<'_> {
        self.scene_with(self.needle.as_ref())
    }

    /// The same while something is searched for.
    pub(super) fn scene_with<'a>(&'a self, needle: Option<&'a Needle>) -> Scene<'a> {
        Scene {
            needle,
            store: self.run(),
            runs: &self.store,
            shelf: &self.shelf,
            listing: self.listing(),
            looks: self.looks,
            layout: &self.layout,
            theme: &self.theme,
            message: self.message.as_ref(),
            obeyed: self.obeyed(),
            restartable: restart::is_offered(self),
            panels: &self.panels,
        }
    }

    /// Takes up the theme and the screen of the last time. A screen that is no more is not looked for.
    pub(in crate::tui) fn recall(&mut self, remembered: &Remembered) {
        (self.named, self.theme) = (remembered.theme, remembered.theme.theme(&self.auto));
        let place = remembered.screen.as_deref().and_then(|name| self.place_of(name));
        self.front = place.unwrap_or(self.front);
    }

    /// Draws everything in a theme from now on.
    pub fn set_theme(&mut self, named: Named) {
        self.named = named;
        self.theme = named.theme(&self.auto);
        let text = match self.theme.color || named == Named::Auto {
            true => format!("theme {named}: {}", named.about()),
            false => "NO_COLOR is set: themes differ in colours only".to_owned(),
        };
        self.say(Level::Info, text);
        self.effects.push(Effect::Redraw);
    }

    /// The run that is shown.
    pub fn run(&self) -> &Run {
        self.store.shown()
    }

    /// The run that is shown, to be changed.
    pub(super) fn run_mut(&mut self) -> &mut Run {
        self.store.shown_mut()
    }

    /// Its screens.
    pub fn screens(&self) -> &[Box<dyn AnyScreen>] {
        &self.visits[self.store.place()].screens
    }

    /// Its list of completions.
    pub fn listing(&self) -> &Listing {
        &self.visits[self.store.place()].listing
    }

    /// The screen in front.
    pub fn in_front(&self) -> &dyn AnyScreen {
        self.screens()[self.front].as_ref()
    }

    /// Lets the screens do something in the run that is shown.
    pub(super) fn screens_do<T>(
        &mut self,
        act: impl FnOnce(&mut [Box<dyn AnyScreen>], &mut Context<'_>) -> T,
    ) -> T {
        let Visit { screens, listing, .. } = &mut self.visits[self.store.place()];
        let (store, looks, layout) = (self.store.shown(), &mut self.looks, &mut self.layout);
        act(screens, &mut Context { store, listing, looks, layout, shelf: &self.shelf })
    }

    /// Runs an update of the screen in front.
    pub(super) fn front_does<T>(&mut self, act: impl FnOnce(&mut dyn AnyScreen, &mut Context<'_>) -> T) -> T {
        let front = self.front;
        self.screens_do(|screens, context| act(screens[front].as_mut(), context))
    }

    /// Lets every screen follow the run that is shown.
    pub(super) fn refresh_all(&mut self) {
        self.screens_do(|screens, context| screens.iter_mut().for_each(|screen| screen.refresh(context)));
    }

    /// Shows the run at this place, on the screen that is in front, where it was left.
    pub(super) fn show_run(&mut self, place: usize) {
        if !self.store.show(place) {
            return;
        }
        // What was asked and typed was meant for the other run.
        (self.prompt, self.question, self.unsaid) = (None, None, None);
        self.refresh_all();
        let (number, count) = (place + 1, self.store.count());
        self.say(Level::Info, format!("run {number} of {count}: {}", self.store.name(place)));
    }

    /// Adds a run that is opened now. Its place.
    pub(super) fn add_run(&mut self, facts: RunFacts) -> usize {
        self.visits.push(Visit::default());
        self.store.add(facts)
    }

    /// Updates the texts and the screen in front before a frame.
    pub(super) fn settle(&mut self) {
        self.run_mut().settle();
        self.front_does(|screen, context| screen.refresh(context));
    }

    /// Which screen has this name.
    pub fn place_of(&self, name: &str) -> Option<usize> {
        self.screens().iter().position(|screen| screen.name() == name)
    }

    /// One of the screens; `None` if there is no such screen.
    pub fn screen<S: Screen>(&self) -> Option<&S> {
        self.screens().iter().find_map(|screen| screen.as_any().downcast_ref())
    }

    /// Brings a screen to the front, if it exists.
    pub fn bring<S: Screen>(&mut self) {
        self.front = self.place_of(S::NAME).unwrap_or(self.front);
    }

    /// Whether commands have an effect: an engine that is stopping takes none.
    pub fn obeyed(&self) -> bool {
        self.run().in_control() && self.quitting.is_none()
    }

    /// Whether the run supports this now.
    pub fn obeys(&self, needed: Capability) -> bool {
        self.run().can(needed) && self.quitting.is_none()
    }

    /// Puts a sentence on the message line.
    pub fn say(&mut self, level: Level, text: impl Into<String>) {
        self.message = Some(Message::new(level, text.into(), self.run().now));
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

    /// The same of the run at this place, which is named where it is not the one that is shown.
    pub(super) fn report_of(&mut self, place: usize, level: Level, text: &str) {
        match place == self.store.place() {
            true => self.report(level, text),
            false => self.report(level, format!("{}: {text}", self.store.name(place))),
        }
    }

    /// Says what the run at this place has news of.
    pub(super) fn pass_on(&mut self, place: usize, news: Option<News>) {
        match news {
            Some(News::Info(text)) => self.report_of(place, Level::Info, &text),
            Some(News::Warning(text)) => self.report_of(place, Level::Warning, &text),
            None => {}
        }
    }

    /// Asks the side engine of the run that is shown.
    pub(super) fn ask(&mut self, commands: impl IntoIterator<Item = SideCommand>) {
        let place = self.store.place();
        self.asked.extend(commands.into_iter().map(|command| (place, command)));
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
        [self.run().next_change(), message, quit].into_iter().flatten().min()
    }
}
