//! Cells as text with ANSI colours.

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};

use super::rows;

/// The rows with their colours. Each ends in the terminal's own.
pub(super) fn of(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in rows(buffer) {
        let end = row.iter().rposition(|cell| !is_blank(cell)).map_or(0, |at| at + 1);
        let mut style = String::new();
        for cell in &row[..end] {
            let wanted = sequence(cell);
            if wanted != style {
                text.push_str(&wanted);
                style = wanted;
            }
            text.push_str(cell.symbol());
        }
        text.push_str("\u{1b}[0m\n");
    }
    text
}

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && cell.bg == Color::Reset && !cell.modifier.contains(Modifier::REVERSED)
}

/// The escape sequence for the look of a cell, from nothing on.
fn sequence(cell: &Cell) -> String {
    let mut codes = vec!["0".to_owned()];
    for (modifier, code) in [
        (Modifier::BOLD, "1"),
        (Modifier::DIM, "2"),
        (Modifier::ITALIC, "3"),
        (Modifier::UNDERLINED, "4"),
        (Modifier::REVERSED, "7"),
    ] {
        if cell.modifier.contains(modifier) {
            codes.push(code.to_owned());
        }
    }
    codes.extend(color(cell.fg, 30));
    codes.extend(color(cell.bg, 40));
    format!("\u{1b}[{}m", codes.join(";"))
}

fn color(color: Color, base: u8) -> Option<String> {
    let named = |at: u8| (base + at).to_string();
    let bright = |at: u8| (base + 60 + at).to_string();
    Some(match color {
        Color::Reset => return None,
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", base + 8),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
    })
}
