//! The actions and keys of the Rewards screen.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

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
    /// One rule up.
    Up,
    /// One rule down.
    Down,
    /// To the first rule.
    First,
    /// To the last rule.
    Last,
    /// A larger value of the rule, or the next word.
    More,
    /// A smaller value of the rule, or the word before.
    Less,
    /// Type a value for the rule.
    Type,
    /// Back to the rules of the run.
    Undo,
    /// Send the changed rules to the run.
    Apply,
    /// The next completion, or the next trick.
    Next,
    /// The completion or the trick before.
    Previous,
    /// The first group of the next step.
    NextStep,
    /// The first group of the step before.
    PreviousStep,
    /// The next completion whose reward changes.
    NextChange,
    /// The one before.
    PreviousChange,
    /// Open the completion in Transcripts.
    Read,
    /// The red team, or the completions.
    Tricks,
    /// A typed character.
    Input(char),
    /// Deletes the last character.
    Erase,
    /// Takes what was typed.
    Accept,
    /// Stops typing.
    Cancel,
    /// A click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
}

/// The keys of this screen while nothing is being typed.
pub const KEYS: &[KeyRow<Action>] = &[
    meant(Meaning::Open, Action::Type, "edit", "type another value for the rule"),
    row(
        &[Chord::char('+'), Chord::key(KeyCode::Right), Chord::char('l')],
        "→ l +",
        Action::More,
        "",
        "larger value of the rule, or its next word",
    ),
    row(
        &[Chord::char('-'), Chord::key(KeyCode::Left), Chord::char('h')],
        "← h -",
        Action::Less,
        "",
        "smaller value of the rule, or the word before",
    ),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Action::Down, "rule", "next rule"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Up, "", "previous rule"),
    meant(Meaning::First, Action::First, "", "first rule"),
    meant(Meaning::Last, Action::Last, "", "last rule"),
    meant(Meaning::Undo, Action::Undo, "undo", "back to the rules of the run"),
    row(
        &[Chord::char('A')],
        "A",
        Action::Apply,
        "apply",
        "send the changed rules to the run, for its next step",
    ),
    meant(Meaning::NextFinding, Action::NextChange, "change", "next completion whose reward changes"),
    meant(Meaning::PreviousFinding, Action::PreviousChange, "", "previous completion whose reward changes"),
    meant(Meaning::Next, Action::Next, "", "next completion, or next trick"),
    meant(Meaning::Previous, Action::Previous, "completion", "previous completion, or trick"),
    meant(Meaning::NextStep, Action::NextStep, "", "first group of the next step"),
    meant(Meaning::PreviousStep, Action::PreviousStep, "", "first group of the previous step"),
    row(&[Chord::char('o')], "o", Action::Read, "read", "open the completion in Transcripts"),
    row(
        &[Chord::char('t')],
        "t",
        Action::Tricks,
        "tricks",
        "the tricks that must not be paid; back to completions",
    ),
];

/// What a key means while a value is being typed.
pub(super) fn typing_action(event: &KeyEvent) -> Option<Action> {
    Typing::of(event).map(|typing| match typing {
        Typing::Input(character) => Action::Input(character),
        Typing::Erase => Action::Erase,
        Typing::Accept => Action::Accept,
        Typing::Cancel => Action::Cancel,
    })
}
