//! The actions and keys of the Frontier screen.

use ratatui::crossterm::event::KeyCode;

use crate::tui::shell::{
    grammar::{Meaning, meant},
    keys::{Chord, KeyRow, row},
};

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
    meant(Meaning::View, Action::Axis, "axis", "count thought tokens only, or all tokens"),
    meant(Meaning::NextStep, Action::NextStep, "step", "next measured step"),
    meant(Meaning::PreviousStep, Action::PreviousStep, "", "previous measured step"),
    meant(Meaning::Choice, Action::OtherSettings, "", "measurements with other settings"),
    meant(Meaning::First, Action::First, "", "to the fewest tokens"),
    meant(Meaning::Last, Action::Last, "", "to the most tokens"),
];
