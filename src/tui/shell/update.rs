//! How each action changes the state, and which commands it sends. Pure: no clock, no terminal.

mod effects;
mod input;
mod intent;

use std::time::Duration;

use ratatui::crossterm::event::KeyEventKind;

use self::input::{key, mouse, paste};
use super::{
    app::{Action, App, Ended, QUIT_WAIT},
    effect::Effect,
    message::Level,
    restart,
};
use crate::protocol::{Capability, Command, Event, Temporality, side::SideCommand};

pub(super) use self::{effects::perform_all, intent::quit};

/// Handles one action; returns the commands for the engine.
pub fn update(app: &mut App, action: Action) -> Vec<Command> {
    let before = app.front;
    let mut commands = take_in(app, action);
    if app.front != before {
        let effects = app.front_does(|screen, context| screen.enter(context));
        commands.extend(perform_all(app, effects));
    }
    // The engine inspects a group only while the Microscope is open.
    let wanted = app.in_front().inspects().filter(|_| app.obeys(Capability::Inspect));
    if wanted != app.inspecting {
        app.inspecting = wanted;
        if app.obeys(Capability::Inspect) {
            commands.push(Command::Inspect { group: wanted });
        }
    }
    commands
}

fn take_in(app: &mut App, action: Action) -> Vec<Command> {
    match action {
        Action::Key(event) if event.kind == KeyEventKind::Release => return Vec::new(),
        Action::Key(event) => return key(app, &event),
        Action::Paste(text) => return paste(app, &text),
        Action::Mouse(event) => return mouse(app, event),
        Action::Engine(event) => {
            app.dirty = true;
            told(app, event);
        }
        Action::EngineGone => engine_gone(app),
        Action::Side(event) => {
            app.dirty = true;
            let news = app.store.hear_side(event);
            app.pass_on(news);
            app.refresh_all();
        }
        Action::SideGone => {
            app.dirty = true;
            app.store.side_gone();
        }
        Action::Clock(now) => clock(app, now),
        Action::Redraw => {
            app.dirty = true;
            app.effects.push(Effect::Redraw);
        }
        Action::Terminate => {
            app.interrupted = true;
            return quit(app);
        }
    }
    Vec::new()
}

fn told(app: &mut App, event: Event) {
    let (begins, ends) = (matches!(event, Event::Started(_)), matches!(event, Event::Finished { .. }));
    let saved = matches!(event, Event::CheckpointSaved { .. });
    let paused = matches!(event, Event::Temporality(Temporality::Paused));
    let failed = matches!(event, Event::Failed(_));
    let news = app.store.hear(event);
    app.pass_on(news);
    if begins {
        app.refresh_all();
    }
    if saved {
        app.asked.push(SideCommand::Models);
    }
    app.message.take_if(|message| paused && message.until_paused);
    app.leave |= (failed || ends) && app.quitting.is_some();
    if failed {
        restart::offer(app);
    }
    if ends && !app.leave && app.store.has(Capability::Live) {
        app.say(Level::Info, "the run is finished; everything here can still be read");
    }
}

fn engine_gone(app: &mut App) {
    app.dirty = true;
    app.leave |= app.quitting.is_some();
    if app.store.is_ours() && app.store.ended.is_none() {
        let reason = "the engine thread ended without giving a reason; see engine.log in the run directory";
        app.store.ended = Some(Ended::Failed(reason.to_owned()));
        restart::offer(app);
    }
}

fn clock(app: &mut App, now: Duration) {
    app.dirty |= app.store.pass(now);
    if app.message.as_ref().and_then(|message| message.until).is_some_and(|until| until <= now) {
        app.message = None;
        app.dirty = true;
    }
    app.report_unsaid();
    if app.quitting.is_some_and(|since| since + QUIT_WAIT <= now) {
        app.leave = true;
    }
}
