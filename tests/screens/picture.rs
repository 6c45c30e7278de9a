//! What a screen looks like, as text.

use std::fmt::Write as _;

use aha_lab::tui::shell::{app::App, view::view};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Buffer,
    style::{Color, Modifier},
};

/// The sizes at which every screen is looked at.
pub const SIZES: [(u16, u16); 3] = [(120, 36), (80, 24), (40, 12)];

/// What is drawn at a size.
pub fn draw(app: &mut App, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view(frame, app)).unwrap();
    terminal.backend().buffer().clone()
}

/// The text alone.
pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let rows =
        area.rows().map(|row| row.columns().map(|at| buffer[(at.x, at.y)].symbol()).collect::<String>());
    rows.collect::<Vec<_>>().join("\n")
}

/// What is below the title bar, which has pictures of its own: a screen more in it changes no other picture.
pub fn below_title(buffer: &Buffer) -> Buffer {
    let mut below = buffer.clone();
    let title = ratatui::layout::Rect { height: 1, ..buffer.area };
    title.columns().for_each(|at| below[(at.x, at.y)].reset());
    below
}

/// The text below the title bar, and below it a letter for each look.
pub fn picture(buffer: &Buffer) -> String {
    styled(&below_title(buffer))
}

/// The text, below it a letter for each look, and below those what the letters mean.
pub fn styled(buffer: &Buffer) -> String {
    let mut looks: Vec<(Color, Color, Modifier)> = vec![(Color::Reset, Color::Reset, Modifier::empty())];
    let mut styles = String::new();
    for row in buffer.area.rows() {
        for at in row.columns() {
            let cell = &buffer[(at.x, at.y)];
            let look = (cell.fg, cell.bg, cell.modifier);
            let number = looks.iter().position(|known| *known == look).unwrap_or_else(|| {
                looks.push(look);
                looks.len() - 1
            });
            styles.push(if number == 0 { '.' } else { char::from(b'a' + u8::try_from(number - 1).unwrap()) });
        }
        styles.push('\n');
    }
    let mut out = format!("{}\n\n{styles}\n", text(buffer));
    for (index, look) in looks.iter().enumerate().skip(1) {
        let letter = char::from(b'a' + u8::try_from(index - 1).unwrap());
        writeln!(out, "{letter}: {:?} on {:?} {:?}", look.0, look.1, look.2).unwrap();
    }
    out
}
