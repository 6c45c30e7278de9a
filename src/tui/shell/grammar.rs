//! The grammar of keys: what a reserved key means on every screen. A screen that has what a key is about takes the row
//! from here with [`meant`], so that it cannot mean anything else there; `tests/screens/grammar.rs` holds every screen of
//! the registry to it.

use ratatui::crossterm::event::KeyCode;

use super::keys::{Chord, KeyRow};

/// What a reserved key means, wherever it means something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// To the completion, the group or the puzzle before.
    Previous,
    /// To the next one.
    Next,
    /// To the step before.
    PreviousStep,
    /// To the next step.
    NextStep,
    /// To the first row, line or token.
    First,
    /// To the last one.
    Last,
    /// Look for a text.
    Search,
    /// To the next place that was looked for.
    NextMatch,
    /// To the one before.
    PreviousMatch,
    /// Open what is under the cursor: read it, change it, have it answered.
    Open,
    /// Back out of what is open; from there to the screen before.
    Back,
    /// To the next place that deserves a look, such as a false check.
    NextFinding,
    /// To the one before.
    PreviousFinding,
    /// The same in another view.
    View,
    /// Another choice of what is shown.
    Choice,
    /// Copy what is under the cursor.
    Copy,
    /// Write it to a file.
    Write,
    /// Type something of one's own.
    Type,
    /// The first of two that stand beside each other.
    SideA,
    /// The second.
    SideB,
    /// Take back what was changed.
    Undo,
}

/// A reserved key.
#[derive(Debug)]
pub struct Reserved {
    /// What it means.
    pub meaning: Meaning,
    /// The keys.
    pub chords: &'static [Chord],
    /// How they are written.
    pub shown: &'static str,
    /// The meaning in words.
    pub words: &'static str,
}

const fn reserved(
    meaning: Meaning,
    chords: &'static [Chord],
    shown: &'static str,
    words: &'static str,
) -> Reserved {
    Reserved { meaning, chords, shown, words }
}

/// All reserved keys, in the order of [`Meaning`].
pub static GRAMMAR: [Reserved; 21] = [
    reserved(Meaning::Previous, &[Chord::char('[')], "[", "the completion, group or puzzle before"),
    reserved(Meaning::Next, &[Chord::char(']')], "]", "the next completion, group or puzzle"),
    reserved(Meaning::PreviousStep, &[Chord::char('{')], "{", "the step before"),
    reserved(Meaning::NextStep, &[Chord::char('}')], "}", "the next step"),
    reserved(Meaning::First, &[Chord::key(KeyCode::Home), Chord::char('g')], "Home g", "to the beginning"),
    reserved(Meaning::Last, &[Chord::key(KeyCode::End), Chord::char('G')], "End G", "to the end"),
    reserved(Meaning::Search, &[Chord::char('/')], "/", "search"),
    reserved(Meaning::NextMatch, &[Chord::char('n')], "n", "the next match"),
    reserved(Meaning::PreviousMatch, &[Chord::char('N')], "N", "the match before"),
    reserved(Meaning::Open, &[Chord::key(KeyCode::Enter)], "Enter", "open what is under the cursor"),
    reserved(
        Meaning::Back,
        &[Chord::key(KeyCode::Esc)],
        "Esc",
        "back out of what is open, then to the screen before",
    ),
    reserved(Meaning::NextFinding, &[Chord::char('x')], "x", "the next place that deserves a look"),
    reserved(Meaning::PreviousFinding, &[Chord::char('X')], "X", "the one before"),
    reserved(Meaning::View, &[Chord::char('v')], "v", "the same in another view"),
    reserved(Meaning::Choice, &[Chord::char('f')], "f", "another choice of what is shown"),
    reserved(Meaning::Copy, &[Chord::char('y')], "y", "copy what is under the cursor"),
    reserved(Meaning::Write, &[Chord::char('w')], "w", "write it to a file"),
    reserved(Meaning::Type, &[Chord::char('i')], "i", "type something of your own"),
    reserved(Meaning::SideA, &[Chord::char('a')], "a", "the first of two, A"),
    reserved(Meaning::SideB, &[Chord::char('b')], "b", "the second, B"),
    reserved(Meaning::Undo, &[Chord::char('u')], "u", "take back what was changed"),
];

/// The row of a reserved key in the table of a screen: the keys are those of the grammar.
pub const fn meant<A: Copy>(
    meaning: Meaning,
    action: A,
    hint: &'static str,
    help: &'static str,
) -> KeyRow<A> {
    let Reserved { chords, shown, .. } = &GRAMMAR[meaning as usize];
    KeyRow { chords, shown, action, hint, help, meaning: Some(meaning) }
}

/// The reserved meaning of a key, if it has one.
pub fn of(chord: Chord) -> Option<Meaning> {
    GRAMMAR.iter().find(|row| row.chords.contains(&chord)).map(|row| row.meaning)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn each_meaning_stands_in_its_place_and_no_key_has_two() {
        for (place, row) in GRAMMAR.iter().enumerate() {
            assert_eq!(row.meaning as usize, place, "{}", row.shown);
            for chord in row.chords {
                assert_eq!(of(*chord), Some(row.meaning), "{}", row.shown);
            }
        }
    }
}
