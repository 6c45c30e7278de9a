//! The transcript as lines: highlighted, wrapped once per width, one thought a line or as it was written.

use std::{cell::RefCell, sync::Arc};

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::writer::Writer;
use crate::{
    record::Rollout,
    tui::{
        screens::listing::Needle,
        shell::theme::Theme,
        store::completions::{Entry, Key},
    },
};

/// The position in a transcript.
#[derive(Debug, Default)]
pub(super) struct Detail {
    /// The completion that this is about.
    of: Option<Key>,
    top: usize,
    match_index: usize,
    /// The false or misled check that was gone to.
    finding: Option<usize>,
    /// Whether the next frame scrolls the current match into view.
    reveal: bool,
    as_written: bool,
    lines: RefCell<Option<Lines>>,
}

/// The part of a transcript that a frame showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// First line on screen, from 0.
    pub top: usize,
    /// Lines in all.
    pub lines: usize,
    /// The current match, from 0.
    pub at: usize,
    /// How many matches there are.
    pub matches: usize,
    /// The current false or misled check, from 0, if one was gone to.
    pub finding: Option<usize>,
    /// How many there are.
    pub findings: usize,
}

/// The cached wrapped lines, with everything that they depend on.
#[derive(Debug)]
struct Lines {
    made_for: MadeFor,
    lines: Vec<Line<'static>>,
    /// The line on which each match starts.
    match_lines: Vec<usize>,
    /// The current match.
    at: usize,
    /// The line on which each false or misled check starts.
    finding_lines: Vec<usize>,
    /// The current one.
    finding: Option<usize>,
}

#[derive(Debug, PartialEq)]
struct MadeFor {
    record: RecordIdentity,
    width: u16,
    as_written: bool,
    needle: Option<Needle>,
    match_index: usize,
    finding: Option<usize>,
    theme: Theme,
}

/// Records are never changed once they are shared: the same allocation is the same text. Holding it keeps it
/// from being reused.
#[derive(Debug)]
struct RecordIdentity(Arc<Rollout>);

impl PartialEq for RecordIdentity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Detail {
    /// Whether this belongs to the completion.
    pub(super) fn is_already_of(&self, key: Option<Key>) -> bool {
        self.of == key
    }

    /// Switches to this completion.
    pub(super) fn is_of(&mut self, key: Option<Key>) {
        self.of = key;
    }

    /// Another completion is shown: from its top, or from its first match.
    pub(super) fn turn_to_another(&mut self) {
        self.top = 0;
        self.turn_to_match(0);
    }

    /// Goes to this match, or to the last one if there are fewer.
    pub(super) fn turn_to_match(&mut self, index: usize) {
        self.match_index = index;
        self.finding = None;
        self.reveal = true;
    }

    /// Goes to this false or misled check, or to the last one if there are fewer.
    pub(super) fn turn_to_finding(&mut self, index: usize) {
        self.finding = Some(index);
        (self.top, self.reveal) = (0, true);
    }

    /// Goes to the next or previous of these false or misled checks; returns false if there is none.
    pub(super) fn step_finding(&mut self, forward: bool, findings: usize) -> bool {
        let to = match (self.finding, forward) {
            (None, true) => Some(0),
            (None, false) => findings.checked_sub(1),
            (Some(at), true) => at.checked_add(1),
            (Some(at), false) => at.checked_sub(1),
        };
        let to = to.filter(|index| *index < findings);
        if to.is_some() {
            (self.finding, self.reveal) = (to, true);
        }
        to.is_some()
    }

    /// Adopts the scroll position of the last frame, which shows the current match.
    pub(super) fn take_over(&mut self, shown: Shown) {
        (self.top, self.match_index, self.finding) = (shown.top, shown.at, shown.finding);
        self.reveal = false;
    }

    /// Goes to the next or previous of `matches`; returns false if there is none.
    pub(super) fn step_match(&mut self, forward: bool, matches: usize) -> bool {
        let to = if forward { self.match_index.checked_add(1) } else { self.match_index.checked_sub(1) };
        match to {
            Some(index) if index < matches => {
                self.turn_to_match(index);
                true
            }
            _ => false,
        }
    }

    pub(super) fn toggle_layout(&mut self) {
        self.as_written = !self.as_written;
        self.top = 0;
        self.reveal = true;
    }

    /// Scrolls by some lines in a pane with this many.
    pub(super) fn scroll(&mut self, by: isize, height: usize, shown: Shown) {
        self.top = self.top.saturating_add_signed(by).min(shown.lines.saturating_sub(height));
    }

    /// The current match of this completion, from 0, and how many there are.
    pub(super) fn match_position(shown: Shown) -> Option<(usize, usize)> {
        (shown.matches > 0).then_some((shown.at, shown.matches))
    }

    /// Draws the lines into `area`, wrapping them again if anything changed.
    pub(super) fn draw(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        entry: &Entry,
        needle: Option<&Needle>,
        theme: &Theme,
    ) -> Shown {
        let wanted = MadeFor {
            record: RecordIdentity(Arc::clone(&entry.record)),
            width: area.width,
            as_written: self.as_written,
            needle: needle.cloned(),
            match_index: self.match_index,
            finding: self.finding,
            theme: theme.clone(),
        };
        let mut made = self.lines.borrow_mut();
        let made = match &mut *made {
            Some(made) if made.made_for == wanted => made,
            made => made.insert(Lines::new(wanted, entry, theme)),
        };
        let (height, lines) = (usize::from(area.height), made.lines.len());
        let mut top = self.top;
        let sought = match made.finding {
            Some(finding) => made.finding_lines.get(finding),
            None => made.match_lines.get(made.at),
        };
        if self.reveal
            && let Some(line) = sought
            && !(top..top + height).contains(line)
        {
            top = line.saturating_sub(height / 3);
        }
        top = top.min(lines.saturating_sub(height));
        for (line, place) in made.lines.iter().skip(top).zip(area.rows()) {
            buffer.set_line(place.x, place.y, line, place.width);
        }
        Shown {
            top,
            lines,
            at: made.at,
            matches: made.match_lines.len(),
            finding: made.finding,
            findings: made.finding_lines.len(),
        }
    }
}

impl Lines {
    fn new(made_for: MadeFor, entry: &Entry, theme: &Theme) -> Self {
        let mut at = made_for.match_index;
        let mut writer = Writer::new(entry, made_for.needle.as_ref(), made_for.width, theme, &mut at);
        let last = writer.findings.len().checked_sub(1);
        let finding = made_for.finding.and_then(|at| Some(at.min(last?)));
        writer.finding = finding;
        if made_for.as_written {
            writer.as_written()
        } else {
            writer.by_thought()
        }
        let Writer { lines, match_lines, finding_lines, .. } = writer;
        Self { lines, match_lines, at, finding_lines, finding, made_for }
    }
}
