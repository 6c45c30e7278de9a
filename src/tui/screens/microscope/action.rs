//! The actions and keys of the Microscope.

use ratatui::crossterm::event::KeyCode;

use super::lens::Lens;
use crate::tui::shell::{
    grammar::{Meaning, meant},
    keys::{Chord, KeyRow, row},
};

/// An action of this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// One completion up; one line of tokens up in an opened completion.
    Up,
    /// The same, down.
    Down,
    /// One token to the left.
    Left,
    /// One token to the right.
    Right,
    /// The first token.
    First,
    /// The last token.
    Last,
    /// A click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
    /// Opens the completion, or goes back to the group.
    Open,
    /// Back to the group.
    Back,
    /// The group after.
    NextGroup,
    /// The group before.
    PreviousGroup,
    /// The next step; after the last one, the newest is followed.
    NextStep,
    /// The step before.
    PreviousStep,
    /// What the tokens are coloured by.
    Color(Lens),
}

/// The keys of this screen.
pub const KEYS: &[KeyRow<Action>] = &[
    row(
        &[Chord::key(KeyCode::Right), Chord::char('l')],
        "→ l",
        Action::Right,
        "token",
        "next token; its numbers are shown",
    ),
    row(&[Chord::key(KeyCode::Left), Chord::char('h')], "← h", Action::Left, "", "previous token"),
    meant(Meaning::Open, Action::Open, "open", "open or close a completion"),
    row(
        &[Chord::key(KeyCode::Down), Chord::char('j')],
        "↓ j",
        Action::Down,
        "",
        "next completion, or line of an open one",
    ),
    row(
        &[Chord::key(KeyCode::Up), Chord::char('k')],
        "↑ k",
        Action::Up,
        "",
        "previous completion, or line of an open one",
    ),
    row(&[Chord::char('1')], "1", Action::Color(Lens::Advantage), "", "colour tokens by advantage"),
    row(
        &[Chord::char('2')],
        "2",
        Action::Color(Lens::Entropy),
        "",
        "by entropy: how uncertain the model was",
    ),
    row(&[Chord::char('3')], "3", Action::Color(Lens::LogProb), "", "by log-probability: how likely it was"),
    row(&[Chord::char('4')], "4", Action::Color(Lens::Ratio), "", "by importance ratio: new to old policy"),
    row(&[Chord::char('5')], "5", Action::Color(Lens::Kl), "", "by KL to the reference model"),
    row(
        &[Chord::char('6')],
        "6",
        Action::Color(Lens::Change),
        "",
        "by how the update changed its probability",
    ),
    meant(Meaning::Next, Action::NextGroup, "", "next group of the step"),
    meant(Meaning::Previous, Action::PreviousGroup, "group", "previous group"),
    meant(Meaning::NextStep, Action::NextStep, "", "next step; the newest is followed"),
    meant(Meaning::PreviousStep, Action::PreviousStep, "", "previous step"),
    meant(Meaning::First, Action::First, "", "first token"),
    meant(Meaning::Last, Action::Last, "", "last token"),
    meant(Meaning::Back, Action::Back, "", "back to the group"),
];
