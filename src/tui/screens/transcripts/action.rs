//! The actions and keys of the Transcripts screen.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::{
    shell::keys::{Chord, KeyRow, row},
    store::filter::Filter,
};

/// An action of this screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// One row up, or one line if the transcript has the focus.
    Up,
    /// One row or line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row or line.
    First,
    /// To the last row or line.
    Last,
    /// To the previous completion, whatever has the focus.
    PreviousCompletion,
    /// To the next completion, whatever has the focus.
    NextCompletion,
    /// To the group before.
    PreviousGroup,
    /// To the group after.
    NextGroup,
    /// To the first group of the previous step.
    PreviousStep,
    /// To the first group of the next step.
    NextStep,
    /// From the list to the transcript and back.
    ToggleFocus,
    /// Out of the transcript; out of the search.
    Back,
    /// The next filter, wrapping around.
    NextFilter,
    /// This filter.
    Show(Filter),
    /// The next order within groups, wrapping around.
    NextSort,
    /// Follow the newest completion, or stop following.
    ToggleFollow,
    /// One thought a line, or the text as it was written.
    ToggleLayout,
    /// Start to type a search.
    Search,
    /// A typed character of the search.
    SearchInput(char),
    /// Delete the last character of the search.
    SearchErase,
    /// Clear the search text.
    SearchEraseAll,
    /// Keep the search and stop typing.
    SearchAccept,
    /// Cancel the search and return to where it began.
    SearchCancel,
    /// To the next match.
    NextMatch,
    /// To the match before.
    PreviousMatch,
    /// Copy the transcript.
    Copy,
    /// Write the transcript to a file.
    Export,
    /// Pin the puzzle, so that it is answered regularly.
    Pin,
    /// A mouse click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
    /// A notch of the mouse wheel over a cell of the screen, from 0.
    Wheel {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
        /// Down.
        down: bool,
    },
}

/// The keys of this screen while nothing is being typed.
pub const KEYS: &[KeyRow<Action>] = &[
    row(
        &[Chord::key(KeyCode::Down), Chord::char('j')],
        "↓ j",
        Action::Down,
        "",
        "next row, or scroll the transcript",
    ),
    row(
        &[Chord::key(KeyCode::Up), Chord::char('k')],
        "↑ k",
        Action::Up,
        "",
        "previous row, or scroll the transcript",
    ),
    row(
        &[Chord::key(KeyCode::Enter)],
        "Enter",
        Action::ToggleFocus,
        "read",
        "switch between list and transcript",
    ),
    row(&[Chord::char('f')], "f", Action::NextFilter, "filter", "next filter"),
    row(&[Chord::char('/')], "/", Action::Search, "search", "search prompts and completions"),
    row(&[Chord::char('n')], "n", Action::NextMatch, "", "next match"),
    row(&[Chord::char('N')], "N", Action::PreviousMatch, "", "previous match"),
    row(&[Chord::char(']')], "]", Action::NextStep, "", "first group of the next step"),
    row(&[Chord::char('[')], "[", Action::PreviousStep, "step", "first group of the previous step"),
    row(&[Chord::char('}')], "}", Action::NextGroup, "", "next group"),
    row(&[Chord::char('{')], "{", Action::PreviousGroup, "", "previous group"),
    row(
        &[Chord::key(KeyCode::Right), Chord::char('l')],
        "→ l",
        Action::NextCompletion,
        "",
        "next completion, also while reading",
    ),
    row(
        &[Chord::key(KeyCode::Left), Chord::char('h')],
        "← h",
        Action::PreviousCompletion,
        "",
        "previous completion, also while reading",
    ),
    row(&[Chord::key(KeyCode::PageDown), Chord::ctrl('d')], "PgDn ^d", Action::PageDown, "", "a page down"),
    row(&[Chord::key(KeyCode::PageUp), Chord::ctrl('u')], "PgUp ^u", Action::PageUp, "", "a page up"),
    row(&[Chord::key(KeyCode::Home), Chord::char('g')], "Home g", Action::First, "", "to the top"),
    row(&[Chord::key(KeyCode::End), Chord::char('G')], "End G", Action::Last, "", "to the bottom"),
    row(&[Chord::char('1')], "1", Action::Show(Filter::All), "", "show all completions"),
    row(&[Chord::char('2')], "2", Action::Show(Filter::Right), "", "show right answers"),
    row(&[Chord::char('3')], "3", Action::Show(Filter::Wrong), "", "show wrong answers"),
    row(
        &[Chord::char('4')],
        "4",
        Action::Show(Filter::HasCheck),
        "",
        "show completions with a true, misled or false check",
    ),
    row(&[Chord::char('5')], "5", Action::Show(Filter::SelfCorrected), "", "show self-corrected completions"),
    row(&[Chord::char('6')], "6", Action::Show(Filter::Underived), "", "show unfaithful right answers"),
    row(
        &[Chord::char('o')],
        "o",
        Action::NextSort,
        "order",
        "order in groups: sampled, reward, advantage, length",
    ),
    row(&[Chord::char('F')], "F", Action::ToggleFollow, "follow", "follow the newest completion"),
    row(&[Chord::char('v')], "v", Action::ToggleLayout, "", "one thought per line, or the text as written"),
    row(&[Chord::char('y')], "y", Action::Copy, "", "copy the transcript (through the terminal)"),
    row(&[Chord::char('w')], "w", Action::Export, "", "write the transcript to a file here"),
    row(&[Chord::char('P')], "P", Action::Pin, "", "pin this puzzle: Travel shows how its answer changes"),
    row(&[Chord::key(KeyCode::Esc)], "Esc", Action::Back, "", "leave the transcript, then the search"),
];

/// What a key means while the search is being typed; `None` for keys without a meaning there.
pub fn typing_action(event: &KeyEvent) -> Option<Action> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Char('u' | 'w') if control => Some(Action::SearchEraseAll),
        KeyCode::Char('h') if control => Some(Action::SearchErase),
        KeyCode::Char(character) if !control && !event.modifiers.contains(KeyModifiers::ALT) => {
            Some(Action::SearchInput(character))
        }
        KeyCode::Backspace => Some(Action::SearchErase),
        KeyCode::Enter => Some(Action::SearchAccept),
        KeyCode::Esc => Some(Action::SearchCancel),
        KeyCode::Up => Some(Action::PreviousMatch),
        KeyCode::Down => Some(Action::NextMatch),
        _ => None,
    }
}
