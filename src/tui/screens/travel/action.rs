//! The actions and keys of the Travel screen.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::state::End;
use crate::tui::{
    shell::{
        grammar::{Meaning, meant},
        keys::{Chord, KeyRow, row},
    },
    widgets::typing::Typing,
};

/// An action of this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The moving end to the next recorded step.
    Later,
    /// The moving end to the previous recorded step.
    Earlier,
    /// The moving end to the first recorded step.
    First,
    /// The moving end to the newest recorded step, and follow it.
    Newest,
    /// Which end the arrows move.
    Move(End),
    /// A click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
    /// The next pinned puzzle.
    NextPuzzle,
    /// The pinned puzzle before.
    PreviousPuzzle,
    /// Scroll both texts up.
    Up,
    /// Scroll both texts down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// Differences of words, or what the analysis found.
    Colours,
    /// Start to type a puzzle.
    Type,
    /// A typed character.
    Input(char),
    /// Delete the last character.
    Erase,
    /// Pin what was typed.
    Accept,
    /// Stop typing.
    Cancel,
    /// Unpin the shown puzzle, or pin it again.
    Unpin,
}

/// The keys of this screen while nothing is being typed.
pub const KEYS: &[KeyRow<Action>] = &[
    row(
        &[Chord::key(KeyCode::Left), Chord::char('h')],
        "← h",
        Action::Earlier,
        "earlier",
        "moving end to the previous recorded step",
    ),
    row(
        &[Chord::key(KeyCode::Right), Chord::char('l')],
        "→ l",
        Action::Later,
        "later",
        "moving end to the next recorded step",
    ),
    meant(Meaning::NextStep, Action::Later, "", "moving end to the next recorded step"),
    meant(Meaning::PreviousStep, Action::Earlier, "", "moving end to the previous recorded step"),
    meant(Meaning::Next, Action::NextPuzzle, "puzzle", "next pinned puzzle"),
    meant(Meaning::Previous, Action::PreviousPuzzle, "", "previous pinned puzzle"),
    meant(Meaning::SideA, Action::Move(End::A), "", "arrows move A"),
    meant(Meaning::SideB, Action::Move(End::B), "move B", "arrows move B"),
    meant(Meaning::View, Action::Colours, "colours", "word differences, or checks in their colours"),
    meant(Meaning::Type, Action::Type, "pin", "type a puzzle to pin"),
    row(&[Chord::char('U')], "U", Action::Unpin, "", "unpin this puzzle (asks first), or pin it again"),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Action::Down, "", "scroll both texts down"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Up, "", "scroll both texts up"),
    row(&[Chord::key(KeyCode::PageDown), Chord::ctrl('d')], "PgDn ^d", Action::PageDown, "", "a page down"),
    row(&[Chord::key(KeyCode::PageUp), Chord::ctrl('u')], "PgUp ^u", Action::PageUp, "", "a page up"),
    meant(Meaning::First, Action::First, "", "to the first recorded step"),
    meant(Meaning::Last, Action::Newest, "", "to the newest step, and follow it"),
];

/// What a key means while a puzzle is being typed.
pub fn typing_action(event: &KeyEvent) -> Option<Action> {
    Typing::of(event).map(|typing| match typing {
        Typing::Input(character) => Action::Input(character),
        Typing::Erase => Action::Erase,
        Typing::Accept => Action::Accept,
        Typing::Cancel => Action::Cancel,
    })
}
