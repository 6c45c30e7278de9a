//! The characters that dots are drawn with.
//!
//! Braille is in nearly every font, but its dots stand apart. Octants (Unicode 16) and sextants (Unicode 13) are solid, so
//! that a line is one; a terminal that does not draw them shows boxes instead. They are therefore used only where a
//! terminal is known to draw them, or where a person asks for them by `AHA_LINES`.

use ratatui::symbols::pixel::{OCTANTS, SEXTANTS};

/// What curves are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Glyphs {
    /// Solid, two by four dots to a cell.
    Octants,
    /// Solid, two by three.
    Sextants,
    /// Points, two by four.
    #[default]
    Braille,
    /// ASCII, from the pattern of two by four.
    Ascii,
}

/// The first version of Ghostty in which all octants are drawn by the terminal itself, whatever the font.
const GHOSTTY: (u32, u32) = (1, 2);

impl Glyphs {
    /// By `AHA_LINES` (`octants`, `sextants` or `braille`), else octants on a terminal that is known to draw them, and
    /// braille on any other. A multiplexer between is a terminal of its own, and says so in `TERM`.
    pub(in crate::tui) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        match variable("AHA_LINES").as_deref() {
            Some("octants") => return Self::Octants,
            Some("sextants") => return Self::Sextants,
            Some("braille") => return Self::Braille,
            _ => {}
        }
        let is_ghostty = variable("TERM").is_some_and(|term| term == "xterm-ghostty");
        let version = variable("TERM_PROGRAM_VERSION").and_then(|version| {
            let mut parts = version.split('.').map(str::parse::<u32>);
            Some((parts.next()?.ok()?, parts.next()?.ok()?))
        });
        if is_ghostty && version.is_some_and(|version| version >= GHOSTTY) {
            Self::Octants
        } else {
            Self::Braille
        }
    }

    /// Rows of dots in a cell.
    pub(super) fn rows(self) -> usize {
        if self == Self::Sextants { 3 } else { 4 }
    }

    /// The character for a pattern of dots: bit `2 * row + column` for each.
    pub(super) fn character(self, bits: u8) -> char {
        match self {
            Self::Octants => OCTANTS[usize::from(bits)],
            Self::Sextants => SEXTANTS[usize::from(bits & 0x3f)],
            Self::Braille => braille(bits),
            Self::Ascii => plain(bits),
        }
    }
}

/// Braille numbers its dots by columns, and the lowest row last.
fn braille(bits: u8) -> char {
    const DOTS: [u8; 8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];
    let dots = (0..8).filter(|bit| bits >> bit & 1 == 1).map(|bit| DOTS[bit]).sum::<u8>();
    char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' ')
}

/// The ASCII character nearest to a pattern of dots.
fn plain(bits: u8) -> char {
    let upper = bits & 0x0f != 0;
    let lower = bits & 0xf0 != 0;
    match (bits.count_ones(), upper, lower) {
        (6.., _, _) => '#',
        (3.., true, true) => ':',
        (_, true, true) => '-',
        (_, true, false) => '\'',
        _ => '.',
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthChar;

    use super::*;

    fn detect(pairs: &[(&str, &str)]) -> Glyphs {
        Glyphs::detect(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn solid_characters_only_where_they_are_known_to_be_drawn_or_asked_for() {
        let ghostty = |version| detect(&[("TERM", "xterm-ghostty"), ("TERM_PROGRAM_VERSION", version)]);
        assert_eq!((ghostty("1.2.3"), ghostty("2.0")), (Glyphs::Octants, Glyphs::Octants));
        for other in ["1.1.9", "", "1", "x.y", "1.-2"] {
            assert_eq!(ghostty(other), Glyphs::Braille, "{other}");
        }
        let inside = [("TERM", "screen-256color"), ("TERM_PROGRAM_VERSION", "1.2.3")];
        assert_eq!(detect(&inside), Glyphs::Braille, "a multiplexer stands between");
        assert_eq!(detect(&[("TERM", "xterm-256color")]), Glyphs::Braille);
        for (asked, given) in
            [("octants", Glyphs::Octants), ("sextants", Glyphs::Sextants), ("dots", Glyphs::Braille)]
        {
            assert_eq!(detect(&[("AHA_LINES", asked)]), given);
        }
        let both = [("AHA_LINES", "braille"), ("TERM", "xterm-ghostty"), ("TERM_PROGRAM_VERSION", "1.2")];
        assert_eq!(detect(&both), Glyphs::Braille);
    }

    #[test]
    fn each_pattern_has_the_character_that_shows_it() {
        let corner = |glyphs: Glyphs, row: usize, column: usize| glyphs.character(1 << (2 * row + column));
        assert_eq!(
            [(0, 0), (0, 1), (1, 0), (2, 1), (3, 0), (3, 1)].map(|(r, c)| corner(Glyphs::Braille, r, c)),
            ['⠁', '⠈', '⠂', '⠠', '⡀', '⢀']
        );
        assert_eq!(
            [0x0f, 0xf0, 0x55, 0xff].map(|bits| Glyphs::Octants.character(bits)),
            ['▀', '▄', '▌', '█']
        );
        assert_eq!([0x03, 0x15, 0x3f].map(|bits| Glyphs::Sextants.character(bits)), ['🬂', '▌', '█']);
        for bits in 0..=255 {
            assert!(Glyphs::Ascii.character(bits).is_ascii_graphic());
            for glyphs in [Glyphs::Octants, Glyphs::Sextants, Glyphs::Braille] {
                assert_eq!(glyphs.character(bits).width(), Some(1), "{glyphs:?} {bits}");
            }
        }
    }
}
