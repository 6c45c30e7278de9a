//! Draws everything: the bars, the screen in front between them, and what is open over it.

use ratatui::{
    Frame,
    layout::{Constraint, Layout},
};

use super::{
    app::{App, Picture},
    bottom, command_palette, help, list, scrubber, search, title, tour,
};
use crate::tui::screens::Hits;

/// Updates everything and draws one frame.
pub fn view(frame: &mut Frame<'_>, app: &mut App) {
    app.settle();
    let Some((hits, picture)) = draw(frame, app) else { return };
    app.front_does(|screen, _| screen.drawn(hits));
    app.picture = picture;
}

/// Draws one frame without changing state; returns where it put things.
fn draw(frame: &mut Frame<'_>, app: &App) -> Option<(Hits, Picture)> {
    let area = frame.area();
    if area.is_empty() {
        return None;
    }
    let title_rows = u16::from(area.height >= 4);
    let hint_rows = u16::from(area.height >= 3);
    let screen = app.in_front();
    let played_rows = scrubber::rows(app, area.height);
    let has_line = screen.has_message_line(area.height - played_rows);
    // The prompt takes the place of the message, which may say what is wrong with what was typed.
    let said = app.message.as_ref().filter(|_| app.prompt.is_some() && !has_line && area.height >= 6);
    let [top, middle, saying, played, below] = Layout::vertical([
        Constraint::Length(title_rows),
        Constraint::Fill(1),
        Constraint::Length(u16::from(said.is_some())),
        Constraint::Length(played_rows),
        Constraint::Length(hint_rows),
    ])
    .areas(area);
    let (tabs, count) = title::draw(frame, app, top);
    let needle = search::needle(app);
    let hits = screen.draw(frame, middle, &app.scene_with(needle.as_ref()));
    let found = search::light(frame.buffer_mut(), middle, needle.as_ref(), &app.theme);
    let scrubber = scrubber::draw(frame, app, played);
    said.into_iter().for_each(|message| bottom::draw_message(frame, app, message, saying));
    let hints = bottom::draw(frame, app, below, !has_line, &hits);
    let panels = app.scene().panels.take();
    tour::draw(frame, app, &panels, middle);
    tour::draw_welcome(frame, app, middle);
    let listed = match (&app.list, &app.commands) {
        (Some(open), _) => list::draw(frame, app, open, area),
        (None, Some(open)) => command_palette::draw(frame, app, open, area),
        (None, None) => Vec::new(),
    };
    let several = panels.len() > 1;
    let (help_last, help_page) = app.help.map_or((0, 1), |line| help::draw(frame, app, line, several, area));
    if let Some(ground) = app.theme.ground {
        ground.paint(frame.buffer_mut());
    }
    Some((hits, Picture { tabs, hints, count, listed, panels, scrubber, found, help_last, help_page }))
}
