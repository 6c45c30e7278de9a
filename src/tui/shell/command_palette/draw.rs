//! Draws the command palette.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::{CommandPalette, entries::Entry};
use crate::tui::{
    shell::app::App,
    widgets::{
        figures::grouped,
        frames::{draw_thumb, padded, panel},
        lines::{shown_keys, span},
    },
};

/// Most columns and rows of it.
const WIDEST: u16 = 100;
const TALLEST: u16 = 22;
/// Columns of the keys.
const KEYS: usize = 10;

/// Draws it over everything else; where its rows are.
pub(in crate::tui::shell) fn draw(
    frame: &mut Frame<'_>,
    app: &App,
    palette: &CommandPalette,
    area: Rect,
) -> Vec<(Rect, usize)> {
    let theme = &app.theme;
    let matching = palette.matching(app);
    let width = area.width.saturating_sub(2).clamp(area.width.min(20), WIDEST).min(area.width);
    let height = area.height.saturating_sub(2).clamp(area.height.min(5), TALLEST).min(area.height);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 3, width, height };
    Clear.render(place, frame.buffer_mut());
    let mut hints = vec![Span::raw(" ")];
    for (key, does) in [("Enter", "does it"), ("Esc", "closes")] {
        hints.push(span(key, theme.hint_key));
        hints.push(span(format!(" {does}  "), theme.hint_text));
    }
    let title = format!(" commands {} ", grouped(matching.len()));
    let block = panel(theme, Line::from(span(title, theme.title)))
        .border_style(theme.accent)
        .title_bottom(Line::from(hints).right_aligned());
    let inner = padded(block.inner(place));
    block.render(place, frame.buffer_mut());
    let Some(line) = inner.rows().next() else { return Vec::new() };
    typed(palette, app, line).render(line, frame.buffer_mut());
    let rows = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    if matching.is_empty() {
        let none = span(
            "nothing is called so: an action, a screen, a metric, a key of the configuration?",
            theme.dim,
        );
        Line::from(none).render(Rect { height: rows.height.min(1), ..rows }, frame.buffer_mut());
    }
    let count = usize::from(rows.height).max(1);
    let at = palette.at.min(matching.len().saturating_sub(1));
    let first = (at + 1).saturating_sub(count);
    let mut places = Vec::new();
    for ((number, entry), row) in matching.iter().enumerate().skip(first).zip(rows.rows()) {
        draw_row(frame, app, entry, number == at, row);
        places.push((row, number));
    }
    draw_thumb(frame.buffer_mut(), place, rows, first, matching.len(), theme);
    places
}

fn typed(palette: &CommandPalette, app: &App, line: Rect) -> Line<'static> {
    let theme = &app.theme;
    let mut spans = vec![
        span(theme.glyph("› ", "> "), theme.accent),
        span(palette.typed.clone(), theme.text),
        span(theme.glyph("▌", "_"), theme.accent),
    ];
    if palette.typed.is_empty() {
        let examples = " what do you want to do? or lr 1e-4";
        let room = usize::from(line.width).saturating_sub(4);
        spans.push(span(examples.chars().take(room).collect::<String>(), theme.dim));
    }
    Line::from(spans)
}

fn draw_row(frame: &mut Frame<'_>, app: &App, entry: &Entry, selected: bool, row: Rect) {
    let theme = &app.theme;
    let whose = match entry.of {
        Some(name) if name != app.in_front().name() => name,
        Some(_) => "here",
        None => entry.kind,
    };
    let keys = shown_keys(theme, &entry.key);
    let width = usize::from(row.width);
    let keyed = if width >= 40 { KEYS } else { 7 };
    let room = width.saturating_sub(keyed + whose.width() + 2);
    let label = shortened(&entry.label, room, theme.glyph("…", "~"));
    let pad = " ".repeat(room.saturating_sub(label.width()) + 2);
    let style = |style| if selected { theme.selection } else { style };
    let spans = vec![
        span(format!("{:<keyed$}", shortened(&keys, keyed - 1, "")), style(theme.hint_key)),
        span(label, style(theme.text)),
        span(pad, style(theme.text)),
        span(whose, style(theme.dim)),
    ];
    Line::from(spans).render(row, frame.buffer_mut());
    if selected {
        frame.buffer_mut().set_style(row, theme.selection);
    }
}

/// As much of a text as fits, with a mark if it was cut.
fn shortened(text: &str, room: usize, mark: &str) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for character in text.chars() {
        if kept.width() + mark.width() + character.to_string().width() > room {
            break;
        }
        kept.push(character);
    }
    if room >= mark.width() {
        kept.push_str(mark);
    }
    kept
}
