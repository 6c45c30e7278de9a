//! A list of all screens or of all open runs, however many there are: what one types of a name goes there.

use ratatui::{
    Frame,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::{app::App, keys::shown_key, title};
use crate::tui::{
    store::Run,
    widgets::{
        frames::{padded, panel},
        lines::span,
    },
};

/// Columns between a name and what it is about.
const GAP: usize = 2;
/// As many runs have a key: a digit.
const DIGITS: usize = 9;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// All screens.
    Screens,
    /// All open runs.
    Runs,
}

/// A list, open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    of: Of,
    at: usize,
    typed: String,
}

/// A row of it.
struct Entry {
    key: String,
    name: String,
    about: String,
}

impl List {
    /// The screens, with the cursor on that in front.
    pub(super) fn of_screens(app: &App) -> Self {
        Self { of: Of::Screens, at: app.front, typed: String::new() }
    }

    /// The runs, with the cursor on that which is shown.
    pub(super) fn of_runs(app: &App) -> Self {
        Self { of: Of::Runs, at: app.store.place(), typed: String::new() }
    }

    /// What is listed.
    pub(super) fn of(&self) -> Of {
        self.of
    }

    fn entries(&self, app: &App) -> Vec<Entry> {
        let screens = || {
            app.screens().iter().enumerate().map(|(at, screen)| Entry {
                key: shown_key(at, screen.as_ref()),
                name: screen.name().to_owned(),
                about: screen.about().to_owned(),
            })
        };
        let digits = app.store.count() <= DIGITS;
        let runs = || {
            app.store.all().iter().zip(app.store.names()).enumerate().map(|(at, (run, name))| Entry {
                key: if digits { (at + 1).to_string() } else { String::new() },
                name,
                about: about(run),
            })
        };
        match self.of {
            Of::Screens => screens().collect(),
            Of::Runs => runs().collect(),
        }
    }

    /// The places of the names that fit what is typed.
    fn matching(&self, entries: &[Entry]) -> Vec<usize> {
        let fits = |entry: &Entry| {
            let name = entry.name.to_lowercase();
            match self.of {
                Of::Screens => name.starts_with(&self.typed),
                Of::Runs => name.contains(&self.typed),
            }
        };
        (0..entries.len()).filter(|at| fits(&entries[*at])).collect()
    }

    /// Moves among the names that fit what is typed, round and round.
    pub(super) fn step(&mut self, by: isize, app: &App) {
        let matching = self.matching(&self.entries(app));
        let here = matching.iter().position(|at| *at == self.at).unwrap_or(0);
        let count = matching.len().max(1).cast_signed();
        let to = (here.cast_signed() + by).rem_euclid(count);
        self.at = matching.get(to.cast_unsigned()).copied().unwrap_or(self.at);
    }

    /// Takes in a key: `None` while it stays open, else the place that was chosen, if any was.
    pub(super) fn key(&mut self, event: &KeyEvent, app: &App) -> Option<Option<usize>> {
        let plain = !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match event.code {
            KeyCode::Esc => return Some(None),
            KeyCode::Enter => return Some(Some(self.at)),
            KeyCode::Down | KeyCode::Tab => self.step(1, app),
            KeyCode::Up | KeyCode::BackTab => self.step(-1, app),
            KeyCode::Backspace => {
                self.typed.pop();
            }
            KeyCode::Char(character) if plain => return self.char(character, app).map(Some),
            _ => {}
        }
        None
    }

    /// Takes in what is typed: the one place that it can only mean.
    fn char(&mut self, character: char, app: &App) -> Option<usize> {
        let entries = self.entries(app);
        if self.of == Of::Runs && self.typed.is_empty() {
            let digit = entries.iter().position(|entry| entry.key == character.to_string());
            if digit.is_some() {
                return digit;
            }
        }
        self.typed.extend(character.to_lowercase());
        match self.matching(&entries).as_slice() {
            [] => {
                self.typed.pop();
            }
            [only] => return Some(*only),
            matching if !matching.contains(&self.at) => self.at = matching[0],
            _ => {}
        }
        None
    }
}

/// How a run stands, in a few words.
fn about(run: &Run) -> String {
    let told = run.config().filter(|_| run.told("task"));
    let task = told.map_or(run.facts.engine, |config| config.puzzles.task.name);
    format!("{}, step {}, {task}", title::standing(run), run.step())
}

/// Draws the list over everything else; where its rows are.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, list: &List, area: Rect) -> Vec<(Rect, usize)> {
    let theme = &app.theme;
    let entries = list.entries(app);
    let widest = |of: fn(&Entry) -> &str| entries.iter().map(|entry| of(entry).width()).max().unwrap_or(0);
    let (keyed, names) = (widest(|entry| &entry.key) + 1, widest(|entry| &entry.name) + GAP);
    let width =
        u16::try_from(keyed + names + widest(|entry| &entry.about) + 4).unwrap_or(u16::MAX).min(area.width);
    let height = u16::try_from(entries.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, frame.buffer_mut());
    let what = if list.of == Of::Screens { "screens" } else { "runs" };
    let typed = match list.typed.as_str() {
        "" => format!(" {what} "),
        typed => format!(" {what}: {typed}{} ", theme.glyph("…", "~")),
    };
    let keys = [("Enter", " goes there  "), ("Esc", " closes ")];
    let keys = keys
        .iter()
        .flat_map(|(key, does)| [span(format!(" {key}"), theme.hint_key), span(*does, theme.hint_text)]);
    let block = panel(theme, Line::from(span(typed, theme.title)))
        .border_style(theme.accent)
        .title_bottom(Line::from(keys.collect::<Vec<Span<'static>>>()).right_aligned());
    let inner = padded(block.inner(place));
    block.render(place, frame.buffer_mut());
    let matching = list.matching(&entries);
    let first = (list.at + 1).saturating_sub(usize::from(inner.height));
    let mut rows = Vec::new();
    for (row, (at, Entry { key, name, about })) in
        inner.rows().zip(entries.into_iter().enumerate().skip(first))
    {
        let (bright, dim) = match () {
            () if at == list.at => (theme.selection, theme.selection),
            () if matching.contains(&at) => (theme.title, theme.text),
            () => (theme.dim, theme.dim),
        };
        let pad = " ".repeat(names.saturating_sub(name.width()));
        let spans = vec![
            span(format!("{key:<keyed$}"), if at == list.at { theme.selection } else { theme.hint_key }),
            span(name, bright),
            span(pad, bright),
            span(about, dim),
        ];
        Line::from(spans).render(row, frame.buffer_mut());
        if at == list.at {
            frame.buffer_mut().set_style(row, theme.selection);
        }
        rows.push((row, at));
    }
    rows
}
