//! The actions and keys of the Search screen.

use ratatui::crossterm::event::KeyCode;

use crate::tui::shell::keys::{Chord, KeyRow, row};

/// An action of this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// One node up.
    Up,
    /// One node down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the given numbers.
    First,
    /// To the last node.
    Last,
    /// To the next node where a solution was overlooked.
    NextPassed,
    /// To the next place in the text that made the move under the cursor.
    NextPlace,
    /// Show or hide the solver's solutions.
    Reveal,
    /// Shows the figures instead of the tree if there is no room for both.
    Figures,
    /// The next completion.
    NextCompletion,
    /// The completion before.
    PreviousCompletion,
    /// The first completion of the next step.
    NextStep,
    /// The first completion of the previous step.
    PreviousStep,
    /// A mouse click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
}

/// The keys of this screen.
pub const KEYS: &[KeyRow<Action>] = &[
    row(&[Chord::char('v')], "v", Action::Reveal, "solution", "show or hide the solver's solutions"),
    row(
        &[Chord::key(KeyCode::Right), Chord::char('l')],
        "→ l",
        Action::NextCompletion,
        "",
        "next completion, in the order of Transcripts",
    ),
    row(
        &[Chord::key(KeyCode::Left), Chord::char('h')],
        "← h",
        Action::PreviousCompletion,
        "completion",
        "previous completion",
    ),
    row(
        &[Chord::char('n')],
        "n",
        Action::NextPassed,
        "overlooked",
        "next place where a solution was overlooked",
    ),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Action::Down, "", "next node"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Up, "", "previous node"),
    row(&[Chord::char('o')], "o", Action::NextPlace, "", "next place in the text that made this move"),
    row(
        &[Chord::char('i')],
        "i",
        Action::Figures,
        "figures",
        "the figures, if they do not fit beside the tree",
    ),
    row(&[Chord::char(']')], "]", Action::NextStep, "", "first completion of the next step"),
    row(&[Chord::char('[')], "[", Action::PreviousStep, "", "first completion of the previous step"),
    row(&[Chord::key(KeyCode::PageDown), Chord::ctrl('d')], "PgDn ^d", Action::PageDown, "", "a page down"),
    row(&[Chord::key(KeyCode::PageUp), Chord::ctrl('u')], "PgUp ^u", Action::PageUp, "", "a page up"),
    row(&[Chord::key(KeyCode::Home), Chord::char('g')], "Home g", Action::First, "", "to the given numbers"),
    row(&[Chord::key(KeyCode::End), Chord::char('G')], "End G", Action::Last, "", "to the last node"),
];
