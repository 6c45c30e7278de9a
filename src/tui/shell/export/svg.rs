//! Cells as a picture.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

use super::rows;
use crate::tui::shell::{colors::rgb, theme::Theme};

/// Width and height of a cell, and the place of the letters' foot in it.
const CELL: (f64, f64) = (8.4, 18.0);
const FOOT: f64 = 13.5;
/// Text and background where the terminal's own are meant.
const TEXT: [u8; 3] = [0xd8, 0xd8, 0xd8];
const BACK: [u8; 3] = [0x16, 0x18, 0x1d];

/// Cells beside each other that look alike.
struct Run {
    at: usize,
    cells: usize,
    text: String,
    look: Look,
}

#[derive(Clone, PartialEq)]
struct Look {
    text: [u8; 3],
    back: [u8; 3],
    modifier: Modifier,
}

/// The picture, with what it shows as its title.
pub(super) fn of(buffer: &Buffer, title: &str, theme: &Theme) -> String {
    let ground = theme.ground.map(|ground| (rgb(ground.text), rgb(ground.back)));
    let text = ground.and_then(|(text, _)| text).unwrap_or(TEXT);
    let back = ground.and_then(|(_, back)| back).unwrap_or(BACK);
    let (width, height) = (f64::from(buffer.area.width) * CELL.0, f64::from(buffer.area.height) * CELL.1);
    let mut svg = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"{}\"/>",
        escaped(title),
        hex(back)
    );
    for (row, cells) in rows(buffer).into_iter().enumerate() {
        for run in runs(&cells, text, back) {
            draw(&mut svg, &run, row as f64 * CELL.1, back);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn runs(cells: &[&Cell], text: [u8; 3], back: [u8; 3]) -> Vec<Run> {
    let (mut runs, mut at) = (Vec::<Run>::new(), 0);
    for cell in cells {
        let width = cell.symbol().width().max(1);
        let look = look(cell, text, back);
        match runs.last_mut().filter(|run| run.look == look) {
            Some(run) => {
                run.cells += width;
                run.text.push_str(cell.symbol());
            }
            None => runs.push(Run { at, cells: width, text: cell.symbol().to_owned(), look }),
        }
        at += width;
    }
    runs
}

fn look(cell: &Cell, text: [u8; 3], back: [u8; 3]) -> Look {
    let or = |color: Color, otherwise| rgb(color).unwrap_or(otherwise);
    let (mut fore, mut ground) = (or(cell.fg, text), or(cell.bg, back));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fore, &mut ground);
    }
    if cell.modifier.contains(Modifier::DIM) {
        // Two thirds of the way from the background.
        for (part, under) in fore.iter_mut().zip(ground) {
            *part = ((2 * u16::from(*part) + u16::from(under)) / 3) as u8;
        }
    }
    Look { text: fore, back: ground, modifier: cell.modifier }
}

fn draw(svg: &mut String, run: &Run, y: f64, back: [u8; 3]) {
    let (x, width) = (run.at as f64 * CELL.0, run.cells as f64 * CELL.0);
    if run.look.back != back {
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{}\"/>",
            CELL.1,
            hex(run.look.back)
        );
    }
    if run.text.trim().is_empty() {
        return;
    }
    let mut style = String::new();
    for (modifier, attribute) in [
        (Modifier::BOLD, " font-weight=\"bold\""),
        (Modifier::ITALIC, " font-style=\"italic\""),
        (Modifier::UNDERLINED, " text-decoration=\"underline\""),
    ] {
        if run.look.modifier.contains(modifier) {
            style.push_str(attribute);
        }
    }
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" \
         xml:space=\"preserve\" fill=\"{}\"{style}>{}</text>",
        y + FOOT,
        hex(run.look.text),
        escaped(&run.text)
    );
}

fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().filter(|character| !character.is_control()) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}
