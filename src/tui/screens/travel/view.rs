//! Draws the Travel screen.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::{
    difference::{Word, differences},
    head,
    state::{End, Hits, Travel},
};
use crate::{
    record::PinnedAnswer,
    tui::{
        panels::Panel,
        screens::Scene,
        shell::theme::Theme,
        widgets::{
            frames::{on_border, panel},
            highlight,
            scroll::outside,
            wrap::wrap,
        },
    },
};

/// Smallest width with the texts side by side, and smallest height with them stacked; otherwise only the text of the
/// moving end is shown.
const SIDE_BY_SIDE: u16 = 70;
const STACKED: u16 = 20;

/// Draws the screen into `area`.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, travel: &Travel, scene: &Scene<'_>) -> Hits {
    let (theme, store) = (scene.theme, scene.store);
    if area.is_empty() {
        return Hits::default();
    }
    let prompt_rows = u16::from(travel.typed.is_some());
    let [area, prompt] = Layout::vertical([Constraint::Fill(1), Constraint::Length(prompt_rows)]).areas(area);
    draw_prompt(buffer, prompt, travel, theme);
    let Some(shown) = travel.shown(&store.pins) else {
        scene.panels.note(Panel::Steps, area);
        draw_empty(buffer, area, theme);
        return Hits::default();
    };
    let head_rows = match area.height {
        16.. => 6,
        10.. => 4,
        7.. => 3,
        _ => 0,
    };
    let [head, texts] = Layout::vertical([Constraint::Length(head_rows), Constraint::Fill(1)]).areas(area);
    scene.panels.note(Panel::Steps, head);
    scene.panels.note(Panel::Answered, texts);
    let block = panel(theme, head::title(travel, shown, scene));
    let inner = block.inner(head);
    if !head.is_empty() {
        block.render(head, buffer);
        head::draw(buffer, inner, travel, shown, scene);
    }
    draw_texts(buffer, texts, travel, scene)
}

fn draw_prompt(buffer: &mut Buffer, area: Rect, travel: &Travel, theme: &Theme) {
    let Some(typed) = travel.typed.as_ref().filter(|_| !area.is_empty()) else { return };
    let line = Line::from(vec![
        Span::styled(" pin ", theme.accent),
        Span::styled(typed.clone(), theme.text),
        Span::styled(theme.glyph("▌", "_"), theme.accent),
        Span::styled("  as in 4 1 16 = 19", theme.dim),
        Span::styled(theme.glyph("   Enter pins · Esc leaves", "   Enter pins, Esc leaves"), theme.dim),
    ]);
    line.render(area, buffer);
}

fn draw_empty(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let block = panel(theme, Line::from(Span::styled(" travel ", theme.title)));
    let inner = block.inner(area);
    block.render(area, buffer);
    let words = "No pinned puzzle has been answered yet. A few held-out puzzles are answered with the same random \
        draws before training and every few steps (pinned_every); this screen shows two of their answers side by \
        side. i pins a puzzle of your own, and P in Transcripts pins the one under the cursor. Runs of older \
        versions have none.";
    Paragraph::new(wrap(&[Span::styled(words, theme.dim)], inner.width)).render(inner, buffer);
}

fn draw_texts(buffer: &mut Buffer, area: Rect, travel: &Travel, scene: &Scene<'_>) -> Hits {
    let (theme, pins) = (scene.theme, &scene.store.pins);
    let (Some(a), Some(b)) = (travel.answer(End::A, pins), travel.answer(End::B, pins)) else {
        return Hits::default();
    };
    let areas: Vec<(End, Rect)> = if area.width >= SIDE_BY_SIDE {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        vec![(End::A, left), (End::B, right)]
    } else if area.height >= STACKED {
        let [above, below] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        vec![(End::A, above), (End::B, below)]
    } else {
        vec![(travel.moving, area)]
    };
    let [words_a, words_b] = differences(&a.completion, &b.completion);
    let (mut rest, mut page, mut found) = (0, 1, None);
    let panels = areas.iter().map(|(end, area)| (*area, *end)).collect();
    for (end, area) in areas {
        let (answer, words) = if end == End::A { (a, &words_a) } else { (b, &words_b) };
        let mut block = panel(theme, on_border(head::answer_title(end, answer, area.width, theme).spans));
        if end == travel.moving {
            block = block.border_style(theme.accent);
        }
        if area.height > 3 {
            block = block
                .title_bottom(on_border(vec![Span::styled(legend(travel, a, b), theme.dim)]).right_aligned());
        }
        let inner = block.inner(area);
        block.render(area, buffer);
        let spans = match travel.differences {
            true => marked(words, end, theme),
            false => {
                let PinnedAnswer { task, puzzle, completion, analysis, .. } = answer;
                let analysis = highlight::with_places(task, puzzle, completion, analysis);
                highlight::styled_spans(completion, &analysis, theme)
            }
        };
        let lines = wrap(&spans, inner.width);
        let height = usize::from(inner.height);
        rest = rest.max(lines.len().saturating_sub(height));
        page = height.saturating_sub(1).max(1);
        let top = travel.top.min(lines.len().saturating_sub(height));
        found = found.or(outside(&lines, scene.needle, (top, top + height)));
        let visible: Vec<Line> = lines.into_iter().skip(top).take(height).collect();
        Paragraph::new(visible).render(inner, buffer);
    }
    Hits { rest, page, panels, found }
}

/// What the colours of the texts say.
fn legend(travel: &Travel, a: &PinnedAnswer, b: &PinnedAnswer) -> &'static str {
    match travel.differences {
        _ if a.step == b.step => " one answer, twice ",
        true if a.completion == b.completion => " no difference ",
        true => " bright: only here ",
        false => " checks in their colours ",
    }
}

fn marked(words: &[Word], end: End, theme: &Theme) -> Vec<Span<'static>> {
    let only_here = if end == End::A { theme.warning } else { theme.accent };
    words
        .iter()
        .map(|word| Span::styled(word.text.to_owned(), if word.differs { only_here } else { theme.dim }))
        .collect()
}
