//! Carries out effects that need neither the terminal nor files; those wait for the loop.

use super::intent::{control, quit};
use crate::{
    protocol::{Capability, Command, side::SideCommand},
    task::{self, Puzzle},
    tui::{
        screens::Context,
        shell::{app::App, effect::Effect, message::Level, prompt::Prompt},
        store::completions::Key,
    },
};

/// Carries out effects in order; returns the commands for the engine.
pub(in crate::tui::shell) fn perform_all(app: &mut App, effects: Vec<Effect>) -> Vec<Command> {
    effects.into_iter().flat_map(|effect| perform(app, effect)).collect()
}

fn perform(app: &mut App, effect: Effect) -> Vec<Command> {
    match effect {
        Effect::Say(level, sentence) => app.say(level, sentence),
        Effect::Dismiss => app.message = None,
        Effect::Confirm(question) => {
            app.dirty = true;
            app.question = Some(question);
        }
        Effect::Prompt(text) => app.prompt = Some(Prompt::new(&text)),
        Effect::Read(key) => read(app, key),
        Effect::EndRun if app.store.is_ours() => return quit(app),
        Effect::EndRun => {
            return control(app, Capability::Stop, |app| {
                app.say(Level::Warning, "asked the run to write a checkpoint and end");
                Command::Stop
            });
        }
        Effect::Pin(puzzle) => return pin(app, puzzle),
        Effect::Unpin(puzzle) => {
            return control(app, Capability::Pin, |app| {
                let words = words(app, &puzzle);
                app.say(Level::Info, format!("{words} is unpinned; its answers stay"));
                app.store.pins.unpin(&puzzle);
                Command::Unpin(puzzle)
            });
        }
        Effect::Models => app.asked.push(SideCommand::Models),
        Effect::Play(request) => {
            let command = app.store.desk.play(*request);
            app.asked.push(command);
        }
        Effect::Resample(wanted) => {
            let command = app.store.desk.resample(wanted);
            app.asked.extend(command);
        }
        Effect::GiveUp => app.asked.extend(app.store.desk.give_up()),
        Effect::Measure => {
            let command = app.store.measurements.measure();
            app.asked.extend(command);
        }
        Effect::GiveUpMeasurement => app.asked.extend(app.store.measurements.give_up()),
        Effect::Copy { .. } | Effect::Export { .. } | Effect::Suspend | Effect::Redraw | Effect::Restart => {
            app.effects.push(effect);
        }
    }
    Vec::new()
}

/// Opens a completion on the screen that shows completions.
fn read(app: &mut App, key: Key) {
    let mut context = Context { store: &app.store, shared: &mut app.shared };
    if let Some(place) = app.screens.iter_mut().position(|screen| screen.read(key, &mut context)) {
        app.front = place;
    }
}

fn pin(app: &mut App, puzzle: Puzzle) -> Vec<Command> {
    if app.store.pins.is_pinned(&puzzle) {
        let words = words(app, &puzzle);
        app.say(Level::Info, format!("{words} is already pinned: see Travel"));
        return Vec::new();
    }
    control(app, Capability::Pin, |app| {
        let every = app.store.config().map_or(0, |config| config.schedule.pinned_every);
        let then = match every {
            0 => "then never again (pinned_every is 0)".to_owned(),
            _ => format!("then every {every} steps"),
        };
        let words = words(app, &puzzle);
        app.say(
            Level::Info,
            format!("{words} is answered now, {then}; earlier steps can no longer answer it"),
        );
        app.store.pins.pin(&puzzle);
        Command::Pin(puzzle)
    })
}

fn words(app: &App, puzzle: &Puzzle) -> String {
    task::in_words(app.store.task(), puzzle, "=")
}
