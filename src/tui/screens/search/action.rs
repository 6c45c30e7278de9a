//! The actions and keys of the Search screen.

use ratatui::crossterm::event::KeyCode;

use crate::tui::shell::{
    grammar::{Meaning, meant},
    keys::{Chord, KeyRow, row},
};

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
    /// To the node before where a solution was overlooked.
    PreviousPassed,
    /// Open the completion in Transcripts.
    Read,
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
    meant(Meaning::View, Action::Reveal, "solution", "show or hide the solver's solutions"),
    meant(Meaning::Open, Action::Read, "read", "open the completion in Transcripts"),
    meant(Meaning::Next, Action::NextCompletion, "", "next completion, in the order of Transcripts"),
    meant(Meaning::Previous, Action::PreviousCompletion, "completion", "previous completion"),
    row(
        &[Chord::key(KeyCode::Right), Chord::char('l')],
        "→ l",
        Action::NextCompletion,
        "",
        "next completion",
    ),
    row(
        &[Chord::key(KeyCode::Left), Chord::char('h')],
        "← h",
        Action::PreviousCompletion,
        "",
        "previous completion",
    ),
    meant(
        Meaning::NextFinding,
        Action::NextPassed,
        "overlooked",
        "next place where a solution was overlooked",
    ),
    meant(
        Meaning::PreviousFinding,
        Action::PreviousPassed,
        "",
        "previous place where a solution was overlooked",
    ),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Action::Down, "", "next node"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Up, "", "previous node"),
    row(&[Chord::char('o')], "o", Action::NextPlace, "", "next place in the text that made this move"),
    meant(Meaning::Choice, Action::Figures, "figures", "the figures, if they do not fit beside the tree"),
    meant(Meaning::NextStep, Action::NextStep, "", "first completion of the next step"),
    meant(Meaning::PreviousStep, Action::PreviousStep, "", "first completion of the previous step"),
    row(&[Chord::key(KeyCode::PageDown), Chord::ctrl('d')], "PgDn ^d", Action::PageDown, "", "a page down"),
    row(&[Chord::key(KeyCode::PageUp), Chord::ctrl('u')], "PgUp ^u", Action::PageUp, "", "a page up"),
    meant(Meaning::First, Action::First, "", "to the given numbers"),
    meant(Meaning::Last, Action::Last, "", "to the last node"),
];
