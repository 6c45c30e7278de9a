//! Writes what somebody asked to be written.

use std::io;

use ratatui::{
    Terminal, TerminalOptions, Viewport,
    backend::CrosstermBackend,
    buffer::Buffer,
    layout::{Position, Rect, Size},
};

use super::{
    file::{Written, write},
    of_screen,
};
use crate::tui::shell::{
    app::App,
    effect::{Contents, Effect},
    message::Level,
    question::Question,
    view::view,
};

/// Writes a file, or asks whether one of its name may be replaced.
pub(in crate::tui::shell) fn carry_out(
    app: &mut App,
    (file_name, what, replace): (String, Contents, bool),
    size: Size,
) {
    let text = match &what {
        Contents::Text(text) => Ok(text.clone()),
        Contents::Screen(form) => drawn(app, size).map(|buffer| {
            let title = format!("aha-lab: {}", app.in_front().name());
            of_screen(&buffer, &title, *form, &app.theme)
        }),
    };
    let path = std::env::current_dir().unwrap_or_default().join(&file_name);
    let written = text.and_then(|text| write(&path, &text, replace));
    match written {
        Ok(Written::Now) => app.say(Level::Info, format!("written to {}", path.display())),
        Ok(Written::Already) => app.say(Level::Info, format!("it is already in {}", path.display())),
        Ok(Written::Taken) => {
            let then = Effect::Write { file_name, what, replace: true };
            app.question = Some(Question::replace_file(then));
            app.dirty = true;
        }
        Err(error) => app.say(Level::Warning, format!("could not write {}: {error}", path.display())),
    }
}

/// The screen as it would be drawn now, without messages.
fn drawn(app: &mut App, size: Size) -> io::Result<Buffer> {
    let message = app.message.take();
    let viewport = Viewport::Fixed(Rect::from((Position::ORIGIN, size)));
    // Nothing is written: only the cells are wanted.
    let backend = CrosstermBackend::new(io::sink());
    let mut apart = Terminal::with_options(backend, TerminalOptions { viewport })?;
    let buffer = apart.draw(|frame| view(frame, app))?.buffer.clone();
    app.message = message;
    Ok(buffer)
}
