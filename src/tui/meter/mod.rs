//! The Meter screen: whether the checks are real, what they are worth, and where the aha mark is.

mod view;

use ratatui::crossterm::event::KeyCode;

use super::{
    app::{App, Level},
    keys::{Chord, KeyRow},
    screen::Screen,
    transcripts::Key,
};
use crate::{
    metrics::{Meter, Tally},
    runs::place::Place,
    task::LastBlind,
};

pub use view::view;

/// Something a person asked for on this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The next window of steps.
    NextWindow,
    /// To the transcript that stands for the aha mark.
    ShowAha,
}

/// Keys of the Meter screen.
pub static KEYS: &[KeyRow<Action>] = &[
    KeyRow {
        chords: &[Chord::key(KeyCode::Enter), Chord::char('a')],
        shown: "a Enter",
        action: Action::ShowAha,
        hint: "aha transcript",
        help: "the completion that set the aha mark, in Transcripts",
    },
    KeyRow {
        chords: &[Chord::char('w')],
        shown: "w",
        action: Action::NextWindow,
        hint: "window",
        help: "figures over the last 10 or 50 steps, or over all",
    },
];

/// How many steps the figures are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Window {
    /// The last ten.
    Ten,
    /// The last fifty.
    #[default]
    Fifty,
    /// All that are known.
    All,
}

impl Window {
    /// The number of steps; `None` for all.
    pub fn steps(self) -> Option<usize> {
        match self {
            Window::Ten => Some(10),
            Window::Fifty => Some(50),
            Window::All => None,
        }
    }

    fn next(self) -> Self {
        match self {
            Window::Ten => Window::Fifty,
            Window::Fifty => Window::All,
            Window::All => Window::Ten,
        }
    }
}

/// What the Meter screen shows.
#[derive(Debug, Default)]
pub struct MeterScreen {
    /// The counts, step by step.
    pub meter: Meter,
    /// The steps that the figures are taken over.
    pub window: Window,
    /// What blind search has to draw from in the puzzle counted last.
    pub blind: LastBlind,
}

impl MeterScreen {
    /// The counts of the window.
    pub fn tally(&self) -> Tally {
        self.meter.window(self.window.steps())
    }
}

/// Does what a key asked for.
pub(super) fn update(app: &mut App, action: Action) {
    match action {
        Action::NextWindow => app.meter.window = app.meter.window.next(),
        Action::ShowAha => show_aha(app),
    }
}

fn show_aha(app: &mut App) {
    let Some(step) = app.aha() else {
        app.say(
            Level::Info,
            "there is no aha mark yet: smoothed self-corrections have not stayed above three times the base's",
        );
        return;
    };
    let Some(((step, group, index), _)) = app.meter.meter.most_self_correcting(step) else {
        app.say(Level::Info, format!("no completion of step {step}, which set the mark, is known here"));
        return;
    };
    if app.transcripts.show(Key { step, group, index }) {
        app.screen = Screen::Transcripts;
    } else {
        app.say(
            Level::Info,
            format!(
                "step {step}, {} set the mark, but the list does not hold it now",
                Place { group, index }
            ),
        );
    }
}
