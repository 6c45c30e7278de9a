//! A grid of dots, two by four to a cell, drawn as braille.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// Bit of each dot in a braille cell, by row and column.
const BRAILLE: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Styles that may share a cell; no more areas are ever stacked.
const STYLES: usize = 5;

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
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
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
}

impl Canvas {
    /// An empty canvas of this many cells.
    pub fn new(columns: u16, rows: u16) -> Self {
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        Self { columns, rows, cells: vec![Cell::default(); columns * rows] }
    }

    /// Dots across.
    pub fn width(&self) -> usize {
        self.columns * 2
    }

    /// Dots down.
    pub fn height(&self) -> usize {
        self.rows * 4
    }

    /// Sets a dot, counted from the top left; outside is ignored.
    pub(crate) fn dot(&mut self, x: usize, y: usize, style: Style, rank: u8) {
        if x >= self.width() || y >= self.height() {
            return;
        }
        let cell = &mut self.cells[y / 4 * self.columns + x / 2];
        if cell.bits != 0 && cell.rank > rank {
            return;
        }
        if cell.rank != rank {
            *cell = Cell { rank, ..Cell::default() };
        }
        let bit = BRAILLE[y % 4][x % 2];
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
    pub fn render(&self, area: Rect, buffer: &mut Buffer, ascii: bool) {
        for (index, cell) in self.cells.iter().enumerate().filter(|(_, cell)| cell.bits != 0) {
            let x = area.x.saturating_add((index % self.columns) as u16);
            let y = area.y.saturating_add((index / self.columns) as u16);
            if let Some(target) = buffer.cell_mut((x, y)) {
                target.set_char(if ascii { plain(cell.bits) } else { braille(cell.bits) });
                target.set_style(cell.style());
            }
        }
    }
}

fn braille(bits: u8) -> char {
    char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ')
}

/// The ASCII character nearest to a pattern of dots.
fn plain(bits: u8) -> char {
    let upper = bits & 0x1b != 0;
    let lower = bits & 0xe4 != 0;
    match (bits.count_ones(), upper, lower) {
        (6.., _, _) => '#',
        (3.., true, true) => ':',
        (_, true, true) => '-',
        (_, true, false) => '\'',
        _ => '.',
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_higher_rank_wins_whatever_the_order() {
        for order in [[(0, 1), (1, 2)], [(1, 2), (0, 1)]] {
            let mut canvas = Canvas::new(1, 1);
            for (x, rank) in order {
                canvas.dot(x, 0, Style::new(), rank);
            }
            let area = Rect::new(0, 0, 1, 1);
            let mut buffer = Buffer::empty(area);
            canvas.render(area, &mut buffer, false);
            assert_eq!(buffer[(0, 0)].symbol(), "⠈");
        }
    }

    #[test]
    fn outside_is_ignored() {
        let mut canvas = Canvas::new(0, 0);
        canvas.dot(0, 0, Style::new(), 1);
        assert!(!canvas.occupied(0, 0, 0));
        let mut buffer = Buffer::empty(Rect::new(0, 0, 1, 1));
        canvas.render(Rect::new(0, 0, 1, 1), &mut buffer, false);
        assert_eq!(buffer[(0, 0)].symbol(), " ");
    }
}
