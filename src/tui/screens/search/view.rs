//! Draws the Search screen: the tree, the figures, and the words under the cursor.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::{
    figures, outline,
    rows::{self, look},
    state::{Hits, Search, Shown},
};
use crate::{
    runs::place::Place,
    tui::{
        panels::Panel,
        screens::Scene,
        shell::theme::Theme,
        widgets::{
            frames::{draw_thumb, panel},
            lines::problem_text,
            wrap::{printable_length, wrap, wrap_with_offsets},
        },
    },
};

/// Smallest width with the figures beside the tree.
const SIDE_BY_SIDE: u16 = 76;
/// Smallest height at which the words under the cursor are shown.
const WITH_TEXT: u16 = 8;

/// Draws the screen into `area`.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, search: &Search, scene: &Scene<'_>) -> Hits {
    let theme = scene.theme;
    if area.is_empty() {
        return Hits::default();
    }
    if search.is_empty() {
        scene.panels.note(Panel::Tree, area);
        match &search.refused {
            Some(refused) => outline::draw(buffer, area, refused, theme),
            None => draw_empty(buffer, area, theme),
        }
        return Hits::default();
    }
    let text_rows = if area.height >= WITH_TEXT { (area.height / 4).clamp(3, 8) } else { 0 };
    let [top, text] = Layout::vertical([Constraint::Min(1), Constraint::Length(text_rows)]).areas(area);
    let side = match area.width {
        SIDE_BY_SIDE.. => (area.width * 2 / 5).clamp(32, 46),
        _ if search.figures => area.width,
        _ => 0,
    };
    let [tree, panel] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(side)]).areas(top);
    for (what, place) in [(Panel::Tree, tree), (Panel::Solver, panel), (Panel::Words, text)] {
        scene.panels.note(what, place);
    }
    let hits = draw_tree(buffer, tree, search, theme);
    draw_figures(buffer, panel, search, theme);
    draw_text(buffer, text, search, theme);
    hits.unwrap_or_default()
}

fn draw_empty(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let block = panel(theme, Line::from(Span::styled(" search ", theme.title)));
    let inner = block.inner(area);
    block.render(area, buffer);
    let words = "No Countdown completion yet. Choose one in Transcripts to see its search tree, the numbers left \
        after each step, beside the full search space.";
    Paragraph::new(wrap(&[Span::styled(words, theme.dim)], inner.width)).render(inner, buffer);
}

fn draw_tree(buffer: &mut Buffer, area: Rect, search: &Search, theme: &Theme) -> Option<Hits> {
    let shown = search.shown.as_ref().filter(|_| !area.is_empty())?;
    let record = &shown.record;
    let (mark, style) = theme.answer(record.correct);
    let title = Line::from(vec![
        Span::styled(format!(" {} ", problem_text(&record.problem, theme)), theme.title),
        Span::styled(format!("step {} {} ", record.step, Place::of(record).words()), theme.dim),
        Span::styled(format!("{mark} "), style),
    ]);
    let block = panel(theme, title);
    let inner = block.inner(area);
    block.render(area, buffer);
    let height = usize::from(inner.height);
    let top = search.top_for(height);
    for (at, row) in shown.rows.iter().enumerate().skip(top).take(height) {
        let place = Rect { y: inner.y + (at - top) as u16, height: 1, ..inner };
        let passed = shown.passed.contains(&row.node);
        let line = Line::from(rows::spans(row, &shown.search, passed, theme));
        line.render(place, buffer);
        if at == search.cursor {
            buffer.set_style(place, theme.selection);
        }
    }
    if shown.rows.len() == 1 && inner.height > 2 {
        let words = "No step was found in this text.";
        let place = Rect { y: inner.y + 2, height: inner.height - 2, ..inner };
        Paragraph::new(wrap(&[Span::styled(words, theme.dim)], inner.width)).render(place, buffer);
    }
    draw_thumb(buffer, area, inner, top, shown.rows.len(), theme);
    Some(Hits { tree: inner, top: Some(top) })
}

fn draw_figures(buffer: &mut Buffer, area: Rect, search: &Search, theme: &Theme) {
    let Some(shown) = search.shown.as_ref().filter(|_| !area.is_empty()) else { return };
    let block = panel(theme, Line::from(Span::styled(" compared with the solver ", theme.title)));
    let inner = block.inner(area);
    block.render(area, buffer);
    let padded =
        Rect { x: inner.x + u16::from(inner.width > 2), width: inner.width.saturating_sub(2), ..inner };
    Paragraph::new(figures::lines(search, shown, theme, padded.width)).render(padded, buffer);
}

/// The span of the completion that made the move under the cursor, with its context.
fn draw_text(buffer: &mut Buffer, area: Rect, search: &Search, theme: &Theme) {
    let Some(shown) = search.shown.as_ref().filter(|_| !area.is_empty()) else { return };
    let node = &shown.search.nodes[search.node().unwrap_or_default()];
    let (_, _, words) = look(node, theme);
    let count = node.places.len();
    let at = if count == 0 { 0 } else { search.place % count };
    let title = match count {
        0 | 1 => format!(" {words} "),
        _ => format!(" {words}; place {} of {count} (o) ", at + 1),
    };
    let block = panel(theme, Line::from(Span::styled(title, theme.title)));
    let inner = block.inner(area);
    block.render(area, buffer);
    let (spans, start) = words_around(shown, node.places.get(at).cloned(), theme);
    let lines = wrap_with_offsets(&spans, inner.width);
    // The first line of the span is centred.
    let first = lines.partition_point(|line| line.start <= start).saturating_sub(1);
    let height = usize::from(inner.height);
    let top = first.saturating_sub(height / 2).min(lines.len().saturating_sub(height));
    let visible: Vec<Line> = lines.into_iter().skip(top).take(height).map(|wrapped| wrapped.line).collect();
    Paragraph::new(visible).render(inner, buffer);
}

/// The completion with one span highlighted, and where that span begins in the printable text.
fn words_around(
    shown: &Shown,
    place: Option<std::ops::Range<usize>>,
    theme: &Theme,
) -> (Vec<Span<'static>>, usize) {
    let text = &shown.record.completion;
    let parts = place
        .and_then(|place| Some((text.get(..place.start)?, text.get(place.clone())?, text.get(place.end..)?)));
    let Some((before, stretch, after)) = parts else {
        return (vec![Span::styled(text.clone(), theme.dim)], 0);
    };
    let spans = vec![
        Span::styled(before.to_owned(), theme.dim),
        Span::styled(stretch.to_owned(), theme.search_match),
        Span::styled(after.to_owned(), theme.dim),
    ];
    (spans, printable_length(before))
}
