//! Draws the Charts screen: a grid of panels, and below them a line about the axis and the crosshair.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::{
    draw_panel,
    layout::ChartLayout,
    reading::{figure, measured},
    stage::Stage,
    state::{Charts, Hits, Look},
    unit::{Across, Unit},
};
use crate::tui::{
    panels::Panel,
    screens::{Looks, Scene},
    widgets::lines::{join_fitting, justified, separator, span},
};

/// Least columns and rows of a panel.
const LEAST: (u16, u16) = (38, 7);
/// Below this there is no room for curves.
const TINY: (u16, u16) = (24, 6);

/// A frame's panels as they were drawn, with everything that they depend on: tokens change the screen thirty times a
/// second, steps every few seconds.
#[derive(Debug)]
pub(super) struct Cached {
    key: Dependence,
    buffer: Buffer,
    hits: Hits,
}

/// What the panels depend on.
#[derive(Debug, PartialEq)]
struct Dependence {
    /// Of each run: its steps, how often it began, its changes, whether it is over, its price.
    runs: Vec<(u64, u64, u64, bool, u64)>,
    shown: usize,
    looks: Looks,
    layout: ChartLayout,
    look: Look,
    area: Rect,
}

impl Dependence {
    fn of(scene: &Scene<'_>, look: &Look, area: Rect) -> Self {
        let runs = scene.runs.all().iter().map(|run| {
            (run.history.version(), run.begun, run.edits, run.over(), run.price_per_hour.to_bits())
        });
        Self {
            runs: runs.collect(),
            shown: scene.runs.place(),
            looks: scene.looks,
            layout: scene.layout.clone(),
            look: look.clone(),
            area,
        }
    }
}

/// Draws the screen into `area`.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, screen: &Charts, scene: &Scene<'_>) -> Hits {
    let key = Dependence::of(scene, &screen.look, area);
    let mut cached = screen.cached.borrow_mut();
    if cached.as_ref().is_none_or(|drawn| drawn.key != key) {
        let mut own = Buffer::empty(area);
        let hits = draw_anew(&mut own, area, screen, scene);
        *cached = Some(Cached { key, buffer: own, hits });
    }
    let mut hits = Hits::default();
    if let Some(drawn) = &*cached {
        buffer.merge(&drawn.buffer);
        hits = drawn.hits.clone();
    }
    scene.panels.note(Panel::Curves, area);
    if let Some(choosing) = &screen.choosing {
        let at = screen.selected(scene.layout);
        hits.rows = choosing.draw(buffer, area, scene, scene.layout.panels().get(at));
    }
    hits
}

fn draw_anew(buffer: &mut Buffer, area: Rect, screen: &Charts, scene: &Scene<'_>) -> Hits {
    let stage = Stage::new(scene, &screen.look);
    let mut hits = Hits { whole: stage.whole, ..Hits::default() };
    if area.width < TINY.0 || area.height < TINY.1 {
        draw_figures(buffer, area, &stage);
        return hits;
    }
    let [grid, status] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    let panels = scene.layout.panels();
    let at = screen.selected(scene.layout);
    draw_status(buffer, status, &stage, at);
    if panels.is_empty() {
        let middle = Rect { y: grid.y + grid.height / 2, height: 1, ..grid };
        Paragraph::new(span("no panel: a adds one", scene.theme.dim)).centered().render(middle, buffer);
        return hits;
    }
    for (place, area) in places(grid, panels.len(), at, screen.look.full) {
        let plot = draw_panel::draw(buffer, area, &stage, &panels[place], place == at);
        hits.panels.push((area, plot, place));
    }
    hits
}

/// Which panels are shown, and where: as few columns as hold all of them, and else the rows around the one at `at`.
fn places(grid: Rect, count: usize, at: usize, full: bool) -> Vec<(usize, Rect)> {
    if full {
        return vec![(at, grid)];
    }
    let most = (usize::from(grid.width / LEAST.0).max(1), usize::from(grid.height / LEAST.1).max(1));
    let columns = (1..most.0).find(|columns| count.div_ceil(*columns) <= most.1).unwrap_or(most.0);
    let columns = columns.min(count);
    let all_rows = count.div_ceil(columns);
    let rows = all_rows.min(most.1);
    let first = (at / columns + 1).saturating_sub(rows) * columns;
    let mut places = Vec::new();
    for (row, area) in Layout::vertical(vec![Constraint::Fill(1); rows]).split(grid).iter().enumerate() {
        let begins = first + row * columns;
        let here = columns.min(count.saturating_sub(begins));
        let across = Layout::horizontal(vec![Constraint::Fill(1); here.max(1)]).split(*area);
        places.extend((begins..begins + here).zip(across.iter().copied()));
    }
    places
}

/// The values alone, one metric a line.
fn draw_figures(buffer: &mut Buffer, area: Rect, stage: &Stage<'_>) {
    let (theme, run) = (stage.scene.theme, stage.scene.store);
    let metrics = stage.scene.layout.panels().iter().flat_map(|panel| panel.metrics());
    for (row, metric) in area.rows().zip(metrics) {
        let value = match stage.cross {
            Some((step, _)) => measured(run, metric, step),
            None => run.history.current(metric, stage.scene.looks.smoothing),
        };
        let told = value.map_or("-".to_owned(), |value| figure(metric, value));
        Line::from(vec![span(format!(" {} ", metric.name), theme.dim), span(told, theme.title)])
            .render(row, buffer);
    }
}

/// The line below the panels.
fn draw_status(buffer: &mut Buffer, area: Rect, stage: &Stage<'_>, at: usize) {
    let (theme, layout) = (stage.scene.theme, stage.scene.layout);
    let asked = layout.unit();
    let axis = match asked == stage.unit {
        true => vec![span("axis ", theme.dim), span(asked.name(), theme.accent)],
        false => vec![span(unknown(stage, asked), theme.warning)],
    };
    let mut parts = cross(stage);
    parts.push(axis);
    if stage.look.window.is_some() {
        let (first, last) = (stage.unit.number(stage.shown.0), stage.unit.number(stage.shown.1));
        parts.push(vec![span(format!("{first} to {last}"), theme.text)]);
    }
    if stage.scene.looks.seeds {
        parts.push(match stage.seeds.len() {
            0 | 1 => vec![span("no other open run differs in its seed alone", theme.warning)],
            count => vec![span(format!("mean and range of {count} seeds"), theme.text)],
        });
    }
    if stage.scene.looks.smoothing.beta() > 0.0 {
        parts.push(vec![span(format!("smoothing {}", stage.scene.looks.smoothing.beta()), theme.dim)]);
    }
    let count = layout.panels().len();
    let right = match count {
        0 => Vec::new(),
        _ => vec![span(format!("panel {} of {count} ", at + 1), theme.dim)],
    };
    let width = usize::from(area.width).saturating_sub(2);
    let mut left = vec![Span::raw(" ")];
    left.extend(join_fitting(parts, separator(theme), width));
    justified(left, right, area.width, Span::raw(" ")).render(area, buffer);
}

/// Where the crosshair is, in every unit.
fn cross(stage: &Stage<'_>) -> Vec<Vec<Span<'static>>> {
    let theme = stage.scene.theme;
    let Some((step, _)) = stage.cross else { return Vec::new() };
    let spent = [Unit::Tokens, Unit::Minutes, Unit::Dollars].into_iter().map(|unit| {
        let x = Across::of(stage.scene.store, unit).and_then(|across| across.x(step as f64));
        vec![span(unit.words(x.unwrap_or(f64::NAN)), theme.text)]
    });
    [vec![span(format!("step {step}"), theme.title)]].into_iter().chain(spent).collect()
}

/// Why what was asked for is not on the axis.
fn unknown(stage: &Stage<'_>, asked: Unit) -> String {
    let price = stage.scene.store.price_per_hour;
    match asked {
        _ if stage.scene.store.history.steps().is_empty() => format!("axis {}", asked.name()),
        Unit::Dollars if price <= 0.0 => "an hour costs nothing: $ sets a price; steps instead".to_owned(),
        Unit::Dollars => "time is unknown, and so are dollars: steps instead".to_owned(),
        other => format!("{} of this run are unknown: steps instead", other.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_panel_at_hand_is_always_shown_and_panels_never_overlap() {
        for (width, height) in [(120, 33), (80, 21), (40, 9), (24, 5), (300, 80)] {
            let grid = Rect::new(0, 1, width, height);
            for count in 1..=24 {
                for at in 0..count {
                    let shown = places(grid, count, at, false);
                    assert!(
                        shown.iter().any(|(place, _)| *place == at),
                        "{at} of {count} at {width}x{height}"
                    );
                    for (number, (_, area)) in shown.iter().enumerate() {
                        assert_eq!(*area, area.intersection(grid));
                        let clear = |other: &(usize, Rect)| area.intersection(other.1).is_empty();
                        assert!(shown[number + 1..].iter().all(clear));
                    }
                    assert_eq!(places(grid, count, at, true), [(at, grid)]);
                }
            }
        }
        assert_eq!(places(Rect::new(0, 0, 120, 33), 6, 0, false).len(), 6);
        assert_eq!(places(Rect::new(0, 0, 80, 21), 6, 0, false).len(), 6);
    }
}
