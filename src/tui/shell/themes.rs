//! The themes by name. One follows what is known of the terminal, one its own sixteen colours; three bring their own
//! background.

use std::fmt;

use ratatui::{buffer::Buffer, style::Color};

use super::{palette::Palette, theme::Theme};

/// The variable that chooses one.
pub const VARIABLE: &str = "AHA_THEME";

/// A theme by its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Named {
    /// Readable on any background, or fit for the one that the terminal says it has.
    #[default]
    Auto,
    /// The terminal's own sixteen colours.
    Terminal,
    /// On white.
    Light,
    /// On black.
    Dark,
    /// On black, in hues that people tell apart who see red and green alike.
    ColorBlind,
}

/// Text and background of a theme that brings its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ground {
    /// Ordinary text.
    pub text: Color,
    /// What it stands on.
    pub back: Color,
}

impl Ground {
    /// On white.
    const LIGHT: Self = Self { text: Color::Indexed(235), back: Color::Indexed(231) };
    /// On a soft black.
    const DARK: Self = Self { text: Color::Indexed(252), back: Color::Indexed(234) };

    /// Paints what was drawn in the terminal's own text colour or on its own background.
    pub(super) fn paint(self, buffer: &mut Buffer) {
        for cell in &mut buffer.content {
            if cell.fg == Color::Reset {
                cell.fg = self.text;
            }
            if cell.bg == Color::Reset {
                cell.bg = self.back;
            }
        }
    }
}

impl Named {
    /// All of them, in the order in which the key goes through them.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Terminal, Self::Light, Self::Dark, Self::ColorBlind];

    /// Its name, as in `AHA_THEME`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Terminal => "terminal",
            Self::Light => "light",
            Self::Dark => "dark",
            Self::ColorBlind => "color-blind",
        }
    }

    /// What it is, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Self::Auto => "readable on any background",
            Self::Terminal => "the sixteen colours of the terminal",
            Self::Light => "on white",
            Self::Dark => "on black",
            Self::ColorBlind => "on black, without red against green",
        }
    }

    /// The theme of this name.
    ///
    /// # Errors
    /// A sentence with the names that there are.
    pub fn read(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|theme| theme.name() == name.trim());
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no theme '{}': choose one of {names}", name.trim().escape_debug())
        })
    }

    /// The next one, round and round.
    pub(super) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|theme| *theme == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// How everything is drawn in it; `auto` is the theme that was detected.
    pub(super) fn theme(self, auto: &Theme) -> Theme {
        let of = |palette, ground| Theme { ground, ascii: auto.ascii, ..Theme::of(palette) };
        match self {
            Self::Auto => auto.clone(),
            // Without colours there is nothing to choose.
            _ if !auto.color => auto.clone(),
            Self::Terminal => of(Palette::TERMINAL, None),
            Self::Light => of(Palette::LIGHT, Some(Ground::LIGHT)),
            Self::Dark => of(Palette::DARK, Some(Ground::DARK)),
            Self::ColorBlind => of(Palette::COLOR_BLIND, Some(Ground::DARK)),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::tui::shell::colors::rgb;

    /// A linear mixture of light.
    type Light = [f64; 3];

    fn light(color: Color) -> Light {
        rgb(color).unwrap().map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn mixed(matrix: [Light; 3], light: Light) -> Light {
        let sum = |row: Light| row.iter().zip(light).map(|(weight, part)| weight * part).sum::<f64>();
        matrix.map(|row| sum(row).clamp(0.0, 1.0))
    }

    const EVERYONE: [Light; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    /// Machado, Oliveira and Fernandes (2009), severity 1.
    const PROTANOPIA: [Light; 3] = [
        [0.152_286, 1.052_583, -0.204_868],
        [0.114_503, 0.786_281, 0.099_216],
        [-0.003_882, -0.048_116, 1.051_998],
    ];
    const DEUTERANOPIA: [Light; 3] = [
        [0.367_322, 0.860_646, -0.227_968],
        [0.280_085, 0.672_501, 0.047_413],
        [-0.011_820, 0.042_940, 0.968_881],
    ];

    /// CIE 1976 L*a*b* under D65.
    fn lab(light: Light) -> Light {
        const XYZ: [Light; 3] = [
            [0.412_456_4 / 0.950_47, 0.357_576_1 / 0.950_47, 0.180_437_5 / 0.950_47],
            [0.212_672_9, 0.715_152_2, 0.072_175_0],
            [0.019_333_9 / 1.088_83, 0.119_192_0 / 1.088_83, 0.950_304_1 / 1.088_83],
        ];
        let root = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
        let [x, y, z] = mixed(XYZ, light).map(root);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    /// The smallest difference of two colours, for everybody (CIE76; 2.3 is just noticeable side by side).
    fn difference(a: Color, b: Color) -> f64 {
        let seen = |eyes| {
            let [a, b] = [a, b].map(|color| lab(mixed(eyes, light(color))));
            a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
        };
        [EVERYONE, PROTANOPIA, DEUTERANOPIA].map(seen).into_iter().fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn the_hues_of_the_colour_blind_theme_are_far_apart_for_everybody() {
        let Ground { text, .. } = Ground::DARK;
        let hues = Palette::COLOR_BLIND.hues();
        for (place, hue) in hues.iter().enumerate() {
            assert!(difference(*hue, text) > 15.0, "{hue:?} and the text");
            for other in &hues[place + 1..] {
                let apart = difference(*hue, *other);
                assert!(apart > 20.0, "{hue:?} {other:?}: {apart:.1}");
            }
        }
        // What this test would say of hues that were not chosen for it.
        let dark = Palette::DARK.hues();
        let least = (0..7).flat_map(|a| (0..a).map(move |b| (a, b)));
        let least = least.map(|(a, b)| difference(dark[a], dark[b])).fold(f64::INFINITY, f64::min);
        assert!(least < 20.0, "{least}");
    }

    #[test]
    fn every_hue_can_be_read_on_the_ground_of_its_theme() {
        for named in [Named::Light, Named::Dark, Named::ColorBlind] {
            let Ground { text, back } = named.theme(&Theme::colored()).ground.unwrap();
            let palette = match named {
                Named::Light => Palette::LIGHT,
                Named::Dark => Palette::DARK,
                _ => Palette::COLOR_BLIND,
            };
            // WCAG 2.2: relative luminance and contrast.
            let luminance = |color| {
                let [red, green, blue] = light(color);
                0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05
            };
            for color in palette.hues().into_iter().chain([text]) {
                let (a, b) = (luminance(color), luminance(back));
                assert!(a.max(b) / a.min(b) > 4.5, "{named}: {color:?}");
            }
        }
    }

    #[test]
    fn each_is_found_by_its_name_and_going_on_comes_round() {
        let mut at = Named::default();
        for named in Named::ALL {
            assert_eq!((Named::read(named.name()), at), (Ok(named), named));
            at = at.next();
        }
        assert_eq!(at, Named::default());
        let sentence = Named::read("solarized").unwrap_err();
        assert!(sentence.contains("'solarized'") && sentence.contains("color-blind"), "{sentence}");
    }

    #[test]
    fn without_colours_every_theme_is_the_plain_one() {
        for named in Named::ALL {
            assert_eq!(named.theme(&Theme::plain()), Theme::plain());
        }
        let ascii = Theme { ascii: true, ..Theme::colored() };
        assert!(Named::Dark.theme(&ascii).ascii);
    }
}
