//! The list of all screens; typing the start of a name selects one.

use ratatui::{
    Frame,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::{app::App, keys::shown_key};
use crate::tui::{
    screens::AnyScreen,
    widgets::{
        frames::{padded, panel},
        lines::span,
    },
};

/// Columns of the keys and of the names.
const KEYS: usize = 6;
const NAMES: usize = 13;

/// The list, open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenList {
    at: usize,
    typed: String,
}

impl ScreenList {
    /// With the cursor on this screen.
    pub(super) fn at(screen: usize) -> Self {
        Self { at: screen, typed: String::new() }
    }

    fn matching(&self, screens: &[Box<dyn AnyScreen>]) -> Vec<usize> {
        let begins = |screen: &dyn AnyScreen| screen.name().to_lowercase().starts_with(&self.typed);
        (0..screens.len()).filter(|at| begins(screens[*at].as_ref())).collect()
    }

    /// Moves among the names that start with the typed text, wrapping around.
    pub(super) fn step(&mut self, by: isize, screens: &[Box<dyn AnyScreen>]) {
        let matching = self.matching(screens);
        let here = matching.iter().position(|at| *at == self.at).unwrap_or(0);
        let count = matching.len().max(1).cast_signed();
        let to = (here.cast_signed() + by).rem_euclid(count);
        self.at = matching.get(to.cast_unsigned()).copied().unwrap_or(self.at);
    }

    /// Handles a key: `None` while the list stays open, else the chosen screen, if any.
    pub(super) fn key(&mut self, event: &KeyEvent, screens: &[Box<dyn AnyScreen>]) -> Option<Option<usize>> {
        let plain = !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match event.code {
            KeyCode::Esc => return Some(None),
            KeyCode::Enter => return Some(Some(self.at)),
            KeyCode::Down | KeyCode::Tab => self.step(1, screens),
            KeyCode::Up | KeyCode::BackTab => self.step(-1, screens),
            KeyCode::Backspace => {
                self.typed.pop();
            }
            KeyCode::Char(character) if plain => {
                self.typed.extend(character.to_lowercase());
                match self.matching(screens).as_slice() {
                    [] => {
                        self.typed.pop();
                    }
                    [only] => return Some(Some(*only)),
                    matching if !matching.contains(&self.at) => self.at = matching[0],
                    _ => {}
                }
            }
            _ => {}
        }
        None
    }
}

/// Draws the list over everything else; where its rows are.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, list: &ScreenList, area: Rect) -> Vec<(Rect, usize)> {
    let theme = &app.theme;
    let about = app.screens.iter().map(|screen| screen.about().width()).max().unwrap_or(0);
    let width = ((KEYS + NAMES + about + 4) as u16).min(area.width);
    let height = (app.screens.len() as u16 + 2).min(area.height);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, frame.buffer_mut());
    let typed = match list.typed.as_str() {
        "" => " screens ".to_owned(),
        typed => format!(" screens: {typed}{} ", theme.glyph("…", "~")),
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
    let matching = list.matching(&app.screens);
    let first = (list.at + 1).saturating_sub(usize::from(inner.height));
    let mut rows = Vec::new();
    for (row, (at, screen)) in inner.rows().zip(app.screens.iter().enumerate().skip(first)) {
        let key = shown_key(at, screen.as_ref());
        let (bright, dim) = match () {
            () if at == list.at => (theme.selection, theme.selection),
            () if matching.contains(&at) => (theme.title, theme.text),
            () => (theme.dim, theme.dim),
        };
        let spans = vec![
            span(format!("{key:<KEYS$}"), if at == list.at { theme.selection } else { theme.hint_key }),
            span(format!("{:<NAMES$}", screen.name()), bright),
            span(screen.about(), dim),
        ];
        Line::from(spans).render(row, frame.buffer_mut());
        if at == list.at {
            frame.buffer_mut().set_style(row, theme.selection);
        }
        rows.push((row, at));
    }
    rows
}
