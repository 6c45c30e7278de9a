//! The line at the bottom: the prompt, a question, the message, or the hint bar.

use ratatui::{Frame, crossterm::event::KeyEvent, layout::Rect, text::Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    app::App,
    hints::{self, Placed},
    message::Message,
    prompt::{Asks, Prompt, STEP_PROMPT},
};
use crate::protocol::Playing;
use crate::tui::screens::Hits;
use crate::tui::widgets::{
    lines::{draw_line, span, width_of},
    message_line::message_spans,
};

/// Draws the prompt if it is open; else the message if there is one and `with_message`; else the hints. All of them
/// say how to leave.
/// Returns where keys can be clicked.
pub(super) fn draw(
    frame: &mut Frame,
    app: &App,
    area: Rect,
    with_message: bool,
    hits: &Hits,
) -> Vec<(Rect, KeyEvent)> {
    if area.height == 0 {
        return Vec::new();
    }
    let placed = |start: usize, places: Vec<Placed>| {
        let rect = |(column, width, key): Placed| {
            let x = area.x.saturating_add((start + column) as u16);
            (Rect { x, width: width as u16, height: 1, ..area }.intersection(area), key)
        };
        places.into_iter().map(rect).collect()
    };
    let width = usize::from(area.width);
    if let Some(prompt) = &app.prompt {
        draw_line(frame, prompt_line(app, prompt, width), area);
        return Vec::new();
    }
    if let Some(question) = &app.question {
        let theme = &app.theme;
        let mut spans = vec![span(theme.glyph(" ▲ ", " ! "), theme.warning)];
        let keys = span(question.keys, theme.hint_key);
        // If there is no room for both, the keys.
        if width_of(&spans) + question.words.width() + 2 + keys.content.width() <= width {
            spans.push(span(format!("{}  ", question.words), theme.title));
        }
        spans.push(keys);
        draw_line(frame, spans, area);
        return Vec::new();
    }
    if let Some(message) = app.message.as_ref().filter(|_| with_message) {
        let (out, places) = hints::line(hints::most_wanted(app), hint_gap(width), width / 2);
        let room = width.saturating_sub(width_of(&out) + 2);
        let mut spans = shortened(message_spans(message, &app.theme), room, app.theme.glyph("…", "~"));
        spans.push(Span::raw(" ".repeat(width.saturating_sub(width_of(&spans) + width_of(&out)))));
        let start = width_of(&spans);
        spans.extend(out);
        draw_line(frame, spans, area);
        return placed(start, places);
    }
    let mut spans = vec![Span::raw(" ")];
    let (hints, places) = hints::line(hints::all(app, hits), hint_gap(width), width.saturating_sub(1));
    spans.extend(hints);
    draw_line(frame, spans, area);
    placed(1, places)
}

/// Draws a message in a line of its own.
pub(super) fn draw_message(frame: &mut Frame, app: &App, message: &Message, area: Rect) {
    let mark = app.theme.glyph("…", "~");
    let spans = shortened(message_spans(message, &app.theme), usize::from(area.width), mark);
    draw_line(frame, spans, area);
}

/// Columns between two hints.
fn hint_gap(width: usize) -> usize {
    if width < 60 { 2 } else { 3 }
}

fn prompt_line(app: &App, prompt: &Prompt, width: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let cursor = theme.glyph("▌", "_");
    let asked = match prompt.asks() {
        Asks::Setting => " set ",
        Asks::Search => " / ",
        Asks::Text => " write to ",
        Asks::Screen => " write screen to ",
    };
    let mut spans = vec![span(asked, theme.accent)];
    // A long line shows its end, where the cursor is.
    const LEAVES: &str = "   Esc leaves";
    let room = width.saturating_sub(width_of(&spans) + 1 + if width >= 40 { LEAVES.len() } else { 0 });
    spans.push(span(tail(prompt.text(), room), theme.text));
    spans.push(span(cursor, theme.accent));
    let advice = match app.run().playing.filter(|_| prompt.text().starts_with(STEP_PROMPT)) {
        Some(Playing { first, last, .. }) => format!("{first} to {last}; 0 is the beginning"),
        None => prompt.advice(app.run().config(), |key| app.run().told(key)),
    };
    let keys =
        theme.glyph("Enter sets · Tab completes · Esc leaves", "Enter sets, Tab completes, Esc leaves");
    let advice = if advice.is_empty() { advice } else { format!("   {advice}") };
    for parts in [format!("{advice}   {keys}"), format!("   {keys}"), LEAVES.to_owned()] {
        if width_of(&spans) + parts.width() <= width {
            spans.push(span(parts, theme.dim));
            break;
        }
    }
    spans
}

/// As much of a line as fits, with a mark if it was cut.
fn shortened(spans: Vec<Span<'static>>, room: usize, mark: &'static str) -> Vec<Span<'static>> {
    if width_of(&spans) <= room {
        return spans;
    }
    let mut left = room.saturating_sub(mark.width());
    let mut kept = Vec::new();
    for part in spans {
        let mut end = 0;
        for (at, character) in part.content.char_indices() {
            let cells = character.width().unwrap_or(0);
            if cells > left {
                break;
            }
            (left, end) = (left - cells, at + character.len_utf8());
        }
        let whole = end == part.content.len();
        kept.push(span(part.content[..end].to_owned(), part.style));
        if !whole {
            kept.push(span(mark, part.style));
            break;
        }
    }
    kept
}

/// The end of `text` in at most `room` columns.
fn tail(text: &str, room: usize) -> String {
    let mut start = 0;
    while text[start..].width() > room {
        start += text[start..].chars().next().map_or(1, char::len_utf8);
    }
    text[start..].to_owned()
}
