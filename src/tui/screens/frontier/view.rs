//! Draws the Frontier screen: the chart, and below it the values at the crosshair. If the chart would be too small to
//! read, only the values are drawn.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Block, Paragraph, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::{
    chart::{self, look},
    curves::{Kind, Spot},
    state::Shown,
};
use crate::{
    record::{HowMeasured, Measurement},
    tui::{
        shell::theme::Theme,
        widgets::{
            frames::{on_border, padded, panel},
            wrap::wrap,
        },
    },
};

/// Smallest size with a chart.
const CHART: (u16, u16) = (56, 17);
/// Smallest width at which a value shows its full interval.
const WHOLE: u16 = 72;

const EMPTY: &str = "What does thinking buy? This run has no measurement yet. A measurement samples the same \
    held-out puzzles several times under several thinking budgets, before training and at a checkpoint: one long \
    thought against several short ones at the same token cost. m measures 128 puzzles, 8 times each; for more \
    puzzles or other budgets:";
const HOW_TO: &str = "aha-lab eval --checkpoint RUN@STEP --samples 8 --budget 24,48,96,192 --record";

/// Draws the screen into `area`.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, frontier: &Shown<'_>, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let Some((how, at, count)) = frontier.how() else {
        draw_empty(buffer, area, frontier, theme);
        return;
    };
    let mut block = panel(theme, on_border(title(how, usize::from(area.width), theme)));
    block = with_progress(block, frontier, theme);
    if count > 1 && area.width > 60 {
        let others = format!(" settings {at} of {count} ");
        block = block.title_bottom(on_border(vec![Span::styled(others, theme.dim)]).right_aligned());
    }
    let inner = block.inner(area);
    block.render(area, buffer);
    let inner = padded(inner);
    let lines = reading(frontier, inner.width, theme);
    let has_chart = area.width >= CHART.0 && area.height >= CHART.1;
    let rows = if has_chart { lines.len() as u16 } else { inner.height };
    let [above, below] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(inner);
    if has_chart {
        chart::draw(buffer, above, frontier, theme);
    }
    Paragraph::new(lines).render(below, buffer);
}

/// The border with the progress of a measurement.
fn with_progress(block: Block<'static>, frontier: &Shown<'_>, theme: &Theme) -> Block<'static> {
    match frontier.measured.progress() {
        Some(words) => block.title_bottom(on_border(vec![Span::styled(format!(" {words} "), theme.accent)])),
        None => block,
    }
}

fn draw_empty(buffer: &mut Buffer, area: Rect, frontier: &Shown<'_>, theme: &Theme) {
    let block = panel(theme, Line::from(Span::styled(" compute frontier ", theme.title)));
    let block = with_progress(block, frontier, theme);
    let inner = block.inner(area);
    block.render(area, buffer);
    let mut lines = wrap(&[Span::styled(EMPTY, theme.dim)], inner.width);
    lines.push(Line::default());
    lines.extend(wrap(&[Span::styled(HOW_TO, theme.text)], inner.width));
    Paragraph::new(lines).render(inner, buffer);
}

/// The puzzles and settings, as much as fits.
fn title(how: &HowMeasured, width: usize, theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = vec![Span::styled(" compute frontier ", theme.title)];
    let level =
        how.level.as_ref().map_or_else(|| "own puzzles".to_owned(), |level| format!("held out {level}"));
    let parts = [
        format!("{} puzzles x {} ", how.puzzles, how.samples),
        format!("T = {} ", how.temperature),
        format!("{} {level} ", how.task),
    ];
    for part in parts {
        let used: usize = spans.iter().map(Span::width).sum();
        if used + part.width() + 2 <= width {
            spans.push(Span::styled(part, theme.dim));
        }
    }
    spans
}

/// The values at the crosshair: for each curve, the value within that many tokens.
fn reading(frontier: &Shown<'_>, width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let Some(tokens) = frontier.crosshair() else {
        return vec![Line::from(Span::styled("the measurement is empty", theme.dim))];
    };
    let width = usize::from(width);
    let (before, after) = frontier.pair();
    let measured: Vec<&Measurement> = [before, after].into_iter().flatten().collect();
    let long = width >= usize::from(WHOLE);
    let names = if long { 30 } else { 17 };
    let column = (width.saturating_sub(names) / measured.len().max(1)).min(40);

    let at_most = theme.glyph("≤", "<=");
    let samples =
        frontier.samples().map_or_else(|| "unforced".to_owned(), |budget| format!("budget {budget}"));
    let mut head =
        vec![Span::styled(format!("{at_most} {tokens:.0} {}", frontier.axis.name()), theme.accent)];
    let more = if long { " a puzzle (log axis)" } else { " a puzzle" };
    head.push(Span::styled(more, theme.dim));
    let choice = format!("{}samples of k: {samples}", theme.glyph(" · ", ", "));
    let used: usize = head.iter().map(Span::width).sum();
    if used + choice.width() <= width {
        head.push(Span::styled(choice, theme.dim));
    }
    let mut lines = vec![Line::from(head)];

    let mut steps = vec![Span::raw(" ".repeat(names))];
    for (index, one) in measured.iter().enumerate() {
        let style = if index == 0 && after.is_some() { theme.dim } else { theme.title };
        let name = match (one.step, long) {
            (0, true) => "before training".to_owned(),
            (0, false) => "before".to_owned(),
            (step, true) => format!("after step {step}"),
            (step, false) => format!("step {step}"),
        };
        steps.push(Span::styled(format!("{name:<column$}"), style));
    }
    lines.push(Line::from(steps));

    let is_measured = |kind: &Kind| {
        let spots = |one: &&Measurement| {
            frontier.curves(one).into_iter().any(|c| c.kind == *kind && !c.spots.is_empty())
        };
        // Older measurements, and other tasks, have no blind search.
        !matches!(kind, Kind::Random | Kind::LookingAhead) || measured.iter().any(spots)
    };
    for kind in Kind::ALL.into_iter().filter(is_measured) {
        let (mark, style) = look(kind, false, theme);
        let name = if long { kind.long_name() } else { kind.name() };
        let name = format!("{mark} {name}");
        let mut spans = vec![Span::styled(format!("{name:<names$}"), style)];
        for (index, one) in measured.iter().enumerate() {
            let before = index == 0 && after.is_some();
            let curves = frontier.curves(one);
            let spot = curves.iter().find(|curve| curve.kind == kind).and_then(|curve| curve.within(tokens));
            let style = if before { theme.dim } else { theme.text };
            spans.extend(value(spot, column, style, theme));
        }
        lines.push(Line::from(spans));
    }
    let note = if long {
        "Each value is the last measurement up to that many tokens, with its 95 % interval over puzzles."
    } else {
        "±: half of the 95 % interval"
    };
    let note = if theme.ascii { note.replace('±', "+-") } else { note.to_owned() };
    lines.extend(wrap(&[Span::styled(note, theme.dim)], width.min(usize::from(u16::MAX)) as u16));
    lines
}

/// A value with its interval and how it was reached, as much as fits.
fn value(spot: Option<&Spot>, column: usize, style: Style, theme: &Theme) -> Vec<Span<'static>> {
    let Some(spot) = spot else {
        return vec![Span::styled(format!("{:<column$}", theme.glyph("–", "-")), theme.dim)];
    };
    let [low, high] = spot.share.ci95.map(|end| 100.0 * end);
    let share = 100.0 * spot.share.value;
    let plus_minus = theme.glyph("±", "+-");
    let with = match (spot.k, spot.budget) {
        (1, Some(budget)) => format!("budget {budget}"),
        (1, None) => "unforced".to_owned(),
        (k, Some(budget)) => format!("{k} x {budget}"),
        (k, None) => format!("{k} unforced"),
    };
    let whole = format!("{share:5.1} % ({low:.1} to {high:.1})");
    let half = format!("{share:.0} % {plus_minus}{:.0}", 100.0 * spot.share.half_width());
    let texts = [format!("{whole} {with}"), whole, format!("{half} {with}"), half, format!("{share:.0} %")];
    let fitting = texts.into_iter().find(|text| text.width() < column).unwrap_or_default();
    vec![Span::styled(format!("{fitting:<column$}"), style)]
}
