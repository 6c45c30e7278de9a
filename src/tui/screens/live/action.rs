//! The actions and keys of the Live screen.

use ratatui::crossterm::event::KeyCode;

use crate::tui::shell::{
    grammar::{Meaning, meant},
    keys::{Chord, KeyRow, row},
};

/// An action of this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// More rows for each completion.
    Taller,
    /// Fewer rows for each completion.
    Shorter,
    /// One completion up.
    Up,
    /// One completion down.
    Down,
    /// To the first completion of the group.
    First,
    /// To its last completion.
    Last,
    /// Open the completion under the cursor.
    Open,
    /// A mouse click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
    /// The next group of the step.
    NextGroup,
    /// The group before.
    PreviousGroup,
    /// Logarithmic or linear axis of the length chart.
    LogLength,
    /// The next smoothing.
    Smoothing,
}

/// The keys of this screen.
pub static KEYS: &[KeyRow<Action>] = &[
    meant(Meaning::Open, Action::Open, "open", "open the completion under the cursor"),
    meant(Meaning::Next, Action::NextGroup, "group", "next group of this step"),
    meant(Meaning::Previous, Action::PreviousGroup, "", "previous group"),
    row(&[Chord::key(KeyCode::Right)], "→", Action::NextGroup, "", "next group of this step"),
    row(&[Chord::key(KeyCode::Left)], "←", Action::PreviousGroup, "", "previous group"),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Action::Down, "", "next completion"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Up, "", "previous completion"),
    meant(Meaning::First, Action::First, "", "first completion of the group"),
    meant(Meaning::Last, Action::Last, "", "last completion of the group"),
    row(&[Chord::char('+'), Chord::char('=')], "+", Action::Taller, "rows", "more rows per completion"),
    row(&[Chord::char('-'), Chord::char('_')], "-", Action::Shorter, "", "fewer rows per completion"),
    row(&[Chord::char('l')], "l", Action::LogLength, "log", "logarithmic or linear axis of the length chart"),
    row(
        &[Chord::char('m')],
        "m",
        Action::Smoothing,
        "smooth",
        "smoothing of the bright lines: none, 0.7, 0.9",
    ),
];
