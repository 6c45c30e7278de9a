//! The chart: accuracy over tokens on a logarithmic axis.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    curves::{Curve, Kind, Spot},
    state::Shown,
};
use crate::tui::{
    chart::{Layer, Plot, Scale, Shape},
    shell::theme::Theme,
};

/// Columns left of the chart for the numbers of its axis.
const AXIS: u16 = 6;
/// Round numbers of tokens that may label the axis.
const TICKS: [f64; 16] =
    [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5];

/// Style and mark of a curve; measurements before training are dim.
pub(super) fn look(kind: Kind, before: bool, theme: &Theme) -> (&'static str, Style) {
    let (mark, style) = match kind {
        Kind::Serial => (theme.glyph("●", "o"), theme.right),
        Kind::BestOf => (theme.glyph("▲", "^"), theme.accent),
        Kind::Majority => (theme.glyph("■", "#"), theme.superficial),
        Kind::Random => (theme.glyph("·", "."), theme.reference),
        Kind::LookingAhead => (theme.glyph("◦", "%"), theme.reference),
    };
    (mark, if before { theme.dim } else { style })
}

fn shape(kind: Kind) -> Shape {
    if kind == Kind::Serial { Shape::Line } else { Shape::Dashed }
}

/// Draws the chart with its axes.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, frontier: &Shown<'_>, theme: &Theme) {
    let area = area.intersection(buffer.area);
    if area.width <= AXIS + 8 || area.height < 4 {
        return;
    }
    let inner = Rect { x: area.x + AXIS, width: area.width - AXIS - 1, height: area.height - 1, ..area };
    let (before, after) = frontier.pair();
    // A single measurement has no before and after.
    let dim = after.is_some();
    let curves: Vec<(Curve, bool)> = [before.map(|one| (one, dim)), after.map(|one| (one, false))]
        .into_iter()
        .flatten()
        .flat_map(|(one, before)| frontier.curves(one).map(|curve| (curve, before)))
        .collect();
    let Some(x) = range(curves.iter().flat_map(|(curve, _)| &curve.spots)) else { return };

    let mut layers = Vec::new();
    for (curve, before) in &curves {
        let style = look(curve.kind, *before, theme).1;
        let points = curve.spots.iter().map(|spot| (spot.tokens.log10(), spot.share.value)).collect();
        layers.push(Layer { points, shape: shape(curve.kind), style });
        for spot in &curve.spots {
            let at = spot.tokens.log10();
            let points = spot.share.ci95.map(|end| (at, end)).to_vec();
            layers.push(Layer { points, shape: Shape::Line, style });
        }
    }
    let plot = Plot {
        x,
        y: Scale::up_to(1.0),
        layers,
        reference: None,
        marks: frontier.crosshair().map(|tokens| (tokens.log10(), theme.accent)).into_iter().collect(),
        faint_until: None,
        reference_style: theme.reference,
    };
    plot.render(inner, buffer, theme.glyphs());
    for (curve, before) in &curves {
        let (mark, style) = look(curve.kind, *before, theme);
        for spot in &curve.spots {
            let (column, row) = cell(inner, x, spot);
            buffer.set_string(column, row, mark, style);
        }
    }
    axes(buffer, area, inner, x, theme);
}

/// The base-10 logarithms of the fewest and most tokens, with a margin.
fn range<'a>(spots: impl Iterator<Item = &'a Spot>) -> Option<(f64, f64)> {
    let (low, high) = spots
        .fold((f64::INFINITY, 0.0f64), |(low, high), spot| (low.min(spot.tokens), high.max(spot.tokens)));
    (low <= high && high > 0.0).then(|| ((low / 1.15).log10(), (high * 1.15).log10()))
}

/// The cell of a measured value: where the curve has its dot.
fn cell(inner: Rect, x: (f64, f64), spot: &Spot) -> (u16, u16) {
    let across = (spot.tokens.log10() - x.0) / (x.1 - x.0) * f64::from(inner.width * 2 - 1);
    let down = (1.0 - spot.share.value.clamp(0.0, 1.0)) * f64::from(inner.height * 4 - 1);
    let column = (across.round() as u16 / 2).min(inner.width - 1);
    let row = (down.round() as u16 / 4).min(inner.height - 1);
    (inner.x + column, inner.y + row)
}

fn axes(buffer: &mut Buffer, area: Rect, inner: Rect, x: (f64, f64), theme: &Theme) {
    let shares: &[(f64, &str)] = if inner.height >= 9 {
        &[(1.0, "100 %"), (0.75, "75 %"), (0.5, "50 %"), (0.25, "25 %"), (0.0, "0 %")]
    } else {
        &[(1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")]
    };
    for (share, label) in shares {
        let row = ((1.0 - share) * f64::from(inner.height * 4 - 1)).round() as u16 / 4;
        let label = format!("{label:>width$}", width = usize::from(AXIS) - 1);
        buffer.set_string(area.x, inner.y + row.min(inner.height - 1), label, theme.dim);
    }
    let mut free = area.x;
    for tick in TICKS.iter().filter(|tick| (x.0..=x.1).contains(&tick.log10())) {
        let label = format!("{tick:.0}");
        let across = (tick.log10() - x.0) / (x.1 - x.0) * f64::from(inner.width * 2 - 1);
        let middle = inner.x + across.round() as u16 / 2;
        let start = middle.saturating_sub(label.len() as u16 / 2);
        if start >= free && start + label.len() as u16 <= area.right() {
            buffer.set_string(start, inner.bottom(), &label, theme.dim);
            free = start + label.len() as u16 + 1;
        }
    }
}
