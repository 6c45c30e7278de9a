//! The Meter screen: whether the checks are real, what they are worth, and where the aha mark is.

mod view;

use ratatui::{Frame, crossterm::event::KeyCode, layout::Rect};

use super::{Context, Gesture, Pointer, Scene, Screen, listing::Needle};
use crate::{
    metrics::Tally,
    runs::place::Place,
    tui::{
        shell::{
            effect::Effect,
            grammar::{Meaning, meant},
            keys::{Chord, KeyRow, row},
        },
        store::{Run, completions::Key},
        widgets::scroll::{Move, Scroll, Scrolled},
    },
};

/// An action of this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The next window of steps.
    NextWindow,
    /// To the transcript behind the aha mark.
    ShowAha,
    /// Scrolls the figures if not all fit.
    Scroll(Move),
}

/// The keys of this screen.
pub static KEYS: &[KeyRow<Action>] = &[
    meant(
        Meaning::Open,
        Action::ShowAha,
        "aha transcript",
        "the completion behind the aha mark, in Transcripts",
    ),
    meant(Meaning::Choice, Action::NextWindow, "window", "figures over the last 10, last 50 or all steps"),
    row(
        &[Chord::key(KeyCode::Down), Chord::char('j')],
        "↓ j",
        Action::Scroll(Move::Down),
        "scroll",
        "one line down",
    ),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Scroll(Move::Up), "", "one line up"),
    row(&[Chord::key(KeyCode::PageDown)], "PgDn", Action::Scroll(Move::PageDown), "", "a page down"),
    row(&[Chord::key(KeyCode::PageUp)], "PgUp", Action::Scroll(Move::PageUp), "", "a page up"),
    meant(Meaning::First, Action::Scroll(Move::First), "", "to the start"),
    meant(Meaning::Last, Action::Scroll(Move::Last), "", "to the end"),
];

/// The number of steps that the figures cover.
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

/// The Meter screen.
#[derive(Debug, Default)]
pub struct Meter {
    /// The steps that the figures cover.
    pub window: Window,
    scroll: Scroll,
}

impl Meter {
    /// The counts of the window.
    pub fn tally(&self, store: &Run) -> Tally {
        store.counts.meter.window(self.window.steps())
    }
}

impl Screen for Meter {
    const NAME: &'static str = "Meter";
    const ABOUT: &'static str = "what the checks are worth";

    type Action = Action;
    type Hits = Scrolled;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, scene: &Scene<'_>, hits: &Scrolled) -> bool {
        match action {
            Action::ShowAha => scene.store.aha().is_some(),
            Action::NextWindow => !scene.store.completions.is_empty(),
            Action::Scroll(_) => hits.scrolls(),
        }
    }

    fn mouse(&self, pointer: Pointer) -> Option<Action> {
        match pointer.what {
            Gesture::Up => Some(Action::Scroll(Move::Up)),
            Gesture::Down => Some(Action::Scroll(Move::Down)),
            Gesture::Click | Gesture::Drag => None,
        }
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Scrolled) -> Vec<Effect> {
        match action {
            Action::NextWindow => self.window = self.window.next(),
            Action::ShowAha => return show_aha(context.store),
            Action::Scroll(to) => self.scroll.go(to, *hits),
        }
        Vec::new()
    }

    fn seek(&mut self, _: &Needle, forward: bool, _: &mut Context<'_>, hits: &Scrolled) -> bool {
        self.scroll.seek(forward, *hits)
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Scrolled {
        view::draw(frame, area, self, scene)
    }
}

fn show_aha(store: &Run) -> Vec<Effect> {
    let Some(step) = store.aha() else {
        return Effect::info(
            "there is no aha mark yet: smoothed self-corrections have not stayed above three times the base's",
        );
    };
    let Some(((step, group, index), _)) = store.counts.meter.most_self_correcting(step) else {
        return Effect::info(format!("no completion of step {step}, which set the mark, is loaded"));
    };
    let key = Key { step, group, index };
    if store.completions.has(key) {
        return vec![Effect::Read(key)];
    }
    let place = Place { group, index };
    Effect::info(format!("step {step}, {place} set the mark, but it is no longer in the list"))
}
