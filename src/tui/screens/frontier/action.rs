//! The actions and keys of the Frontier screen.

use ratatui::crossterm::event::KeyCode;

use crate::tui::shell::keys::{Chord, KeyRow, row};

/// An action of this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The crosshair to the next measured number of tokens.
    Right,
    /// The crosshair to the one before.
    Left,
    /// The crosshair to the fewest tokens.
    First,
    /// The crosshair to the most tokens.
    Last,
    /// Longer thoughts for the samples of the parallel curves.
    LongerSamples,
    /// Shorter ones.
    ShorterSamples,
    /// Tokens of thought, or all tokens.
    Axis,
    /// The next measured step.
    NextStep,
    /// The measured step before.
    PreviousStep,
    /// Measure the base and the newest weights, or cancel that.
    Measure,
    /// Measurements made with other settings.
    OtherSettings,
}

/// The keys of this screen.
pub const KEYS: &[KeyRow<Action>] = &[
    row(
        &[Chord::char('m')],
        "m",
        Action::Measure,
        "measure",
        "measure the base and the newest weights; m again cancels",
    ),
    row(
        &[Chord::key(KeyCode::Right), Chord::char('l')],
        "→ l",
        Action::Right,
        "tokens",
        "move the crosshair to more tokens and read its values",
    ),
    row(
        &[Chord::key(KeyCode::Left), Chord::char('h')],
        "← h",
        Action::Left,
        "",
        "move the crosshair to fewer tokens",
    ),
    row(
        &[Chord::key(KeyCode::Up), Chord::char('k')],
        "↑ k",
        Action::LongerSamples,
        "samples",
        "best of k and majority of k with longer thoughts",
    ),
    row(
        &[Chord::key(KeyCode::Down), Chord::char('j')],
        "↓ j",
        Action::ShorterSamples,
        "",
        "best of k and majority of k with shorter thoughts",
    ),
    row(&[Chord::char('a')], "a", Action::Axis, "axis", "count thought tokens only, or all tokens"),
    row(&[Chord::char(']')], "]", Action::NextStep, "step", "next measured step"),
    row(&[Chord::char('[')], "[", Action::PreviousStep, "", "previous measured step"),
    row(&[Chord::char('w')], "w", Action::OtherSettings, "", "measurements with other settings"),
    row(&[Chord::key(KeyCode::Home), Chord::char('g')], "Home g", Action::First, "", "to the fewest tokens"),
    row(&[Chord::key(KeyCode::End), Chord::char('G')], "End G", Action::Last, "", "to the most tokens"),
];
