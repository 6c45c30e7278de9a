//! Wraps styled text to a width in terminal cells, keeping every highlight.
//!
//! The terminal library's own wrapping measures and wraps the whole text for every frame and counts scroll
//! offsets in 16 bits. This one is done once per text and width; the caller keeps the lines and draws a slice.

use ratatui::{
    buffer::CellWidth,
    style::Style,
    text::{Line, Span},
};
use unicode_segmentation::UnicodeSegmentation;

/// Stands for a character that is wider than the whole line.
const TOO_WIDE: &str = "…";

/// One user-perceived character: a terminal cell (or two) has one style, so a cluster has one too.
struct Cluster {
    start: usize,
    end: usize,
    width: usize,
    style: Style,
    breakable: bool,
}

/// Wraps `spans` into lines at most `width` cells wide.
///
/// - Lines break at white space, which is dropped there and nowhere else; words longer than a line are broken
///   between characters (grapheme clusters), never inside one.
/// - `\n` and `\r\n` end a line; a tab counts as one space; other control characters are left out, so that no
///   text can steer the terminal.
/// - A character wider than `width` is shown as `…`.
/// - A cluster that crosses two spans takes the style of its first character.
///
/// Width 0 gives no lines; empty text gives one empty line.
pub fn wrap(spans: &[Span], width: u16) -> Vec<Line<'static>> {
    wrap_with_offsets(spans, width).into_iter().map(|wrapped| wrapped.line).collect()
}

/// A line and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wrapped {
    /// What to draw.
    pub line: Line<'static>,
    /// Offset of its first character in bytes of the printable text; see [`printable_length`].
    pub start: usize,
}

/// As [`wrap()`], with the place in the text at which each line starts.
pub(crate) fn wrap_with_offsets(spans: &[Span], width: u16) -> Vec<Wrapped> {
    let width = usize::from(width);
    if width == 0 {
        return Vec::new();
    }
    let (text, runs) = printable(spans);
    let mut lines = Vec::new();
    let mut run = 0;
    let mut offset = 0;
    for paragraph in text.split('\n') {
        let clusters = clusters(paragraph, offset, &runs, &mut run);
        wrap_paragraph(&text, &clusters, offset, width, &mut lines);
        offset += paragraph.len() + 1;
    }
    lines
}

/// Bytes of `text` that are left when the control characters are taken out: turns an offset in the text into
/// one that [`Wrapped::start`] can be compared with.
pub(crate) fn printable_length(text: &str) -> usize {
    text.chars().filter_map(shown_character).map(char::len_utf8).sum()
}

/// What is drawn for a character; `None` for nothing.
fn shown_character(character: char) -> Option<char> {
    match character {
        '\n' => Some('\n'),
        '\t' => Some(' '),
        control if control.is_control() => None,
        other => Some(other),
    }
}

/// The text without control characters (`\n` aside), and the style runs in it as (end, style).
fn printable(spans: &[Span]) -> (String, Vec<(usize, Style)>) {
    let mut text = String::with_capacity(spans.iter().map(|span| span.content.len()).sum());
    let mut runs = Vec::with_capacity(spans.len());
    for span in spans {
        text.extend(span.content.chars().filter_map(shown_character));
        runs.push((text.len(), span.style));
    }
    (text, runs)
}

/// Cuts a paragraph that starts at byte `offset` of the text; `run` moves along the style runs.
fn clusters(paragraph: &str, offset: usize, runs: &[(usize, Style)], run: &mut usize) -> Vec<Cluster> {
    paragraph
        .grapheme_indices(true)
        .map(|(at, grapheme)| {
            let start = offset + at;
            while runs.get(*run).is_some_and(|(end, _)| *end <= start) {
                *run += 1;
            }
            Cluster {
                start,
                end: start + grapheme.len(),
                width: usize::from(grapheme.cell_width()),
                style: runs.get(*run).map_or_else(Style::default, |(_, style)| *style),
                breakable: grapheme.chars().all(is_breaking_space),
            }
        })
        .collect()
}

/// White space at which a line may break; the no-break spaces are not.
fn is_breaking_space(character: char) -> bool {
    character.is_whitespace() && !matches!(character, '\u{a0}' | '\u{2007}' | '\u{202f}')
}

fn wrap_paragraph(text: &str, clusters: &[Cluster], offset: usize, width: usize, lines: &mut Vec<Wrapped>) {
    let mut emit = |range: &[Cluster], first: usize| {
        let start = clusters.get(first).map_or(offset, |cluster| cluster.start);
        lines.push(Wrapped { line: line_of(text, range, width), start });
    };
    let mut line_start = 0;
    let mut used = 0;
    // Where the current word starts, if a line break before it would leave something on the line.
    let mut word_start = None;
    let mut line_has_word = false;
    let mut at = 0;
    while let Some(cluster) = clusters.get(at) {
        let cells = shown_width(cluster, width);
        let starts_word = !cluster.breakable && at > line_start && clusters[at - 1].breakable;
        if starts_word && line_has_word {
            word_start = Some(at);
        }
        if used + cells > width {
            if cluster.breakable {
                emit(trimmed(clusters, line_start, at), line_start);
                while clusters.get(at).is_some_and(|next| next.breakable) {
                    at += 1;
                }
                if at == clusters.len() {
                    return;
                }
                line_start = at;
                used = 0;
            } else if let Some(start) = word_start {
                emit(trimmed(clusters, line_start, start), line_start);
                line_start = start;
                used = clusters[start..at].iter().map(|moved| shown_width(moved, width)).sum();
            } else {
                emit(&clusters[line_start..at], line_start);
                line_start = at;
                used = 0;
            }
            word_start = None;
            line_has_word = used > 0;
            continue;
        }
        line_has_word |= !cluster.breakable;
        used += cells;
        at += 1;
    }
    emit(&clusters[line_start..], line_start);
}

/// Cells a cluster takes on a line of this width.
fn shown_width(cluster: &Cluster, width: usize) -> usize {
    if cluster.width > width { 1 } else { cluster.width }
}

/// The clusters from `start` to `end` without the white space before the break.
fn trimmed(clusters: &[Cluster], start: usize, end: usize) -> &[Cluster] {
    let kept = clusters[start..end].iter().rposition(|cluster| !cluster.breakable).map_or(0, |last| last + 1);
    &clusters[start..start + kept]
}

/// A line of the clusters, neighbours of one style joined in one span.
fn line_of(text: &str, clusters: &[Cluster], width: usize) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut content = String::new();
    let mut style = Style::default();
    for cluster in clusters {
        if cluster.style != style && !content.is_empty() {
            spans.push(Span::styled(std::mem::take(&mut content), style));
        }
        style = cluster.style;
        content.push_str(if cluster.width > width { TOO_WIDE } else { &text[cluster.start..cluster.end] });
    }
    if !content.is_empty() {
        spans.push(Span::styled(content, style));
    }
    Line::from(spans)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;
    use ratatui::style::{Color, Modifier};

    use super::*;

    fn texts(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|line| line.spans.iter().map(|span| span.content.as_ref()).collect()).collect()
    }

    fn wrapped(text: &str, width: u16) -> Vec<String> {
        texts(&wrap(&[Span::raw(text.to_owned())], width))
    }

    #[test]
    fn breaks_at_spaces_and_drops_only_those() {
        assert_eq!(wrapped("check : 63 is not 19 .", 10), ["check : 63", "is not 19", "."]);
        assert_eq!(wrapped("a  b", 10), ["a  b"]);
        assert_eq!(wrapped("  a b", 3), ["  a", "b"]);
        assert_eq!(wrapped("ab   cd", 2), ["ab", "cd"]);
        assert_eq!(wrapped("ab ", 2), ["ab"]);
    }

    #[test]
    fn breaks_long_words_and_starts_them_on_a_new_line() {
        assert_eq!(wrapped("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrapped("ab cdefgh", 4), ["ab", "cdef", "gh"]);
        assert_eq!(wrapped(" abcdef", 3), [" ab", "cde", "f"]);
    }

    #[test]
    fn newlines_tabs_and_control_characters() {
        assert_eq!(wrapped("a\n\nb\r\nc", 5), ["a", "", "b", "c"]);
        assert_eq!(wrapped("a\tb\u{1b}[31m\u{7}c", 20), ["a b[31mc"]);
        assert_eq!(wrapped("", 5), [""]);
        assert!(wrap(&[Span::raw("text")], 0).is_empty());
        assert_eq!(wrap(&[], 5).len(), 1);
    }

    #[test]
    fn wide_and_combining_characters_stay_whole() {
        assert_eq!(wrapped("日本語", 4), ["日本", "語"]);
        assert_eq!(wrapped("日本語", 1), ["…", "…", "…"]);
        assert_eq!(wrapped("e\u{301}e\u{301}e\u{301}", 2), ["e\u{301}e\u{301}", "e\u{301}"]);
        assert_eq!(wrapped("a\u{a0}b c", 3), ["a\u{a0}b", "c"]);
    }

    #[test]
    fn a_highlight_goes_on_over_the_break() {
        let green = Style::new().fg(Color::Green);
        let lines = wrap(&[Span::raw("go "), Span::styled("check : no", green), Span::raw(" .")], 9);
        assert_eq!(texts(&lines), ["go check", ": no ."]);
        assert_eq!(lines[0].spans[1].style, green);
        assert_eq!(lines[1].spans[0].content, ": no");
        assert_eq!(lines[1].spans[0].style, green);
    }

    fn any_spans() -> impl Strategy<Value = Vec<(String, u8)>> {
        let word = prop_oneof![
            4 => "[a-z0-9=*+().:<>/]{1,12}",
            1 => "[日本語한글🙂👩‍👧e\u{301}\u{200b}\u{fe0f}🇩🇪ﾞ]{1,6}",
            3 => "[ \t]{1,3}",
            1 => "[\n\r]{1,2}",
            1 => "\\PC{0,8}",
            1 => any::<String>(),
        ];
        proptest::collection::vec((word, 0u8..4), 0..40)
    }

    fn style_of(number: u8) -> Style {
        match number {
            0 => Style::new(),
            1 => Style::new().fg(Color::Green),
            2 => Style::new().fg(Color::Red).add_modifier(Modifier::UNDERLINED),
            _ => Style::new().add_modifier(Modifier::BOLD),
        }
    }

    /// What must survive: every printable character that is no white space, cluster by cluster, and its style.
    fn ink(spans: &[Span]) -> Vec<(String, Style)> {
        let (text, runs) = printable(spans);
        let mut run = 0;
        let mut offset = 0;
        let mut ink = Vec::new();
        for paragraph in text.split('\n') {
            for cluster in clusters(paragraph, offset, &runs, &mut run) {
                if !cluster.breakable {
                    ink.push((text[cluster.start..cluster.end].to_owned(), cluster.style));
                }
            }
            offset += paragraph.len() + 1;
        }
        ink
    }

    proptest! {
        #[test]
        fn nothing_is_lost_widened_or_restyled(parts in any_spans(), width in 2u16..30) {
            let spans: Vec<Span> =
                parts.iter().map(|(text, style)| Span::styled(text.as_str(), style_of(*style))).collect();
            let lines = wrap(&spans, width);
            for line in &lines {
                prop_assert!(line.width() <= usize::from(width), "{line:?} is wider than {width}");
            }
            let before: Vec<(char, Style)> = ink(&spans)
                .into_iter()
                .flat_map(|(text, style)| {
                    // A cluster of more cells than the line has is replaced as a whole.
                    let text = if text.as_str().cell_width() > width { TOO_WIDE.to_owned() } else { text };
                    text.chars().map(|character| (character, style)).collect::<Vec<_>>()
                })
                // White space under a combining mark does not break.
                .filter(|(character, _)| !is_breaking_space(*character))
                .collect();
            let after: Vec<(char, Style)> = lines
                .iter()
                .flat_map(|line| line.spans.iter())
                .flat_map(|span| span.content.chars().map(|character| (character, span.style)))
                .filter(|(character, _)| !is_breaking_space(*character))
                .collect();
            prop_assert_eq!(before, after);
        }

        #[test]
        fn words_that_fit_are_never_broken(words in proptest::collection::vec("[a-z]{1,9}", 0..30), width in 9u16..40) {
            let text = words.join(" ");
            let back: Vec<String> = wrapped(&text, width)
                .iter()
                .flat_map(|line| line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>())
                .collect();
            prop_assert_eq!(back, words);
        }

        #[test]
        fn any_width_is_safe(text in any::<String>(), width in 0u16..4) {
            for line in wrap(&[Span::raw(text)], width) {
                prop_assert!(line.width() <= usize::from(width));
            }
        }
    }
}
