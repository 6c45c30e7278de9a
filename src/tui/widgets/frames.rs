//! The frames of panels, and what stands on them.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
    symbols::border,
    text::{Line, Span},
    widgets::{Block, BorderType, Borders},
};

use crate::tui::shell::theme::Theme;

/// A panel's frame, rounded where more than ASCII may be drawn.
pub(in crate::tui) fn panel(theme: &Theme, title: Line<'static>) -> Block<'static> {
    // Without this the border's dimness would shine through the titles.
    let bright = Style::new().remove_modifier(Modifier::DIM);
    let block =
        Block::new().borders(Borders::ALL).border_style(theme.border).title_style(bright).title(title);
    if theme.ascii { block.border_set(ASCII_BORDER) } else { block.border_type(BorderType::Rounded) }
}

/// A title in its own colours and not in those of the border under it.
pub(in crate::tui) fn on_border(mut spans: Vec<Span<'static>>) -> Line<'static> {
    for span in &mut spans {
        let unset = Style::new().fg(span.style.fg.unwrap_or(Color::Reset));
        let inherited = Modifier::BOLD.difference(span.style.add_modifier);
        span.style = span.style.patch(unset).remove_modifier(inherited);
    }
    Line::from(spans)
}

/// A thumb on the pane's right border when not everything fits.
pub(in crate::tui) fn draw_thumb(
    buffer: &mut Buffer,
    pane: Rect,
    shown: Rect,
    top: usize,
    total: usize,
    theme: &Theme,
) {
    let height = usize::from(shown.height);
    if total <= height || height == 0 || pane.width == 0 {
        return;
    }
    let length = (height * height / total).clamp(1, height);
    let start = top * (height - length) / (total - height).max(1);
    for offset in start..(start + length).min(height) {
        let y = shown.y + u16::try_from(offset).unwrap_or(0);
        if let Some(cell) = buffer.cell_mut((pane.right() - 1, y)) {
            cell.set_symbol(theme.glyph("┃", "#"));
        }
    }
}

/// The area inside a panel's frame, with a margin of one column on both sides.
pub(in crate::tui) fn padded(inner: Rect) -> Rect {
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }.intersection(inner)
}

/// What a border is made of where only ASCII may be drawn.
pub(in crate::tui) const ASCII_BORDER: border::Set = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};
