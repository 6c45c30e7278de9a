//! `/` on any screen: what it finds is lit wherever it stands in the picture, and `n` and `N` go to places outside it.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use super::{
    app::App,
    message::Level,
    prompt::{Asks, Prompt},
    theme::Theme,
};
use crate::tui::screens::listing::Needle;

/// What is searched for: what is being typed, or what was.
pub(super) fn needle(app: &App) -> Option<Needle> {
    match &app.prompt {
        Some(prompt) if prompt.asks() == Asks::Search => Needle::new(prompt.text()),
        _ => app.needle.clone(),
    }
}

/// Lights every match in the picture of the screen; how many there are.
pub(super) fn light(buffer: &mut Buffer, area: Rect, needle: Option<&Needle>, theme: &Theme) -> usize {
    let Some(needle) = needle else { return 0 };
    let mut found = 0;
    for y in area.intersection(buffer.area).rows().map(|row| row.y) {
        // Where each cell begins in the text of the row.
        let (mut text, mut starts, mut hidden) = (String::new(), Vec::new(), 0);
        for x in area.x..area.right() {
            starts.push(text.len());
            if hidden == 0 {
                text.push_str(buffer[(x, y)].symbol());
                hidden = buffer[(x, y)].symbol().width().saturating_sub(1);
            } else {
                hidden -= 1;
            }
        }
        for range in needle.ranges(&text) {
            found += 1;
            for (x, _) in (area.x..).zip(&starts).filter(|(_, start)| range.contains(*start)) {
                let cell = &mut buffer[(x, y)];
                cell.set_style(theme.search_match);
            }
        }
    }
    found
}

/// Opens the prompt for what to search for.
pub(super) fn begin(app: &mut App) {
    app.prompt = Some(Prompt::asking(Asks::Search, ""));
}

/// What was typed is searched for: here, or else at the next place that has it.
pub(super) fn accept(app: &mut App, text: &str) {
    app.needle = Needle::new(text);
    if app.needle.is_none() {
        return;
    }
    match app.picture.found {
        0 => turn(app, true),
        1 => app.say(Level::Info, "it is here once; n goes on"),
        found => app.say(Level::Info, format!("it is here {found} times; n goes on")),
    }
}

/// Goes to the next (or the previous) place outside the picture.
pub(super) fn turn(app: &mut App, forward: bool) {
    let Some(needle) = app.needle.clone() else {
        return app.say(Level::Info, "nothing is searched for: / begins");
    };
    let seen = app.picture.found > 0;
    if app.front_does(|screen, context| screen.seek(&needle, forward, context)) {
        app.message = None;
    } else if seen {
        app.say(Level::Info, "no other place on this screen has it");
    } else {
        app.say(Level::Info, "nothing on this screen has it; / in Transcripts searches all completions");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_lit_where_they_stand() {
        let area = Rect::new(0, 0, 12, 2);
        let mut buffer = Buffer::empty(area);
        buffer.set_string(0, 0, "日本 Wait wait", Theme::colored().text);
        buffer.set_string(0, 1, "no", Theme::colored().text);
        let theme = Theme::colored();
        assert_eq!(light(&mut buffer, area, Needle::new("wait").as_ref(), &theme), 1);
        let lit = |x: u16| buffer[(x, 0)].fg == theme.search_match.fg.unwrap_or_default();
        assert!(!lit(4) && lit(5) && lit(8) && !lit(9));
    }
}
