//! Carries out effects that need neither the terminal nor files; those wait for the loop.

use super::intent::{back, control, quit, set};
use crate::{
    protocol::{Capability, Command, side::SideCommand},
    task::{self, Puzzle},
    tui::{
        screens::{AnyScreen, Context},
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
        Effect::Back => back(app),
        Effect::Confirm(question) => {
            app.dirty = true;
            app.question = Some(question);
        }
        Effect::Prompt(text) => app.prompt = Some(Prompt::new(&text)),
        Effect::Set(keys) => return set(app, keys),
        Effect::Rescore(trial) => app.run_mut().rescore(*trial),
        Effect::Read(key) => read(app, key),
        Effect::LookAt(key) => look_at(app, key),
        Effect::EndRun if app.run().is_ours() => return quit(app),
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
                app.run_mut().pins.unpin(&puzzle);
                Command::Unpin(puzzle)
            });
        }
        Effect::Models => app.ask([SideCommand::Models]),
        Effect::Play(request) => {
            let command = app.run_mut().desk.play(*request);
            app.ask([command]);
        }
        Effect::Resample(wanted) => {
            let command = app.run_mut().desk.resample(wanted);
            app.ask(command);
        }
        Effect::GiveUp => app.ask(app.run().desk.give_up()),
        Effect::Measure => {
            let command = app.run_mut().measurements.measure();
            app.ask(command);
        }
        Effect::GiveUpMeasurement => app.ask(app.run().measurements.give_up()),
        Effect::Copy { .. }
        | Effect::Write { .. }
        | Effect::KeepLayout
        | Effect::Suspend
        | Effect::Redraw
        | Effect::Restart
        | Effect::ReadShelf
        | Effect::Open(_)
        | Effect::Note(..)
        | Effect::Delete(_)
        | Effect::Fork(_) => app.effects.push(effect),
    }
    Vec::new()
}

/// Opens a completion on the screen that shows completions.
fn read(app: &mut App, key: Key) {
    let reads = |screens: &mut [Box<dyn AnyScreen>], context: &mut Context<'_>| {
        screens.iter_mut().position(|screen| screen.read(key, context))
    };
    app.front = app.screens_do(reads).unwrap_or(app.front);
}

/// Looks at a completion on the screen that looks closely.
fn look_at(app: &mut App, Key { step, group, index }: Key) {
    let looks = |screens: &mut [Box<dyn AnyScreen>], context: &mut Context<'_>| {
        screens.iter_mut().position(|screen| screen.look_at((step, group), index, context))
    };
    app.front = app.screens_do(looks).unwrap_or(app.front);
}

fn pin(app: &mut App, puzzle: Puzzle) -> Vec<Command> {
    if app.run().pins.is_pinned(&puzzle) {
        let words = words(app, &puzzle);
        app.say(Level::Info, format!("{words} is already pinned: see Travel"));
        return Vec::new();
    }
    control(app, Capability::Pin, |app| {
        let every = app.run().config().map_or(0, |config| config.schedule.pinned_every);
        let then = match every {
            0 => "then never again (pinned_every is 0)".to_owned(),
            _ => format!("then every {every} steps"),
        };
        let words = words(app, &puzzle);
        app.say(
            Level::Info,
            format!("{words} is answered now, {then}; earlier steps can no longer answer it"),
        );
        app.run_mut().pins.pin(&puzzle);
        Command::Pin(puzzle)
    })
}

fn words(app: &App, puzzle: &Puzzle) -> String {
    task::in_words(app.run().task(), puzzle, "=")
}
