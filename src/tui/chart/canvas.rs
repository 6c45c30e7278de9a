//! A grid of dots, two by three or four to a cell.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::Glyphs;

/// Styles that may share a cell; no more areas are ever stacked.
const STYLES: usize = 5;

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    /// Bit `2 * row + column` for each dot.
    bits: u8,
    rank: u8,
    /// The styles of its dots and how many dots each has.
    votes: [(Style, u8); STYLES],
}

impl Cell {
    fn vote(&mut self, style: Style) {
        if let Some(vote) = self.votes.iter_mut().find(|vote| vote.1 == 0 || vote.0 == style) {
            *vote = (style, vote.1.saturating_add(1));
        }
    }

    /// The style of most of its dots.
    fn style(&self) -> Style {
        self.votes.iter().max_by_key(|vote| vote.1).map_or(Style::new(), |vote| vote.0)
    }
}

/// Dots over an area. A cell shows only the dots of its highest rank, in the style of most of them: points never blur
/// a line.
#[derive(Debug, Clone)]
pub struct Canvas {
    glyphs: Glyphs,
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
}

impl Canvas {
    /// An empty canvas of this many cells.
    pub fn new(columns: u16, rows: u16, glyphs: Glyphs) -> Self {
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        Self { glyphs, columns, rows, cells: vec![Cell::default(); columns * rows] }
    }

    /// Dots across.
    pub fn width(&self) -> usize {
        self.columns * 2
    }

    /// Dots down.
    pub fn height(&self) -> usize {
        self.rows * self.glyphs.rows()
    }

    /// The row of cells that a row of dots is in.
    pub(super) fn row_of(&self, y: usize) -> usize {
        y / self.glyphs.rows()
    }

    /// Sets a dot, counted from the top left; outside is ignored.
    pub(crate) fn dot(&mut self, x: usize, y: usize, style: Style, rank: u8) {
        if x >= self.width() || y >= self.height() {
            return;
        }
        let row = self.row_of(y);
        let cell = &mut self.cells[row * self.columns + x / 2];
        if cell.bits != 0 && cell.rank > rank {
            return;
        }
        if cell.rank != rank {
            *cell = Cell { rank, ..Cell::default() };
        }
        let bit = 1 << (2 * (y % self.glyphs.rows()) + x % 2);
        if cell.bits & bit == 0 {
            cell.bits |= bit;
            cell.vote(style);
        }
    }

    /// Whether a cell has a dot of at least this rank.
    pub(crate) fn occupied(&self, column: usize, row: usize, rank: u8) -> bool {
        column < self.columns
            && row < self.rows
            && matches!(self.cells[row * self.columns + column], Cell { bits, rank: r, .. } if bits != 0 && r >= rank)
    }

    /// Draws the cells that have dots; the others are left as they are.
    pub fn render(&self, area: Rect, buffer: &mut Buffer) {
        for (index, cell) in self.cells.iter().enumerate().filter(|(_, cell)| cell.bits != 0) {
            let x = area.x.saturating_add((index % self.columns) as u16);
            let y = area.y.saturating_add((index / self.columns) as u16);
            if let Some(target) = buffer.cell_mut((x, y)) {
                target.set_char(self.glyphs.character(cell.bits));
                target.set_style(cell.style());
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_rank_wins_whatever_the_order() {
        for order in [[(0, 1), (1, 2)], [(1, 2), (0, 1)]] {
            let mut canvas = Canvas::new(1, 1, Glyphs::Braille);
            for (x, rank) in order {
                canvas.dot(x, 0, Style::new(), rank);
            }
            let area = Rect::new(0, 0, 1, 1);
            let mut buffer = Buffer::empty(area);
            canvas.render(area, &mut buffer);
            assert_eq!(buffer[(0, 0)].symbol(), "⠈");
        }
    }

    #[test]
    fn outside_is_ignored() {
        let mut canvas = Canvas::new(0, 0, Glyphs::Braille);
        canvas.dot(0, 0, Style::new(), 1);
        assert!(!canvas.occupied(0, 0, 0));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
        canvas.render(Rect::new(0, 0, 1, 1), &mut buffer);
        assert_eq!(buffer[(0, 0)].symbol(), " ");
    }
}
