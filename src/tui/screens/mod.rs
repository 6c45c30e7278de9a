//! The screens. Each is a folder with a type that is a [`Screen`], and a line in [`REGISTRY`]; the title bar, the help,
//! the list of screens, keys, mouse and tests follow.

pub mod charts;
pub mod frontier;
pub mod handout;
pub mod listing;
pub mod live;
pub mod meter;
pub mod microscope;
mod mount;
pub mod playground;
pub mod rewards;
pub mod runs;
pub mod search;
pub mod sentinel;
pub mod settings;
pub mod transcripts;
pub mod travel;

use std::fmt::Debug;

use ratatui::{Frame, crossterm::event::KeyEvent, layout::Rect};

pub use self::mount::{AnyScreen, Hits, ScreenRow};
use self::{
    charts::ChartLayout,
    handout::Handout,
    listing::{Listing, Needle},
    mount::mount,
};
use crate::tui::{
    panels::{Panel, Panels},
    shell::{effect::Effect, keys::KeyRow, message::Message, theme::Theme},
    store::{Run, RunStore, completions::Key, history::Smoothing, shelf::Shelf},
};

/// Makes a screen.
pub type Made = fn() -> Box<dyn AnyScreen>;

/// All screens, in the order in which Tab goes through them. The first is F2, the next F3 and so on to F10.
pub static REGISTRY: &[Made] = &[
    mount::<live::Live>,
    mount::<transcripts::Transcripts>,
    mount::<meter::Meter>,
    mount::<search::Search>,
    mount::<travel::Travel>,
    mount::<microscope::Microscope>,
    mount::<playground::Playground>,
    mount::<frontier::Frontier>,
    mount::<sentinel::Sentinel>,
    mount::<rewards::Rewards>,
    mount::<settings::Settings>,
    mount::<charts::Charts>,
    mount::<runs::Runs>,
];

/// How the charts are drawn, whichever run and screen is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Looks {
    /// How the bright lines are smoothed.
    pub smoothing: Smoothing,
    /// Whether the length chart has a logarithmic axis.
    pub log_length: bool,
    /// Whether the curves of the other open runs are drawn too.
    pub others: bool,
    /// Whether Charts draws mean and range over runs that differ in their seed alone.
    pub seeds: bool,
}

/// The data that a frame is drawn from.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The run that is shown.
    pub store: &'a Run,
    /// All open runs.
    pub runs: &'a RunStore,
    /// The runs of the folder of runs, open or not.
    pub shelf: &'a Shelf,
    /// The list of completions, and the selected one.
    pub listing: &'a Listing,
    /// How the charts are drawn.
    pub looks: Looks,
    /// The panels of the Charts screen.
    pub layout: &'a ChartLayout,
    /// How it is drawn.
    pub theme: &'a Theme,
    /// The current message, for a screen with a line for it.
    pub message: Option<&'a Message>,
    /// Whether commands have an effect: an engine that is stopping takes none.
    pub obeyed: bool,
    /// Whether a failed engine can be started again.
    pub restartable: bool,
    /// Where a screen notes which panel it draws where.
    pub panels: &'a Panels,
    /// What is searched for on it.
    pub needle: Option<&'a Needle>,
}

/// The data for a screen's update.
#[derive(Debug)]
pub struct Context<'a> {
    /// The run that is shown.
    pub store: &'a Run,
    /// The list of completions, and the selected one: several screens share it.
    pub listing: &'a mut Listing,
    /// How the charts are drawn.
    pub looks: &'a mut Looks,
    /// The runs of the folder of runs, open or not.
    pub shelf: &'a Shelf,
    /// The panels of the Charts screen.
    pub layout: &'a mut ChartLayout,
}

/// A mouse gesture and its terminal cell, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// What it did.
    pub what: Gesture,
    /// Cells from the left.
    pub column: u16,
    /// Cells from the top.
    pub row: u16,
}

/// What a mouse can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// A click with the left button.
    Click,
    /// The mouse moves with the left button held.
    Drag,
    /// A notch of the wheel up.
    Up,
    /// A notch of the wheel down.
    Down,
}

/// A movement of the mouse to a terminal cell, counted from 0. Few screens follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Movement {
    /// Whether the left button is held.
    pub drags: bool,
    /// Cells from the left.
    pub column: u16,
    /// Cells from the top.
    pub row: u16,
}

/// Something that a person wants to see, wherever it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The metric of this name.
    Metric(&'static str),
    /// The configuration key of this name.
    Setting(&'static str),
}

/// The meaning of a key while text is being typed.
pub(crate) type TypedKey<Action> = fn(&KeyEvent) -> Option<Action>;

/// A screen: where a person is on it in one run, what keys and the mouse change of that, and how it is drawn. What it shows is in
/// the [`Run`].
pub trait Screen: Debug + Default + 'static {
    /// Its name in the title bar, the help, the list of screens and the documentation.
    const NAME: &'static str;
    /// What it shows, in a few words.
    const ABOUT: &'static str;
    /// A global key for it besides its F key.
    const SHORTCUT: Option<char> = None;
    /// Whether the keys that drive the run come before its own in the hint bar.
    const COMMANDS_FIRST: bool = false;

    /// Its actions.
    type Action: Debug + Copy + PartialEq + 'static;
    /// Where a frame put things: for the mouse, paging and scrolling.
    type Hits: Debug + Default + 'static;

    /// Its keys, in the order of the hint bar.
    fn keys() -> &'static [KeyRow<Self::Action>];

    /// Whether an action would do anything now; if not, the hint bar omits it.
    fn does(&self, _action: Self::Action, _scene: &Scene<'_>, _hits: &Self::Hits) -> bool {
        true
    }

    /// The meaning of a key while text is being typed.
    fn typing(&self) -> Option<TypedKey<Self::Action>> {
        None
    }

    /// What the mouse asks for.
    fn mouse(&self, _pointer: Pointer) -> Option<Self::Action> {
        None
    }

    /// What a movement of the mouse asks for.
    fn moved(&self, _movement: Movement) -> Option<Self::Action> {
        None
    }

    /// Adopts the scroll position of the last frame, which is what the user acts on.
    fn take_over(&mut self, _hits: &Self::Hits) {}

    /// Carries out an action; returns the effects outside the screen.
    fn update(&mut self, action: Self::Action, context: &mut Context<'_>, hits: &Self::Hits) -> Vec<Effect>;

    /// Draws it into `area` without changing any state.
    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Self::Hits;

    /// It has come to the front.
    fn enter(&mut self, _context: &mut Context<'_>) -> Vec<Effect> {
        Vec::new()
    }

    /// Follows the run: before each frame, and whenever an engine starts or the side engine reports something.
    fn refresh(&mut self, _context: &mut Context<'_>) {}

    /// Opens a completion for reading, if this screen does that.
    fn read(&mut self, _key: Key, _context: &mut Context<'_>) -> bool {
        false
    }

    /// Looks closely at a completion of a group, if this screen does that.
    fn look_at(&mut self, _place: (u64, usize), _index: usize, _context: &mut Context<'_>) -> bool {
        false
    }

    /// Shows a subject, if this screen is where it is shown.
    fn show_subject(&mut self, _subject: Subject, _context: &mut Context<'_>) -> bool {
        false
    }

    /// Goes to the next (or the previous) place outside the picture that has what is searched for; `false` if there is
    /// none.
    fn seek(&mut self, _needle: &Needle, _forward: bool, _: &mut Context<'_>, _hits: &Self::Hits) -> bool {
        false
    }

    /// The text under the cursor, to be copied or written to a file.
    fn under_cursor(&self, _scene: &Scene<'_>, _hits: &Self::Hits) -> Option<Handout> {
        None
    }

    /// The group that the engine should inspect while this screen is in front.
    fn inspects(&self) -> Option<usize> {
        None
    }

    /// The panel that keys go to, where there are several.
    fn focus(&self) -> Option<Panel> {
        None
    }

    /// Whether it has a message line on a terminal with this many rows; otherwise messages appear above the hints.
    fn has_message_line(_rows: u16) -> bool {
        false
    }
}
