//! The phase line: the five phases, the current one lit, and how far it is.

use ratatui::{Frame, layout::Rect, style::Modifier, text::Span};

use super::lines::{draw_line, span, width_of};
use crate::{
    protocol::Phase,
    tui::{screens::Scene, store::Progress},
};

/// Columns of the progress bar.
const BAR: usize = 24;

/// Draws the phase line: all five phases if they fit, even at the expense of the bar.
pub fn draw(frame: &mut Frame, scene: &Scene<'_>, area: Rect) {
    let width = usize::from(area.width);
    if width == 0 || area.height == 0 {
        return;
    }
    let progress = scene.store.progress.filter(|_| !scene.store.over());
    let mut left = vec![Span::raw(" ")];
    for (index, phase) in Phase::ALL.into_iter().enumerate() {
        if index > 0 {
            left.push(span(scene.theme.glyph(" ▸ ", " > "), scene.theme.dim));
        }
        left.push(phase_word(scene, phase, progress));
    }
    let current = vec![
        Span::raw(" "),
        match progress {
            Some(Progress { phase, .. }) => phase_word(scene, phase, progress),
            None => span("no phase running", scene.theme.dim),
        },
    ];
    let variants = [
        (&left, BAR, true),
        (&left, BAR / 3, true),
        (&left, BAR / 2, false),
        (&current, BAR, true),
        (&current, BAR / 2, false),
        (&current, 0, false),
    ];
    for (phases, columns, unit) in variants {
        let right = progress.map(|progress| bar(scene, progress, columns, unit)).unwrap_or_default();
        if width_of(phases) + 3 + width_of(&right) <= width {
            let mut line = phases.clone();
            line.push(Span::raw("   "));
            line.extend(right);
            draw_line(frame, line, area);
            return;
        }
    }
    draw_line(frame, current, area);
}

fn phase_word(scene: &Scene<'_>, phase: Phase, progress: Option<Progress>) -> Span<'static> {
    let theme = scene.theme;
    let style = match progress {
        Some(now) if now.phase == phase => theme.accent.add_modifier(Modifier::UNDERLINED),
        Some(now) if (now.phase as u8) > phase as u8 => theme.text,
        _ => theme.dim,
    };
    span(phase.name(), style)
}

/// A bar and the count; the count keeps its width while it rises.
fn bar(scene: &Scene<'_>, progress: Progress, columns: usize, with_unit: bool) -> Vec<Span<'static>> {
    let theme = scene.theme;
    let Progress { phase, done, total, .. } = progress;
    if total == 0 {
        return Vec::new();
    }
    let digits = total.to_string().len();
    let unit = match phase {
        _ if !with_unit => "",
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
        span(format!("{unit:<width$}", width = if with_unit { 13 } else { 0 }), theme.dim),
    ]
}
