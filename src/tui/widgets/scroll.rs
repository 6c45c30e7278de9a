//! Text that scrolls.

use ratatui::{
    Frame,
    layout::Rect,
    text::Line,
    widgets::{Paragraph, Widget},
};

use super::frames::draw_thumb;
use crate::tui::{screens::listing::Needle, shell::theme::Theme};

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
    /// The nearest line above the picture that has what is searched for, and the nearest one below; round and round.
    found: Option<(usize, usize)>,
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

/// The nearest lines above `first` and below `end` that have what is searched for, round and round. `None` if no line
/// outside has it.
pub(in crate::tui) fn outside(
    lines: &[Line<'_>],
    needle: Option<&Needle>,
    (first, end): (usize, usize),
) -> Option<(usize, usize)> {
    let needle = needle?;
    let has = |at: &usize| {
        let text: String = lines[*at].spans.iter().map(|span| span.content.as_ref()).collect();
        needle.is_in(&text)
    };
    let end = end.min(lines.len());
    let before = (0..first).rev().find(has).or_else(|| (end..lines.len()).rev().find(has))?;
    let after = (end..lines.len()).find(has).or_else(|| (0..first).find(has))?;
    Some((before, after))
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
        (theme, needle): (&Theme, Option<&Needle>),
    ) -> Self {
        let (total, height) = (lines.len(), usize::from(area.height));
        let most = total.saturating_sub(height);
        let first = scroll.first.min(most);
        let found = outside(&lines, needle, (first, first + height));
        let shown: Vec<Line<'static>> = lines.into_iter().skip(first).take(height).collect();
        Paragraph::new(shown).render(area, frame.buffer_mut());
        draw_thumb(frame.buffer_mut(), pane, area, first, total, theme);
        Self { first, rest: most - first, page: height.saturating_sub(1).max(1), found }
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

    /// Goes to the nearest line outside the picture that has what is searched for; `false` if there is none.
    pub(in crate::tui) fn seek(&mut self, forward: bool, at: Scrolled) -> bool {
        let Some((before, after)) = at.found else { return false };
        self.first = (if forward { after } else { before }).min(at.first + at.rest);
        true
    }
}
