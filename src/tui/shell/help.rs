//! The help: the key table, and what the numbers and colours mean.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::{Clear, Paragraph, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::{
    app::App,
    keys::{GLOBAL_KEYS, HELP_KEYS, HelpMove, Intent, is_of_use, shown_key},
    theme::Theme,
};
use crate::{
    metrics::aha,
    tui::{
        panels::{self, About, Panel},
        widgets::{
            frames::panel,
            highlight::Meaning,
            lines::{shown_keys, span},
            wrap,
        },
    },
};

/// Columns of the keys.
const KEY_COLUMN: usize = 10;

/// Draws the help over everything else, from this line on; `several` panels are on the screen below. Returns the last line it can start with and the length of
/// a page.
pub(super) fn draw(
    frame: &mut Frame<'_>,
    app: &App,
    line: usize,
    several: bool,
    area: Rect,
) -> (usize, usize) {
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
    let first = line.min(rest);
    let mut keys = vec![Span::raw(" ")];
    for row in
        HELP_KEYS.iter().filter(|row| !row.shown.is_empty() && is_of_use_now(app, row.action, rest, several))
    {
        keys.push(span(shown_keys(theme, row.shown), theme.hint_key));
        keys.push(span(format!(" {}", row.hint), theme.hint_text));
        keys.push(Span::raw(if row.hint.is_empty() { "" } else { "  " }));
    }
    let block = panel(theme, title).border_style(theme.accent).title_bottom(Line::from(keys).right_aligned());
    let inner = block.inner(place);
    block.render(place, frame.buffer_mut());
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let shown: Vec<Line> = lines.into_iter().skip(first).take(rows).collect();
    Paragraph::new(shown).render(inner, frame.buffer_mut());
    (rest, rows.saturating_sub(1).max(1))
}

/// Whether a key does something while the help shows this, with so many lines below, over one panel or several.
fn is_of_use_now(app: &App, movement: HelpMove, rest: usize, several: bool) -> bool {
    match movement {
        HelpMove::Close => true,
        HelpMove::Panel(_) => app.explained.is_some() && several,
        _ => rest > 0,
    }
}

/// Opens the help, first with the panel under the mouse, or else with that which keys go to; or closes it.
pub(super) fn open(app: &mut App) {
    if app.help.take().is_some() {
        return;
    }
    let drawn = &app.picture.panels;
    let pointed = app.pointer.and_then(|place| panels::at(drawn, place));
    let focused = app.in_front().focus().filter(|focus| drawn.iter().any(|(_, panel)| panel == focus));
    app.explained = pointed.or(focused).or(drawn.first().map(|(_, panel)| *panel));
    app.help = Some(0);
}

/// Goes to the text of another panel of the screen, round and round.
pub(super) fn turn(app: &mut App, by: isize) {
    let mut drawn: Vec<Panel> = Vec::new();
    for (_, panel) in &app.picture.panels {
        if !drawn.contains(panel) {
            drawn.push(*panel);
        }
    }
    let here = drawn.iter().position(|panel| Some(*panel) == app.explained).unwrap_or(0);
    let there = (here.cast_signed() + by).rem_euclid(drawn.len().max(1).cast_signed());
    app.explained = drawn.get(there.cast_unsigned()).copied();
    app.help = Some(0);
}

/// What is said of a panel.
fn explained(lines: &mut Vec<Line<'static>>, theme: &Theme, about: &About, width: u16) {
    lines.push(Line::from(span(about.name, theme.title)));
    for (word, text) in [("shows", about.shows), ("computed", about.computed), ("bad", about.bad)] {
        let text = text.replace('✓', theme.glyph("✓", "v"));
        hanging(lines, (word.to_owned(), theme.hint_key), span(text, theme.text), width);
    }
    lines.push(Line::default());
}

fn content(app: &App, width: u16) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let mut lines = Vec::new();
    if let Some(panel) = app.explained {
        explained(&mut lines, theme, panel.about(), width);
    }
    section(&mut lines, theme, "Everywhere", everywhere(app), width);
    // The keys of the screen in front come first.
    let front = app.in_front();
    section(&mut lines, theme, front.name(), owned(front.keys()), width);
    explain(&mut lines, theme, width);
    for (_, screen) in app.screens().iter().enumerate().filter(|(at, _)| *at != app.front) {
        section(&mut lines, theme, screen.name(), owned(screen.keys()), width);
    }
    lines.pop();
    lines
}

/// Keys and what they do.
type Rows = Vec<(String, String)>;

fn owned(rows: Vec<(&'static str, &'static str)>) -> Rows {
    rows.into_iter().map(|(keys, help)| (keys.to_owned(), help.to_owned())).collect()
}

/// The keys that work everywhere, those of the screens among them.
fn everywhere(app: &App) -> Rows {
    let mut rows = Rows::new();
    for row in GLOBAL_KEYS.iter().filter(|row| is_of_use(app, row.action)) {
        rows.push((row.shown.to_owned(), row.help.to_owned()));
        if row.action == Intent::PreviousScreen {
            rows.extend(app.screens().iter().enumerate().map(|(at, screen)| {
                (shown_key(at, screen.as_ref()), format!("{}: {}", screen.name(), screen.about()))
            }));
        }
    }
    rows
}

/// What the colours and numbers mean.
fn explain(lines: &mut Vec<Line<'static>>, theme: &Theme, width: u16) {
    lines.push(Line::from(span("What you see", theme.title)));
    for (mark, style, text) in meanings(theme) {
        hanging(lines, (mark, style), span(text, theme.text), width);
    }
    lines.push(Line::default());
}

/// A text beside its mark, wrapped.
fn hanging(lines: &mut Vec<Line<'static>>, (mark, style): (String, Style), text: Span<'static>, width: u16) {
    // The padding is not part of the mark.
    let pad = " ".repeat(EXAMPLE_COLUMN.saturating_sub(mark.width()));
    let spans = vec![span(mark, style), Span::raw(pad)];
    let room = width.saturating_sub(EXAMPLE_COLUMN as u16).max(8);
    for (index, line) in wrap::wrap(&[text], room).into_iter().enumerate() {
        let mut row = if index == 0 { spans.clone() } else { vec![Span::raw(" ".repeat(EXAMPLE_COLUMN))] };
        row.extend(line.spans);
        lines.push(Line::from(row));
    }
}

/// A heading and its keys, in two columns where they fit.
fn section(lines: &mut Vec<Line<'static>>, theme: &Theme, name: &'static str, rows: Rows, width: u16) {
    if rows.is_empty() {
        return;
    }
    lines.push(Line::from(span(name, theme.title)));
    let width = usize::from(width);
    let wide =
        |part: &[(String, String)]| part.iter().map(|(_, help)| KEY_COLUMN + help.width()).max().unwrap_or(0);
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
            spans.push(span(help.clone(), theme.text));
            spans.push(Span::raw(" ".repeat(column.saturating_sub(used))));
        }
        lines.push(Line::from(spans));
    }
    lines.push(Line::default());
}

/// The columns of the examples.
const EXAMPLE_COLUMN: usize = 15;

/// What each mark and colour means. Long because it is a table: one row a mark.
fn meanings(theme: &Theme) -> Vec<(String, Style, &'static str)> {
    let marked = |meaning: Meaning, name: &str| {
        (format!("{} {name}", meaning.mark(theme).unwrap_or(" ")), meaning.style(theme))
    };
    let (true_check, true_style) = marked(Meaning::TrueCheck, "true check");
    let (misled_check, misled_style) = marked(Meaning::MisledCheck, "misled check");
    let (false_check, false_style) = marked(Meaning::FalseCheck, "false check");
    let (superficial, superficial_style) = marked(Meaning::SuperficialCheck, "superficial");
    let (correction, correction_style) = marked(Meaning::Correction, "2");
    let (right, right_style) = theme.answer(true);
    let (wrong, wrong_style) = theme.answer(false);
    vec![
        (format!("{right} right"), right_style, "the answer is right; marks answers, never checks"),
        (format!("{wrong} wrong"), wrong_style, "the answer is wrong or missing"),
        (
            format!("{} cut off", theme.cut_off()),
            theme.warning,
            "the completion reached max_new_tokens unfinished",
        ),
        (
            true_check,
            true_style,
            "compares a value with the target, or derives a result again, and is right about the actual value",
        ),
        (misled_check, misled_style, "fits the value that the text states, but that value was miscalculated"),
        (false_check, false_style, "contradicts even the stated value, or its own arithmetic is wrong"),
        (superficial, superficial_style, "a checking phrase that checks nothing"),
        (
            correction,
            correction_style,
            "self-corrections: a check rightly finds a miss and a new attempt follows; each is lit in its text, and \
             the count right after it happens",
        ),
        (theme.glyph("▲ aha", "^ aha").to_owned(), theme.aha, aha::DEFINITION),
        (
            "reward".to_owned(),
            theme.reward,
            "depends on the answer alone: by default 1 if right, 0.1 if wrong but well-formed, else 0; phrases never \
             count, and length only with overlong_penalty",
        ),
        (
            "loss".to_owned(),
            theme.title,
            "mean over the step's updates; with one update every ratio is 1 and it is minus the weighted mean \
             advantage: small, and higher if long answers are wrong; watch reward, not loss",
        ),
        (
            "presets".to_owned(),
            theme.title,
            "with one update a step nothing is clipped: dr_grpo is then lab with a rescaled loss (which Adam mostly \
             cancels), grpo also averages per completion and adds KL to the reference; mini_batches=4 makes four \
             updates, and bounds act; docs/algorithms.md has all presets",
        ),
        (
            "KL".to_owned(),
            theme.title,
            "estimated by kl_estimator; the value of k3 estimates KL(policy || reference), its gradient in the loss \
             is that of KL(reference || policy)",
        ),
        (
            "tokens, FLOP".to_owned(),
            theme.title,
            "so far, for prompts and completions; FLOP are estimated for sampling, updates and the reference, \
             without evaluations",
        ),
        (
            theme.glyph("┄ base", "- base").to_owned(),
            theme.reference,
            "the base on held-out puzzles before training; its reward under this run's settings, or 0.5 with \
             random-reward",
        ),
        (
            "lines".to_owned(),
            theme.title,
            "bright lines are debiased moving averages, faint ones the steps themselves; more checks alone are not progress",
        ),
        (
            "dollars".to_owned(),
            theme.title,
            "training time at a price per hour ($ sets it); TinyZero reports about 30 dollars for another task (3 or \
             4 numbers up to 99) and model (3 billion parameters): not a comparison of methods",
        ),
    ]
}
