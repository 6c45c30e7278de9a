//! Draws layers of curves on one pair of axes.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};

use super::{Canvas, Glyphs, Scale, bucket, connect, segments, trace::Grid};

/// How a layer is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A connected line that stands behind everything else and reaches as far as the values: those before they are
    /// smoothed.
    Faint,
    /// A connected line; through the means of the values where they are many.
    Line,
    /// A connected line with every other pair of dots left out.
    Dashed,
    /// A connected line of which every third dot is there.
    Dotted,
    /// A connected line of long and short dashes.
    DashDotted,
    /// Between the two values that each x has, every other dot.
    Band,
    /// From the layer below up to this one, all dots.
    Filled,
    /// From the layer below up to this one, every other row of dots.
    Striped,
    /// From the layer below up to this one, every other dot.
    Hatched,
    /// From the layer below up to this one, a quarter of the dots.
    Sparse,
}

impl Shape {
    /// The rank that decides which shape a cell shows if several meet. All areas share one, so that stacked areas
    /// have no seam.
    fn rank(self) -> u8 {
        match self {
            Shape::Band => RANK_LAYER,
            Shape::Faint => RANK_LAYER + 1,
            Shape::Filled | Shape::Striped | Shape::Hatched | Shape::Sparse => RANK_LAYER + 2,
            Shape::Dashed | Shape::Dotted | Shape::DashDotted => RANK_LAYER + 3,
            Shape::Line => RANK_LAYER + 4,
        }
    }

    /// Whether a line of this shape has dots in a column.
    fn has(self, column: usize) -> bool {
        match self {
            Shape::Dashed => column % 6 < 4,
            Shape::Dotted => column.is_multiple_of(3),
            Shape::DashDotted => column % 10 < 5 || column % 10 == 7,
            _ => true,
        }
    }
}

/// One curve. Values are `(x, y)`; a `y` that is not finite is a gap.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Its values, by rising x.
    pub points: Vec<(f64, f64)>,
    /// Line, band or area. Areas are stacked in the order in which they are given.
    pub shape: Shape,
    /// Its style.
    pub style: Style,
}

/// A chart without its labels.
#[derive(Debug, Clone)]
pub struct Plot {
    /// The lowest and highest x.
    pub x: (f64, f64),
    /// The vertical axis.
    pub y: Scale,
    /// The curves: lines are drawn over areas, areas over what is faint.
    pub layers: Vec<Layer>,
    /// A dotted horizontal line and its label.
    pub reference: Option<(f64, String)>,
    /// Dotted vertical lines, each in its style.
    pub marks: Vec<(f64, Style)>,
    /// Everything left of this x belongs to the parent run and is dim.
    pub faint_until: Option<f64>,
    /// The style of the horizontal line.
    pub reference_style: Style,
}

const RANK_GUIDE: u8 = 1;
const RANK_LAYER: u8 = 2;

impl Plot {
    /// Draws everything into `area`.
    pub fn render(&self, area: Rect, buffer: &mut Buffer, glyphs: Glyphs) {
        let area = area.intersection(buffer.area);
        if area.is_empty() {
            return;
        }
        let mut canvas = Canvas::new(area.width, area.height, glyphs);
        self.draw_guides(&mut canvas);
        let mut floor = vec![0.0; canvas.width()];
        for layer in &self.layers {
            self.draw_layer(&mut canvas, layer, layer.shape.rank(), &mut floor);
        }
        canvas.render(area, buffer);
        if let Some((value, label)) = &self.reference {
            self.label_reference(&canvas, area, buffer, *value, label);
        }
    }

    /// The dot row of a value, 0 at the top.
    fn row(&self, canvas: &Canvas, value: f64) -> Option<usize> {
        let share = self.y.place(value)?;
        Some(((1.0 - share) * (canvas.height() - 1) as f64).round() as usize)
    }

    fn draw_guides(&self, canvas: &mut Canvas) {
        if let Some(row) = self.reference.as_ref().and_then(|(value, _)| self.row(canvas, *value)) {
            for x in (0..canvas.width()).filter(|x| x % 4 < 2) {
                canvas.dot(x, row, self.reference_style, RANK_GUIDE);
            }
        }
        for (mark, style) in &self.marks {
            let Some(x) = self.column(canvas, *mark) else { continue };
            for y in (0..canvas.height()).filter(|y| y % 2 == 0) {
                canvas.dot(x, y, *style, RANK_GUIDE);
            }
        }
    }

    /// The column of dots of an x that lies on the axis.
    fn column(&self, canvas: &Canvas, x: f64) -> Option<usize> {
        let span = self.x.1 - self.x.0;
        let inside = span > 0.0 && (self.x.0..=self.x.1).contains(&x);
        inside.then(|| ((x - self.x.0) / span * (canvas.width() - 1) as f64).round() as usize)
    }

    fn draw_layer(&self, canvas: &mut Canvas, layer: &Layer, rank: u8, floor: &mut [f64]) {
        let faint = self.faint_until.and_then(|until| self.column(canvas, until)).unwrap_or(0);
        let faint_style = layer.style.remove_modifier(Modifier::BOLD).add_modifier(Modifier::DIM);
        let style = |column: usize| if column < faint { faint_style } else { layer.style };
        let grid = Grid { x: self.x, y: self.y, width: canvas.width(), height: canvas.height() };
        for segment in segments(layer.points.iter().copied()) {
            match layer.shape {
                Shape::Band => draw_band(canvas, &grid, &segment, (rank, &style)),
                Shape::Filled | Shape::Striped | Shape::Hatched | Shape::Sparse => {
                    let mut columns = bucket(&segment, self.x, canvas.width());
                    connect(&mut columns);
                    for (x, column) in columns.into_iter().enumerate() {
                        let Some((low, high)) = column else { continue };
                        let base = floor[x];
                        let top = base + ((low + high) / 2.0).max(0.0);
                        floor[x] = top;
                        self.fill(canvas, (layer.shape, style(x)), rank, x, (base, top));
                    }
                }
                line => {
                    let points =
                        if line == Shape::Faint { segment.as_slice().into() } else { grid.means(&segment) };
                    for (x, span) in grid.trace(&points).into_iter().enumerate().filter(|(x, _)| line.has(*x))
                    {
                        let Some((top, bottom)) = span else { continue };
                        (top..=bottom).for_each(|y| canvas.dot(x, y, style(x), rank));
                    }
                }
            }
        }
    }

    /// Fills a column of dots between two values; the edge itself is always solid.
    fn fill(
        &self,
        canvas: &mut Canvas,
        (shape, style): (Shape, Style),
        rank: u8,
        x: usize,
        (base, top): (f64, f64),
    ) {
        let height = canvas.height() as f64;
        let (Some(base), Some(top)) = (self.y.place(base), self.y.place(top)) else { return };
        let (from, to) = ((base * height).round() as usize, (top * height).round() as usize);
        for level in from..to {
            let y = canvas.height() - 1 - level.min(canvas.height() - 1);
            let drawn = level + 1 == to
                || match shape {
                    Shape::Striped => y.is_multiple_of(2),
                    Shape::Hatched => (x + y).is_multiple_of(2),
                    Shape::Sparse => x.is_multiple_of(2) && y.is_multiple_of(2),
                    _ => true,
                };
            if drawn {
                canvas.dot(x, y, style, rank);
            }
        }
    }

    /// Writes the label beside its line where there is no curve, preferring right over left and above over below.
    fn label_reference(&self, canvas: &Canvas, area: Rect, buffer: &mut Buffer, value: f64, label: &str) {
        let Some(row) = self.row(canvas, value).map(|y| canvas.row_of(y)) else { return };
        let width = label.chars().count();
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        if width + 1 > columns {
            return;
        }
        let free = |column: usize, row: usize| {
            (column..column + width).all(|at| !canvas.occupied(at, row, RANK_LAYER))
        };
        let nearby = [Some(row), row.checked_sub(1), Some(row + 1), row.checked_sub(2)];
        let mut places = [columns - width, 0]
            .into_iter()
            .flat_map(|column| nearby.into_iter().flatten().map(move |row| (column, row)))
            .filter(|(_, row)| *row < rows);
        if let Some((column, row)) = places.find(|&(column, row)| free(column, row)) {
            buffer.set_string(area.x + column as u16, area.y + row as u16, label, self.reference_style);
        }
    }
}

/// Fills the space between the lower and the upper of the two values that each x has.
fn draw_band(
    canvas: &mut Canvas,
    grid: &Grid,
    segment: &[(f64, f64)],
    (rank, style): (u8, &impl Fn(usize) -> Style),
) {
    let edge = |of: fn(f64, f64) -> f64| -> Vec<(f64, f64)> {
        segment.chunks_exact(2).map(|two| (two[0].0, of(two[0].1, two[1].1))).collect()
    };
    let (above, below) = (grid.trace(&edge(f64::max)), grid.trace(&edge(f64::min)));
    for (x, ends) in above.into_iter().zip(below).enumerate() {
        let (Some((top, _)), Some((_, bottom))) = ends else { continue };
        for y in (top..=bottom).filter(|y| (x + y).is_multiple_of(2)) {
            canvas.dot(x, y, style(x), rank);
        }
    }
}
