//! Lines made of parts.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};
use unicode_width::UnicodeWidthStr;

use crate::{
    record::Problem,
    task::{self, Puzzle},
    tui::shell::theme::Theme,
};

/// Columns that spans take.
pub(in crate::tui) fn width_of(spans: &[Span]) -> usize {
    spans.iter().map(|span| span.content.width()).sum()
}

/// Joins those of `parts`, in order, that fit into `width` columns, with a separator between them.
pub(in crate::tui) fn join_fitting(
    parts: Vec<Vec<Span<'static>>>,
    separator: Span<'static>,
    width: usize,
) -> Vec<Span<'static>> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        let gap = if spans.is_empty() { 0 } else { separator.content.width() };
        let needed = gap + width_of(&part);
        if used + needed > width {
            continue;
        }
        if gap > 0 {
            spans.push(separator.clone());
        }
        spans.extend(part);
        used += needed;
    }
    spans
}

/// Draws one line with its styles.
pub(in crate::tui) fn draw_line(frame: &mut Frame, spans: Vec<Span<'static>>, area: Rect) {
    Line::from(spans).render(area, frame.buffer_mut());
}

/// An owned span.
pub(in crate::tui) fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// How keys are written where only ASCII may be drawn: without the arrows.
pub(in crate::tui) fn shown_keys(theme: &Theme, keys: &str) -> String {
    let words = keys.split(' ').filter(|key| !theme.ascii || key.is_ascii());
    let plain = words.collect::<Vec<_>>().join(" ");
    // A key that has no other name.
    if plain.is_empty() && !keys.is_empty() { "arrow".to_owned() } else { plain }
}

/// Dots or their ASCII stand-in between parts of a line.
pub(in crate::tui) fn separator(theme: &Theme) -> Span<'static> {
    span(theme.glyph(" · ", " | "), theme.dim)
}

/// Puts `right` at the right end of a line of `width` cells if both fit; otherwise returns `left` alone.
pub(in crate::tui) fn justified(
    mut left: Vec<Span<'static>>,
    right: Vec<Span<'static>>,
    width: u16,
    fill: Span,
) -> Line<'static> {
    let cells = |spans: &[Span]| spans.iter().map(Span::width).sum::<usize>();
    let used = cells(&left) + cells(&right);
    if let Some(gap) = usize::from(width).checked_sub(used).filter(|gap| *gap > 0) {
        let filling = match gap {
            0..3 => " ".repeat(gap),
            _ => format!(" {} ", fill.content.repeat(gap - 2)),
        };
        left.push(Span::styled(filling, fill.style));
        left.extend(right);
    }
    Line::from(left)
}

/// The style of a lone mark or number: reversed or underlined, a single cell is hard to read.
pub(in crate::tui) fn lone(style: Style) -> Style {
    style.remove_modifier(Modifier::REVERSED | Modifier::UNDERLINED | Modifier::ITALIC)
}

/// `4 1 16 → 19`, as the task words it.
pub(in crate::tui) fn puzzle_text(task: &str, puzzle: &Puzzle, theme: &Theme) -> String {
    task::in_words(task, puzzle, theme.glyph("→", "->"))
}

/// The same for a problem of a run.
pub(in crate::tui) fn problem_text(problem: &Problem, theme: &Theme) -> String {
    task::problem_in_words(problem, theme.glyph("→", "->"))
}
