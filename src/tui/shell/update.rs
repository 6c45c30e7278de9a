//! How each action changes the state, and which commands it sends. Pure: no clock, no terminal.

mod effects;
mod input;
mod intent;

use std::time::Duration;

use ratatui::crossterm::event::KeyEventKind;

use self::input::{key, mouse, paste};
use super::{
    app::{Action, App, Ended, Order, QUIT_WAIT},
    effect::Effect,
    message::Level,
    restart,
};
use crate::{
    protocol::{
        Capability, Command, Event, Temporality,
        side::{SideCommand, SideEvent},
    },
    tui::store::Run,
};

pub(super) use self::{
    effects::perform_all,
    intent::{perform as perform_intent, quit},
};

/// Takes in one action; gives what the engines should be told.
pub fn update(app: &mut App, action: Action) -> Vec<Order> {
    let before = (app.front, app.store.place());
    let toured = app.tour.is_some();
    let mut commands = take_in(app, action);
    if app.front != before.0 && !toured && app.tour.is_none() {
        leave_trail(app, before.0);
    }
    if (app.front, app.store.place()) != before {
        let effects = app.front_does(|screen, context| screen.enter(context));
        commands.extend(perform_all(app, effects));
    }
    // A person commands the run that they see.
    let run = app.store.place();
    let mut orders: Vec<Order> = commands.into_iter().map(|command| Order { run, command }).collect();
    orders.extend(look_closely(app));
    orders
}

/// Most screens that Esc goes back through.
const LONGEST_TRAIL: usize = 32;

/// Remembers the screen that was in front, unless this was the way back to it.
fn leave_trail(app: &mut App, before: usize) {
    if std::mem::take(&mut app.going_back) {
        return;
    }
    app.trail.push(before);
    if app.trail.len() > LONGEST_TRAIL {
        app.trail.remove(0);
    }
}

/// An engine looks closely only while somebody does.
fn look_closely(app: &mut App) -> Vec<Order> {
    let mut orders = Vec::new();
    let seen = app.in_front().inspects();
    for (place, (run, visit)) in app.store.all().iter().zip(&mut app.visits).enumerate() {
        let obeys = run.can(Capability::Inspect) && app.quitting.is_none();
        let wanted = seen.filter(|_| obeys && place == app.store.place());
        if wanted != visit.inspecting {
            visit.inspecting = wanted;
            if obeys {
                orders.push(Order { run: place, command: Command::Inspect { group: wanted } });
            }
        }
    }
    orders
}

fn take_in(app: &mut App, action: Action) -> Vec<Command> {
    match action {
        Action::Key(event) if event.kind == KeyEventKind::Release => return Vec::new(),
        Action::Key(event) => return key(app, &event),
        Action::Paste(text) => return paste(app, &text),
        Action::Mouse(event) => return mouse(app, event),
        Action::Engine(place, event) => told(app, place, event),
        Action::EngineGone(place) => engine_gone(app, place),
        Action::Side(place, event) => side_told(app, place, event),
        Action::SideGone(place) => {
            app.dirty = true;
            app.store.get_mut(place).into_iter().for_each(Run::side_gone);
        }
        Action::Shelved(run) => {
            app.dirty = true;
            match run {
                Some(run) => app.shelf.take_in(*run),
                None => app.shelf.end(),
            }
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

fn told(app: &mut App, place: usize, event: Event) {
    let shown = place == app.store.place();
    let Some(run) = app.store.get_mut(place) else { return };
    let (begins, ends) = (matches!(event, Event::Started(_)), matches!(event, Event::Finished { .. }));
    let saved = matches!(event, Event::CheckpointSaved { .. });
    let paused = matches!(event, Event::Temporality(Temporality::Paused));
    let failed = matches!(event, Event::Failed(_));
    let stepped = matches!(event, Event::StepDone(_));
    let news = run.hear(event);
    let (ours, live) = (run.is_ours(), run.has(Capability::Live));
    // Of a run that is not shown, its curve may be on screen, or how it stands in the list.
    let is_compared = app.looks.others || app.looks.seeds;
    app.dirty |= shown || begins || stepped && is_compared || app.list.is_some();
    app.pass_on(place, news);
    if begins && shown {
        app.refresh_all();
    }
    if saved {
        app.asked.push((place, SideCommand::Models));
    }
    app.message.take_if(|message| shown && paused && message.until_paused);
    app.leave |= (failed || ends) && ours && app.quitting.is_some();
    if failed {
        has_failed(app, place);
    }
    if ends && !app.leave && live {
        app.report_of(place, Level::Info, "the run is finished; everything here can still be read");
    }
}

fn has_failed(app: &mut App, place: usize) {
    match place == app.store.place() {
        true => restart::offer(app),
        false => app.report_of(place, Level::Error, "the engine failed"),
    }
}

fn engine_gone(app: &mut App, place: usize) {
    let Some(run) = app.store.get_mut(place).filter(|run| run.is_ours()) else { return };
    app.dirty = true;
    app.leave |= app.quitting.is_some();
    if run.ended.is_none() {
        let reason = "the engine thread ended without giving a reason; see engine.log in the run directory";
        run.ended = Some(Ended::Failed(reason.to_owned()));
        has_failed(app, place);
    }
}

fn side_told(app: &mut App, place: usize, event: SideEvent) {
    let Some(run) = app.store.get_mut(place) else { return };
    let news = run.hear_side(event);
    app.pass_on(place, news);
    if place == app.store.place() {
        app.dirty = true;
        app.refresh_all();
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
