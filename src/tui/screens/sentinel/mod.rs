//! The Sentinel screen: what could go wrong with the run, the numbers that decide it, and what did go wrong.

mod view;

use ratatui::{Frame, crossterm::event::KeyCode, layout::Rect};

use super::{Context, Gesture, Pointer, Scene, Screen, listing::Needle};
use crate::tui::{
    shell::{
        effect::Effect,
        grammar::{Meaning, meant},
        keys::{Chord, KeyRow, row},
    },
    widgets::scroll::{Move, Scroll, Scrolled},
};

/// The keys of this screen.
pub static KEYS: &[KeyRow<Move>] = &[
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Move::Down, "scroll", "one line down"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Move::Up, "", "one line up"),
    row(&[Chord::key(KeyCode::PageDown)], "PgDn", Move::PageDown, "", "a page down"),
    row(&[Chord::key(KeyCode::PageUp)], "PgUp", Move::PageUp, "", "a page up"),
    meant(Meaning::First, Move::First, "", "to the start"),
    meant(Meaning::Last, Move::Last, "", "to the end"),
];

/// The Sentinel screen.
#[derive(Debug, Default)]
pub struct Sentinel {
    scroll: Scroll,
}

impl Screen for Sentinel {
    const NAME: &'static str = "Sentinel";
    const ABOUT: &'static str = "what could go wrong, and what did";
    const SHORTCUT: Option<char> = Some('!');

    type Action = Move;
    type Hits = Scrolled;

    fn keys() -> &'static [KeyRow<Move>] {
        KEYS
    }

    fn does(&self, _: Move, _: &Scene<'_>, hits: &Scrolled) -> bool {
        hits.scrolls()
    }

    fn mouse(&self, pointer: Pointer) -> Option<Move> {
        match pointer.what {
            Gesture::Up => Some(Move::Up),
            Gesture::Down => Some(Move::Down),
            Gesture::Click | Gesture::Drag => None,
        }
    }

    fn update(&mut self, to: Move, _: &mut Context<'_>, hits: &Scrolled) -> Vec<Effect> {
        self.scroll.go(to, *hits);
        Vec::new()
    }

    fn seek(&mut self, _: &Needle, forward: bool, _: &mut Context<'_>, hits: &Scrolled) -> bool {
        self.scroll.seek(forward, *hits)
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Scrolled {
        view::draw(frame, area, self.scroll, scene)
    }
}
