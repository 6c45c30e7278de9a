//! The panel that says why the engine is over.

use ratatui::{
    Frame,
    layout::Rect,
    style::Modifier,
    text::Line,
    widgets::{Paragraph, Widget},
};

use crate::tui::{
    screens::Scene,
    store::Ended,
    widgets::{frames::panel, lines::span, wrap},
};

fn lines(reason: &str, scene: &Scene<'_>, width: u16) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let reason: String = reason.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    let mut lines = Vec::new();
    for paragraph in reason.lines() {
        lines.extend(wrap::wrap(&[span(paragraph, theme.text)], width));
    }
    let place = scene.store.path().map_or(String::new(), |run| format!(" in {}", run.display()));
    let again = if scene.restartable { "r restarts the engine from its last checkpoint, " } else { "" };
    let safe =
        format!("Everything journalled is safe{place}. All screens can still be read; {again}q leaves.");
    lines.extend(wrap::wrap(&[span(safe, theme.dim)], width));
    lines
}

/// Rows that the panel would like to have.
pub(super) fn rows(reason: &str, scene: &Scene<'_>, width: u16) -> u16 {
    let count = lines(reason, scene, width.saturating_sub(4).max(1)).len();
    u16::try_from(count).unwrap_or(u16::MAX).saturating_add(2)
}

/// Draws the panel.
pub(super) fn draw(frame: &mut Frame, scene: &Scene<'_>, area: Rect) {
    let Some(Ended::Failed(reason)) = &scene.store.ended else { return };
    let theme = scene.theme;
    if area.height < 3 {
        let line = format!(" {} the engine failed: {reason}", theme.glyph("✗", "x"));
        Paragraph::new(span(line, theme.error)).render(area, frame.buffer_mut());
        return;
    }
    let title = span(format!(" {} the engine failed ", theme.glyph("✗", "x")), theme.error);
    let block = panel(theme, Line::from(title)).border_style(theme.error.remove_modifier(Modifier::REVERSED));
    let inner = block.inner(area);
    block.render(area, frame.buffer_mut());
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    Paragraph::new(lines(reason, scene, inner.width.max(1))).render(inner, frame.buffer_mut());
}
