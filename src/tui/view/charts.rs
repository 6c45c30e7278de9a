//! The three charts: reward and accuracy, length, self-checks.

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::{join_fitting, panel, separator, span};
use crate::tui::{
    app::App,
    chart::{Layer, Plot, Scale, Shape, step_range},
    history::Curve,
    numbers,
};

/// Columns left of a chart for the numbers of its axis.
const AXIS: u16 = 5;
/// Columns from which two charts fit beside each other on the Meter screen.
const BOTH: u16 = 96;

/// The charts as they were drawn, with everything that the picture depends on. Tokens change the screen
/// thirty times a second, steps every few seconds.
#[derive(Debug, Default)]
pub struct ChartCache {
    key: Option<(u64, Rect, bool, bool)>,
    buffer: Buffer,
}

/// Draws the charts, from the cache when nothing has changed.
pub fn draw(frame: &mut Frame, app: &mut App, area: Rect) {
    let key = (app.history.version(), area, app.log_length, app.over());
    if app.chart_cache.key != Some(key) {
        let mut buffer = Buffer::empty(area);
        let [reward, length, checks] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        reward_chart(app).draw(app, reward, &mut buffer);
        length_chart(app).draw(app, length, &mut buffer);
        checks_chart(app, checks.width).draw(app, checks, &mut buffer);
        app.chart_cache = ChartCache { key: Some(key), buffer };
    }
    frame.buffer_mut().merge(&app.chart_cache.buffer);
}

/// Draws the chart of true, misled, false and superficial checks, and beside it, where there is room, that of right
/// answers and of those among them that the thought derives.
pub(in crate::tui) fn draw_checks(app: &App, area: Rect, buffer: &mut Buffer) {
    let answers_width = if area.width >= BOTH { area.width / 3 } else { 0 };
    let [checks, answers] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(answers_width)]).areas(area);
    checks_chart(app, checks.width).draw(app, checks, buffer);
    if answers_width > 0 {
        answers_chart(app).draw(app, answers, buffer);
    }
}

/// One chart and what is written around it.
struct Chart {
    /// Parts of the title, most important first.
    title: Vec<Vec<Span<'static>>>,
    y: Scale,
    layers: Vec<Layer>,
    reference: Option<f64>,
    waiting: &'static str,
}

fn layer(points: impl Iterator<Item = (f64, f64)>, shape: Shape, style: Style) -> Layer {
    Layer { points: points.collect(), shape, style }
}

/// A name and its current value, in the style of its curve.
fn reading(app: &App, name: &str, curve: Curve, decimals: usize, style: Style) -> Vec<Span<'static>> {
    let value = app.history.current(curve).map_or("-".to_owned(), |value| numbers::fixed(value, decimals, 0));
    vec![span(format!("{name} "), app.theme.title), span(value, style)]
}

fn highest(app: &App, curves: &[Curve]) -> f64 {
    curves
        .iter()
        .flat_map(|curve| app.history.raw(*curve))
        .map(|(_, value)| value)
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max)
}

fn reward_chart(app: &App) -> Chart {
    let (theme, history) = (&app.theme, &app.history);
    let reference = app.base().map(|base| base.reward);
    Chart {
        title: vec![
            reading(app, "reward", Curve::Reward, 2, theme.reward),
            reading(app, "accuracy", Curve::Accuracy, 2, theme.right),
        ],
        y: Scale::linear(highest(app, &[Curve::Reward, Curve::Accuracy]).max(0.2)),
        layers: vec![
            layer(history.raw(Curve::Reward), Shape::Points, theme.dim),
            layer(history.smooth(Curve::Accuracy), Shape::Dashed, theme.right),
            layer(history.smooth(Curve::Reward), Shape::Line, theme.reward),
        ],
        reference,
        waiting: "reward of each step",
    }
}

fn length_chart(app: &App) -> Chart {
    let (theme, history) = (&app.theme, &app.history);
    let high = highest(app, &[Curve::Length]).max(40.0);
    let lowest = history.raw(Curve::Length).map(|(_, value)| value).fold(high, f64::min);
    let mut title = reading(app, "length", Curve::Length, 0, theme.length);
    title.push(span(" tokens", theme.dim));
    if app.log_length {
        title.push(span(" log", theme.dim));
    }
    let cut = history.last().map(|step| step.clipped_ratio).filter(|share| share.is_finite());
    let cut = cut.map(|share| {
        vec![span("cut off ", theme.title), span(format!("{:.0} %", 100.0 * share), theme.text)]
    });
    Chart {
        title: [Some(title), cut].into_iter().flatten().collect(),
        y: if app.log_length { Scale::log(lowest, high) } else { Scale::linear(high) },
        layers: vec![
            layer(history.raw(Curve::Length), Shape::Points, theme.dim),
            layer(history.smooth(Curve::Length), Shape::Line, theme.length),
        ],
        reference: app.base().map(|base| base.mean_length),
        waiting: "tokens per completion",
    }
}

fn checks_chart(app: &App, width: u16) -> Chart {
    let (theme, history) = (&app.theme, &app.history);
    let mut chart = Chart {
        title: vec![
            reading(
                app,
                if width >= 40 { "self-checks / answer" } else { "self-checks" },
                Curve::Checks,
                1,
                theme.title,
            ),
            reading(app, "true", Curve::TrueChecks, 1, theme.true_check),
        ],
        y: Scale::linear(highest(app, &[Curve::Checks]).max(1.0)),
        layers: vec![
            layer(history.raw(Curve::Checks), Shape::Points, theme.dim),
            layer(history.smooth(Curve::TrueChecks), Shape::Filled, unmodified(theme.true_check)),
            layer(history.smooth(Curve::MisledChecks), Shape::Striped, unmodified(theme.misled_check)),
            layer(history.smooth(Curve::FalseChecks), Shape::Hatched, unmodified(theme.false_check)),
            layer(history.smooth(Curve::SuperficialChecks), Shape::Sparse, unmodified(theme.superficial)),
        ],
        reference: app.base().map(|base| base.checks),
        waiting: "true, misled, false and superficial checks",
    };
    if takes_apart(app) {
        let style = theme.accent;
        chart.title.insert(1, reading(app, "taken apart", Curve::Decompositions, 1, style));
        chart.y = Scale::linear(highest(app, &[Curve::Checks, Curve::Decompositions]).max(1.0));
        chart.layers.push(layer(history.smooth(Curve::Decompositions), Shape::Line, style));
    }
    chart
}

/// Right answers, and of those the ones that an attempt derives.
fn answers_chart(app: &App) -> Chart {
    let (theme, history) = (&app.theme, &app.history);
    Chart {
        title: vec![
            reading(app, "right", Curve::Accuracy, 2, theme.right),
            reading(app, "of those derived", Curve::Faithful, 2, theme.accent),
        ],
        y: Scale::linear(1.0),
        layers: vec![
            layer(history.raw(Curve::Faithful), Shape::Points, theme.dim),
            layer(history.smooth(Curve::Accuracy), Shape::Dashed, theme.right),
            layer(history.smooth(Curve::Faithful), Shape::Line, theme.accent),
        ],
        reference: None,
        waiting: "right answers, and those derived",
    }
}

/// Whether answers of this run take their question apart, as in multiplication; other runs have no such curve.
fn takes_apart(app: &App) -> bool {
    app.history.raw(Curve::Decompositions).any(|(_, value)| value > 0.0)
}

impl Chart {
    fn draw(self, app: &App, area: Rect, buffer: &mut Buffer) {
        let theme = &app.theme;
        let checks = self.waiting.starts_with("true");
        let room = usize::from(area.width.saturating_sub(4));
        let mut title = vec![Span::raw(" ")];
        title.extend(join_fitting(self.title, separator(theme), room));
        title.push(Span::raw(" "));
        let mut block = panel(theme, Line::from(title));
        if checks {
            block = block.title_bottom(Line::from(legend(app, room)).right_aligned());
        }
        let inner = block.inner(area);
        block.render(area, buffer);
        if inner.width < AXIS + 4 || inner.height < 3 {
            return;
        }
        if app.history.steps().is_empty() {
            let middle = Rect { y: inner.y + (inner.height - 1) / 2, height: 1, ..inner };
            Paragraph::new(span("waiting for the first step", theme.dim)).centered().render(middle, buffer);
            let below = Rect { y: middle.y + 1, ..middle }.intersection(inner);
            Paragraph::new(span(self.waiting, theme.dim)).centered().render(below, buffer);
            return;
        }
        let plot = Rect { x: inner.x + AXIS, width: inner.width - AXIS, height: inner.height - 1, ..inner };
        let last = app.history.last().map_or(0, |step| step.step);
        let x = step_range(last, app.over());
        for (value, row) in [
            (self.y.high(), plot.y),
            (self.y.middle(), plot.y + (plot.height - 1) / 2),
            (self.y.low(), plot.bottom() - 1),
        ] {
            let label = format!("{:>4} ", numbers::axis(value));
            buffer.set_stringn(inner.x, row, label, usize::from(AXIS), theme.dim);
        }
        Plot {
            x,
            y: self.y,
            layers: self.layers,
            reference: self.reference.map(|value| (value, format!("base {}", numbers::axis(round(value))))),
            marks: marks(app).into_iter().map(|mark| (mark.step as f64, unmodified(mark.style))).collect(),
            faint_until: app.fork().map(|fork| fork.step as f64),
            reference_style: theme.reference,
        }
        .render(plot, buffer, theme.ascii);
        steps_axis(app, plot, x, buffer);
    }
}

/// Without underlining and the like: braille cannot be read through them.
fn unmodified(style: Style) -> Style {
    Style { add_modifier: style.add_modifier & (Modifier::BOLD | Modifier::DIM), ..style }
}

/// Two significant digits: a reference line is no more exact than that.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powf(1.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}

/// A step with a vertical line and a name.
struct Mark {
    step: u64,
    name: String,
    style: Style,
}

/// The marks, the most important first: where self-correction took off, where the run was forked.
fn marks(app: &App) -> Vec<Mark> {
    let theme = &app.theme;
    let aha = app.aha().map(|step| Mark {
        step,
        name: format!("{} aha {step}", theme.glyph("▲", "^")),
        style: theme.aha,
    });
    let forks = app.started.iter().flat_map(|started| &started.forks).map(|fork| Mark {
        step: fork.step,
        name: format!("fork {}", fork.step),
        style: theme.title,
    });
    aha.into_iter().chain(forks).collect()
}

/// The steps at both ends of the axis, and the marks between them where there is room.
fn steps_axis(app: &App, plot: Rect, x: (f64, f64), buffer: &mut Buffer) {
    let theme = &app.theme;
    let row = plot.bottom();
    buffer.set_stringn(plot.x, row, numbers::axis(x.0), usize::from(plot.width), theme.dim);
    // Columns that are written on, with one to spare at each end.
    let mut taken = vec![(plot.x, plot.x + 2)];
    let is_free =
        |taken: &[(u16, u16)], from: u16, to: u16| taken.iter().all(|at| to <= at.0 || at.1 <= from);
    for Mark { step, name, style } in marks(app) {
        let width = name.width() as u16;
        if width > plot.width {
            continue;
        }
        let place = (step as f64 - x.0) / (x.1 - x.0) * f64::from(plot.width - 1);
        let start = plot.x + (place.clamp(0.0, f64::from(plot.width)) as u16).min(plot.width - width);
        // The first mark goes over the number of the first step; the others beside what is there, if not far off.
        let beside = taken.iter().flat_map(|at| [at.1, at.0.saturating_sub(width)]);
        let mut places = [start].into_iter().chain(beside.filter(|at| at.abs_diff(start) <= width));
        let is_good = |at: &u16| {
            let inside = *at >= plot.x && at + width <= plot.right();
            inside && (taken.len() == 1 || is_free(&taken, *at, at + width))
        };
        if let Some(start) = places.find(is_good) {
            buffer.set_string(start, row, name, style);
            taken.push((start.saturating_sub(1), start + width + 1));
        }
    }
    let last = numbers::axis(x.1);
    for label in [format!("step {last}"), last] {
        let start = plot.right().saturating_sub(label.width() as u16);
        if is_free(&taken, start, plot.right()) {
            buffer.set_string(start, row, label, theme.dim);
            return;
        }
    }
}

/// What the areas mean.
fn legend(app: &App, room: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let mut names = vec![
        ("⣿", "#", "true", theme.true_check),
        ("⠭", "-", "misled", theme.misled_check),
        ("⢕", ":", "false", theme.false_check),
        ("⠅", ".", "superficial", theme.superficial),
    ];
    if takes_apart(app) {
        names.insert(0, ("━", "-", "taken apart", theme.accent));
    }
    let part = |(mark, plain, name, style): (&'static str, &'static str, &'static str, Style)| {
        vec![span(theme.glyph(mark, plain), unmodified(style)), Span::raw(" "), span(name, style)]
    };
    let parts: Vec<_> = names.into_iter().map(part).collect();
    let mut spans = vec![Span::raw(" ")];
    spans.extend(join_fitting(parts, span("  ", theme.dim), room));
    spans.push(Span::raw(" "));
    spans
}
