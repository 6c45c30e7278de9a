//! What each action does to the state, and what it asks of the engine. Pure: no clock, no terminal.

mod input;
mod intent;

use std::{sync::Arc, time::Duration};

use ratatui::crossterm::event::KeyEventKind;

use self::input::{key, mouse, paste};
use super::{
    app::{Action, App, Ended, Evaluated, Level, Mode, Progress, QUIT_WAIT},
    playing, restart,
    screen::Screen,
    view::ChartCache,
};
use crate::protocol::{Command, Event, Temporality, side::SideCommand};

pub(super) use self::intent::{control, quit};

/// Takes in one action; gives what the engine should be told.
pub fn update(app: &mut App, action: Action) -> Vec<Command> {
    let before = app.screen;
    let mut commands = take_in(app, action);
    // A tree that is being read stays until one comes back or asks for another.
    if app.screen == Screen::Search && (before != Screen::Search || app.search.is_empty()) {
        app.transcripts.settle();
        app.search.show(app.transcripts.selected());
    }
    playing::look_around(app, before);
    // The engine looks closely only while somebody does.
    let wanted = (app.screen == Screen::Microscope && app.in_control() && app.quitting.is_none())
        .then(|| app.microscope.wanted());
    if wanted != app.inspecting {
        app.inspecting = wanted;
        if app.in_control() && app.quitting.is_none() {
            commands.push(Command::Inspect { group: wanted });
        }
    }
    commands
}

fn take_in(app: &mut App, action: Action) -> Vec<Command> {
    match action {
        Action::Key(event) if event.kind == KeyEventKind::Release => Vec::new(),
        Action::Key(event) => key(app, &event),
        Action::Paste(text) => paste(app, &text),
        Action::Mouse(event) => mouse(app, event),
        Action::Engine(event) => {
            app.dirty = true;
            told(app, event);
            Vec::new()
        }
        Action::EngineGone => {
            engine_gone(app);
            Vec::new()
        }
        Action::Side(event) => {
            app.dirty = true;
            if let Some(sentence) = app.frontier.told(&event) {
                app.say(Level::Info, sentence);
            }
            app.playground.told(event);
            Vec::new()
        }
        Action::SideGone => {
            app.dirty = true;
            app.playground.gone();
            app.frontier.gone();
            Vec::new()
        }
        Action::Clock(now) => clock(app, now),
        Action::Redraw => {
            app.dirty = true;
            app.requests.redraw = true;
            Vec::new()
        }
        Action::Terminate => {
            app.interrupted = true;
            quit(app)
        }
    }
}

fn told(app: &mut App, event: Event) {
    match event {
        Event::Started(started) => {
            app.price_per_hour = started.config.watch.price_per_hour;
            restart::cut_back(app, started.step);
            app.playground.configure(&started.config);
            app.travel.configure(&started.config);
            let last = if app.mode == Mode::Finished { u64::MAX } else { started.step };
            app.travel.pinned_are(started.pins.clone(), last);
            app.transcripts.configure(&started.config);
            app.sentinel.configure(&started.config);
            app.transcripts.inherit(started.forks.first().map_or(0, |fork| fork.step));
            app.started = Some(*started);
        }
        Event::PhaseChanged { step, phase, done, total } => {
            app.progress = Some(Progress { step, phase, done, total });
        }
        Event::Temporality(temporality) => {
            app.temporality = temporality;
            let there = temporality == Temporality::Paused;
            app.message.take_if(|message| there && message.until_paused);
        }
        Event::CompletionStarted { step, group, index, puzzle } => {
            if step != app.streams.step() {
                app.first_card = 0;
            }
            app.streams.start(step, group, index, puzzle);
        }
        Event::Token { step, group, index, text } => app.streams.append(step, group, index, &text),
        Event::TokensDropped(count) => app.tokens_dropped = count,
        Event::RolloutScored(record) => {
            let record = Arc::new(*record);
            app.streams.scored(&record);
            app.sentinel.scored(&record, app.now);
            let place = (record.step, record.group, record.index);
            let blind = app.meter.blind.of(&record.task, &record.puzzle);
            app.meter.meter.push(place, record.correct, &record.analysis, blind);
            app.microscope.push(record.clone());
            app.transcripts.push(record);
        }
        Event::StepDone(metrics) => {
            let before_us = app.started.as_ref().is_some_and(|started| metrics.step <= started.step);
            if (app.mode != Mode::Control || before_us) && metrics.step_time.is_finite() {
                app.worked_before += metrics.step_time.max(0.0);
            }
            let live = app.mode == Mode::Control && !before_us;
            let before = if live { app.aha() } else { None };
            app.microscope.step_done(metrics.step, metrics.loss);
            app.playground.step_done(metrics.step);
            app.sentinel.step_done(&metrics);
            app.history.push(*metrics);
            if live
                && before.is_none()
                && let Some(step) = app.aha()
            {
                let text = format!(
                    "aha at step {step}: smoothed self-corrections stay above three times what the base shows"
                );
                app.report(Level::Info, text);
            }
        }
        Event::EvalDone { step, accuracy, pass_at_k, puzzles } => {
            app.evaluations.push(Evaluated { step, accuracy, pass_at_k });
            let passes = pass_at_k.map(|(k, share)| format!(", pass@{k} {share:.2}")).unwrap_or_default();
            let text = format!("held out, step {step}: {accuracy:.3} right{passes} ({puzzles} puzzles)");
            let before_us = app.started.as_ref().is_some_and(|started| step <= started.step);
            if app.mode == Mode::Control && !before_us {
                app.report(Level::Info, text);
            }
        }
        Event::PinnedAnswered(answer) => app.travel.push(*answer),
        Event::Measured(measurement) => app.frontier.push(*measurement),
        Event::Inspected(group) => app.microscope.inspected(group),
        Event::CheckpointSaved { step, path } => {
            app.asked.push(SideCommand::Models);
            if app.mode == Mode::Control {
                app.report(Level::Info, format!("checkpoint of step {step} saved in {}", path.display()));
            }
        }
        Event::Edited { step, key, value } => edited(app, step, &key, &value),
        Event::Warning(sentence) => app.report(Level::Warning, sentence),
        Event::Failed(reason) => {
            restart::failed(app, reason);
            app.leave |= app.quitting.is_some();
        }
        Event::Finished { .. } => {
            app.ended.get_or_insert(Ended::Finished);
            app.leave |= app.quitting.is_some();
            if !app.leave && app.mode != Mode::Finished {
                app.say(Level::Info, "the run is finished; everything here can still be read");
            }
        }
    }
}

/// The configuration that is shown and judged by is the one in force.
fn edited(app: &mut App, step: u64, key: &str, value: &str) {
    let Some(started) = &mut app.started else { return };
    // What this program does not know is no reason to show nothing.
    if started.config.set_live(key, value).is_ok() {
        app.sentinel.edited(step, &started.config);
        app.price_per_hour = started.config.watch.price_per_hour;
        // The base's line may stand elsewhere now.
        app.chart_cache = ChartCache::default();
    }
}

fn engine_gone(app: &mut App) {
    app.dirty = true;
    app.leave |= app.quitting.is_some();
    if app.mode == Mode::Control && app.ended.is_none() {
        let reason = "the engine thread ended without saying why; engine.log in the run directory may tell";
        restart::failed(app, reason.to_owned());
    }
}

fn clock(app: &mut App, now: Duration) -> Vec<Command> {
    let passed = now.saturating_sub(app.now);
    let before = app.elapsed().as_secs();
    if app.working() {
        app.worked += passed;
    }
    let light_went = app.streams.current().is_some_and(|(_, group)| {
        group.cards.values().filter_map(|card| card.lit_until).any(|until| app.now < until && until <= now)
    });
    app.now = now;
    app.dirty |= app.sentinel.look_again(app.history.steps(), now);
    app.dirty |= app.elapsed().as_secs() != before || light_went;
    if app.message.as_ref().and_then(|message| message.until).is_some_and(|until| until <= now) {
        app.message = None;
        app.dirty = true;
    }
    app.report_unsaid();
    if app.quitting.is_some_and(|since| since + QUIT_WAIT <= now) {
        app.leave = true;
    }
    Vec::new()
}
