//! Colours and marks. One meaning, one style.
//!
//! Everything is drawn on the terminal's own background, which a program mostly does not know. Where it is not known
//! every colour is one that can be read on black and on white; a terminal that says what it has, or a person who does,
//! gets brighter or deeper ones (see [`palette`](super::palette)). Nothing is told by hue alone: true,
//! misled and false checks differ by cyan, rose and magenta, by underlining, and by a mark. Under `NO_COLOR` the same
//! distinctions are made by modifiers.

use ratatui::style::{Modifier, Style};

use super::{palette::Palette, themes::Ground};
use crate::tui::chart::Glyphs;

/// How everything on screen is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Ordinary text.
    pub text: Style,
    /// Unimportant text: units, raw points, finished phases.
    pub dim: Style,
    /// Whatever is active: the current phase, the cursor, the progress bar.
    pub accent: Style,
    /// Panel borders.
    pub border: Style,
    /// Panel titles.
    pub title: Style,
    /// A check that is right about the actual value.
    pub true_check: Style,
    /// A check that is right about a miscalculated value.
    pub misled_check: Style,
    /// A check with a wrong verdict or wrong arithmetic.
    pub false_check: Style,
    /// A checking phrase that checks nothing.
    pub superficial: Style,
    /// A right answer; also the accuracy curve.
    pub right: Style,
    /// A wrong answer.
    pub wrong: Style,
    /// The reward curve.
    pub reward: Style,
    /// The length curve.
    pub length: Style,
    /// The total number of checks.
    pub checks: Style,
    /// Reference lines: the base model's values.
    pub reference: Style,
    /// The aha mark, and a self-correction as it happens.
    pub aha: Style,
    /// The selected row.
    pub selection: Style,
    /// A match of the search.
    pub search_match: Style,
    /// A key in the hint bar and in the help.
    pub hint_key: Style,
    /// What the key does.
    pub hint_text: Style,
    /// Warnings.
    pub warning: Style,
    /// Errors and failures.
    pub error: Style,
    /// Whether only ASCII may be drawn (no braille, no box drawing).
    pub ascii: bool,
    /// What curves are drawn with where more than ASCII may be drawn.
    pub lines: Glyphs,
    /// Whether colours may be used.
    pub color: bool,
    /// Its own text and background; `None` leaves those of the terminal.
    pub ground: Option<Ground>,
}

impl Theme {
    /// Reads `NO_COLOR` (any non-empty value), `AHA_ASCII` (any value but `0`), `TERM`, and what is said of the
    /// background (`AHA_BACKGROUND`, `COLORFGBG`) and of curves (`AHA_LINES`) from the environment that `variable` looks
    /// names up in.
    pub(crate) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        let no_color = variable("NO_COLOR").is_some_and(|value| !value.is_empty()) || term == "dumb";
        // The Linux console's font has no braille.
        let ascii = match variable("AHA_ASCII") {
            Some(value) if !value.is_empty() => value != "0",
            _ => term == "linux" || term == "dumb",
        };
        let lines = Glyphs::detect(&variable);
        let themed = if no_color { Self::plain() } else { Self::of(Palette::detect(variable)) };
        Self { ascii, lines, ..themed }
    }

    /// The theme for an unknown background.
    pub fn colored() -> Self {
        Self::of(Palette::ANY)
    }

    /// The theme in these colours.
    pub fn of(palette: Palette) -> Self {
        let plain = Style::new();
        let dim = plain.add_modifier(Modifier::DIM);
        let bold = |color| plain.fg(color).add_modifier(Modifier::BOLD);
        Self {
            text: plain,
            dim,
            accent: bold(palette.blue),
            border: dim,
            title: plain.add_modifier(Modifier::BOLD),
            true_check: bold(palette.cyan),
            misled_check: bold(palette.rose).add_modifier(Modifier::UNDERLINED),
            false_check: plain.fg(palette.magenta).add_modifier(Modifier::UNDERLINED),
            superficial: plain.fg(palette.yellow).add_modifier(Modifier::ITALIC),
            right: bold(palette.green),
            wrong: plain.fg(palette.red),
            reward: bold(palette.blue),
            length: bold(palette.blue),
            checks: bold(palette.cyan),
            reference: dim,
            aha: bold(palette.cyan).add_modifier(Modifier::REVERSED),
            selection: plain.add_modifier(Modifier::REVERSED),
            search_match: plain.fg(palette.yellow).add_modifier(Modifier::REVERSED),
            hint_key: bold(palette.blue),
            hint_text: dim,
            warning: bold(palette.yellow),
            error: bold(palette.red),
            ascii: false,
            lines: Glyphs::default(),
            color: true,
            ground: None,
        }
    }

    /// The theme without colours: bold, dim, underlined and reversed only.
    pub fn plain() -> Self {
        let plain = Style::new();
        let dim = plain.add_modifier(Modifier::DIM);
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            text: plain,
            dim,
            accent: bold,
            border: dim,
            title: bold,
            true_check: plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            misled_check: plain.add_modifier(Modifier::REVERSED | Modifier::UNDERLINED),
            false_check: plain.add_modifier(Modifier::REVERSED),
            superficial: plain.add_modifier(Modifier::DIM | Modifier::UNDERLINED),
            right: bold,
            wrong: plain,
            reward: bold,
            length: bold,
            checks: bold,
            reference: dim,
            aha: plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            selection: plain.add_modifier(Modifier::REVERSED),
            search_match: plain.add_modifier(Modifier::BOLD | Modifier::REVERSED | Modifier::UNDERLINED),
            hint_key: bold,
            hint_text: dim,
            warning: bold,
            error: plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            ascii: false,
            lines: Glyphs::default(),
            color: false,
            ground: None,
        }
    }

    /// Mark and style of a right, wrong or unjudged answer. Checks have marks of their own.
    pub fn answer(&self, right: impl Into<Option<bool>>) -> (&'static str, Style) {
        match right.into() {
            Some(true) => (self.glyph("✓", "v"), self.right),
            Some(false) => (self.glyph("✗", "x"), self.wrong),
            None => ("?", self.dim),
        }
    }

    /// The mark of a completion that was cut off.
    pub fn cut_off(&self) -> &'static str {
        self.glyph("…", ".")
    }

    /// What curves are drawn with.
    pub(in crate::tui) fn glyphs(&self) -> Glyphs {
        if self.ascii { Glyphs::Ascii } else { self.lines }
    }

    /// `fancy`, or `plain` where only ASCII may be drawn.
    pub fn glyph(&self, fancy: &'static str, plain: &'static str) -> &'static str {
        if self.ascii { plain } else { fancy }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn detect(pairs: &[(&str, &str)]) -> Theme {
        Theme::detect(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    fn meanings(theme: &Theme) -> [Style; 6] {
        [theme.text, theme.true_check, theme.misled_check, theme.false_check, theme.superficial, theme.right]
    }

    #[test]
    fn no_color_leaves_no_colour_and_still_tells_checks_apart() {
        let theme = detect(&[("NO_COLOR", "1")]);
        assert!(!theme.color);
        for style in meanings(&theme) {
            assert_eq!((style.fg, style.bg), (None, None));
        }
        assert!(detect(&[("NO_COLOR", "")]).color, "an empty NO_COLOR does not count");
    }

    #[test]
    fn every_kind_of_check_has_its_own_style() {
        let palettes = [Palette::ANY, Palette::LIGHT, Palette::DARK, Palette::TERMINAL, Palette::COLOR_BLIND];
        for theme in palettes.map(Theme::of).into_iter().chain([Theme::plain()]) {
            let styles = meanings(&theme);
            for (i, left) in styles.iter().enumerate() {
                for right in &styles[i + 1..] {
                    assert_ne!(left, right);
                }
            }
            // Not by hue alone.
            assert_ne!(theme.true_check.add_modifier, theme.false_check.add_modifier);
        }
    }

    #[test]
    fn ascii_is_asked_for_or_follows_the_terminal() {
        assert!(detect(&[("AHA_ASCII", "1")]).ascii);
        assert!(!detect(&[("AHA_ASCII", "0"), ("TERM", "linux")]).ascii);
        assert!(detect(&[("TERM", "linux")]).ascii);
        assert!(!detect(&[("TERM", "xterm-256color")]).ascii);
    }
}
