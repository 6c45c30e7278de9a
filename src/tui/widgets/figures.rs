//! Numbers and small bars as fixed-width text.

use super::numbers::UNKNOWN;
use crate::tui::shell::theme::Theme;

/// An advantage or reward in at most five cells, with its sign if `signed`; `-` where an engine does not say it.
pub(in crate::tui) fn figure(value: f64, signed: bool) -> String {
    if value.is_nan() {
        return UNKNOWN.to_owned();
    }
    let value = if value == 0.0 { 0.0 } else { value };
    let text = match (signed, value.abs() < 9.995) {
        (true, true) => format!("{value:+.2}"),
        (true, false) => format!("{value:+.0}"),
        (false, true) => format!("{value:.2}"),
        (false, false) => format!("{value:.0}"),
    };
    // A rounded zero has no sign.
    let text = if text == "-0.00" { "+0.00".to_owned() } else { text };
    if text.len() > 5 { format!("{value:.0e}").chars().take(5).collect() } else { text }
}

/// A count with a comma every three digits.
pub(in crate::tui) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A bar that grows from a centre line: `half` cells to each side, full at `scale`. Returned in three parts: left of
/// the line, the line, and right of it.
pub(in crate::tui) fn signed_bar(value: f64, scale: f64, half: usize, theme: &Theme) -> [String; 3] {
    // Equal rewards leave rounding errors as advantages, which are not drawn.
    let share = if scale > 1e-6 && value.is_finite() { (value / scale).clamp(-1.0, 1.0) } else { 0.0 };
    let halves = (share.abs() * (half * 2) as f64).round() as usize;
    let (full, odd) = (halves / 2, halves % 2 == 1);
    let blank = |cells: usize| " ".repeat(cells);
    // Without colours the sides have different strokes.
    let stroke = match (share < 0.0, theme.color) {
        (true, false) => theme.glyph("╍", "="),
        _ => theme.glyph("━", "#"),
    };
    let bar = stroke.repeat(full);
    let rest = blank(half - full - usize::from(odd));
    let middle = theme.glyph("│", "|").to_owned();
    if share < 0.0 {
        let end = if odd { theme.glyph("╺", "-") } else { "" };
        [format!("{rest}{end}{bar}"), middle, blank(half)]
    } else {
        let end = if odd { theme.glyph("╸", "-") } else { "" };
        [blank(half), middle, format!("{bar}{end}{rest}")]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn figures_read_as_one_would_write_them() {
        assert_eq!(figure(0.1, false), "0.10");
        assert_eq!(figure(-0.354, true), "-0.35");
        assert_eq!(figure(-0.001, true), "+0.00");
        assert_eq!(figure(1234.0, true), "+1234");
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn bars_grow_from_the_middle() {
        let theme = Theme::plain();
        let joined = |value, scale, theme: &Theme| signed_bar(value, scale, 3, theme).concat();
        assert_eq!(joined(1.0, 1.0, &theme), "   │━━━");
        assert_eq!(joined(-0.5, 1.0, &theme), " ╺╍│   ");
        assert_eq!(joined(-0.5, 1.0, &Theme::colored()), " ╺━│   ");
        assert_eq!(joined(0.0, 0.0, &theme), "   │   ");
        assert_eq!(joined(1e-17, 1e-17, &theme), "   │   ");
        assert_eq!(joined(0.2, 1.0, &Theme { ascii: true, ..theme }), "   |-  ");
    }

    proptest! {
        #[test]
        fn widths_never_change(value in any::<f64>(), scale in any::<f64>(), half in 1usize..6) {
            prop_assert_eq!(signed_bar(value, scale, half, &Theme::colored()).concat().width(), half * 2 + 1);
            prop_assert!(figure(value, true).len() <= 5);
            prop_assert!(figure(value, false).len() <= 5);
        }
    }
}
