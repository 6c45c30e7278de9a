//! The tokens of one completion in the colours of a lens, and what the colours mean.

use ratatui::{
    style::Modifier,
    text::{Line, Span},
};
use unicode_width::UnicodeWidthStr;

use super::lens::{Lens, style, symbol};
use crate::{
    protocol::RowInspection,
    record::{Rollout, explain::Bounds},
    tui::{shell::theme::Theme, widgets::lines::span},
};

/// The text of each token, and whether the token borders are exact. A record has no borders. If it has as many words
/// as tokens, the words are the tokens (the shipped vocabulary consists of words); otherwise each word stands for the
/// tokens near its place.
pub(super) fn pieces(record: &Rollout, seen: Option<&RowInspection>) -> (Vec<String>, bool) {
    if let Some(seen) = seen {
        return (seen.pieces.clone(), true);
    }
    let tokens = record.token_ids().len();
    let mut words: Vec<String> =
        record.completion.split_whitespace().map(|word| format!(" {word}")).collect();
    if words.len() + 1 == tokens && !record.truncated {
        words.push(" <end>".into());
    }
    let exact = words.len() == tokens;
    (words, exact)
}

/// How the tokens are coloured.
pub(super) struct Shading {
    pub(super) lens: Lens,
    pub(super) values: Option<Vec<f64>>,
    /// The largest value of the group; see [`Lens::scale`].
    pub(super) scale: f64,
    pub(super) bounds: Bounds,
    pub(super) exact: bool,
}

impl Shading {
    /// The level of a piece: of its token, or of the mean of the tokens at its share of the text.
    fn level(&self, index: usize, pieces: usize) -> Option<i8> {
        let values = self.values.as_ref()?;
        let value = if self.exact {
            *values.get(index)?
        } else {
            let from = (index * values.len() / pieces.max(1)).min(values.len().saturating_sub(1));
            let to = ((index + 1) * values.len() / pieces.max(1)).clamp(from + 1, values.len().max(from + 1));
            let part = values.get(from..to)?;
            part.iter().sum::<f64>() / part.len() as f64
        };
        Some(self.lens.level(value, self.scale, self.bounds))
    }
}

/// A token with its spaces and line breaks as signs; one without any text is a sign too.
pub(super) fn visible(piece: &str, theme: &Theme) -> String {
    let sign = |c: char| match c {
        ' ' => theme.glyph("·", "_").to_owned(),
        '\n' => theme.glyph("⏎", "/").to_owned(),
        '\t' => theme.glyph("→", ">").to_owned(),
        c if c.is_control() => format!("\\x{:02X}", u32::from(c)),
        c => c.to_string(),
    };
    match piece.is_empty() {
        true => theme.glyph("∅", "~").to_owned(),
        false => piece.chars().map(sign).collect(),
    }
}

/// The same within a text, where the space beside a word is one.
fn set_apart(piece: &str, theme: &Theme) -> String {
    let is_seen = |c: char| !c.is_whitespace();
    let (before, rest) = match piece.strip_prefix(' ') {
        Some(rest) if rest.starts_with(is_seen) => (" ", rest),
        _ => ("", piece),
    };
    let (rest, after) = match rest.strip_suffix(' ') {
        Some(rest) if rest.ends_with(is_seen) => (rest, " "),
        _ => (rest, ""),
    };
    format!("{before}{}{after}", visible(rest, theme))
}

/// The tokens of a completion as lines.
pub(super) struct TokenLines {
    /// The lines; without colour, each with a line of marks below it.
    pub lines: Vec<Line<'static>>,
    /// The first token of each line.
    pub starts: Vec<usize>,
    /// The columns of each token, line by line.
    pub places: Vec<Vec<(std::ops::Range<u16>, usize)>>,
}

/// The wrapped tokens, without colours with a line of symbols under each line, and the first token of each line.
pub(super) fn token_lines(
    pieces: &[String],
    shading: &Shading,
    cursor: usize,
    theme: &Theme,
    width: u16,
) -> TokenLines {
    let mut places = vec![Vec::new()];
    let width = usize::from(width).max(1);
    let (mut lines, mut starts) = (Vec::new(), Vec::new());
    let (mut text, mut marks, mut used): (Vec<Span<'static>>, Vec<Span<'static>>, usize) = Default::default();
    for (index, piece) in pieces.iter().enumerate() {
        let mut shown = set_apart(piece, theme);
        if shown.width() > width {
            shown = shown.chars().take(width / 2).collect();
        }
        if used > 0 && used + shown.width() > width {
            lines.push(Line::from(std::mem::take(&mut text)));
            if !theme.color {
                lines.push(Line::from(std::mem::take(&mut marks)));
            }
            used = 0;
            places.push(Vec::new());
        }
        if used == 0 {
            starts.push(index);
        }
        let (gap, word) = match shown.strip_prefix(' ') {
            Some(word) if !word.is_empty() => (" ", word.to_owned()),
            _ => ("", shown.clone()),
        };
        let level = shading.level(index, pieces.len());
        let signed = shading.lens.signed();
        let mut look = level.map_or(theme.text, |level| style(theme, signed, level));
        if index == cursor {
            look = theme.accent.add_modifier(Modifier::REVERSED | Modifier::UNDERLINED);
        }
        let column = used as u16;
        used += shown.width();
        places.last_mut().into_iter().for_each(|row| row.push((column..used as u16, index)));
        let under = level.map_or(' ', |level| symbol(signed, level)).to_string().repeat(word.width());
        text.extend([span(gap, theme.text), span(word, look)]);
        marks.extend([span(gap, theme.text), span(under, theme.dim)]);
    }
    if !text.is_empty() {
        lines.push(Line::from(text));
        if !theme.color {
            lines.push(Line::from(marks));
        }
    }
    TokenLines { lines, starts, places }
}

/// What the colours (or symbols) mean, or why there are none.
pub(super) fn legend(
    lens: Lens,
    missing: Option<&str>,
    scale: f64,
    bounds: Bounds,
    theme: &Theme,
    width: u16,
) -> Line<'static> {
    let key = Lens::ALL.iter().position(|other| *other == lens).map_or(0, |at| at + 1);
    let mut spans =
        vec![span(format!("{key} "), theme.hint_key), span(lens.name(), theme.title), span(": ", theme.dim)];
    if let Some(missing) = missing {
        spans.push(span(missing.to_owned(), theme.warning));
        return Line::from(spans);
    }
    let signed = lens.signed();
    for (level, words) in lens.legend(scale, bounds) {
        let words = if theme.color { words } else { format!("{} {words}", symbol(signed, level)) };
        let used: usize = spans.iter().map(Span::width).sum();
        if used + words.width() + 2 > usize::from(width) {
            break;
        }
        spans.push(span(words, style(theme, signed, level)));
        spans.push(span("  ", theme.dim));
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_line_breaks_can_be_seen() {
        let theme = |ascii: bool| Theme { ascii, ..Theme::colored() };
        for (piece, seen, ascii) in [
            (" the", " the", " the"),
            ("the", "the", "the"),
            ("the ", "the ", "the "),
            (" ", "·", "_"),
            ("   x", "···x", "___x"),
            ("\n\n", "⏎⏎", "//"),
            (" a b\n", " a·b⏎", " a_b/"),
            ("\t", "→", ">"),
            ("", "∅", "~"),
            ("\u{1b}[", "\\x1B[", "\\x1B["),
            ("\\xE2", "\\xE2", "\\xE2"),
        ] {
            assert_eq!(set_apart(piece, &theme(false)), seen, "{piece:?}");
            assert_eq!(set_apart(piece, &theme(true)), ascii, "{piece:?}");
        }
        assert_eq!(visible(" the", &theme(false)), "·the");
    }
}
