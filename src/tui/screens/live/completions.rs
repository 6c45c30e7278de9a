//! The completions of one prompt, as they are written.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::Live;
use crate::{
    task,
    tui::{
        screens::Scene,
        shell::theme::Theme,
        store::streams::{Card, Group},
        widgets::{
            figures::figure,
            frames::panel,
            highlight::{self, Meaning},
            lines::{draw_line, span},
            numbers::counted,
            wrap,
        },
    },
};

/// Columns left of the text for the bar, the reward and the marks.
const GUTTER: u16 = 12;

/// Which completions are on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shown {
    /// The first.
    pub first: usize,
    /// How many fit.
    pub fit: usize,
    /// Of how many.
    pub of: usize,
}

/// Draws the panel. Each completion has the same number of rows and shows its newest ones.
pub(super) fn draw(
    frame: &mut Frame,
    live: &Live,
    scene: &Scene<'_>,
    area: Rect,
) -> (Shown, Vec<(Rect, usize)>) {
    let mut cards = Vec::new();
    if area.height == 0 || area.width == 0 {
        return (Shown::default(), cards);
    }
    let bordered = area.height >= 5 && area.width >= 20;
    let inner = match bordered {
        true => Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 2),
        false => area,
    };
    let current = live.group(&scene.store.streams);
    let rows = live.card_rows.unwrap_or(match inner.height {
        0..=3 => 1,
        4..=8 => 2,
        _ => 3,
    });
    let rows = rows.min(inner.height).max(1);
    let fit = usize::from(inner.height / rows).max(1);
    // Spare rows go to the first completions, so that none is wasted.
    let spare = inner.height % rows;
    let of = current.map_or(0, |(_, group)| group.cards.len());
    let shown = Shown { first: live.first_card(&scene.store.streams).min(of.saturating_sub(fit)), fit, of };
    if bordered {
        let title = title(current, shown, scene, area.width);
        panel(scene.theme, title).title_bottom(legend(scene, area.width)).render(area, frame.buffer_mut());
    }
    let Some((_, group)) = current.filter(|_| of > 0) else {
        waiting(frame, scene, inner);
        return (shown, cards);
    };
    let cursor = live.cursor(&scene.store.streams);
    for (place, card) in group.cards.values().skip(shown.first).take(fit).enumerate() {
        let place = place as u16;
        let cell = Rect {
            y: inner.y + place * rows + place.min(spare),
            height: rows + u16::from(place < spare),
            ..inner
        };
        draw_card(frame, card, scene.theme, cell, scene.store.now);
        let at = shown.first + usize::from(place);
        if cursor == Some(at) {
            let mark = Rect { width: gutter_of(cell).min(cell.width), ..cell };
            // One even bar: colours inside a reversed row would be backgrounds.
            frame.buffer_mut().set_style(mark, scene.theme.selection.fg(Color::Reset));
        }
        cards.push((cell, at));
    }
    (shown, cards)
}

fn waiting(frame: &mut Frame, scene: &Scene<'_>, inner: Rect) {
    let text = if !scene.store.is_ours() && scene.store.started.is_none() {
        "reading the run"
    } else if scene.store.over() {
        "no completion in the journal"
    } else if scene.store.started.is_none() {
        "the engine is starting"
    } else {
        "waiting for the first completion"
    };
    let middle = Rect { y: inner.y + (inner.height - 1) / 2, height: 1, ..inner };
    Paragraph::new(span(text, scene.theme.dim)).centered().render(middle, frame.buffer_mut());
}

fn title(current: Option<(usize, &Group)>, shown: Shown, scene: &Scene<'_>, width: u16) -> Line<'static> {
    let theme = scene.theme;
    let mut spans = vec![span(" ", theme.title)];
    let Some((number, group)) = current else {
        spans.push(span("completions ", theme.title));
        return Line::from(spans);
    };
    let how = match group.streamed && !scene.store.over() {
        true if scene.store.is_playback() => "played  ",
        true => "live  ",
        false => "answers  ",
    };
    spans.push(span(how, theme.dim));
    let arrow = theme.glyph("→", "->");
    let words = task::in_words(scene.store.task(), &group.puzzle, arrow);
    // Only the arrow is dim.
    match words.split_once(arrow) {
        Some((question, target)) => {
            spans.push(span(question.trim_end().to_owned(), theme.title));
            spans.push(span(format!(" {arrow} "), theme.dim));
            spans.push(span(target.trim_start().to_owned(), theme.title));
        }
        None => spans.push(span(words, theme.title)),
    }
    if width >= 50 {
        let total = scene.store.config().filter(|_| scene.store.told("prompts_per_step"));
        let total = total.map_or(0, |config| config.sampling.prompts_per_step);
        let known = scene.store.streams.groups();
        let recorded = scene.store.history.last().is_some_and(|last| last.step >= scene.store.streams.step());
        let of = match total {
            0 => String::new(),
            // A journal need not hold every group of a step.
            _ if recorded && known < total => format!(" of {known} kept"),
            _ => format!(" of {total}"),
        };
        let Shown { first, fit, of: cards } = shown;
        let last = (first + fit).min(cards);
        spans
            .push(span(format!("  step {} group {}{of}", scene.store.streams.step(), number + 1), theme.dim));
        if last < cards || first > 0 {
            spans.push(span(format!("  completions {}-{last} of {cards}", first + 1), theme.dim));
        }
    }
    spans.push(Span::raw(" "));
    Line::from(spans)
}

/// What the colours in the texts mean.
fn legend(scene: &Scene<'_>, width: u16) -> Line<'static> {
    let theme = scene.theme;
    if width < 60 {
        return Line::default();
    }
    Line::from(vec![
        Span::raw(" "),
        span("true check", theme.true_check),
        Span::raw("  "),
        span("misled", theme.misled_check),
        Span::raw("  "),
        span("false", theme.false_check),
        Span::raw("  "),
        span("superficial", theme.superficial),
        Span::raw("  "),
        span(Meaning::Correction.mark(theme).unwrap_or(" "), theme.aha),
        span(" self-correction ", theme.dim),
    ])
    .right_aligned()
}

/// Columns left of a text.
fn gutter_of(area: Rect) -> u16 {
    if area.width >= 30 { GUTTER } else { 2 }
}

fn draw_card(frame: &mut Frame, card: &Card, theme: &Theme, area: Rect, now: std::time::Duration) {
    let gutter = gutter_of(area);
    for row in 0..area.height {
        let line = Rect { y: area.y + row, height: 1, width: gutter.min(area.width), ..area };
        draw_line(frame, gutter_row(card, theme, row, area.height, gutter, now), line);
    }
    let text = Rect { x: area.x + gutter, width: area.width.saturating_sub(gutter), ..area };
    if text.is_empty() {
        return;
    }
    let mut spans = highlight::styled_spans(card.text(), card.analysis(), theme);
    // A completion starts with a space after its prompt, which would only indent the first row.
    if let Some(first) = spans.first_mut() {
        first.content = first.content.trim_start().to_owned().into();
    }
    if card.record.is_none() && !card.answered() {
        spans.push(span(theme.glyph("▌", "_"), theme.accent));
    }
    let lines = wrap::wrap(&spans, text.width);
    let hidden = lines.len().saturating_sub(usize::from(text.height));
    for (row, line) in lines.into_iter().skip(hidden).enumerate() {
        let place = Rect { y: text.y + row as u16, height: 1, ..text };
        line.render(place, frame.buffer_mut());
    }
    if hidden > 0 {
        let mark = span(theme.glyph("…", "~"), theme.dim);
        let place = Rect { x: text.x - 1, width: 1, height: 1, ..text };
        draw_line(frame, vec![mark], place);
    }
}

/// What stands left of a row of text: the verdict's bar, then reward, advantage and tokens.
fn gutter_row(
    card: &Card,
    theme: &Theme,
    row: u16,
    rows: u16,
    gutter: u16,
    now: std::time::Duration,
) -> Vec<Span<'static>> {
    let record = card.record.as_deref();
    let verdict: Style = match record {
        Some(record) if record.is_right() => theme.right,
        Some(record) if record.is_wrong() => theme.wrong,
        _ => theme.dim,
    };
    let mut spans = vec![span(theme.glyph("▌", "|"), verdict)];
    if gutter < GUTTER {
        return spans;
    }
    let corrections = card.analysis().self_corrections;
    let badge = if corrections > 0 && (row == 1 || rows == 1) {
        let lit = card.lit_until.is_some_and(|until| until > now);
        let style = if lit { theme.aha.add_modifier(Modifier::BOLD) } else { theme.true_check };
        let style = if lit { style } else { style.remove_modifier(Modifier::UNDERLINED) };
        let mark = Meaning::Correction.mark(theme).unwrap_or(" ");
        Some(span(format!("{mark}{}", corrections.min(99)), style))
    } else {
        None
    };
    let tokens = format!("{:>4} tok", counted(card.tokens()));
    match (row, record) {
        (0, Some(record)) => {
            let mark = match (record.correct, record.truncated) {
                (Some(false) | None, true) => theme.cut_off(),
                (right, _) => theme.answer(right).0,
            };
            spans.push(span(format!("{:>5} {mark}", figure(record.reward, false)), verdict));
        }
        (0, None) if rows == 1 => spans.push(span(tokens, theme.dim)),
        (0, None) => spans.push(span(if card.answered() { " written" } else { " writing" }, theme.dim)),
        (1, Some(record)) => spans.push(span(format!("{:>5}", figure(record.advantage(), true)), theme.dim)),
        (1, None) if rows == 2 => spans.push(span(tokens, theme.dim)),
        (1, None) => spans.push(Span::raw(" ".repeat(5))),
        (2, _) => spans.push(span(tokens, theme.dim)),
        _ => {}
    }
    if let Some(badge) = badge {
        spans.push(Span::raw(" "));
        spans.push(badge);
    }
    spans
}
