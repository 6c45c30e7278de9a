//! The transcript as lines: highlighted, wrapped once per width, one thought a line or as it was written.

use std::{cell::RefCell, ops::Range, sync::Arc};

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::thoughts::thoughts;
use crate::{
    record::Rollout,
    tui::{
        screens::listing::Needle,
        shell::theme::Theme,
        store::completions::{Entry, Key},
        widgets::{
            highlight::{Meaning, Piece, pieces, with_places},
            lines::lone,
            wrap::{Wrapped, printable_length, wrap_with_offsets},
        },
    },
};

/// Cells left of each thought: its mark and a space.
const GUTTER: u16 = 2;

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

/// Writes the lines of one transcript.
struct Writer<'a> {
    record: &'a Rollout,
    length: usize,
    width: u16,
    theme: &'a Theme,
    prompt_matches: Vec<Range<usize>>,
    matches: Vec<Range<usize>>,
    match_index: usize,
    /// The pieces that the completion is made of.
    pieces: Vec<Piece>,
    /// Where its false and misled checks begin.
    findings: Vec<usize>,
    finding: Option<usize>,
    lines: Vec<Line<'static>>,
    match_lines: Vec<usize>,
    finding_lines: Vec<usize>,
}

/// Whether a piece is a check that is worth a look.
fn is_finding(piece: &Piece) -> bool {
    matches!(piece.meaning, Meaning::FalseCheck | Meaning::MisledCheck)
}

impl<'a> Writer<'a> {
    /// Also clamps `match_index`.
    fn new(
        entry: &'a Entry,
        needle: Option<&Needle>,
        width: u16,
        theme: &'a Theme,
        match_index: &mut usize,
    ) -> Self {
        let record = entry.record.as_ref();
        let ranges = |text: &str| needle.map(|needle| needle.ranges(text)).unwrap_or_default();
        let (prompt_matches, matches) = (ranges(&record.problem.prompt), ranges(&record.completion));
        *match_index = (*match_index).min((prompt_matches.len() + matches.len()).saturating_sub(1));
        let Rollout { problem, completion, analysis, .. } = record;
        let pieces = pieces(completion, &with_places(&problem.task, &problem.puzzle, completion, analysis));
        Self {
            findings: pieces.iter().filter(|piece| is_finding(piece)).map(|piece| piece.range.start).collect(),
            pieces,
            finding: None,
            finding_lines: Vec::new(),
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

    /// Prompt and completion in one piece, verbatim.
    fn as_written(&mut self) {
        let mut spans = Vec::new();
        let prompt = &self.record.problem.prompt;
        self.overlay(prompt, 0..prompt.len(), self.theme.dim, true, &mut spans);
        let mut starts: Vec<usize> =
            self.prompt_matches.iter().map(|range| printable_length(&prompt[..range.start])).collect();
        let completion = &self.record.completion;
        let before = printable_length(prompt);
        let mut marks = Vec::new();
        for Piece { range, meaning } in self.pieces.clone() {
            let style = self.style(&range, meaning);
            if !self.theme.color
                && let Some(mark) = meaning.mark(self.theme)
            {
                marks.push((range.start, mark.len()));
                spans.push(Span::styled(mark, style));
            }
            self.overlay(completion, range, style, false, &mut spans);
        }
        let place = |at: usize| {
            let marked: usize = marks.iter().filter(|(mark, _)| *mark <= at).map(|(_, length)| length).sum();
            before + printable_length(&completion[..at]) + marked
        };
        starts.extend(self.matches.iter().map(|found| place(found.start)));
        let findings: Vec<usize> = self.findings.iter().map(|at| place(*at)).collect();
        self.add_wrapped(wrap_with_offsets(&spans, self.width), (&starts, &findings), None, 0);
        self.add_end();
    }

    /// Every attempt, check and answer on a line of its own, with its mark before it.
    fn by_thought(&mut self) {
        let prompt = &self.record.problem.prompt;
        let mark = Span::styled(self.theme.glyph("›", ">"), self.theme.dim);
        let mut spans = Vec::new();
        self.overlay(prompt, 0..prompt.len(), self.theme.dim, true, &mut spans);
        let starts: Vec<usize> =
            self.prompt_matches.iter().map(|range| printable_length(&prompt[..range.start])).collect();
        self.add_thought(spans, (&starts, &[]), Some(mark));

        let completion = &self.record.completion;
        let all = self.pieces.clone();
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
                let style = self.style(range, *meaning);
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
            let findings: Vec<usize> = self
                .findings
                .iter()
                .filter(|at| (thought.start..next).contains(*at))
                .map(|at| printable_length(&completion[thought.start..(*at).min(thought.end)]))
                .collect();
            self.add_thought(spans, (&starts, &findings), mark);
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
            self.add_thought(spans, (&[], &[]), Some(mark));
        }
    }

    /// The answer's own colour tells whether it is right; the check that was gone to is reversed.
    fn style(&self, range: &Range<usize>, meaning: Meaning) -> Style {
        let current = self.finding.and_then(|at| self.findings.get(at));
        if current == Some(&range.start) {
            return meaning.style(self.theme).patch(self.theme.selection).add_modifier(Modifier::BOLD);
        }
        match meaning {
            Meaning::Answer => match self.record.correct {
                Some(true) => self.theme.right,
                Some(false) => self.theme.wrong,
                None => self.theme.text,
            },
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
        starts: (&[usize], &[usize]),
        mark: Option<Span<'static>>,
    ) {
        // In a very narrow pane the text needs every cell.
        let gutter = if self.width > 3 * GUTTER { GUTTER } else { 0 };
        let wrapped = wrap_with_offsets(&spans, self.width - gutter);
        self.add_wrapped(wrapped, starts, mark, gutter);
    }

    fn add_wrapped(
        &mut self,
        wrapped: Vec<Wrapped>,
        (matches, findings): (&[usize], &[usize]),
        mut mark: Option<Span<'static>>,
        gutter: u16,
    ) {
        let first = self.lines.len();
        let line =
            |start: &usize| first + wrapped.partition_point(|line| line.start <= *start).saturating_sub(1);
        self.match_lines.extend(matches.iter().map(line));
        self.finding_lines.extend(findings.iter().map(line));
        for Wrapped { mut line, .. } in wrapped {
            if gutter > 0 {
                let mark = mark.take().unwrap_or_else(|| Span::raw(" "));
                line.spans.splice(0..0, [mark, Span::raw(" ")]);
            }
            self.lines.push(line);
        }
    }
}
