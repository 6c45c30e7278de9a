//! The help: the key table, and what the numbers and colours mean.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Paragraph, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::{panel, shown_keys, span};
use crate::metrics::aha;
use crate::tui::{
    app::App,
    frontier,
    keys::{GLOBAL_KEYS, KeyRow, LIVE_KEYS},
    meter, microscope, playground,
    screen::{Screen, TABS},
    search_view, sentinel,
    theme::Theme,
    transcripts, travel, wrap,
};

/// Columns of the keys.
const KEY_COLUMN: usize = 10;

/// Draws the help over everything else.
pub fn draw(frame: &mut Frame, app: &mut App, area: Rect) {
    let width = area.width.saturating_sub(2).min(118).max(area.width.min(20));
    let inner_width = width.saturating_sub(4).max(1);
    let lines = content(app, inner_width);
    let height = (lines.len() as u16).saturating_add(2).min(area.height);
    let place =
        Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    Clear.render(place, frame.buffer_mut());
    let theme = &app.theme;
    let title = Line::from(span(" help ", theme.title));
    let rows = usize::from(height.saturating_sub(2));
    let rest = lines.len().saturating_sub(rows);
    let first = app.help.unwrap_or(0).min(rest);
    let close = if rest > 0 { " ↑↓ scroll, any other key closes " } else { " any key closes " };
    let close = if theme.ascii { " any key closes " } else { close };
    let block = panel(theme, title)
        .border_style(theme.accent)
        .title_bottom(Line::from(span(close, theme.dim)).right_aligned());
    let inner = block.inner(place);
    block.render(place, frame.buffer_mut());
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let shown: Vec<Line> = lines.into_iter().skip(first).take(rows).collect();
    Paragraph::new(shown).render(inner, frame.buffer_mut());
    app.help = Some(first);
    app.help_rest = rest - first;
}

fn content(app: &App, width: u16) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    let global = GLOBAL_KEYS.iter().map(|row| (row.shown, row.help)).collect();
    section(&mut lines, theme, "Everywhere", global, width);
    // The keys of the screen in front come first.
    section(&mut lines, theme, app.screen.name(), keys_of(app.screen), width);
    explain(&mut lines, theme, width);
    for tab in TABS.iter().filter(|tab| tab.screen != app.screen) {
        section(&mut lines, theme, tab.name, keys_of(tab.screen), width);
    }
    lines.pop();
    lines
}

/// The keys of one screen and what they do.
fn keys_of(screen: Screen) -> Vec<(&'static str, &'static str)> {
    fn told<A>(rows: &[KeyRow<A>]) -> Vec<(&'static str, &'static str)> {
        rows.iter().map(|row| (row.shown, row.help)).collect()
    }
    match screen {
        Screen::Live => told(LIVE_KEYS),
        Screen::Transcripts => told(transcripts::KEYS),
        Screen::Meter => told(meter::KEYS),
        Screen::Search => told(search_view::KEYS),
        Screen::Travel => told(travel::KEYS),
        Screen::Microscope => told(microscope::KEYS),
        Screen::Playground => told(playground::KEYS),
        Screen::Frontier => told(frontier::KEYS),
        Screen::Sentinel => told(sentinel::KEYS),
    }
}

/// What the colours and numbers mean.
fn explain(lines: &mut Vec<Line<'static>>, theme: &Theme, width: u16) {
    lines.push(Line::from(span("What you see", theme.title)));
    for (mark, style, text) in meanings(theme) {
        // The padding is not part of the example.
        let pad = " ".repeat(13usize.saturating_sub(mark.width()));
        let spans = vec![span(mark, style), Span::raw(pad)];
        let room = width.saturating_sub(13).max(8);
        for (index, line) in wrap::wrap(&[span(text, theme.text)], room).into_iter().enumerate() {
            let mut row = if index == 0 { spans.clone() } else { vec![Span::raw(" ".repeat(13))] };
            row.extend(line.spans);
            lines.push(Line::from(row));
        }
    }
    lines.push(Line::default());
}

/// A heading and its keys, in two columns where they fit.
fn section(
    lines: &mut Vec<Line<'static>>,
    theme: &Theme,
    name: &'static str,
    rows: Vec<(&'static str, &'static str)>,
    width: u16,
) {
    if rows.is_empty() {
        return;
    }
    lines.push(Line::from(span(name, theme.title)));
    let width = usize::from(width);
    let wide =
        |part: &[(&str, &str)]| part.iter().map(|(_, help)| KEY_COLUMN + help.width()).max().unwrap_or(0);
    let half = rows.len().div_ceil(2);
    let (first, second) = rows.split_at(half);
    let (column, height) =
        if wide(first) + 2 + wide(second) <= width { (wide(first) + 2, half) } else { (width, rows.len()) };
    for index in 0..height {
        let mut spans = Vec::new();
        for (keys, help) in rows.iter().skip(index).step_by(height) {
            let keys = shown_keys(theme, keys);
            let pad = KEY_COLUMN.saturating_sub(keys.width()).max(1);
            let used = keys.width() + pad + help.width();
            spans.push(span(keys, theme.hint_key));
            spans.push(Span::raw(" ".repeat(pad)));
            spans.push(span((*help).to_owned(), theme.text));
            spans.push(Span::raw(" ".repeat(column.saturating_sub(used))));
        }
        lines.push(Line::from(spans));
    }
    lines.push(Line::default());
}

fn meanings(theme: &Theme) -> Vec<(&'static str, ratatui::style::Style, &'static str)> {
    vec![
        (
            "true check",
            theme.true_check,
            "compares a value with the target or derives it again, and is right about what the operations come to",
        ),
        (
            "misled check",
            theme.misled_check,
            "fits the value that the text states, but that value was miscalculated",
        ),
        (
            "false check",
            theme.false_check,
            "does not fit even the stated value, or its own arithmetic is wrong",
        ),
        ("superficial", theme.superficial, "a checking phrase with nothing checked"),
        (
            theme.glyph("↻ 2", "@ 2"),
            theme.aha,
            "self-corrections: a true failed check followed by an attempt not made before; lit when one has just happened",
        ),
        (theme.glyph("▲ aha", "^ aha"), theme.aha, aha::DEFINITION),
        (
            "reward",
            theme.reward,
            "sees only the answer: 1 right, 0.1 well-formed but wrong, 0 otherwise, unless configured; no phrase \
             and no length is ever rewarded",
        ),
        (
            "loss",
            theme.title,
            "the mean over inner epochs; minus the weighted mean advantage while the ratio of new to old policy is 1 \
             (one inner epoch), so small, and higher where long answers are wrong: watch reward, not loss",
        ),
        (
            "presets",
            theme.title,
            "with one inner epoch nothing is clipped: dapo is then lab with advantages divided by the group's deviation, \
             dr_grpo is lab with the loss on another scale (of which Adam keeps little), grpo also weighs each \
             completion by its own length and holds to the reference",
        ),
        (
            "KL",
            theme.title,
            "the k3 estimate: its value is that of KL(policy || reference), its gradient in the loss that of \
             KL(reference || policy)",
        ),
        (
            "tokens, FLOP",
            theme.title,
            "of prompts and completions so far; estimated for sampling, updates and the reference's forward pass, \
             evaluations left out",
        ),
        (
            theme.glyph("┄ base", "- base"),
            theme.reference,
            "what the base showed on held-out puzzles before training; for the reward, what those answers earn by the \
             rewards of this run, and 0.5 where a coin pays",
        ),
        (
            "lines, dots",
            theme.title,
            "bright lines are debiased moving averages, dim dots the raw steps; a hump in checks is no progress \
             by itself",
        ),
        (
            "dollars",
            theme.title,
            "time at work at the price an hour ($ sets it); TinyZero's authors gave about 30 dollars for theirs, \
             another task (3 or 4 numbers up to 99) and another model (3 billion parameters): no comparison of methods",
        ),
    ]
}
