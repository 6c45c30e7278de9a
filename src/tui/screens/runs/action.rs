//! The keys of the Runs screen.

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
    /// One run up.
    Up,
    /// One run down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// The first run.
    First,
    /// The last run.
    Last,
    /// Open the marked runs, or the one under the cursor.
    Open,
    /// Mark the run under the cursor, or no more.
    Mark,
    /// The next order.
    Sort,
    /// Show which run was forked from which, or no more.
    Lineage,
    /// Show how the marked runs differ, or no more.
    Compare,
    /// Type what a fork of the run under the cursor is to be.
    Fork,
    /// Type a name for the run under the cursor.
    Name,
    /// Type its tags.
    Tags,
    /// Type a note to it.
    Note,
    /// Delete it, when asked again.
    Delete,
    /// Type what the names, tasks or states must have.
    Search,
    /// Read the folder again.
    Read,
    /// A character of what is typed.
    Input(char),
    /// Takes the last one back.
    Erase,
    /// What was typed is meant.
    Accept,
    /// It is not.
    Cancel,
    /// A click at a cell of the screen, from 0.
    Click {
        /// Cells from the left.
        column: u16,
        /// Cells from the top.
        row: u16,
    },
}

/// The keys of this screen.
pub static KEYS: &[KeyRow<Action>] = &[
    meant(
        Meaning::Open,
        Action::Open,
        "open",
        "open the marked runs, or this one, beside those that are open",
    ),
    row(&[Chord::char('m')], "m", Action::Mark, "mark", "mark this run, to open or compare several"),
    row(
        &[Chord::char('F')],
        "F",
        Action::Fork,
        "fork",
        "start a new run from a checkpoint of this one, with keys changed; it trains in the background",
    ),
    meant(Meaning::Choice, Action::Search, "filter", "only runs that have these words"),
    row(&[Chord::char('o')], "o", Action::Sort, "order", "by name, by held-out accuracy, by steps, by size"),
    meant(
        Meaning::View,
        Action::Compare,
        "compare",
        "how the configurations of the marked runs differ, and what they reached",
    ),
    row(&[Chord::char('t')], "t", Action::Lineage, "lineage", "forks below the runs that they come from"),
    row(
        &[Chord::char('=')],
        "=",
        Action::Name,
        "name",
        "give this run a name; its folder is called as before",
    ),
    row(&[Chord::char('#')], "#", Action::Tags, "", "tags of this run, with commas between them"),
    meant(Meaning::Type, Action::Note, "", "a note to this run"),
    row(&[Chord::key(KeyCode::Delete)], "Del", Action::Delete, "", "delete this run, after a question"),
    row(&[Chord::char('l')], "l", Action::Read, "", "look again what is in the folder"),
    row(&[Chord::key(KeyCode::Down), Chord::char('j')], "↓ j", Action::Down, "", "next run"),
    row(&[Chord::key(KeyCode::Up), Chord::char('k')], "↑ k", Action::Up, "", "previous run"),
    row(&[Chord::key(KeyCode::PageDown)], "PgDn", Action::PageDown, "", "a page down"),
    row(&[Chord::key(KeyCode::PageUp)], "PgUp", Action::PageUp, "", "a page up"),
    meant(Meaning::First, Action::First, "", "first run"),
    meant(Meaning::Last, Action::Last, "", "last run"),
];

/// What a key means while something is typed.
pub(super) fn typing_action(event: &KeyEvent) -> Option<Action> {
    Some(match Typing::of(event)? {
        Typing::Input(character) => Action::Input(character),
        Typing::Erase => Action::Erase,
        Typing::Accept => Action::Accept,
        Typing::Cancel => Action::Cancel,
    })
}
