//! Writes a transcript as lines: one thought a line, or as it was written, with matches over its colours.

use std::ops::Range;

use ratatui::{
    style::{Modifier, Style},
    text::{Line, Span},
};

use super::thoughts::thoughts;
use crate::{
    record::Rollout,
    tui::{
        screens::listing::Needle,
        shell::theme::Theme,
        store::completions::Entry,
        widgets::{
            highlight::{Meaning, Piece, pieces, with_places},
            lines::lone,
            wrap::{Wrapped, printable_length, wrap_with_offsets},
        },
    },
};

/// Cells left of each thought: its mark and a space.
const GUTTER: u16 = 2;

/// Writes the lines of one transcript.
pub(super) struct Writer<'a> {
    record: &'a Rollout,
    length: Option<usize>,
    width: u16,
    theme: &'a Theme,
    prompt_matches: Vec<Range<usize>>,
    matches: Vec<Range<usize>>,
    match_index: usize,
    /// The pieces that the completion is made of.
    pieces: Vec<Piece>,
    /// Where its false and misled checks begin.
    pub(super) findings: Vec<usize>,
    pub(super) finding: Option<usize>,
    pub(super) lines: Vec<Line<'static>>,
    pub(super) match_lines: Vec<usize>,
    pub(super) finding_lines: Vec<usize>,
}

/// Whether a piece is a check that is worth a look.
fn is_finding(piece: &Piece) -> bool {
    matches!(piece.meaning, Meaning::FalseCheck | Meaning::MisledCheck)
}

impl<'a> Writer<'a> {
    /// Also clamps `match_index`.
    pub(super) fn new(
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
            findings: pieces
                .iter()
                .filter(|piece| is_finding(piece))
                .map(|piece| piece.range.start)
                .collect(),
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
    pub(super) fn as_written(&mut self) {
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
    pub(super) fn by_thought(&mut self) {
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
            let notice = match self.length {
                Some(length) => format!("cut off after {length} tokens"),
                None => "cut off".to_owned(),
            };
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
