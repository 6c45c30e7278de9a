//! Pinning puzzles, from wherever a person is.

use super::{
    app::{App, Level},
    travel::{Action, Request},
    update::control,
};
use crate::{
    protocol::Command,
    task::{self, Puzzle},
};

/// Does what was asked for on the Travel screen.
pub(super) fn perform(app: &mut App, action: Action) -> Vec<Command> {
    // Pins are the engine's: without one there is nothing to change.
    if matches!(action, Action::Type | Action::Unpin) && !app.in_control() {
        return control(app, |_| Command::Pause);
    }
    match app.travel.update(action) {
        None => Vec::new(),
        Some(Request::Pin(puzzle)) => pin(app, puzzle),
        Some(Request::Unpin(puzzle)) => control(app, |app| {
            app.say(
                Level::Info,
                format!("{} is asked no more; what it was answered with stays", words(app, &puzzle)),
            );
            Command::Unpin(puzzle)
        }),
        Some(Request::Refused(reason)) => {
            app.say(Level::Warning, reason);
            Vec::new()
        }
    }
}

/// Pins the puzzle of the completion that is selected in Transcripts.
pub(super) fn pin_selected(app: &mut App) -> Vec<Command> {
    app.transcripts.settle();
    let Some(puzzle) = app.transcripts.selected().map(|record| record.puzzle.clone()) else {
        return Vec::new();
    };
    if app.travel.is_pinned(&puzzle) {
        app.say(Level::Info, format!("{} is pinned already: see Travel", words(app, &puzzle)));
        return Vec::new();
    }
    pin(app, puzzle)
}

fn pin(app: &mut App, puzzle: Puzzle) -> Vec<Command> {
    control(app, |app| {
        let every = app.started.as_ref().map_or(0, |started| started.config.schedule.pinned_every);
        let then = if every > 0 {
            format!("then every {every} steps")
        } else {
            "then no more (pinned_every is 0)".into()
        };
        app.say(
            Level::Info,
            format!(
                "{} is answered now, {then}; earlier steps cannot be asked any more",
                words(app, &puzzle)
            ),
        );
        app.travel.is_asked(&puzzle);
        Command::Pin(puzzle)
    })
}

fn words(app: &App, puzzle: &Puzzle) -> String {
    task::in_words(app.task(), puzzle, "=")
}
