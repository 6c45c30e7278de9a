//! Text that scrolls.

use ratatui::{
    Frame,
    layout::Rect,
    text::Line,
    widgets::{Paragraph, Widget},
};

use super::frames::draw_thumb;
use crate::tui::shell::theme::Theme;

/// The scroll position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scroll {
    first: usize,
}

/// The part of a text that a frame showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scrolled {
    /// First line shown.
    first: usize,
    /// Lines that can still be scrolled down.
    rest: usize,
    /// Lines that a page goes.
    page: usize,
}

/// The actions of a scrolling text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To its first line.
    First,
    /// To its last line.
    Last,
}

impl Scrolled {
    /// Whether there is more than fits.
    pub(crate) fn scrolls(self) -> bool {
        self.first + self.rest > 0
    }

    /// Draws as many of the lines as fit into `area`; the thumb stands on the right border of `pane`.
    pub(in crate::tui) fn draw(
        scroll: Scroll,
        lines: Vec<Line<'static>>,
        frame: &mut Frame<'_>,
        (pane, area): (Rect, Rect),
        theme: &Theme,
    ) -> Self {
        let (total, height) = (lines.len(), usize::from(area.height));
        let most = total.saturating_sub(height);
        let first = scroll.first.min(most);
        let shown: Vec<Line<'static>> = lines.into_iter().skip(first).take(height).collect();
        Paragraph::new(shown).render(area, frame.buffer_mut());
        draw_thumb(frame.buffer_mut(), pane, area, first, total, theme);
        Self { first, rest: most - first, page: height.saturating_sub(1).max(1) }
    }
}

impl Scroll {
    /// Moves in a text of which the last frame showed `at`.
    pub fn go(&mut self, to: Move, at: Scrolled) {
        self.first = match to {
            Move::Up => at.first.saturating_sub(1),
            Move::Down => at.first + at.rest.min(1),
            Move::PageUp => at.first.saturating_sub(at.page),
            Move::PageDown => at.first + at.rest.min(at.page),
            Move::First => 0,
            Move::Last => at.first + at.rest,
        };
    }
}
