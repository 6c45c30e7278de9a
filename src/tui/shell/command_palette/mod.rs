//! The command palette: anything that can be done, seen or set, found by a few letters of what it is called. It shows the
//! key of each, so that it need not be asked twice.

mod draw;
mod entries;
mod fuzzy;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

pub(super) use self::draw::draw;
use self::entries::{Does, Entry};
use super::app::App;
use crate::protocol::Command;

/// Longest text that is typed, in bytes.
const LONGEST: usize = 80;

/// The palette, open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandPalette {
    typed: String,
    /// The row under the cursor, among those that fit.
    at: usize,
}

/// What a key did to the palette.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// It stays open.
    Open,
    /// It is closed.
    Closed,
    /// The row at this place is to be done.
    Chosen(usize),
}

impl CommandPalette {
    /// What is typed.
    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// The rows that fit what is typed, the best first.
    fn matching(&self, app: &App) -> Vec<Entry> {
        let typed = self.typed.trim().trim_start_matches(':');
        let entries = entries::all(app, &self.typed);
        if typed.is_empty() {
            return entries;
        }
        let mut scored: Vec<(i32, Entry)> = entries
            .into_iter()
            .filter_map(|entry| {
                let here = entry.of == Some(app.in_front().name());
                Some((score(typed, &entry)? + if here { 8 } else { 0 }, entry))
            })
            .collect();
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        scored.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Moves among the rows, round and round.
    pub(super) fn step(&mut self, by: isize, app: &App) {
        let count = self.matching(app).len().max(1).cast_signed();
        self.at = (self.at.cast_signed() + by).rem_euclid(count).cast_unsigned();
    }

    /// Appends typed or pasted text.
    pub(super) fn insert(&mut self, text: &str) {
        for character in text.chars().filter(|character| !character.is_control()) {
            if self.typed.len() + character.len_utf8() <= LONGEST {
                self.typed.push(character);
            }
        }
        self.at = 0;
    }

    /// Takes in a key.
    pub(super) fn key(&mut self, event: &KeyEvent, app: &App) -> Outcome {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        match event.code {
            KeyCode::Esc => return Outcome::Closed,
            KeyCode::Char('c' | 'p') if ctrl => return Outcome::Closed,
            KeyCode::Enter => return Outcome::Chosen(self.at),
            KeyCode::Down | KeyCode::Tab => self.step(1, app),
            KeyCode::Up | KeyCode::BackTab => self.step(-1, app),
            KeyCode::PageDown => self.step(8, app),
            KeyCode::PageUp => self.step(-8, app),
            KeyCode::Char('u' | 'w') if ctrl => {
                self.typed.clear();
                self.at = 0;
            }
            KeyCode::Backspace => {
                let end = self.typed.grapheme_indices(true).next_back().map_or(0, |(start, _)| start);
                self.typed.truncate(end);
                self.at = 0;
            }
            KeyCode::Char(character) if !ctrl && !alt => self.insert(character.encode_utf8(&mut [0; 4])),
            _ => {}
        }
        Outcome::Open
    }

    /// Does what stands in the row at this place.
    pub(super) fn perform(&self, place: usize, app: &mut App) -> Vec<Command> {
        match self.matching(app).into_iter().nth(place) {
            Some(entry) => entries::perform(app, entry.does),
            None => Vec::new(),
        }
    }
}

/// How well an entry fits; what a key does goes before what can be seen.
fn score(typed: &str, entry: &Entry) -> Option<i32> {
    if matches!(entry.does, Does::Set(..)) {
        return Some(i32::MAX - 100);
    }
    let of = entry.of.unwrap_or_default();
    let text = format!("{} {} {of} {} {}", entry.label, entry.also, entry.kind, entry.key);
    let found = fuzzy::score(typed, &text)?;
    // A key by itself, such as `x`, is looked up.
    let by_key = entry.key.split(' ').any(|key| key == typed);
    // Its name counts more than what is said of it.
    let name = entry.label.split(':').next().unwrap_or_default();
    let by_name = fuzzy::score(typed, name).map_or(0, |score| score.max(0) / 4);
    let kind = match entry.kind {
        "screen" | "change" => 30,
        "action" => 20,
        "key" | "run" | "theme" => 10,
        _ => 0,
    };
    Some(found + by_name + kind + if by_key { 600 } else { 0 })
}
