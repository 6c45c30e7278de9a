//! Colours a completion by what the analysis found in it.
//!
//! One meaning, one look: true, misled, false and superficial checks, new attempts, self-corrections and the answer
//! are told apart by style, and without colour by modifiers and a mark before each. A right answer and a true check
//! have different marks: the answer's are those of [`Theme::answer`].

use std::{borrow::Cow, ops::Range};

use ratatui::{
    style::{Modifier, Style},
    text::Span,
};

use crate::tui::shell::theme::Theme;
use crate::{
    reasoning::{self, Analysis, SpanKind, Verdict},
    task::{self, Puzzle},
};

/// The meaning of a span of a completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing was found here.
    Plain,
    /// A tag such as `</think>`.
    Tag,
    /// A check that is right about the actual value.
    TrueCheck,
    /// A check that is right about a miscalculated value.
    MisledCheck,
    /// A check with a wrong verdict or wrong arithmetic.
    FalseCheck,
    /// A checking phrase that checks nothing.
    SuperficialCheck,
    /// A different attempt starts.
    Backtrack,
    /// A new attempt starts because a true check found a miss.
    Correction,
    /// An intermediate goal, or work backwards from the target.
    Plan,
    /// A "hmm" with nothing behind it.
    Hesitation,
    /// The content of the last `<answer>`.
    Answer,
}

impl Meaning {
    /// The meaning of a span that the analysis marked.
    fn of(span: &reasoning::Span) -> Self {
        match (span.kind, span.verdict) {
            _ if span.corrects => Self::Correction,
            (SpanKind::Verification, Some(Verdict::True)) => Self::TrueCheck,
            (SpanKind::Verification, Some(Verdict::Misled)) => Self::MisledCheck,
            (SpanKind::Verification, Some(Verdict::False)) => Self::FalseCheck,
            (SpanKind::Verification, Some(Verdict::Superficial) | None) => Self::SuperficialCheck,
            (SpanKind::Backtracking, _) => Self::Backtrack,
            (SpanKind::Subgoal | SpanKind::BackwardChaining, _) => Self::Plan,
            (SpanKind::Hesitation, _) => Self::Hesitation,
            (SpanKind::Answer, _) => Self::Answer,
        }
    }

    /// How it looks.
    pub fn style(self, theme: &Theme) -> Style {
        match self {
            Self::Plain => theme.text,
            Self::Tag => theme.dim,
            Self::TrueCheck => theme.true_check,
            Self::MisledCheck => theme.misled_check,
            Self::FalseCheck => theme.false_check,
            Self::SuperficialCheck => theme.superficial,
            Self::Backtrack => theme.accent,
            Self::Correction => theme.aha,
            Self::Plan => theme.accent.add_modifier(Modifier::ITALIC),
            Self::Hesitation => theme.dim.add_modifier(Modifier::ITALIC),
            Self::Answer => theme.text.add_modifier(Modifier::BOLD),
        }
    }

    /// The mark for the same meaning without colour, one cell wide; `None` if it needs none.
    pub fn mark(self, theme: &Theme) -> Option<&'static str> {
        let (fancy, ascii) = match self {
            Self::TrueCheck => ("◆", "+"),
            Self::MisledCheck => ("◈", "%"),
            Self::FalseCheck => ("◇", "-"),
            Self::SuperficialCheck => ("~", "~"),
            Self::Backtrack => ("↩", "<"),
            Self::Correction => ("↻", "@"),
            Self::Answer => ("→", "="),
            Self::Plain | Self::Tag | Self::Plan | Self::Hesitation => return None,
        };
        Some(if theme.ascii { ascii } else { fancy })
    }
}

/// A span of a completion with one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Bytes of the completion; on character boundaries, never empty.
    pub range: Range<usize>,
    /// What it is.
    pub meaning: Meaning,
}

/// Cuts `text` into pieces that cover it exactly, in order.
///
/// Offsets of the analysis that lie outside the text or inside a character are pulled in, and overlaps go to
/// whatever starts first: a journal written by another version must not bring the screen down.
pub fn pieces(text: &str, analysis: &Analysis) -> Vec<Piece> {
    let mut found: Vec<(Range<usize>, Meaning)> = analysis
        .spans
        .iter()
        .map(|span| {
            let start = text.floor_char_boundary(span.start.min(text.len()));
            let end = text.ceil_char_boundary(span.end.min(text.len())).max(start);
            (without_outer_space(text, start..end), Meaning::of(span))
        })
        .collect();
    found.sort_by_key(|(range, _)| range.start);
    let mut pieces = Vec::with_capacity(found.len() * 2 + 4);
    let mut at = 0;
    for (range, meaning) in found {
        let start = range.start.max(at);
        if range.end <= start {
            continue;
        }
        push_plain(text, at..start, &mut pieces);
        at = range.end;
        pieces.push(Piece { range: start..at, meaning });
    }
    push_plain(text, at..text.len(), &mut pieces);
    pieces
}

/// The analysis of a completion with its self-corrections in their places. One that was journalled before the places
/// were kept is made again; the counts beside the text stay those of the journal.
pub(crate) fn with_places<'a>(
    task: &str,
    puzzle: &Puzzle,
    text: &str,
    analysis: &'a Analysis,
) -> Cow<'a, Analysis> {
    if analysis.self_corrections == 0 || analysis.spans.iter().any(|span| span.corrects) {
        return Cow::Borrowed(analysis);
    }
    task::analyze(task, puzzle, text).map_or(Cow::Borrowed(analysis), Cow::Owned)
}

/// The text as spans: checks, new attempts and the answer in their own styles. Without colour a mark (one
/// character) stands before each check, new attempt and answer.
pub(crate) fn styled_spans(text: &str, analysis: &Analysis, theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for Piece { range, meaning } in pieces(text, analysis) {
        let style = meaning.style(theme);
        if !theme.color
            && let Some(mark) = meaning.mark(theme)
        {
            spans.push(Span::styled(mark, style));
        }
        spans.push(Span::styled(text[range].to_owned(), style));
    }
    spans
}

fn without_outer_space(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start().len());
    start..(start + inner.trim().len()).max(start)
}

/// Adds what the analysis left unmarked, tags set apart.
fn push_plain(text: &str, range: Range<usize>, pieces: &mut Vec<Piece>) {
    const TAGS: [&str; 4] = ["<think>", "</think>", "<answer>", "</answer>"];
    let mut at = range.start;
    while at < range.end {
        let rest = &text[at..range.end];
        let tag = rest.match_indices('<').find_map(|(offset, _)| {
            TAGS.iter().find(|tag| rest[offset..].starts_with(**tag)).map(|tag| (offset, tag.len()))
        });
        let plain_end = tag.map_or(range.end, |(offset, _)| at + offset);
        if plain_end > at {
            pieces.push(Piece { range: at..plain_end, meaning: Meaning::Plain });
        }
        at = plain_end;
        if let Some((_, length)) = tag {
            pieces.push(Piece { range: at..at + length, meaning: Meaning::Tag });
            at += length;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reasoning::Span as Found;
    use crate::record::NumberPuzzle;

    fn found(kind: SpanKind, start: usize, end: usize, verdict: Option<Verdict>) -> Found {
        Found { kind, start, end, claim: None, verdict, corrects: false }
    }

    #[test]
    fn pieces_follow_the_analysis_and_set_tags_apart() {
        let text = " a check : no . </think> <answer> 1 </answer>";
        let analysis = Analysis {
            spans: vec![
                found(SpanKind::Verification, 2, 15, Some(Verdict::False)),
                found(SpanKind::Answer, 33, 36, None),
            ],
            ..Analysis::default()
        };
        let cut: Vec<(&str, Meaning)> =
            pieces(text, &analysis).into_iter().map(|piece| (&text[piece.range], piece.meaning)).collect();
        assert_eq!(
            cut,
            [
                (" a ", Meaning::Plain),
                ("check : no .", Meaning::FalseCheck),
                (" ", Meaning::Plain),
                ("</think>", Meaning::Tag),
                (" ", Meaning::Plain),
                ("<answer>", Meaning::Tag),
                (" ", Meaning::Plain),
                ("1", Meaning::Answer),
                (" ", Meaning::Plain),
                ("</answer>", Meaning::Tag),
            ]
        );
    }

    #[test]
    fn a_journal_without_places_is_read_again_and_right_answers_and_true_checks_have_their_own_marks() {
        let puzzle = Puzzle::from(NumberPuzzle { numbers: vec![4, 1, 16], target: 19 });
        let text =
            " 4 * 16 = 64 , 64 - 1 = 63 . check : 63 is not 19 . try again : 16 + 4 = 20 , 20 - 1 = 19 .";
        let fresh = task::analyze("countdown", &puzzle, text).unwrap();
        let mut old = fresh.clone();
        old.spans.iter_mut().for_each(|span| span.corrects = false);
        let lit = |analysis: &Analysis| {
            let analysis = with_places("countdown", &puzzle, text, analysis);
            let corrections =
                pieces(text, &analysis).into_iter().filter(|p| p.meaning == Meaning::Correction);
            corrections.map(|piece| text[piece.range].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(lit(&fresh), ["try again"]);
        assert_eq!(lit(&old), ["try again"]);
        for theme in [Theme::colored(), Theme { ascii: true, ..Theme::plain() }] {
            let checks =
                [Meaning::TrueCheck, Meaning::MisledCheck, Meaning::FalseCheck, Meaning::SuperficialCheck];
            for mark in checks.map(|check| check.mark(&theme).unwrap()) {
                assert!([true, false].iter().all(|right| theme.answer(*right).0 != mark), "{mark}");
            }
        }
    }

    fn any_kind() -> impl Strategy<Value = SpanKind> {
        prop_oneof![
            Just(SpanKind::Verification),
            Just(SpanKind::Backtracking),
            Just(SpanKind::Answer),
            Just(SpanKind::Hesitation)
        ]
    }

    proptest! {
        #[test]
        fn pieces_cover_any_text_under_any_offsets(
            text in "[a-z<>/é日 ]{0,40}|<think> .{0,9}</answer>",
            spans in proptest::collection::vec((any_kind(), 0usize..60, 0usize..60), 0..8),
        ) {
            let spans = spans.into_iter().map(|(kind, start, end)| found(kind, start, end, None)).collect();
            let analysis = Analysis { spans, ..Analysis::default() };
            let mut at = 0;
            for piece in pieces(&text, &analysis) {
                prop_assert_eq!(piece.range.start, at);
                prop_assert!(piece.range.end > at);
                prop_assert!(text.is_char_boundary(piece.range.end));
                at = piece.range.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }
}
