//! A frame as text with its styles.

use std::fmt::Write as _;

use ratatui::{
    buffer::Buffer,
    style::{Color, Modifier, Style},
};

use crate::picture::below_title;

/// The text, and below it each row's styles as runs: `columns style`, plain runs left out.
pub(super) fn picture(buffer: &Buffer) -> String {
    let buffer = &below_title(buffer);
    let mut text = String::new();
    let mut styles = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut runs: Vec<(u16, Style)> = Vec::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            line.push_str(cell.symbol());
            let style = cell.style();
            match runs.last_mut() {
                Some((length, last)) if *last == style => *length += 1,
                _ => runs.push((1, style)),
            }
        }
        writeln!(text, "{}|", line).unwrap();
        let mut at = 0;
        let mut named = Vec::new();
        for (length, style) in runs {
            let name = style_name(style);
            if !name.is_empty() {
                named.push(format!("{at}+{length} {name}"));
            }
            at += length;
        }
        writeln!(styles, "{y:>2}: {}", named.join(", ")).unwrap();
    }
    format!("{text}\n{styles}")
}

fn style_name(style: Style) -> String {
    let mut parts = Vec::new();
    for (color, prefix) in [(style.fg, ""), (style.bg, "on ")] {
        if let Some(color) = color.filter(|color| *color != Color::Reset) {
            parts.push(format!("{prefix}{color}").to_lowercase());
        }
    }
    for (name, modifier) in style.add_modifier.iter_names() {
        assert!(modifier != Modifier::HIDDEN);
        parts.push(name.to_lowercase());
    }
    parts.join(" ")
}
