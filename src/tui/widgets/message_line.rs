//! The message as a line.

use ratatui::text::Span;

use super::lines::span;
use crate::tui::shell::{
    message::{Level, Message},
    theme::Theme,
};

/// The message with a mark for its level.
pub(in crate::tui) fn message_spans(message: &Message, theme: &Theme) -> Vec<Span<'static>> {
    let (mark, style) = match message.level {
        Level::Info => (theme.glyph("›", ">"), theme.text),
        Level::Warning => (theme.glyph("▲", "!"), theme.warning),
        Level::Error => (theme.glyph("✗", "x"), theme.error),
    };
    let text: String = message.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // Yellow text is hard to read on white, so only the mark is coloured.
    let words = if message.level == Level::Info { theme.text } else { theme.title };
    vec![span(format!(" {mark} "), style), span(text, words)]
}
