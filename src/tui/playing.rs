//! The Playground's keys: what a person asks there goes to the side engine.

use ratatui::crossterm::event::KeyEvent;

use super::{
    app::{App, Level},
    keys::lookup,
    playground::{self, Action, Zone},
    screen::Screen,
};
use crate::{engine::setup::task_of, protocol::side::SideCommand};

/// Does what a key means on the Playground; `false` where it has no meaning there.
pub(super) fn key(app: &mut App, event: &KeyEvent) -> bool {
    if app.playground.captures_text() {
        if let Some(action) = playground::typing_action(event) {
            perform(app, action);
        }
        return true;
    }
    let Some(action) = lookup(playground::KEYS, event) else { return false };
    if action == Action::Back {
        app.message = None;
    }
    perform(app, action);
    true
}

/// Does what was asked for on the Playground.
pub(super) fn perform(app: &mut App, action: Action) {
    let config = app.started.as_ref().map(|started| started.config.clone()).unwrap_or_default();
    let done = task_of(&config)
        .map_err(|error| error.to_string())
        .and_then(|task| app.playground.update(action, task.as_ref()));
    match done {
        Ok(commands) => app.asked.extend(commands),
        Err(refusal) => app.say(Level::Info, refusal),
    }
}

/// The wheel moves through the tokens; the fields are not changed by it.
pub(super) fn scroll(app: &mut App, down: bool) {
    if matches!(app.playground.zone, Zone::Answer(_)) {
        perform(app, if down { Action::Down } else { Action::Up });
    }
}

/// Whoever comes to the Playground finds the models that there are now.
pub(super) fn look_around(app: &mut App, before: Screen) {
    if app.screen == Screen::Playground && before != Screen::Playground {
        app.asked.push(SideCommand::Models);
    }
}
