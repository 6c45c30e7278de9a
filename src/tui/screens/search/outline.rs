//! The Search screen for a task whose completions have no tree: why, and which ways the completion tried.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};

use super::state::Refused;
use crate::runs::place::Place;
use crate::tui::{
    shell::theme::Theme,
    widgets::{frames::panel, lines::problem_text, wrap::wrap},
};

/// Draws it: the sentence in at most a third of the height, then a line for each thing tried.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, refused: &Refused, theme: &Theme) {
    let record = &refused.record;
    let (verdict, style) = theme.answer(record.correct);
    let title = Line::from(vec![
        Span::styled(format!(" {} ", problem_text(&record.problem, theme)), theme.title),
        Span::styled(format!("step {} {} ", record.step, Place::of(record).words()), theme.dim),
        Span::styled(format!("{verdict} "), style),
    ]);
    let block = panel(theme, title);
    let inner = block.inner(area);
    block.render(area, buffer);
    let mut lines = wrap(&[Span::styled(refused.why, theme.dim)], inner.width);
    let most = usize::from(inner.height / 3).max(2);
    if lines.len() > most {
        // What was tried matters more than why there is no tree.
        lines.truncate(most);
    }
    lines.push(Line::default());
    if refused.outline.is_empty() {
        lines.push(Line::from(Span::styled("No calculation was found in this completion.", theme.text)));
    }
    let mut ways = 0;
    let count = refused.outline.len();
    for (index, tried) in refused.outline.iter().enumerate() {
        let last = refused.outline.get(index + 1).is_none_or(|next| next.depth == 0);
        let lead = match (tried.depth, last) {
            (0, _) => {
                ways += 1;
                format!("{ways:>2} ")
            }
            (_, false) => format!("   {} ", theme.glyph("├", "|")),
            (_, true) => format!("   {} ", theme.glyph("└", "`")),
        };
        let mut spans = vec![
            Span::styled(lead, theme.dim),
            Span::styled(tried.words.clone(), if tried.depth == 0 { theme.title } else { theme.text }),
        ];
        match (&tried.stated, tried.right) {
            (Some(stated), Some(right)) => {
                let (mark, style) = theme.answer(right);
                spans.push(Span::styled(" = ", theme.dim));
                spans.push(Span::styled(stated.clone(), theme.text));
                spans.push(Span::styled(format!(" {mark}"), style));
            }
            _ if tried.depth == 0 => spans.push(Span::styled(" unfinished", theme.warning)),
            _ => {}
        }
        lines.push(Line::from(spans));
    }
    let room = usize::from(inner.height);
    if lines.len() > room && room > 0 && count > 0 {
        let more = lines.len() - room + 1;
        lines.truncate(room - 1);
        lines.push(Line::from(Span::styled(format!("and {more} more lines"), theme.dim)));
    }
    for (line, place) in lines.into_iter().zip(inner.rows()) {
        line.render(place, buffer);
    }
}
