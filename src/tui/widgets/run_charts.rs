//! The three charts: reward and accuracy, length, self-checks.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::{
    frames::panel,
    lines::{join_fitting, separator, span, width_of},
    marks::{self, unmodified},
    numbers, other_runs,
};
use crate::{
    metrics::{
        Metric,
        registry::{self, Chart as Drawn},
    },
    tui::{
        chart::{Layer, Plot, Scale, Shape, step_range},
        panels::Panel,
        screens::Scene,
    },
};

/// Columns left of a chart for the numbers of its axis.
const AXIS: u16 = 5;
/// Columns from which two charts fit beside each other on the Meter screen.
const BOTH: u16 = 96;

/// Where the charts of reward, length and checks are.
fn beside_each_other(area: Rect) -> [Rect; 3] {
    Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1), Constraint::Fill(1)]).areas(area)
}

/// Notes where they are, also where they need not be drawn again.
pub(in crate::tui) fn note_all(scene: &Scene<'_>, area: Rect) {
    let charts = [Panel::Reward, Panel::Length, Panel::Checks];
    charts.into_iter().zip(beside_each_other(area)).for_each(|(panel, area)| scene.panels.note(panel, area));
}

/// The charts of reward, length and checks beside each other.
pub(in crate::tui) fn draw_all(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let [reward, length, checks] = beside_each_other(area);
    reward_chart(scene).draw(scene, reward, buffer);
    length_chart(scene).draw(scene, length, buffer);
    checks_chart(scene, checks.width).draw(scene, checks, buffer);
}

/// Draws the chart of true, misled, false and superficial checks, and beside it, if there is room, the chart of right
/// answers and their faithful share.
pub(in crate::tui) fn draw_checks(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let answers_width = if area.width >= BOTH { area.width / 3 } else { 0 };
    let [checks, answers] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(answers_width)]).areas(area);
    scene.panels.note(Panel::Checks, checks);
    scene.panels.note(Panel::Answers, answers);
    checks_chart(scene, checks.width).draw(scene, checks, buffer);
    if answers_width > 0 {
        answers_chart(scene).draw(scene, answers, buffer);
    }
}

/// One chart and what is written around it.
struct Chart {
    /// Parts of the title, most important first.
    title: Vec<Vec<Span<'static>>>,
    y: Scale,
    layers: Vec<Layer>,
    /// The metric of which the curves of the other runs are drawn too.
    compared: &'static Metric,
    reference: Option<f64>,
    waiting: &'static str,
}

fn layer(points: impl Iterator<Item = (f64, f64)>, shape: Shape, style: Style) -> Layer {
    Layer { points: points.collect(), shape, style }
}

/// A name and its current value, in the style of its curve.
fn reading(scene: &Scene<'_>, name: &str, metric: &Metric, style: Style) -> Vec<Span<'static>> {
    let value = scene.store.history.current(metric, scene.looks.smoothing);
    let value = value.map_or("-".to_owned(), |value| numbers::fixed(value, metric.decimals, 0));
    vec![span(format!("{name} "), scene.theme.title), span(value, style)]
}

/// The highest value of all that a chart draws.
fn highest(scene: &Scene<'_>, chart: Drawn, compared: &Metric) -> f64 {
    registry::of_chart(chart)
        .flat_map(|metric| scene.store.history.raw(metric))
        .map(|(_, value)| value)
        .chain(other_runs::extremes(scene, compared).map(|(_, high)| high))
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max)
}

fn reward_chart(scene: &Scene<'_>) -> Chart {
    let (theme, history, smoothing) = (scene.theme, &scene.store.history, scene.looks.smoothing);
    let reference = scene.store.base().map(|base| base.reward);
    Chart {
        title: vec![
            reading(scene, "reward", &registry::REWARD, theme.reward),
            reading(scene, "accuracy", &registry::ACCURACY, theme.right),
        ],
        y: Scale::linear(highest(scene, Drawn::Reward, &registry::REWARD).max(0.2)),
        layers: vec![
            layer(history.raw(&registry::REWARD), Shape::Faint, theme.dim),
            layer(history.smooth(&registry::ACCURACY, smoothing), Shape::Dashed, theme.right),
            layer(history.smooth(&registry::REWARD, smoothing), Shape::Line, theme.reward),
        ],
        compared: &registry::REWARD,
        reference,
        waiting: "reward of each step",
    }
    .and_others(scene, Drawn::Reward, &[&registry::REWARD, &registry::ACCURACY])
}

fn length_chart(scene: &Scene<'_>) -> Chart {
    let (theme, history, smoothing) = (scene.theme, &scene.store.history, scene.looks.smoothing);
    let high = highest(scene, Drawn::Length, &registry::MEAN_LENGTH).max(40.0);
    let lowest = history.raw(&registry::MEAN_LENGTH).map(|(_, value)| value);
    let others = other_runs::extremes(scene, &registry::MEAN_LENGTH).map(|(low, _)| low);
    let lowest = lowest.chain(others).fold(high, f64::min);
    let mut title = reading(scene, "length", &registry::MEAN_LENGTH, theme.length);
    title.push(span(" tokens", theme.dim));
    if scene.looks.log_length {
        title.push(span(" log", theme.dim));
    }
    let cut = history.last().and_then(|step| step.known(&registry::CLIPPED_RATIO));
    let cut = cut.map(|share| {
        vec![span("cut off ", theme.title), span(format!("{:.0} %", 100.0 * share), theme.text)]
    });
    Chart {
        title: [Some(title), cut].into_iter().flatten().collect(),
        y: if scene.looks.log_length { Scale::log(lowest, high) } else { Scale::linear(high) },
        layers: vec![
            layer(history.raw(&registry::MEAN_LENGTH), Shape::Faint, theme.dim),
            layer(history.smooth(&registry::MEAN_LENGTH, smoothing), Shape::Line, theme.length),
        ],
        compared: &registry::MEAN_LENGTH,
        reference: scene.store.base().map(|base| base.mean_length),
        waiting: "tokens per completion",
    }
    .and_others(scene, Drawn::Length, &[&registry::MEAN_LENGTH])
}

fn checks_chart(scene: &Scene<'_>, width: u16) -> Chart {
    let (theme, history, smoothing) = (scene.theme, &scene.store.history, scene.looks.smoothing);
    let mut chart = Chart {
        title: vec![
            reading(
                scene,
                if width >= 40 { "self-checks / answer" } else { "self-checks" },
                &registry::CHECKS,
                theme.title,
            ),
            reading(scene, "true", &registry::TRUE_CHECKS, theme.true_check),
        ],
        y: Scale::linear(highest(scene, Drawn::Checks, &registry::CHECKS).max(1.0)),
        layers: vec![
            layer(history.raw(&registry::CHECKS), Shape::Faint, theme.dim),
            layer(
                history.smooth(&registry::TRUE_CHECKS, smoothing),
                Shape::Filled,
                unmodified(theme.true_check),
            ),
            layer(
                history.smooth(&registry::MISLED_CHECKS, smoothing),
                Shape::Striped,
                unmodified(theme.misled_check),
            ),
            layer(
                history.smooth(&registry::FALSE_CHECKS, smoothing),
                Shape::Hatched,
                unmodified(theme.false_check),
            ),
            layer(
                history.smooth(&registry::SUPERFICIAL_CHECKS, smoothing),
                Shape::Sparse,
                unmodified(theme.superficial),
            ),
        ],
        compared: &registry::CHECKS,
        reference: scene.store.base().map(|base| base.checks),
        waiting: "true, misled, false and superficial checks",
    };
    if takes_apart(scene) {
        let style = theme.accent;
        chart.title.insert(1, reading(scene, "decomposed", &registry::DECOMPOSITIONS, style));
        chart.layers.push(layer(history.smooth(&registry::DECOMPOSITIONS, smoothing), Shape::Line, style));
    }
    chart.and_others(
        scene,
        Drawn::Checks,
        &[
            &registry::CHECKS,
            &registry::TRUE_CHECKS,
            &registry::MISLED_CHECKS,
            &registry::FALSE_CHECKS,
            &registry::SUPERFICIAL_CHECKS,
            &registry::DECOMPOSITIONS,
        ],
    )
}

/// Right answers and their faithful share.
fn answers_chart(scene: &Scene<'_>) -> Chart {
    let (theme, history, smoothing) = (scene.theme, &scene.store.history, scene.looks.smoothing);
    Chart {
        title: vec![
            reading(scene, "right", &registry::ACCURACY, theme.right),
            reading(scene, "faithful", &registry::FAITHFUL_SHARE, theme.accent),
        ],
        y: Scale::linear(1.0),
        layers: vec![
            layer(history.raw(&registry::FAITHFUL_SHARE), Shape::Faint, theme.dim),
            layer(history.smooth(&registry::ACCURACY, smoothing), Shape::Dashed, theme.right),
            layer(history.smooth(&registry::FAITHFUL_SHARE, smoothing), Shape::Line, theme.accent),
        ],
        compared: &registry::ACCURACY,
        reference: None,
        waiting: "right answers, and the faithful share of them",
    }
    .and_others(scene, Drawn::Answers, &[&registry::ACCURACY, &registry::FAITHFUL_SHARE])
}

/// Whether answers of this run decompose the problem, as in multiplication; other runs have no such curve.
fn takes_apart(scene: &Scene<'_>) -> bool {
    scene.store.history.raw(&registry::DECOMPOSITIONS).any(|(_, value)| value > 0.0)
}

impl Chart {
    /// Adds the chart's other metrics from the registry as thin lines, if the run has them.
    fn and_others(mut self, scene: &Scene<'_>, chart: Drawn, own: &[&Metric]) -> Self {
        let others = registry::of_chart(chart).filter(|metric| own.iter().all(|own| own.name != metric.name));
        for metric in
            others.filter(|metric| scene.store.history.current(metric, scene.looks.smoothing).is_some())
        {
            self.title.push(reading(scene, metric.label, metric, scene.theme.dim));
            self.layers.push(layer(
                scene.store.history.smooth(metric, scene.looks.smoothing),
                Shape::Line,
                scene.theme.dim,
            ));
        }
        self
    }

    fn draw(self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        let theme = scene.theme;
        let checks = self.waiting.starts_with("true");
        let room = usize::from(area.width.saturating_sub(4));
        let mut title = vec![Span::raw(" ")];
        title.extend(join_fitting(self.title, separator(theme), room));
        title.push(Span::raw(" "));
        let mut block = panel(theme, Line::from(title));
        let legend = if checks { legend(scene, room) } else { Vec::new() };
        let others = other_runs::legend(scene, room.saturating_sub(width_of(&legend) + 2));
        block = block.title_bottom(Line::from(legend).right_aligned()).title_bottom(Line::from(others));
        let inner = block.inner(area);
        block.render(area, buffer);
        if inner.width < AXIS + 4 || inner.height < 3 {
            return;
        }
        if scene.store.history.steps().is_empty() {
            let middle = Rect { y: inner.y + (inner.height - 1) / 2, height: 1, ..inner };
            Paragraph::new(span("waiting for the first step", theme.dim)).centered().render(middle, buffer);
            let below = Rect { y: middle.y + 1, ..middle }.intersection(inner);
            Paragraph::new(span(self.waiting, theme.dim)).centered().render(below, buffer);
            return;
        }
        let plot = Rect { x: inner.x + AXIS, width: inner.width - AXIS, height: inner.height - 1, ..inner };
        let last = scene.store.history.last().map_or(0, |step| step.step);
        let x = step_range(last.max(other_runs::last_step(scene)), scene.store.over());
        let marks = marks::of(scene);
        let layers = other_runs::layers(scene, self.compared).into_iter().chain(self.layers).collect();
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
            layers,
            reference: self.reference.map(|value| (value, format!("base {}", numbers::axis(round(value))))),
            marks: marks.iter().map(|mark| (mark.step as f64, unmodified(mark.style))).collect(),
            faint_until: scene.store.fork().map(|fork| fork.step as f64),
            reference_style: theme.reference,
        }
        .render(plot, buffer, theme.glyphs());
        other_runs::draw_numbers(scene, self.compared, (x, self.y), plot, buffer);
        let last = numbers::axis(x.1);
        let ends = (numbers::axis(x.0), [format!("step {last}"), last]);
        let marks = marks.into_iter().map(|mark| (mark.step as f64, mark)).collect();
        marks::draw_axis(theme, marks, plot, (x, ends), buffer);
    }
}

/// Two significant digits: a reference line is no more exact than that.
fn round(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let scale = 10f64.powf(1.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}

/// What the areas mean.
fn legend(scene: &Scene<'_>, room: usize) -> Vec<Span<'static>> {
    let theme = scene.theme;
    let mut names = vec![
        ("⣿", "#", "true", theme.true_check),
        ("⠭", "-", "misled", theme.misled_check),
        ("⢕", ":", "false", theme.false_check),
        ("⠅", ".", "superficial", theme.superficial),
    ];
    if takes_apart(scene) {
        names.insert(0, ("━", "-", "decomposed", theme.accent));
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
