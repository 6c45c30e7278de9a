//! The transcript as lines: highlighted, wrapped once per width, one thought a line or as it was written.

use std::{ops::Range, sync::Arc};

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::{library::Entry, search::Needle, thoughts::thoughts, view::lone};
use crate::{
    record::RolloutRecord,
    tui::{
        highlight::{Meaning, Piece, pieces, with_places},
        theme::Theme,
        wrap::{Wrapped, printable_length, wrap_with_offsets},
    },
};

/// Cells left of each thought: its mark and a space.
const GUTTER: u16 = 2;

/// Scrolling, the match in hand, and the lines as wrapped for the last frame.
#[derive(Debug, Default)]
pub(super) struct Detail {
    lines: Vec<Line<'static>>,
    /// The line on which each match starts.
    match_lines: Vec<usize>,
    top: usize,
    match_index: usize,
    /// Scroll the match in hand into sight with the next frame.
    reveal: bool,
    as_written: bool,
    made_for: Option<MadeFor>,
}

/// Everything that the lines depend on; while it stays the same, so do they.
#[derive(Debug, PartialEq)]
struct MadeFor {
    record: RecordIdentity,
    width: u16,
    as_written: bool,
    needle: Option<Needle>,
    match_index: usize,
    theme: Theme,
}

/// Records are never changed once they are shared: the same allocation is the same text. Holding it keeps it
/// from being reused.
#[derive(Debug)]
struct RecordIdentity(Arc<RolloutRecord>);

impl PartialEq for RecordIdentity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Detail {
    /// Another completion is shown: from its top, or from its first match.
    pub(super) fn turn_to_another(&mut self) {
        self.top = 0;
        self.turn_to_match(0);
    }

    /// Goes to this match, or to the last where there are fewer.
    pub(super) fn turn_to_match(&mut self, index: usize) {
        self.match_index = index;
        self.reveal = true;
    }

    /// Goes to the next or previous match of this completion; false when there is none that way.
    pub(super) fn step_match(&mut self, forward: bool) -> bool {
        let to = if forward { self.match_index.checked_add(1) } else { self.match_index.checked_sub(1) };
        match to {
            Some(index) if index < self.match_lines.len() => {
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

    /// Scrolls by so many lines in a pane of so many.
    pub(super) fn scroll(&mut self, by: isize, height: usize) {
        self.top = self.top.saturating_add_signed(by).min(self.lines.len().saturating_sub(height));
    }

    /// Wraps anew if anything changed, and puts the scroll position in range.
    pub(super) fn prepare(
        &mut self,
        entry: &Entry,
        needle: Option<&Needle>,
        width: u16,
        height: u16,
        theme: &Theme,
    ) {
        let wanted = MadeFor {
            record: RecordIdentity(Arc::clone(&entry.record)),
            width,
            as_written: self.as_written,
            needle: needle.cloned(),
            match_index: self.match_index,
            theme: theme.clone(),
        };
        if self.made_for.as_ref() != Some(&wanted) {
            let mut writer = Writer::new(entry, needle, width, theme, &mut self.match_index);
            if self.as_written {
                writer.as_written()
            } else {
                writer.by_thought()
            }
            self.lines = writer.lines;
            self.match_lines = writer.match_lines;
            self.made_for = Some(MadeFor { match_index: self.match_index, ..wanted });
        }
        let height = usize::from(height);
        if std::mem::take(&mut self.reveal)
            && let Some(line) = self.match_lines.get(self.match_index)
            && !(self.top..self.top + height).contains(line)
        {
            self.top = line.saturating_sub(height / 3);
        }
        self.top = self.top.min(self.lines.len().saturating_sub(height));
    }

    /// The lines on screen, as of the last [`Detail::prepare`].
    pub(super) fn slice(&self, height: u16) -> &[Line<'static>] {
        let end = (self.top + usize::from(height)).min(self.lines.len());
        self.lines.get(self.top..end).unwrap_or_default()
    }

    /// First line on screen, from 0.
    pub(super) fn top(&self) -> usize {
        self.top
    }

    /// Lines in all.
    pub(super) fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The match in hand, from 0, and how many this completion has; `None` without any.
    pub(super) fn match_position(&self) -> Option<(usize, usize)> {
        (!self.match_lines.is_empty()).then_some((self.match_index, self.match_lines.len()))
    }
}

/// Writes the lines of one transcript.
struct Writer<'a> {
    record: &'a RolloutRecord,
    length: usize,
    width: u16,
    theme: &'a Theme,
    prompt_matches: Vec<Range<usize>>,
    matches: Vec<Range<usize>>,
    match_index: usize,
    lines: Vec<Line<'static>>,
    match_lines: Vec<usize>,
}

impl<'a> Writer<'a> {
    /// Puts `match_index` in range on the way.
    fn new(
        entry: &'a Entry,
        needle: Option<&Needle>,
        width: u16,
        theme: &'a Theme,
        match_index: &mut usize,
    ) -> Self {
        let record = entry.record.as_ref();
        let ranges = |text: &str| needle.map(|needle| needle.ranges(text)).unwrap_or_default();
        let (prompt_matches, matches) = (ranges(&record.prompt), ranges(&record.completion));
        *match_index = (*match_index).min((prompt_matches.len() + matches.len()).saturating_sub(1));
        Self {
            record,
            length: entry.length,
            width,
            theme,
            prompt_matches,
            matches,
            match_index: *match_index,
            lines: Vec::new(),
            match_lines: Vec::new(),
        }
    }

    /// Prompt and completion in one go, word for word.
    fn as_written(&mut self) {
        let mut spans = Vec::new();
        let prompt = &self.record.prompt;
        self.overlay(prompt, 0..prompt.len(), self.theme.dim, true, &mut spans);
        let mut starts: Vec<usize> =
            self.prompt_matches.iter().map(|range| printable_length(&prompt[..range.start])).collect();
        let completion = &self.record.completion;
        let before = printable_length(prompt);
        let mut marks = Vec::new();
        for Piece { range, meaning } in self.pieces() {
            let style = self.style(meaning);
            if !self.theme.color
                && let Some(mark) = meaning.mark(self.theme)
            {
                marks.push((range.start, mark.len()));
                spans.push(Span::styled(mark, style));
            }
            self.overlay(completion, range, style, false, &mut spans);
        }
        starts.extend(self.matches.iter().map(|found| {
            let marked: usize =
                marks.iter().filter(|(at, _)| *at <= found.start).map(|(_, length)| length).sum();
            before + printable_length(&completion[..found.start]) + marked
        }));
        self.add_wrapped(wrap_with_offsets(&spans, self.width), &starts, None, 0);
        self.add_end();
    }

    /// Every attempt, check and answer on a line of its own, with its mark before it.
    fn by_thought(&mut self) {
        let prompt = &self.record.prompt;
        let mark = Span::styled(self.theme.glyph("›", ">"), self.theme.dim);
        let mut spans = Vec::new();
        self.overlay(prompt, 0..prompt.len(), self.theme.dim, true, &mut spans);
        let starts: Vec<usize> =
            self.prompt_matches.iter().map(|range| printable_length(&prompt[..range.start])).collect();
        self.add_thought(spans, &starts, Some(mark));

        let completion = &self.record.completion;
        let all = self.pieces();
        let thoughts = thoughts(completion, &all);
        let mut placed = 0;
        for (number, thought) in thoughts.iter().enumerate() {
            let mut spans = Vec::new();
            let mut mark = None;
            for Piece { range, meaning } in &all {
                let shared = range.start.max(thought.start)..range.end.min(thought.end);
                if shared.is_empty() {
                    continue;
                }
                let style = self.style(*meaning);
                if mark.is_none() && range.start >= thought.start {
                    mark = meaning.mark(self.theme).map(|sign| Span::styled(sign, lone(style)));
                }
                self.overlay(completion, shared, style, false, &mut spans);
            }
            // A match in the white space after a thought counts as being at its end.
            let next = thoughts.get(number + 1).map_or(usize::MAX, |next| next.start);
            let here = self.matches[placed..].iter().take_while(|found| found.start < next);
            let starts: Vec<usize> = here
                .map(|found| found.start.clamp(thought.start, thought.end))
                .map(|at| printable_length(&completion[thought.start..at]))
                .collect();
            placed += starts.len();
            self.add_thought(spans, &starts, mark);
        }
        let nowhere = self.matches.len() - placed;
        self.match_lines.extend(std::iter::repeat_n(self.lines.len().saturating_sub(1), nowhere));
        self.add_end();
    }

    /// Says so where the text was cut off.
    fn add_end(&mut self) {
        if self.record.truncated {
            let notice = format!("cut off after {} tokens", self.length);
            let mark = Span::styled(self.theme.cut_off(), self.theme.warning);
            let spans = vec![Span::styled(notice, self.theme.warning)];
            self.add_thought(spans, &[], Some(mark));
        }
    }

    fn pieces(&self) -> Vec<Piece> {
        let RolloutRecord { task, puzzle, completion, analysis, .. } = self.record;
        pieces(completion, &with_places(task, puzzle, completion, analysis))
    }

    /// The answer's own colour tells whether it is right.
    fn style(&self, meaning: Meaning) -> Style {
        match meaning {
            Meaning::Answer if self.record.correct => self.theme.right,
            Meaning::Answer => self.theme.wrong,
            other => other.style(self.theme),
        }
    }

    /// Adds `text[range]` in `style`, with the matches over it.
    fn overlay(
        &self,
        text: &str,
        range: Range<usize>,
        style: Style,
        in_prompt: bool,
        spans: &mut Vec<Span<'static>>,
    ) {
        let (matches, first) =
            if in_prompt { (&self.prompt_matches, 0) } else { (&self.matches, self.prompt_matches.len()) };
        let mut at = range.start;
        for (number, found) in matches.iter().enumerate() {
            let shared = found.start.max(at)..found.end.min(range.end);
            if shared.is_empty() {
                continue;
            }
            if shared.start > at {
                spans.push(Span::styled(text[at..shared.start].to_owned(), style));
            }
            let mut found_style = style.patch(self.theme.search_match);
            if first + number == self.match_index {
                found_style = found_style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
            }
            at = shared.end;
            spans.push(Span::styled(text[shared].to_owned(), found_style));
        }
        if at < range.end {
            spans.push(Span::styled(text[at..range.end].to_owned(), style));
        }
    }

    fn add_thought(
        &mut self,
        spans: Vec<Span<'static>>,
        match_starts: &[usize],
        mark: Option<Span<'static>>,
    ) {
        // On a sliver of a pane the text needs every cell.
        let gutter = if self.width > 3 * GUTTER { GUTTER } else { 0 };
        let wrapped = wrap_with_offsets(&spans, self.width - gutter);
        self.add_wrapped(wrapped, match_starts, mark, gutter);
    }

    fn add_wrapped(
        &mut self,
        wrapped: Vec<Wrapped>,
        match_starts: &[usize],
        mut mark: Option<Span<'static>>,
        gutter: u16,
    ) {
        let first = self.lines.len();
        for start in match_starts {
            let line = wrapped.partition_point(|line| line.start <= *start).saturating_sub(1);
            self.match_lines.push(first + line);
        }
        for Wrapped { mut line, .. } in wrapped {
            if gutter > 0 {
                let mark = mark.take().unwrap_or_else(|| Span::raw(" "));
                line.spans.splice(0..0, [mark, Span::raw(" ")]);
            }
            self.lines.push(line);
        }
    }
}
