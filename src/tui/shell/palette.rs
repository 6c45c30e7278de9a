//! The colours of the screen, chosen by what is known about the terminal.

use ratatui::style::Color;

/// The seven hues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Palette {
    /// What acts; keys.
    pub blue: Color,
    /// True checks.
    pub cyan: Color,
    /// Misled checks.
    pub rose: Color,
    /// False checks.
    pub magenta: Color,
    /// Warnings and superficial checks.
    pub yellow: Color,
    /// Right answers.
    pub green: Color,
    /// Wrong answers and errors.
    pub red: Color,
}

impl Palette {
    /// For any background: each colour is about as far from black as from white. They are colours of the fixed 256,
    /// since the first sixteen are whatever the terminal makes of them, and its yellow on white can hardly be read.
    pub(crate) const ANY: Self = Self::indexed(63, 30, 161, 163, 130, 28, 160);
    /// For a light background: deeper.
    pub(crate) const LIGHT: Self = Self::indexed(26, 24, 125, 127, 94, 22, 124);
    /// For a dark background that is known to be dark.
    pub(crate) const DARK: Self = Self::indexed(75, 80, 204, 177, 221, 114, 203);
    /// For a dark background: seven hues of different lightness, so that they are told apart without red or green.
    pub(crate) const COLOR_BLIND: Self = Self::indexed(104, 117, 168, 135, 220, 34, 216);
    /// The terminal's own colours.
    pub(crate) const TERMINAL: Self = Self {
        blue: Color::LightBlue,
        cyan: Color::Cyan,
        rose: Color::LightRed,
        magenta: Color::Magenta,
        yellow: Color::Yellow,
        green: Color::Green,
        red: Color::Red,
    };

    /// All seven.
    #[cfg(test)]
    pub(super) fn hues(self) -> [Color; 7] {
        let Self { blue, cyan, rose, magenta, yellow, green, red } = self;
        [blue, cyan, rose, magenta, yellow, green, red]
    }

    const fn indexed(blue: u8, cyan: u8, rose: u8, magenta: u8, yellow: u8, green: u8, red: u8) -> Self {
        Self {
            blue: Color::Indexed(blue),
            cyan: Color::Indexed(cyan),
            rose: Color::Indexed(rose),
            magenta: Color::Indexed(magenta),
            yellow: Color::Indexed(yellow),
            green: Color::Indexed(green),
            red: Color::Indexed(red),
        }
    }

    /// By `AHA_BACKGROUND` (`light` or `dark`), else by the `COLORFGBG` that some terminals set, else for any. A console
    /// of sixteen colours has a dark background.
    pub(crate) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        const SIXTEEN: [&str; 7] = ["linux", "ansi", "cons25", "cygwin", "vt100", "vt220", "xterm-16color"];
        match variable("AHA_BACKGROUND").as_deref() {
            Some("light") => return Self::LIGHT,
            Some("dark") => return Self::TERMINAL,
            _ => {}
        }
        if variable("TERM").is_some_and(|term| SIXTEEN.contains(&term.as_str())) {
            return Self::TERMINAL;
        }
        // `15;0`, or `15;default;0`: the background comes last, as a number of the sixteen.
        let background = variable("COLORFGBG")
            .and_then(|value| value.rsplit(';').next().and_then(|last| last.parse::<u8>().ok()));
        match background {
            Some(7 | 15) => Self::LIGHT,
            Some(0 | 8) => Self::TERMINAL,
            _ => Self::ANY,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::{super::colors::rgb, *};

    fn detect(pairs: &[(&str, &str)]) -> Palette {
        let find = |name: &str| pairs.iter().find(|(key, _)| *key == name);
        Palette::detect(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_background_is_what_a_person_says_or_else_the_terminal() {
        assert_eq!(detect(&[("TERM", "xterm-256color")]), Palette::ANY);
        assert_eq!(detect(&[("COLORFGBG", "0;15")]), Palette::LIGHT);
        assert_eq!(detect(&[("COLORFGBG", "15;default;0")]), Palette::TERMINAL);
        assert_eq!(detect(&[("COLORFGBG", "12;3")]), Palette::ANY);
        assert_eq!(detect(&[("COLORFGBG", "0;15"), ("AHA_BACKGROUND", "dark")]), Palette::TERMINAL);
        assert_eq!(detect(&[("TERM", "linux"), ("AHA_BACKGROUND", "light")]), Palette::LIGHT);
        assert_eq!(detect(&[("TERM", "linux")]), Palette::TERMINAL);
        assert_eq!(detect(&[("AHA_BACKGROUND", "striped")]), Palette::ANY);
    }

    /// The share of light that a colour gives off (WCAG 2.2, relative luminance).
    fn luminance(color: Color) -> f64 {
        let channel = |level: u8| {
            let value = f64::from(level) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = rgb(color).unwrap().map(channel);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    #[test]
    fn every_colour_can_be_read_on_black_and_on_white() {
        for color in Palette::ANY.hues() {
            let light = luminance(color);
            let (on_white, on_black) = (1.05 / (light + 0.05), (light + 0.05) / 0.05);
            assert!(on_white > 3.8 && on_black > 3.8, "{color:?}: {on_white:.2} {on_black:.2}");
        }
        for color in Palette::LIGHT.hues() {
            let on_white = 1.05 / (luminance(color) + 0.05);
            assert!(on_white > 4.5, "{color:?}: {on_white:.2}");
        }
    }
}
