//! The phase line: the five phases, the current one lit, and how far it is.

use ratatui::{Frame, layout::Rect, style::Modifier, text::Span};

use super::{draw_line, span, width_of};
use crate::{
    engine::protocol::Phase,
    tui::app::{App, Progress},
};

/// Columns of the progress bar.
const BAR: usize = 24;

/// Draws the phase line; only the current phase where all five do not fit.
pub fn draw(frame: &mut Frame, app: &App, area: Rect) {
    let width = usize::from(area.width);
    if width == 0 || area.height == 0 {
        return;
    }
    let progress = app.progress.filter(|_| !app.over());
    let mut left = vec![Span::raw(" ")];
    for (index, phase) in Phase::ALL.into_iter().enumerate() {
        if index > 0 {
            left.push(span(app.theme.glyph(" ▸ ", " > "), app.theme.dim));
        }
        left.push(phase_word(app, phase, progress));
    }
    let mut right = progress.map(|progress| bar(app, progress, BAR)).unwrap_or_default();
    if width_of(&left) + width_of(&right) + 3 > width {
        left = vec![Span::raw(" ")];
        match progress {
            Some(Progress { phase, .. }) => left.push(phase_word(app, phase, progress)),
            None => left.push(span("no phase at work", app.theme.dim)),
        }
    }
    let spare = width.saturating_sub(width_of(&left) + 3);
    // First the unit gives way, then the bar.
    while width_of(&right) > spare && right.len() > 1 {
        let last = if right.len() == 4 { 3 } else { 0 };
        right.remove(last);
    }
    if width_of(&right) <= spare {
        left.push(Span::raw("   "));
        left.extend(right);
    }
    draw_line(frame, left, area);
}

fn phase_word(app: &App, phase: Phase, progress: Option<Progress>) -> Span<'static> {
    let theme = &app.theme;
    let style = match progress {
        Some(now) if now.phase == phase => theme.accent.add_modifier(Modifier::UNDERLINED),
        Some(now) if (now.phase as u8) > phase as u8 => theme.text,
        _ => theme.dim,
    };
    span(phase.name(), style)
}

/// A bar and the count; the count keeps its width while it rises.
fn bar(app: &App, progress: Progress, columns: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let Progress { phase, done, total, .. } = progress;
    if total == 0 {
        return Vec::new();
    }
    let digits = total.to_string().len();
    let unit = match phase {
        Phase::Sample => "answered",
        Phase::Score | Phase::Advantage => "scored",
        Phase::Update => "micro-batches",
        Phase::Evaluate => "done",
    };
    let halves = (done.min(total) * columns * 2) / total;
    let (full, half) = (halves / 2, halves % 2);
    let mut lit = theme.glyph("━", "=").repeat(full);
    let mut rest = columns - full;
    if half == 1 {
        lit.push_str(theme.glyph("╸", "-"));
        rest -= 1;
    }
    vec![
        span(lit, theme.accent),
        span(theme.glyph("─", ".").repeat(rest), theme.dim),
        span(format!(" {done:>digits$}/{total} "), theme.text),
        span(format!("{unit:<13}"), theme.dim),
    ]
}
