//! The bar of a record that is played: how far it is, where the aha mark is, and where a click goes.

use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::Style,
};

use super::app::App;
use crate::{
    protocol::Playing,
    tui::widgets::lines::{draw_line, span},
};

/// Rows of the terminal from which there is room for the bar.
const ENOUGH_ROWS: u16 = 8;
/// Columns of the shortest bar.
const SHORTEST: u16 = 8;

/// Rows that the bar takes.
pub(super) fn rows(app: &App, height: u16) -> u16 {
    u16::from(app.run().is_playback() && height >= ENOUGH_ROWS)
}

/// Steps that are over before a cell of the bar, which has `cells`: none in the first cell, all in the last.
fn step_of(cell: u16, cells: u16, playing: Playing) -> u64 {
    let before = playing.first.saturating_sub(1);
    let steps = playing.last.saturating_sub(before);
    let share = f64::from(cell) / f64::from(cells.saturating_sub(1).max(1));
    before + (share * steps as f64).round() as u64
}

/// The cell of a step.
fn cell_of(step: u64, cells: u16, playing: Playing) -> u16 {
    let before = playing.first.saturating_sub(1);
    let steps = playing.last.saturating_sub(before).max(1);
    let share = step.clamp(before, playing.last.max(before)).saturating_sub(before) as f64 / steps as f64;
    (share * f64::from(cells.saturating_sub(1))).round() as u16
}

/// Draws the bar; where its cells are.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, area: Rect) -> Rect {
    let Some(playing) = app.run().playing.filter(|_| !area.is_empty()) else { return Rect::ZERO };
    let theme = &app.theme;
    let (first, last) = (format!(" {} ", playing.first), format!(" {} ", playing.last));
    let cells = area.width.saturating_sub((first.len() + last.len()) as u16);
    if cells < SHORTEST {
        return Rect::ZERO;
    }
    let done = app.run().history.last().map_or(0, |step| step.step);
    let head = cell_of(done, cells, playing);
    let mark = app.run().aha().map(|step| cell_of(step, cells, playing));
    let cell = |at: u16| -> (&'static str, Style) {
        match at {
            at if at == head => (theme.glyph("●", "O"), theme.accent),
            at if Some(at) == mark => (theme.glyph("▲", "^"), theme.aha),
            at if at < head => (theme.glyph("━", "="), theme.accent),
            _ => (theme.glyph("─", "-"), theme.dim),
        }
    };
    let bar = Rect { x: area.x + first.len() as u16, width: cells, height: 1, ..area };
    let mut spans = vec![span(first, theme.dim)];
    spans.extend((0..cells).map(cell).map(|(glyph, style)| span(glyph, style)));
    spans.push(span(last, theme.dim));
    draw_line(frame, spans, area);
    bar
}

/// The step that a place on the screen stands for.
pub(super) fn step_at(app: &App, place: Position) -> Option<u64> {
    let (bar, playing) = (app.picture.scrubber, app.run().playing?);
    bar.contains(place).then(|| step_of(place.x - bar.x, bar.width, playing))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::protocol::Speed;

    #[test]
    fn the_ends_of_the_bar_are_the_beginning_and_the_end() {
        for (first, last) in [(1, 100), (41, 60), (1, 1), (0, 0), (1, 100_000)] {
            let playing = Playing { speed: Speed::AS_IT_WAS, first, last, seconds: 0.0, over: false };
            for cells in [8, 9, 100] {
                assert_eq!(step_of(0, cells, playing), first.saturating_sub(1));
                assert_eq!(step_of(cells - 1, cells, playing), last);
                for cell in 0..cells {
                    let step = step_of(cell, cells, playing);
                    let back = cell_of(step, cells, playing);
                    assert!(
                        step_of(back, cells, playing).abs_diff(step) <= 1,
                        "{first} to {last}: cell {cell} of {cells} is step {step}"
                    );
                }
            }
        }
    }
}
