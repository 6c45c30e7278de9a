//! Line charts as SVG: in the page with its colours, and by themselves for slides.

use std::fmt::Write;

use super::html::text;
use crate::metrics::format;

/// Colours that lines have, in turn. The page and the files name them `c0` to `c5`.
pub(super) const COLOURS: usize = 6;
/// Points of a line; more are averaged.
const POINTS: usize = 400;

/// A line.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) label: String,
    /// Which colour.
    pub(super) colour: usize,
    pub(super) points: Vec<(f64, f64)>,
    /// One run among several, or raw values behind a smoothed line.
    pub(super) is_faint: bool,
}

/// The space between the least and the greatest of several runs.
#[derive(Debug, Clone)]
pub(super) struct Band {
    pub(super) colour: usize,
    /// Each `x`, least and greatest.
    pub(super) points: Vec<(f64, f64, f64)>,
}

/// A chart.
#[derive(Debug, Clone, Default)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) about: String,
    pub(super) across: &'static str,
    pub(super) lines: Vec<Line>,
    pub(super) bands: Vec<Band>,
    /// A dashed line at a height, with its label.
    pub(super) level: Option<(f64, String)>,
    /// Marks at steps: the label and its colour.
    pub(super) marks: Vec<(f64, String, usize)>,
}

/// The rectangle that lines are drawn in, and the values that it shows.
struct Frame {
    width: f64,
    height: f64,
    x: (f64, f64),
    y: (f64, f64),
}

const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;

impl Frame {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let part =
            |value: f64, (low, high): (f64, f64)| if high > low { (value - low) / (high - low) } else { 0.5 };
        (
            LEFT + part(x, self.x) * (self.width - LEFT - RIGHT),
            self.height - BOTTOM - part(y, self.y) * (self.height - TOP - BOTTOM),
        )
    }
}

impl Chart {
    /// For the page: a wide picture, and a narrow one for phones. Its numbers are beside it, for the line under the pointer.
    pub(super) fn figure(&self) -> String {
        let legend: String = self
            .lines
            .iter()
            .filter(|line| !line.is_faint)
            .map(|line| format!("<span class=\"key c{}\">{}</span>", line.colour, text(&line.label)))
            .collect();
        format!(
            "<figure class=\"chart\" data-lines=\"{}\"><figcaption><b>{}</b> <span>{}</span></figcaption><div \
             class=\"legend\">{legend}</div><div class=\"plot\">{}{}</div><output></output></figure>",
            text(&self.numbers()),
            text(&self.title),
            text(&self.about),
            self.svg(680.0, 280.0, "broad", ""),
            self.svg(360.0, 240.0, "narrow", "")
        )
    }

    /// A file of its own, light or dark as its viewer is.
    pub(super) fn standalone(&self) -> String {
        let style = format!("<style>{}</style>", include_str!("chart.css"));
        let mut svg = self.svg(960.0, 480.0, "alone", &style);
        svg.insert_str(0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        svg
    }

    /// The lines as JSON: label, colour, xs, ys.
    fn numbers(&self) -> String {
        let rounded = |value: f64| (value * 1e5).round() / 1e5;
        let lines: Vec<serde_json::Value> = self
            .lines
            .iter()
            .filter(|line| !line.is_faint)
            .map(|line| {
                let points = thinned(&line.points);
                let xs: Vec<f64> = points.iter().map(|point| rounded(point.0)).collect();
                let ys: Vec<f64> = points.iter().map(|point| rounded(point.1)).collect();
                serde_json::json!({"label": line.label, "colour": line.colour % COLOURS, "x": xs, "y": ys})
            })
            .collect();
        serde_json::json!({"x": self.span_x(), "lines": lines}).to_string()
    }

    fn span_x(&self) -> (f64, f64) {
        let all = self.lines.iter().flat_map(|line| line.points.iter().map(|point| point.0));
        let (low, high) = span(all).unwrap_or((0.0, 1.0));
        (low, if high > low { high } else { low + 1.0 })
    }

    /// From 0 where that is near, and to the next round number.
    fn span_y(&self) -> (f64, f64) {
        let lines = self.lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
        let bands =
            self.bands.iter().flat_map(|band| band.points.iter().flat_map(|point| [point.1, point.2]));
        let level = self.level.iter().map(|(height, _)| *height);
        let (low, high) = span(lines.chain(bands).chain(level)).unwrap_or((0.0, 1.0));
        let low = if low > 0.0 && low < high / 2.0 { 0.0 } else { low };
        let step = round_step((high - low).max(1e-9) / 4.0);
        let (bottom, top) = ((low / step).floor() * step, (high / step).ceil() * step);
        (bottom, if top > bottom { top } else { bottom + step })
    }

    fn svg(&self, width: f64, height: f64, class: &str, style: &str) -> String {
        let frame = Frame { width, height, x: self.span_x(), y: self.span_y() };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lines {class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             aria-label=\"{}\">{style}",
            text(&self.title)
        );
        if class == "alone" {
            let _ = write!(
                svg,
                "<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/><text class=\"title\" x=\"{LEFT}\" y=\"22\">{}</text>",
                text(&self.title)
            );
        }
        self.axes(&frame, &mut svg);
        for band in &self.bands {
            let above = band.points.iter().map(|(x, _, high)| frame.at(*x, *high));
            let below = band.points.iter().rev().map(|(x, low, _)| frame.at(*x, *low));
            let _ = write!(
                svg,
                "<path class=\"band c{}\" d=\"{}Z\"/>",
                band.colour % COLOURS,
                path(above.chain(below))
            );
        }
        for faint in [true, false] {
            for line in self.lines.iter().filter(|line| line.is_faint == faint) {
                let points = thinned(&line.points);
                let class = if faint { "faint" } else { "line" };
                let colour = line.colour % COLOURS;
                if let [only] = points[..] {
                    let (x, y) = frame.at(only.0, only.1);
                    let _ =
                        write!(svg, "<circle class=\"dot c{colour}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>");
                } else {
                    let places = points.iter().map(|(x, y)| frame.at(*x, *y));
                    let _ = write!(svg, "<path class=\"{class} c{colour}\" d=\"{}\"/>", path(places));
                }
            }
        }
        if class == "alone" {
            self.legend(&mut svg, width);
        }
        svg.push_str("</svg>");
        svg
    }

    fn axes(&self, frame: &Frame, svg: &mut String) {
        let (left, right, bottom) = (LEFT, frame.width - RIGHT, frame.height - BOTTOM);
        for tick in ticks(frame.y, 4) {
            let (_, y) = frame.at(frame.x.0, tick);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"tick\" \
                 x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 7.0,
                y + 4.0,
                format::value(tick)
            );
        }
        for tick in ticks(frame.x, if frame.width < 400.0 { 3 } else { 6 }) {
            let (x, _) = frame.at(tick, frame.y.0);
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 16.0,
                format::value(tick)
            );
        }
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            bottom + 29.0,
            self.across
        );
        if let Some((height, label)) = &self.level {
            let (_, y) = frame.at(frame.x.0, *height);
            let _ = write!(
                svg,
                "<line class=\"level\" x1=\"{left}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"tick\" \
                 x=\"{right}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                y - 5.0,
                text(label)
            );
        }
        for (step, label, colour) in &self.marks {
            let (x, _) = frame.at(*step, frame.y.0);
            // Beside the line, on the side that has room.
            let (anchor, beside) = if x > frame.width * 0.7 { ("end", x - 5.0) } else { ("start", x + 5.0) };
            let colour = colour % COLOURS;
            let _ = write!(
                svg,
                "<line class=\"mark c{colour}\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/><text class=\"marked \
                 c{colour}\" x=\"{beside:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                TOP + 10.0,
                text(label)
            );
        }
    }

    fn legend(&self, svg: &mut String, width: f64) {
        let shown: Vec<&Line> = self.lines.iter().filter(|line| !line.is_faint).collect();
        if shown.len() < 2 {
            return;
        }
        for (row, line) in shown.iter().enumerate() {
            let label: String = line.label.chars().take(48).collect();
            let y = 22.0 + 16.0 * row as f64;
            let _ = write!(
                svg,
                "<text class=\"marked c{}\" x=\"{}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
                line.colour % COLOURS,
                width - RIGHT,
                text(&label)
            );
        }
    }
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (i, (x, y)) in points.enumerate() {
        let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
    }
    path
}

fn span(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|value| value.is_finite()).fold(None, |span, value| match span {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}

/// The next of 1, 2, 5, 10, ... at or above.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|times| times * power)
        .find(|step| *step >= least * 0.999)
        .unwrap_or(least)
}

/// Round numbers within a span, about so many.
fn ticks((low, high): (f64, f64), about: usize) -> Vec<f64> {
    let step = round_step((high - low).max(1e-9) / about as f64);
    let first = (low / step - 1e-9).ceil();
    (0..=2 * about + 2)
        .map(|i| (first + i as f64) * step)
        .take_while(|tick| *tick <= high + step * 1e-6)
        .collect()
}

/// At most so many points, each the mean of its neighbours.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let each = points.len().div_ceil(POINTS).max(1);
    points
        .chunks(each)
        .map(|part| {
            let mean = |of: fn(&(f64, f64)) -> f64| part.iter().map(of).sum::<f64>() / part.len() as f64;
            (mean(|point| point.0), mean(|point| point.1))
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        assert_eq!(ticks((0.0, 1.0), 4), [0.0, 0.5, 1.0]);
        assert_eq!(ticks((1.0, 100.0), 6), [20.0, 40.0, 60.0, 80.0, 100.0]);
        for (low, high) in [(0.0, 0.0), (1e-7, 3e-7), (-5.0, 1e9)] {
            let found = ticks((low, high), 5);
            assert!(found.len() <= 12 && found.iter().all(|tick| tick.is_finite()), "{found:?}");
        }
    }

    #[test]
    fn a_long_line_is_averaged_and_a_short_one_is_not() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), 1.0)).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS && thin.iter().all(|(_, y)| *y == 1.0));
        assert_eq!(thinned(&points[..7]), points[..7]);
    }

    #[test]
    fn an_empty_chart_and_one_of_a_point_are_drawn() {
        let empty = Chart { across: "step", ..Chart::default() };
        assert!(empty.standalone().contains("</svg>"));
        let line = Line { label: "a<b".into(), colour: 7, points: vec![(3.0, 0.5)], is_faint: false };
        let drawn = Chart { lines: vec![line], across: "step", ..Chart::default() }.figure();
        assert!(drawn.contains("<circle") && drawn.contains("a&lt;b") && !drawn.contains("a<b"), "{drawn}");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }
}
