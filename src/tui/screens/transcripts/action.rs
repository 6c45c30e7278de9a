//! The actions and keys of the Transcripts screen.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::tui::{
    shell::{
        grammar::{Meaning, meant},
        keys::{Chord, KeyRow, row},
    },
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
    /// To the next false or misled check.
    NextFalse,
    /// To the false or misled check before.
    PreviousFalse,
    /// Pin the puzzle, so that it is answered regularly.
    Pin,
    /// A mouse click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
    /// The mouse moves to a cell of the screen, from 0, with the button held.
    Drag {
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
    meant(Meaning::Open, Action::ToggleFocus, "read", "switch between list and transcript"),
    meant(Meaning::Choice, Action::NextFilter, "filter", "next filter"),
    meant(
        Meaning::Search,
        Action::Search,
        "search",
        "search: words, or what it is, as false>0 wrong step:9..12 (# goes to a step)",
    ),
    meant(Meaning::NextMatch, Action::NextMatch, "", "next match"),
    meant(Meaning::PreviousMatch, Action::PreviousMatch, "", "previous match"),
    meant(Meaning::NextStep, Action::NextStep, "", "first group of the next step"),
    meant(Meaning::PreviousStep, Action::PreviousStep, "step", "first group of the previous step"),
    meant(Meaning::Next, Action::NextGroup, "", "next group"),
    meant(Meaning::Previous, Action::PreviousGroup, "", "previous group"),
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
    meant(Meaning::First, Action::First, "", "to the top"),
    meant(Meaning::Last, Action::Last, "", "to the bottom"),
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
    meant(Meaning::View, Action::ToggleLayout, "", "one thought per line, or the text as written"),
    meant(
        Meaning::NextFinding,
        Action::NextFalse,
        "false check",
        "next false or misled check, in this completion or a later one",
    ),
    meant(Meaning::PreviousFinding, Action::PreviousFalse, "", "previous false or misled check"),
    row(&[Chord::char('P')], "P", Action::Pin, "", "pin this puzzle: Travel shows how its answer changes"),
    meant(Meaning::Back, Action::Back, "", "leave the transcript, then the search"),
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
