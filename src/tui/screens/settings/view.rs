//! Draws the Settings screen: the keys, and below them what the one under the cursor does.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::{Hits, Setting, Settings};
use crate::tui::{
    panels::Panel,
    screens::Scene,
    shell::theme::Theme,
    widgets::{
        frames::{draw_thumb, padded, panel},
        lines::span,
        wrap::wrap,
    },
};

/// Columns of a key's name and of its value.
const NAMES: usize = 28;
const VALUES: usize = 18;

/// Draws the screen into `area`.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, settings: &Settings, scene: &Scene<'_>) -> Hits {
    let theme = scene.theme;
    let listed = settings.listed(scene.store);
    let doc_rows = if area.height >= 8 { (area.height / 3).min(8) } else { 0 };
    let [list, doc] = Layout::vertical([Constraint::Fill(1), Constraint::Length(doc_rows)]).areas(area);
    scene.panels.note(Panel::Keys, list);
    scene.panels.note(Panel::Key, doc);
    let changed = listed.iter().filter(|setting| setting.is_changed()).count();
    let unknown = scene.store.started.is_some() && scene.store.config().is_none();
    let title = match settings.changed_only {
        _ if unknown => " settings: unknown, not recorded by this run's engine ".to_owned(),
        true => format!(" settings: {changed} not at their defaults "),
        false => format!(" settings: {} keys, {changed} not at their defaults ", listed.len()),
    };
    let block = panel(theme, Line::from(span(title, theme.title)));
    let inner = padded(block.inner(list));
    block.render(list, buffer);
    let height = usize::from(inner.height);
    let cursor = settings.cursor.min(listed.len().saturating_sub(1));
    let top = settings.top.clamp((cursor + 1).saturating_sub(height.max(1)), cursor);
    let top = top.min(listed.len().saturating_sub(height));
    for (at, (setting, place)) in listed.iter().skip(top).zip(inner.rows()).enumerate() {
        Line::from(row(setting, theme)).render(place, buffer);
        if top + at == cursor {
            buffer.set_style(place, theme.selection);
        }
    }
    draw_thumb(buffer, list, inner, top, listed.len(), theme);
    if let Some(setting) = listed.get(cursor).filter(|_| !doc.is_empty()) {
        let block = panel(theme, Line::from(span(format!(" {} ", setting.name), theme.title)));
        let inner = padded(block.inner(doc));
        block.render(doc, buffer);
        Paragraph::new(about(setting, inner.width, theme)).render(inner, buffer);
    }
    Hits { list: inner, top }
}

/// `learning_rate *   0.0003   (0.0001)`.
fn row(setting: &Setting, theme: &Theme) -> Vec<Span<'static>> {
    let changed = setting.is_changed();
    let value = setting.value.as_deref().unwrap_or("unknown");
    let mark = if setting.live { " *" } else { "" };
    let name = format!("{}{mark}", setting.name);
    let mut spans = vec![
        span(format!("{name:<NAMES$} "), if changed { theme.title } else { theme.text }),
        span(format!("{value:<VALUES$} "), if changed { theme.accent } else { theme.text }),
    ];
    if changed {
        spans.push(span(format!("default {}", setting.default), theme.dim));
    }
    spans
}

/// What the key does and which values it takes.
fn about(setting: &Setting, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = wrap(&[span(setting.doc.clone(), theme.text)], width);
    let when = if setting.live { " * can change during a run." } else { " Fixed for the whole run." };
    lines.extend(wrap(&[span(format!("It is {}.{when}", setting.allowed), theme.dim)], width));
    lines
}
