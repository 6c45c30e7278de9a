//! Draws the Settings screen: the keys, and below them what the one under the cursor does.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::{Hits, Setting, Settings, Shown, fork};
use crate::tui::{
    panels::Panel,
    screens::Scene,
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
    let title = match settings.shown {
        _ if unknown => " settings: unknown, not recorded by this run's engine ".to_owned(),
        Shown::Changed => format!(" settings: {changed} not at their defaults "),
        Shown::Live => format!(" settings: {} may change during a run ", listed.len()),
        Shown::All => format!(" settings: {} keys, {changed} not at their defaults ", listed.len()),
    };
    let block = panel(theme, Line::from(span(title, theme.title)));
    let inner = padded(block.inner(list));
    block.render(list, buffer);
    let height = usize::from(inner.height);
    let cursor = settings.cursor.min(listed.len().saturating_sub(1));
    let top = settings.top.clamp((cursor + 1).saturating_sub(height.max(1)), cursor);
    let top = top.min(listed.len().saturating_sub(height));
    for (at, (setting, place)) in listed.iter().skip(top).zip(inner.rows()).enumerate() {
        Line::from(row(setting, scene)).render(place, buffer);
        if top + at == cursor {
            buffer.set_style(place, theme.selection);
        }
    }
    draw_thumb(buffer, list, inner, top, listed.len(), theme);
    if let Some(setting) = listed.get(cursor).filter(|_| !doc.is_empty()) {
        let block = panel(theme, Line::from(span(format!(" {} ", setting.name), theme.title)));
        let inner = padded(block.inner(doc));
        block.render(doc, buffer);
        Paragraph::new(about(setting, inner.width, scene)).render(inner, buffer);
    }
    Hits { list: inner, top }
}

/// `learning_rate *   0.0003   was 0.0004 up to step 12, default 0.0004`.
fn row(setting: &Setting, scene: &Scene<'_>) -> Vec<Span<'static>> {
    let (theme, changed) = (scene.theme, setting.is_changed());
    let value = setting.value.as_deref().unwrap_or("unknown");
    let mark = if setting.live { " *" } else { "" };
    let name = format!("{}{mark}", setting.name);
    let mut spans = vec![
        span(format!("{name:<NAMES$} "), if changed { theme.title } else { theme.text }),
        span(format!("{value:<VALUES$} "), if changed { theme.accent } else { theme.text }),
    ];
    let last = scene.store.changes.of(setting.name).last();
    let was = last.map(|last| format!("was {} up to step {}", last.before, last.step));
    let default = changed.then(|| format!("default {}", setting.default));
    let notes: Vec<String> = was.into_iter().chain(default).collect();
    spans.push(span(notes.join(", "), theme.dim));
    spans
}

/// What the key does, which values it takes, what became of it in this run, and how it changes where the run cannot change
/// it.
fn about(setting: &Setting, width: u16, scene: &Scene<'_>) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let mut lines = wrap(&[span(setting.doc.clone(), theme.text)], width);
    let when = if setting.live { " * can change during a run." } else { " Fixed for the whole run." };
    lines.extend(wrap(&[span(format!("It is {}.{when}", setting.allowed), theme.dim)], width));
    let arrow = theme.glyph("→", "->");
    let changes = scene.store.changes.of(setting.name);
    let each = changes
        .map(|change| format!("after step {}: {} {arrow} {}", change.step, change.before, change.value));
    // The newest are those of which one wants to know.
    let mut each: Vec<String> = each.collect();
    each.reverse();
    if !each.is_empty() {
        let words = format!("Changed {}.", each.join("; "));
        lines.extend(wrap(&[span(words, theme.accent)], width));
    }
    if let Some(command) = fork(setting, scene.store).filter(|_| !setting.live) {
        lines.extend(wrap(&[span("A fork may have another: ", theme.dim), span(command, theme.text)], width));
    }
    lines
}
