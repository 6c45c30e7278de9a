//! The metrics where there is no room for charts: sparklines, or one line of numbers.

use ratatui::{Frame, layout::Rect, style::Style, text::Span};

use super::{draw_line, join_fitting, separator, span, width_of};
use crate::tui::{
    app::App,
    chart::{Scale, sparkline, step_range},
    history::Curve,
    numbers,
};

struct Row {
    name: &'static str,
    curve: Curve,
    decimals: usize,
    unit: &'static str,
    style: Style,
    base: Option<f64>,
    floor: f64,
}

fn rows(app: &App) -> [Row; 3] {
    let theme = &app.theme;
    let base = app.base();
    [
        Row {
            name: "reward",
            curve: Curve::Reward,
            decimals: 2,
            unit: "",
            style: theme.reward,
            base: base.map(|base| base.reward),
            floor: 0.2,
        },
        Row {
            name: "length",
            curve: Curve::Length,
            decimals: 0,
            unit: "tokens",
            style: theme.length,
            base: base.map(|base| base.mean_length),
            floor: 40.0,
        },
        Row {
            name: "checks",
            curve: Curve::Checks,
            decimals: 1,
            unit: "/answer",
            style: theme.checks,
            base: base.map(|base| base.checks),
            floor: 1.0,
        },
    ]
}

/// Three labelled sparklines, one a row.
pub fn draw(frame: &mut Frame, app: &App, area: Rect) {
    let theme = &app.theme;
    let last = app.history.last().map_or(0, |step| step.step);
    let x = step_range(last, app.over());
    for (index, row) in rows(app).into_iter().enumerate().take(usize::from(area.height)) {
        let line = Rect { y: area.y + index as u16, height: 1, ..area };
        let mut left = vec![
            span(format!(" {} ", row.name), theme.title),
            span(value(app, &row, 6), row.style),
            span(format!(" {:<8}", row.unit), theme.dim),
        ];
        let right = tail(app, &row, index);
        let room = usize::from(area.width).saturating_sub(width_of(&left) + width_of(&right) + 2);
        if app.history.steps().is_empty() {
            let text = if index == 1 { "waiting for the first step" } else { "" };
            left.push(span(text, theme.dim));
        } else {
            let high = app.history.raw(row.curve).map(|(_, value)| value).filter(|value| value.is_finite());
            let scale = Scale::up_to(high.fold(row.floor, f64::max));
            let drawn = sparkline(app.history.smooth(row.curve), x, scale, room, theme.ascii);
            left.extend(in_parts(app, &drawn, x, row.style));
            left.push(Span::raw("  "));
            left.extend(right);
        }
        draw_line(frame, left, line);
    }
}

/// A sparkline whose part of before a fork is dim.
fn in_parts(app: &App, drawn: &str, x: (f64, f64), style: Style) -> Vec<Span<'static>> {
    let columns = drawn.chars().count();
    let before = app.fork().map_or(0, |fork| {
        let share = (fork.step as f64 - x.0) / (x.1 - x.0);
        (share.clamp(0.0, 1.0) * columns.saturating_sub(1) as f64).round() as usize
    });
    let faint: String = drawn.chars().take(before).collect();
    let own: String = drawn.chars().skip(before).collect();
    vec![span(faint, app.theme.dim), span(own, style)]
}

/// What stands right of a sparkline, in a fixed width: the base, and one more number.
fn tail(app: &App, row: &Row, index: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let base =
        row.base.map_or(String::new(), |base| format!("base {}", numbers::fixed(base, row.decimals, 0)));
    let mut spans = vec![span(format!("{base:<10}"), theme.reference)];
    let current = |curve| app.history.current(curve).unwrap_or(f64::NAN);
    match index {
        0 => spans.extend([
            span("right ", theme.dim),
            span(numbers::fixed(current(Curve::Accuracy), 2, 4), theme.right),
            Span::raw("   "),
        ]),
        1 => {
            let aha = app.aha().map(|step| (format!("{} aha {step}", theme.glyph("▲", "^")), theme.aha));
            let fork = || app.fork().map(|fork| (format!("fork {}", fork.step), theme.title));
            let (label, style) = aha.or_else(fork).unwrap_or_default();
            let pad = 13usize.saturating_sub(unicode_width::UnicodeWidthStr::width(label.as_str()));
            spans.extend([span(label, style), Span::raw(" ".repeat(pad))]);
        }
        _ => spans.extend([
            span("true ", theme.dim),
            span(numbers::fixed(current(Curve::TrueChecks), 1, 5), theme.true_check),
            Span::raw("   "),
        ]),
    }
    spans
}

/// One line of numbers.
pub fn draw_numbers(frame: &mut Frame, app: &App, area: Rect) {
    let theme = &app.theme;
    if app.history.steps().is_empty() {
        draw_line(frame, vec![span(" waiting for the first step", theme.dim)], area);
        return;
    }
    let parts = rows(app)
        .into_iter()
        .map(|row| vec![span(format!("{} ", row.name), theme.dim), span(value(app, &row, 4), row.style)])
        .collect();
    let mut spans = vec![Span::raw(" ")];
    spans.extend(join_fitting(parts, separator(theme), usize::from(area.width).saturating_sub(1)));
    draw_line(frame, spans, area);
}

fn value(app: &App, row: &Row, width: usize) -> String {
    numbers::fixed(app.history.current(row.curve).unwrap_or(f64::NAN), row.decimals, width)
}
