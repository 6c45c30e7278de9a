//! The actions and keys of the Playground.

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
    /// Both models answer.
    Play,
    /// The field or token to the right.
    Right,
    /// The field or token to the left.
    Left,
    /// A larger value of the field, or one line of the answer up.
    Up,
    /// A smaller value of the field, or one line of the answer down.
    Down,
    /// A click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
    /// The first field or token.
    First,
    /// The last field or token.
    Last,
    /// To the tokens of an answer: 0 is A, 1 is B.
    Answer(usize),
    /// Types a value into the field, or text before the token.
    Type,
    /// Deletes the token and resamples.
    Delete,
    /// Inserts a wait before the token and resamples.
    Wait,
    /// Another held-out puzzle.
    NextPuzzle,
    /// The held-out puzzle before.
    PreviousPuzzle,
    /// Cancels the job, or goes back to the fields.
    Back,
    /// A typed character.
    Input(char),
    /// Deletes the last character.
    Erase,
    /// Takes what was typed.
    Accept,
    /// Stops typing.
    Cancel,
}

/// The keys of this screen while nothing is being typed.
pub const KEYS: &[KeyRow<Action>] = &[
    meant(Meaning::Open, Action::Play, "answer", "let both models answer the puzzle"),
    meant(Meaning::Type, Action::Type, "type", "type a value; in an answer, type text before the token"),
    meant(Meaning::SideA, Action::Answer(0), "", "go to the tokens of answer A, to delete or insert one"),
    meant(Meaning::SideB, Action::Answer(1), "tokens of B", "go to the tokens of answer B"),
    row(
        &[Chord::key(KeyCode::Right), Chord::char('l')],
        "→ l",
        Action::Right,
        "",
        "next field; next token of an answer",
    ),
    row(
        &[Chord::key(KeyCode::Left), Chord::char('h')],
        "← h",
        Action::Left,
        "",
        "previous field; previous token",
    ),
    row(
        &[Chord::key(KeyCode::Up), Chord::char('k'), Chord::char('+')],
        "↑ k +",
        Action::Up,
        "",
        "larger value or newer model; a line up",
    ),
    row(
        &[Chord::key(KeyCode::Down), Chord::char('j'), Chord::char('-')],
        "↓ j -",
        Action::Down,
        "",
        "smaller value or older model; a line down",
    ),
    row(
        &[Chord::key(KeyCode::Backspace), Chord::key(KeyCode::Delete)],
        "Bksp",
        Action::Delete,
        "delete",
        "delete the token and sample 32 continuations with and without it",
    ),
    row(
        &[Chord::char('I')],
        "I",
        Action::Wait,
        "wait",
        "insert a wait before the token and sample 32 continuations of both",
    ),
    meant(Meaning::Next, Action::NextPuzzle, "puzzle", "another held-out puzzle"),
    meant(Meaning::Previous, Action::PreviousPuzzle, "", "the held-out puzzle before"),
    meant(Meaning::First, Action::First, "", "first field or token"),
    meant(Meaning::Last, Action::Last, "", "last field or token"),
    meant(Meaning::Back, Action::Back, "", "cancel; back to the fields"),
];

/// What a key means while something is being typed.
pub fn typing_action(event: &KeyEvent) -> Option<Action> {
    Typing::of(event).map(|typing| match typing {
        Typing::Input(character) => Action::Input(character),
        Typing::Erase => Action::Erase,
        Typing::Accept => Action::Accept,
        Typing::Cancel => Action::Cancel,
    })
}
