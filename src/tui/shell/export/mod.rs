//! A transcript or the screen as a file: Markdown, plain text, text with ANSI colours, or a picture.

mod ansi;
mod file;
mod svg;
mod transcript;
mod writing;

use ratatui::buffer::Buffer;

pub(super) use self::{transcript::of_handout, writing::carry_out};
use super::theme::Theme;

/// What a file is written as; its ending says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Markdown.
    Markdown,
    /// Text.
    Plain,
    /// Text with the colours of a terminal.
    Ansi,
    /// A picture.
    Svg,
}

impl Form {
    /// All of them, in the order in which Tab goes through them.
    pub const ALL: [Self; 4] = [Self::Markdown, Self::Plain, Self::Ansi, Self::Svg];

    /// The ending of such a file.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Markdown => ".md",
            Self::Plain => ".txt",
            Self::Ansi => ".ans",
            Self::Svg => ".svg",
        }
    }

    /// What it is.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Markdown => "Markdown",
            Self::Plain => "plain text",
            Self::Ansi => "text with ANSI colours",
            Self::Svg => "a picture",
        }
    }

    /// What a file of this name is written as.
    pub fn of(file_name: &str) -> Option<Self> {
        let name = file_name.trim();
        Self::ALL.into_iter().find(|form| name.len() > form.ending().len() && name.ends_with(form.ending()))
    }

    /// The endings, in words.
    pub(super) fn endings() -> String {
        let [first @ .., last] = Self::ALL.map(Self::ending);
        format!("{} or {last}", first.join(", "))
    }
}

/// The same name with the ending of the next form.
pub(super) fn with_next_ending(file_name: &str) -> String {
    let form = Form::of(file_name);
    let stem = form.and_then(|form| file_name.trim().strip_suffix(form.ending())).unwrap_or(file_name.trim());
    let at = form.and_then(|form| Form::ALL.iter().position(|other| *other == form));
    let next = Form::ALL[at.map_or(0, |at| (at + 1) % Form::ALL.len())];
    format!("{stem}{}", next.ending())
}

/// A picture of the screen in a form.
pub(super) fn of_screen(buffer: &Buffer, title: &str, form: Form, theme: &Theme) -> String {
    match form {
        Form::Plain => plain(buffer),
        Form::Markdown => {
            let text = plain(buffer);
            // A fence is longer than any in the text.
            let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
            format!("# {title}\n\n{fence}text\n{text}{fence}\n")
        }
        Form::Ansi => ansi::of(buffer),
        Form::Svg => svg::of(buffer, title, theme),
    }
}

/// The rows of a picture as text.
fn plain(buffer: &Buffer) -> String {
    let mut text = String::new();
    for row in rows(buffer) {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The cells of each row; those that lie under the second half of a wide character are left out.
fn rows(buffer: &Buffer) -> Vec<Vec<&ratatui::buffer::Cell>> {
    let width = usize::from(buffer.area.width).max(1);
    let whole = |row: &'_ [ratatui::buffer::Cell]| -> Vec<usize> {
        let (mut kept, mut hidden) = (Vec::new(), 0);
        for (at, cell) in row.iter().enumerate() {
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            kept.push(at);
            hidden = unicode_width::UnicodeWidthStr::width(cell.symbol()).saturating_sub(1);
        }
        kept
    };
    buffer.content.chunks(width).map(|row| whole(row).into_iter().map(|at| &row[at]).collect()).collect()
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ratatui::{
        layout::Rect,
        style::{Color, Modifier, Style},
    };

    use super::*;

    fn picture() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(
            0,
            0,
            "a <b> & c",
            Style::new().fg(Color::Indexed(28)).add_modifier(Modifier::BOLD),
        );
        buffer.set_string(0, 1, "日x", Style::new().add_modifier(Modifier::REVERSED));
        buffer
    }

    #[test]
    fn the_ending_says_the_form_and_tab_goes_round() {
        assert_eq!(Form::of("a.b.svg"), Some(Form::Svg));
        assert_eq!((Form::of(".svg"), Form::of("a.png"), Form::of("")), (None, None, None));
        let mut name = "x".to_owned();
        for form in Form::ALL.into_iter().chain([Form::Markdown]) {
            name = with_next_ending(&name);
            assert_eq!(Form::of(&name), Some(form));
        }
        assert_eq!(name, "x.md");
    }

    #[test]
    fn each_form_has_the_text_and_nothing_that_could_be_taken_for_markup() {
        let theme = Theme::colored();
        let as_form = |form| of_screen(&picture(), "Live", form, &theme);
        assert_eq!(as_form(Form::Plain), "a <b> & c\n日x\n");
        assert_eq!(as_form(Form::Markdown), "# Live\n\n```text\na <b> & c\n日x\n```\n");
        let ansi = as_form(Form::Ansi);
        assert!(ansi.contains("\u{1b}[0;1;38;5;28ma <b> & c"), "{ansi:?}");
        assert!(ansi.contains("\u{1b}[0;7m日x") && ansi.ends_with("\u{1b}[0m\n"), "{ansi:?}");
        let svg = as_form(Form::Svg);
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(svg.contains("a &lt;b&gt; &amp; c") && svg.contains("font-weight=\"bold\""), "{svg}");
        assert!(!svg.contains("<b>"));
    }
}
