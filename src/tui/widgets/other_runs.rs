//! The curves of the open runs that are not shown, in the charts of the one that is: dim, dotted, and each with the number
//! of its run.

use ratatui::{buffer::Buffer, layout::Rect, text::Span};
use unicode_width::UnicodeWidthStr;

use super::lines::{join_fitting, span};
use crate::{
    metrics::Metric,
    tui::{
        chart::{Layer, Scale, Shape},
        screens::Scene,
        store::Run,
    },
};

/// Longest name in a legend, in columns.
const LONGEST_NAME: usize = 16;

/// The other runs and their numbers, where a person wants to see them.
fn wanted<'a>(scene: &Scene<'a>) -> impl Iterator<Item = (usize, &'a Run)> + use<'a> {
    let runs = scene.looks.others.then_some(scene.runs);
    runs.into_iter().flat_map(|runs| runs.others()).map(|(place, run)| (place + 1, run))
}

fn points<'a>(
    scene: &Scene<'a>,
    run: &'a Run,
    metric: &Metric,
) -> impl Iterator<Item = (f64, f64)> + use<'a> {
    run.history.smooth(metric, scene.looks.smoothing)
}

/// Changes whenever any of the curves does.
pub(in crate::tui) fn version(scene: &Scene<'_>) -> u64 {
    wanted(scene).map(|(_, run)| run.history.version()).sum()
}

/// The last step of any of them.
pub(super) fn last_step(scene: &Scene<'_>) -> u64 {
    wanted(scene).filter_map(|(_, run)| run.history.last()).map(|step| step.step).max().unwrap_or(0)
}

/// The lowest and the highest value of a metric in any of them.
pub(super) fn extremes(scene: &Scene<'_>, metric: &Metric) -> Option<(f64, f64)> {
    let values = wanted(scene).flat_map(|(_, run)| points(scene, run, metric)).map(|(_, value)| value);
    let both = values.filter(|value| value.is_finite()).map(|value| (value, value));
    both.reduce(|(low, high), (value, _)| (low.min(value), high.max(value)))
}

/// Their curves of a metric.
pub(super) fn layers(scene: &Scene<'_>, metric: &Metric) -> Vec<Layer> {
    let layer = |(_, run): (usize, &Run)| Layer {
        points: points(scene, run, metric).collect(),
        shape: Shape::Dotted,
        style: scene.theme.dim,
    };
    wanted(scene).map(layer).collect()
}

/// Writes the number of each run at the end of its curve.
pub(super) fn draw_numbers(
    scene: &Scene<'_>,
    metric: &Metric,
    (x, y): ((f64, f64), Scale),
    area: Rect,
    buffer: &mut Buffer,
) {
    for (number, run) in wanted(scene) {
        let last = points(scene, run, metric).filter(|(_, value)| value.is_finite()).last();
        let Some((step, share)) = last.and_then(|(step, value)| Some((step, y.place(value)?))) else {
            continue;
        };
        let number = number.to_string();
        let across = ((step - x.0) / (x.1 - x.0)).clamp(0.0, 1.0) * f64::from(area.width.saturating_sub(1));
        let down = (1.0 - share) * f64::from(area.height.saturating_sub(1));
        let column = (area.x + across.round() as u16).min(area.right().saturating_sub(number.width() as u16));
        buffer.set_string(column.max(area.x), area.y + down.round() as u16, number, scene.theme.title);
    }
}

/// Which number is which run.
pub(super) fn legend(scene: &Scene<'_>, room: usize) -> Vec<Span<'static>> {
    if !scene.looks.others {
        return Vec::new();
    }
    let (theme, names) = (scene.theme, scene.runs.names());
    let part = |(number, _): (usize, &Run)| {
        let name: String = names[number - 1].chars().take(LONGEST_NAME).collect();
        vec![span(number.to_string(), theme.title), span(format!(" {name}"), theme.dim)]
    };
    let mut spans = join_fitting(wanted(scene).map(part).collect(), span("  ", theme.dim), room);
    if !spans.is_empty() {
        spans.insert(0, Span::raw(" "));
        spans.push(Span::raw(" "));
    }
    spans
}
