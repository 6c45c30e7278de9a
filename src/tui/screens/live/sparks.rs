//! The metrics where there is no room for charts: sparklines, or one line of numbers.

use ratatui::{Frame, layout::Rect, style::Style, text::Span};

use crate::{
    metrics::{Metric, registry},
    tui::{
        chart::{Scale, sparkline, step_range},
        screens::Scene,
        widgets::{
            lines::{draw_line, join_fitting, separator, span, width_of},
            numbers,
        },
    },
};

struct Row {
    name: &'static str,
    curve: &'static Metric,
    decimals: usize,
    unit: &'static str,
    style: Style,
    base: Option<f64>,
    floor: f64,
}

fn rows(scene: &Scene<'_>) -> [Row; 3] {
    let theme = scene.theme;
    let base = scene.store.base();
    [
        Row {
            name: "reward",
            curve: &registry::REWARD,
            decimals: 2,
            unit: "",
            style: theme.reward,
            base: base.map(|base| base.reward),
            floor: 0.2,
        },
        Row {
            name: "length",
            curve: &registry::MEAN_LENGTH,
            decimals: 0,
            unit: "tokens",
            style: theme.length,
            base: base.map(|base| base.mean_length),
            floor: 40.0,
        },
        Row {
            name: "checks",
            curve: &registry::CHECKS,
            decimals: 1,
            unit: "/answer",
            style: theme.checks,
            base: base.map(|base| base.checks),
            floor: 1.0,
        },
    ]
}

/// Three labelled sparklines, one a row.
pub fn draw(frame: &mut Frame, scene: &Scene<'_>, area: Rect) {
    let theme = scene.theme;
    let last = scene.store.history.last().map_or(0, |step| step.step);
    let x = step_range(last, scene.store.over());
    for (index, row) in rows(scene).into_iter().enumerate().take(usize::from(area.height)) {
        let line = Rect { y: area.y + index as u16, height: 1, ..area };
        let mut left = vec![
            span(format!(" {} ", row.name), theme.title),
            span(value(scene, &row, 6), row.style),
            span(format!(" {:<8}", row.unit), theme.dim),
        ];
        let right = tail(scene, &row, index);
        let room = usize::from(area.width).saturating_sub(width_of(&left) + width_of(&right) + 2);
        if scene.store.history.steps().is_empty() {
            let text = if index == 1 { "waiting for the first step" } else { "" };
            left.push(span(text, theme.dim));
        } else {
            let high =
                scene.store.history.raw(row.curve).map(|(_, value)| value).filter(|value| value.is_finite());
            let scale = Scale::up_to(high.fold(row.floor, f64::max));
            let drawn = sparkline(
                scene.store.history.smooth(row.curve, scene.looks.smoothing),
                x,
                scale,
                room,
                theme.ascii,
            );
            left.extend(in_parts(scene, &drawn, x, row.style));
            left.push(Span::raw("  "));
            left.extend(right);
        }
        draw_line(frame, left, line);
    }
}

/// A sparkline whose part before a fork is dim.
fn in_parts(scene: &Scene<'_>, drawn: &str, x: (f64, f64), style: Style) -> Vec<Span<'static>> {
    let columns = drawn.chars().count();
    let before = scene.store.fork().map_or(0, |fork| {
        let share = (fork.step as f64 - x.0) / (x.1 - x.0);
        (share.clamp(0.0, 1.0) * columns.saturating_sub(1) as f64).round() as usize
    });
    let faint: String = drawn.chars().take(before).collect();
    let own: String = drawn.chars().skip(before).collect();
    vec![span(faint, scene.theme.dim), span(own, style)]
}

/// The text right of a sparkline, in a fixed width: the base and one more number.
fn tail(scene: &Scene<'_>, row: &Row, index: usize) -> Vec<Span<'static>> {
    let theme = scene.theme;
    let base =
        row.base.map_or(String::new(), |base| format!("base {}", numbers::fixed(base, row.decimals, 0)));
    let mut spans = vec![span(format!("{base:<10}"), theme.reference)];
    let current = |curve| scene.store.history.current(curve, scene.looks.smoothing).unwrap_or(f64::NAN);
    match index {
        0 => spans.extend([
            span("right ", theme.dim),
            span(numbers::fixed(current(&registry::ACCURACY), 2, 4), theme.right),
            Span::raw("   "),
        ]),
        1 => {
            let aha =
                scene.store.aha().map(|step| (format!("{} aha {step}", theme.glyph("▲", "^")), theme.aha));
            let fork = || scene.store.fork().map(|fork| (format!("fork {}", fork.step), theme.title));
            let (label, style) = aha.or_else(fork).unwrap_or_default();
            let pad = 13usize.saturating_sub(unicode_width::UnicodeWidthStr::width(label.as_str()));
            spans.extend([span(label, style), Span::raw(" ".repeat(pad))]);
        }
        _ => spans.extend([
            span("true ", theme.dim),
            span(numbers::fixed(current(&registry::TRUE_CHECKS), 1, 5), theme.true_check),
            Span::raw("   "),
        ]),
    }
    spans
}

/// One line of numbers.
pub(crate) fn draw_numbers(frame: &mut Frame, scene: &Scene<'_>, area: Rect) {
    let theme = scene.theme;
    if scene.store.history.steps().is_empty() {
        draw_line(frame, vec![span(" waiting for the first step", theme.dim)], area);
        return;
    }
    let parts = rows(scene)
        .into_iter()
        .map(|row| vec![span(format!("{} ", row.name), theme.dim), span(value(scene, &row, 4), row.style)])
        .collect();
    let mut spans = vec![Span::raw(" ")];
    spans.extend(join_fitting(parts, separator(theme), usize::from(area.width).saturating_sub(1)));
    draw_line(frame, spans, area);
}

fn value(scene: &Scene<'_>, row: &Row, width: usize) -> String {
    numbers::fixed(
        scene.store.history.current(row.curve, scene.looks.smoothing).unwrap_or(f64::NAN),
        row.decimals,
        width,
    )
}
