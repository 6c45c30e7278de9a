//! The actions and keys of the Live screen.

use ratatui::crossterm::event::KeyCode;

use crate::tui::shell::keys::{Chord, KeyRow, row};

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
    row(
        &[Chord::char('g'), Chord::key(KeyCode::Right)],
        "g →",
        Action::NextGroup,
        "group",
        "next group of this step",
    ),
    row(&[Chord::char('G'), Chord::key(KeyCode::Left)], "G ←", Action::PreviousGroup, "", "previous group"),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Action::Down, "", "next completions"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Up, "", "previous completions"),
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
