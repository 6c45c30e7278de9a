//! Draws the [`App`]. What fits decides what is shown; completions give way last.

pub(super) mod charts;
mod completions;
mod failure;
mod help;
mod hints;
pub(super) mod phases;
mod sparks;
mod status;
mod title;

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType, Borders, Widget},
};
use unicode_width::UnicodeWidthStr;

pub(super) use charts::ChartCache;

use super::{
    app::{App, Ended},
    frontier, meter, microscope, playground,
    screen::Screen,
    search_view, sentinel,
    theme::Theme,
    transcripts, travel,
};

/// Draws one picture.
pub fn view(frame: &mut Frame, app: &mut App) {
    app.hits.tabs.clear();
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    match app.screen {
        Screen::Live => live(frame, app, area),
        Screen::Transcripts => with_bars(frame, app, area, |frame, app, body| {
            transcripts::view(frame, body, &mut app.transcripts, &app.theme);
        }),
        Screen::Meter => with_bars(frame, app, area, meter::view),
        Screen::Search => with_bars(frame, app, area, |frame, app, body| {
            search_view::view(frame, body, &mut app.search, &app.theme);
        }),
        Screen::Travel => with_bars(frame, app, area, |frame, app, body| {
            travel::view(frame, body, &mut app.travel, &app.theme);
        }),
        Screen::Microscope => with_bars(frame, app, area, |frame, app, body| {
            microscope::view(frame, body, app);
        }),
        Screen::Playground => with_bars(frame, app, area, |frame, app, body| {
            playground::view(frame, body, &mut app.playground, &app.theme);
        }),
        Screen::Frontier => with_bars(frame, app, area, |frame, app, body| {
            frontier::view(frame, body, &app.frontier, &app.theme);
        }),
        Screen::Sentinel => with_bars(frame, app, area, |frame, app, body| {
            sentinel::view(frame, body, &mut app.sentinel, &app.theme);
        }),
    }
    if app.help.is_some() {
        help::draw(frame, app, area);
    }
}

/// A screen of its own between the title and the line with the hints or the message.
fn with_bars(frame: &mut Frame, app: &mut App, area: Rect, body: impl FnOnce(&mut Frame, &mut App, Rect)) {
    let title_rows = u16::from(area.height >= 4);
    let hint_rows = u16::from(area.height >= 3);
    let [top, middle, bottom] = Layout::vertical([
        Constraint::Length(title_rows),
        Constraint::Fill(1),
        Constraint::Length(hint_rows),
    ])
    .areas(area);
    title::draw(frame, app, top);
    body(frame, app, middle);
    status::draw_bottom(frame, app, bottom, true);
}

/// How the metrics are shown on the Live screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metrics {
    /// Three charts of so many rows.
    Charts(u16),
    /// Three sparklines.
    Sparklines,
    /// One line of numbers.
    Numbers,
    /// Nothing.
    None,
}

fn live(frame: &mut Frame, app: &mut App, area: Rect) {
    let (width, height) = (area.width, area.height);
    let metrics = match (width, height) {
        (78.., 28..) => Metrics::Charts((height * 2 / 5).clamp(10, 18)),
        (44.., 18..) => Metrics::Sparklines,
        (_, 7..) => Metrics::Numbers,
        _ => Metrics::None,
    };
    app.has_charts = matches!(metrics, Metrics::Charts(_));
    let metric_rows = match metrics {
        Metrics::Charts(rows) => rows,
        Metrics::Sparklines => 3,
        Metrics::Numbers => 1,
        Metrics::None => 0,
    };
    let status_rows = match height {
        24.. => 2,
        18.. => 1,
        _ => 0,
    };
    // With little room the message takes the place of the hints.
    let separate_message = height >= 18;
    let failure_rows = match &app.ended {
        Some(Ended::Failed(reason)) => failure::rows(reason, app, width).min(height / 3),
        _ => 0,
    };
    let [top, phase, metric, failed, body, status, message, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::from(height >= 5)),
        Constraint::Length(metric_rows),
        Constraint::Length(failure_rows),
        Constraint::Fill(1),
        Constraint::Length(status_rows),
        Constraint::Length(u16::from(separate_message)),
        Constraint::Length(u16::from(height >= 3)),
    ])
    .areas(area);

    title::draw(frame, app, top);
    phases::draw(frame, app, phase);
    match metrics {
        Metrics::Charts(_) => charts::draw(frame, app, metric),
        Metrics::Sparklines => sparks::draw(frame, app, metric),
        Metrics::Numbers => sparks::draw_numbers(frame, app, metric),
        Metrics::None => {}
    }
    if failure_rows > 0 {
        failure::draw(frame, app, failed);
    }
    completions::draw(frame, app, body);
    status::draw_status(frame, app, status);
    if separate_message {
        status::draw_message(frame, app, message);
    }
    status::draw_bottom(frame, app, bottom, !separate_message);
}

/// A panel's frame, rounded where more than ASCII may be drawn.
pub(super) fn panel(theme: &Theme, title: Line<'static>) -> Block<'static> {
    // Without this the border's dimness would shine through the titles.
    let bright = Style::new().remove_modifier(Modifier::DIM);
    let block =
        Block::new().borders(Borders::ALL).border_style(theme.border).title_style(bright).title(title);
    if theme.ascii {
        block.border_set(ratatui::symbols::border::Set {
            top_left: "+",
            top_right: "+",
            bottom_left: "+",
            bottom_right: "+",
            vertical_left: "|",
            vertical_right: "|",
            horizontal_top: "-",
            horizontal_bottom: "-",
        })
    } else {
        block.border_type(BorderType::Rounded)
    }
}

/// Columns that spans take.
fn width_of(spans: &[Span]) -> usize {
    spans.iter().map(|span| span.content.width()).sum()
}

/// Joins those of `parts`, in order, that fit into `width` columns, with a separator between them.
fn join_fitting(
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

/// Draws one line in one style-preserving go.
fn draw_line(frame: &mut Frame, spans: Vec<Span<'static>>, area: Rect) {
    Line::from(spans).render(area, frame.buffer_mut());
}

/// An owned span.
pub(super) fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// How keys are written where only ASCII may be drawn: without the arrows.
fn shown_keys(theme: &Theme, keys: &'static str) -> String {
    let words = keys.split(' ').filter(|key| !theme.ascii || key.is_ascii());
    let plain = words.collect::<Vec<_>>().join(" ");
    // A key that has no other name.
    if plain.is_empty() { "arrow".to_owned() } else { plain }
}

/// Dots or their ASCII stand-in between parts of a line.
fn separator(theme: &Theme) -> Span<'static> {
    span(theme.glyph(" · ", " | "), theme.dim)
}
