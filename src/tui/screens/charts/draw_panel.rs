//! Draws one panel.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::Span,
    widgets::{Paragraph, Widget},
};

use super::{
    layout::{ChartPanel, MOST_METRICS},
    reading::{figure, measured, smoothed},
    seeds::{spread, spread_at, value_at},
    stage::{Other, Stage},
};
use crate::{
    eval::BaseReference,
    metrics::{Metric, registry},
    tui::{
        chart::{Layer, Plot, Scale, Shape},
        shell::theme::Theme,
        store::history::Smoothing,
        widgets::{
            frames::{on_border, panel},
            lines::{join_fitting, separator, span, width_of},
            marks::{self, unmodified},
            numbers,
        },
    },
};

/// Columns left of the curves for the numbers of the axis.
const AXIS: u16 = 7;
/// Rows of curves from which the axis has five numbers instead of three.
const MANY_NUMBERS: u16 = 12;
/// Longest name of a run, in columns.
const LONGEST_NAME: usize = 24;
/// Columns of a number, a value and the space around them.
const FIGURES: usize = 12;

/// A curve of the shown run.
struct Curve {
    metric: &'static Metric,
    points: Vec<(f64, f64)>,
    style: Style,
    shape: Shape,
    /// What it looks like, in front of its name.
    sign: &'static str,
}

/// The looks of a panel's metrics, in order.
fn looks(theme: &Theme) -> [(Style, Shape, &'static str); MOST_METRICS] {
    [
        (theme.reward, Shape::Line, theme.glyph("━", "--")),
        (theme.right, Shape::Dashed, theme.glyph("╍", "-")),
        (theme.checks, Shape::Dotted, theme.glyph("┈", ".")),
        (unmodified(theme.superficial), Shape::DashDotted, theme.glyph("╍┈", "-.")),
    ]
}

/// Draws a panel into `area`; where its curves are.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, stage: &Stage<'_>, own: &ChartPanel, here: bool) -> Rect {
    let theme = stage.scene.theme;
    let curves = curves(stage, own);
    let of_seeds = stage.of_seeds(own);
    let room = usize::from(area.width.saturating_sub(4));
    let mut block = panel(theme, on_border(title(stage, own, &curves, room)));
    if here {
        block = block.border_style(theme.accent);
    }
    let below = foot(stage, own, &of_seeds, room);
    let block = block.title_bottom(on_border(below));
    let inner = block.inner(area);
    block.render(area, buffer);
    if inner.width < AXIS + 4 || inner.height < 3 {
        return Rect::ZERO;
    }
    let plot = Rect { x: inner.x + AXIS, width: inner.width - AXIS, height: inner.height - 1, ..inner };
    let (layers, extremes) = layers(stage, own, &curves, &of_seeds, plot);
    let Some((low, high)) = extremes else {
        say_why_not(buffer, inner, stage, own);
        return plot;
    };
    let y = if own.is_log() { Scale::log_around(low, high) } else { Scale::around(low, high) };
    let marks: Vec<_> = marks::of(stage.scene)
        .into_iter()
        .filter_map(|mark| Some((stage.across.x(mark.step as f64)?, mark)))
        .filter(|(x, _)| (stage.shown.0..=stage.shown.1).contains(x))
        .collect();
    let crosshair = stage.cross.map(|(_, x)| (x, theme.title));
    let base =
        own.metrics().first().and_then(|metric| Some((*metric, base(metric, stage.scene.store.base()?)?)));
    let base = base.filter(|(_, value)| (y.low()..=y.high()).contains(value));
    let fork = stage.scene.store.fork().and_then(|fork| stage.across.x(fork.step as f64));
    Plot {
        x: stage.shown,
        y,
        layers,
        reference: base.map(|(metric, value)| (value, format!("base {}", figure(metric, value)))),
        marks: marks.iter().map(|(x, mark)| (*x, unmodified(mark.style))).chain(crosshair).collect(),
        faint_until: fork.map(|fork| fork.min(stage.shown.1)).filter(|fork| *fork >= stage.shown.0),
        reference_style: theme.reference,
    }
    .render(plot, buffer, theme.glyphs());
    numbers_of_axis(buffer, plot, y, theme);
    number_others(buffer, stage, own, y, plot);
    crossings(buffer, stage, &curves, y, plot);
    let ends = (
        stage.unit.number(stage.shown.0),
        [stage.unit.words(stage.shown.1), stage.unit.number(stage.shown.1)],
    );
    marks::draw_axis(theme, marks, plot, (stage.shown, ends), buffer);
    plot
}

fn curves(stage: &Stage<'_>, own: &ChartPanel) -> Vec<Curve> {
    let looks = looks(stage.scene.theme);
    let curve = |(metric, (style, shape, sign)): (&&'static Metric, (Style, Shape, &'static str))| Curve {
        metric,
        points: stage.curve(stage.scene.store, &stage.across, metric, own.is_log()),
        style,
        shape,
        sign,
    };
    own.metrics().iter().zip(looks).map(curve).collect()
}

/// Everything that is drawn, from the back to the front, and its lowest and highest value in what is shown.
fn layers(
    stage: &Stage<'_>,
    own: &ChartPanel,
    curves: &[Curve],
    of_seeds: &[Vec<(f64, f64)>],
    plot: Rect,
) -> (Vec<Layer>, Option<(f64, f64)>) {
    let theme = stage.scene.theme;
    let mut layers = Vec::new();
    if !of_seeds.is_empty() {
        let (mean, range) = spread(of_seeds, stage.shown, usize::from(plot.width) * 2);
        layers.push(Layer { points: range, shape: Shape::Band, style: theme.dim });
        layers.push(Layer { points: mean, shape: Shape::Line, style: theme.title });
    }
    if let ([only], true) = (curves, of_seeds.is_empty()) {
        let points = stage.raw(only.metric, own.is_log());
        layers.push(Layer { points, shape: Shape::Faint, style: theme.dim });
    }
    if let Some(metric) = own.metrics().first() {
        for other in &stage.others {
            let Some(across) = &other.across else { continue };
            let points = stage.curve(other.run, across, metric, own.is_log());
            layers.push(Layer { points, shape: Shape::Dotted, style: theme.dim });
        }
    }
    for Curve { points, shape, style, .. } in curves {
        layers.push(Layer { points: points.clone(), shape: *shape, style: *style });
    }
    let is_shown = |x: &f64| (stage.shown.0..=stage.shown.1).contains(x);
    let values =
        layers.iter().flat_map(|layer| &layer.points).filter(|(x, value)| is_shown(x) && value.is_finite());
    let extremes = values
        .map(|(_, value)| (*value, *value))
        .reduce(|(low, high), (value, _)| (low.min(value), high.max(value)));
    (layers, extremes)
}

/// The names of the metrics with their values: where the crosshair is, or the newest.
fn title(stage: &Stage<'_>, own: &ChartPanel, curves: &[Curve], room: usize) -> Vec<Span<'static>> {
    let theme = stage.scene.theme;
    let (run, smoothing) = (stage.scene.store, stage.scene.looks.smoothing);
    let last = |metric: &Metric| metric.name.rsplit('/').next().unwrap_or_default().to_owned();
    let part = |curve: &Curve, short: bool| {
        let alike = curves.iter().filter(|other| last(other.metric) == last(curve.metric)).count();
        let name = if short && alike == 1 { last(curve.metric) } else { curve.metric.name.to_owned() };
        let mut spans = Vec::new();
        if curves.len() > 1 {
            spans.push(span(format!("{} ", curve.sign), curve.style));
        }
        let value = match stage.cross {
            Some((step, _)) => measured(run, curve.metric, step),
            None => run.history.current(curve.metric, smoothing),
        };
        let told = value.map_or("-".to_owned(), |value| figure(curve.metric, value));
        spans.extend([span(format!("{name} "), theme.title), span(told, curve.style)]);
        let smooth = stage.cross.filter(|_| smoothing != Smoothing::Off && curves.len() == 1);
        if let Some(value) = smooth.and_then(|(step, _)| smoothed(run, curve.metric, smoothing, step)) {
            spans.push(span(format!(" smooth {}", figure(curve.metric, value)), theme.dim));
        }
        spans
    };
    let log = own.is_log().then(|| vec![span("log", theme.dim)]);
    let parts = |short: bool| -> Vec<Vec<Span<'static>>> {
        curves.iter().map(|curve| part(curve, short)).chain(log.clone()).collect()
    };
    let needed = |parts: &[Vec<Span<'static>>]| parts.iter().map(|part| width_of(part) + 3).sum::<usize>();
    let long = parts(false);
    let chosen = if needed(&long) > room + 3 { parts(true) } else { long };
    let mut title = vec![Span::raw(" ")];
    title.extend(join_fitting(chosen, separator(theme), room));
    title.push(Span::raw(" "));
    title
}

/// What stands on the lower border: mean and range over seeds, and the other runs, each with its value where the crosshair
/// is.
fn foot(
    stage: &Stage<'_>,
    own: &ChartPanel,
    of_seeds: &[Vec<(f64, f64)>],
    room: usize,
) -> Vec<Span<'static>> {
    let theme = stage.scene.theme;
    let Some(metric) = own.metrics().first() else { return Vec::new() };
    let mut parts = Vec::new();
    if !of_seeds.is_empty() {
        let at = stage.cross.and_then(|(_, x)| spread_at(of_seeds, x));
        let told = at.map_or(String::new(), |(mean, low, high)| {
            let of = |value| figure(metric, value);
            format!(" {} ({} to {})", of(mean), of(low), of(high))
        });
        parts.push(vec![span("mean", theme.title), span(told, theme.text)]);
    }
    let names = stage.scene.runs.names();
    // Every run has its place, with as much of its name as fits; names of runs that belong together differ at their ends.
    let each = (room / stage.others.len().max(1)).saturating_sub(FIGURES);
    parts.extend(stage.others.iter().map(|other| {
        let name = end_of(&names[other.number - 1], each.min(LONGEST_NAME), theme);
        let mut spans =
            vec![span(other.number.to_string(), theme.title), span(format!(" {name}"), theme.dim)];
        let value = match (&other.across, stage.cross) {
            (None, _) => format!(" {} unknown", stage.unit.name()),
            (Some(_), Some(_)) => stage
                .read(other, metric)
                .map_or(" -".to_owned(), |value| format!(" {}", figure(metric, value))),
            _ => String::new(),
        };
        spans.push(span(value, theme.text));
        spans
    }));
    let mut spans = join_fitting(parts, span("  ", theme.dim), room);
    if !spans.is_empty() {
        spans.insert(0, Span::raw(" "));
        spans.push(Span::raw(" "));
    }
    spans
}

/// The end of a name in at most so many columns.
fn end_of(name: &str, columns: usize, theme: &Theme) -> String {
    let count = name.chars().count();
    if count <= columns {
        return name.to_owned();
    }
    let end: String = name.chars().skip(count - columns.saturating_sub(1)).collect();
    format!("{}{end}", theme.glyph("…", "~"))
}

/// Says why a panel has no curve.
fn say_why_not(buffer: &mut Buffer, inner: Rect, stage: &Stage<'_>, own: &ChartPanel) {
    let history = &stage.scene.store.history;
    let names: Vec<&str> = own.metrics().iter().map(|metric| metric.name).collect();
    let any = own.metrics().iter().any(|metric| history.has(metric));
    let words = match (history.steps().is_empty(), any) {
        (true, _) => "waiting for the first step".to_owned(),
        (false, false) => format!("no step of this run has {}", names.join(" or ")),
        (false, true) if own.is_log() && stage.look.window.is_none() => {
            "no value above zero for a logarithmic axis: l".to_owned()
        }
        (false, true) => "nothing was measured in this part".to_owned(),
    };
    let middle = Rect { y: inner.y + (inner.height - 1) / 2, height: 1, ..inner };
    Paragraph::new(span(words, stage.scene.theme.dim)).centered().render(middle, buffer);
}

/// A number of an axis whose numbers are so far apart: as short as can be, no two alike, and never 0 for one that is not.
fn axis_number(value: f64, apart: f64) -> String {
    let size = value.abs();
    if size >= 1000.0 || size == 0.0 {
        return numbers::axis(value);
    }
    if size < 1e-3 {
        return format!("{value:.1e}").replace(".0e", "e");
    }
    let places = (1.0 - apart.log10().floor()).clamp(0.0, 4.0) as usize;
    let number = format!("{value:.places$}");
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => number,
    }
}

fn numbers_of_axis(buffer: &mut Buffer, plot: Rect, y: Scale, theme: &Theme) {
    let parts = if plot.height >= MANY_NUMBERS { 4 } else { 2 };
    for part in 0..=parts {
        let share = f64::from(part) / f64::from(parts);
        let row = plot.y + ((1.0 - share) * f64::from(plot.height - 1)).round() as u16;
        let width = usize::from(AXIS) - 1;
        let label = format!("{:>width$} ", axis_number(y.at(share), (y.high() - y.low()) / f64::from(parts)));
        buffer.set_stringn(plot.x - AXIS, row, label, usize::from(AXIS), theme.dim);
    }
}

/// The cell of a value.
fn cell(stage: &Stage<'_>, y: Scale, plot: Rect, (x, value): (f64, f64)) -> Option<(u16, u16)> {
    if !(stage.shown.0..=stage.shown.1).contains(&x) {
        return None;
    }
    let across = (x - stage.shown.0) / (stage.shown.1 - stage.shown.0) * f64::from(plot.width * 2 - 1);
    let down = (1.0 - y.place(value)?) * f64::from(plot.height * 4 - 1);
    let (column, row) = (across.round() as u16 / 2, down.round() as u16 / 4);
    Some((plot.x + column.min(plot.width - 1), plot.y + row.min(plot.height - 1)))
}

/// Writes the number of each other run at the end of its curve.
fn number_others(buffer: &mut Buffer, stage: &Stage<'_>, own: &ChartPanel, y: Scale, plot: Rect) {
    let Some(metric) = own.metrics().first() else { return };
    for Other { number, run, across } in &stage.others {
        let Some(across) = across else { continue };
        let points = stage.curve(run, across, metric, own.is_log());
        let shown = points.iter().rev().find(|(x, value)| *x <= stage.shown.1 && value.is_finite());
        if let Some((column, row)) = shown.and_then(|point| cell(stage, y, plot, *point)) {
            let number = number.to_string();
            let column = column.min(plot.right().saturating_sub(number.len() as u16));
            buffer.set_string(column.max(plot.x), row, number, stage.scene.theme.title);
        }
    }
}

/// Marks where the crosshair meets the curves.
fn crossings(buffer: &mut Buffer, stage: &Stage<'_>, curves: &[Curve], y: Scale, plot: Rect) {
    let theme = stage.scene.theme;
    let Some((_, x)) = stage.cross else { return };
    for curve in curves.iter().rev() {
        let met = value_at(&curve.points, x).and_then(|value| cell(stage, y, plot, (x, value)));
        if let Some((column, row)) = met {
            buffer.set_string(column, row, theme.glyph("●", "o"), curve.style);
        }
    }
}

/// What the base shows of a metric.
fn base(metric: &Metric, base: BaseReference) -> Option<f64> {
    let all = [
        (&registry::REWARD, base.reward),
        (&registry::ACCURACY, base.accuracy),
        (&registry::MEAN_LENGTH, base.mean_length),
        (&registry::CHECKS, base.checks),
        (&registry::SELF_CORRECTIONS, base.self_corrections),
        (&registry::SELF_CHECKING_SHARE, base.self_checking_share),
    ];
    all.into_iter().find(|(of, _)| of.name == metric.name).map(|(_, value)| value)
}
