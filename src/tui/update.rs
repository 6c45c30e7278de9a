//! What each action does to the state, and what it asks of the engine. Pure: no clock, no terminal.

use std::{sync::Arc, time::Duration};

use ratatui::crossterm::event::{KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use super::{
    app::{Action, App, Ended, Level, Mode, Progress, QUIT_WAIT},
    frontier,
    keys::{GLOBAL_KEYS, Intent, LIVE_KEYS, lookup},
    meter, microscope, pinning, playground, playing,
    prompt::{Prompt, PromptOutcome},
    restart,
    screen::Screen,
    search_view::{self, Action as Explore},
    sentinel,
    transcripts::{self, Action as Browse, typing_action},
    travel,
};
use crate::engine::protocol::{Command, Event, StepBy, Temporality, side::SideCommand};

/// A search longer than this finds nothing; in characters.
const LONGEST_PASTE: usize = 200;

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
            commands.push(Command::Inspect(wanted));
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

fn key(app: &mut App, event: &KeyEvent) -> Vec<Command> {
    app.dirty = true;
    let global = lookup(GLOBAL_KEYS, event);
    // These two work whatever is open.
    if matches!(global, Some(Intent::Interrupt | Intent::Suspend)) && app.prompt.is_none() {
        return global.map(|intent| perform(app, intent)).unwrap_or_default();
    }
    if let Some(prompt) = &mut app.prompt {
        let outcome = prompt.key(event);
        return prompt_outcome(app, outcome);
    }
    if app.help.is_some() {
        return match lookup(LIVE_KEYS, event).or(global) {
            Some(intent @ (Intent::Up | Intent::Down | Intent::Redraw)) => perform(app, intent),
            _ => {
                app.help = None;
                Vec::new()
            }
        };
    }
    if let Some(commands) = own_key(app, event) {
        return commands;
    }
    global.map(|intent| perform(app, intent)).unwrap_or_default()
}

/// What a key means on the screen in front; `None` where it has no meaning of its own there.
fn own_key(app: &mut App, event: &KeyEvent) -> Option<Vec<Command>> {
    match app.screen {
        Screen::Live => return lookup(LIVE_KEYS, event).map(|intent| perform(app, intent)),
        Screen::Transcripts if app.transcripts.captures_text() => {
            if let Some(action) = typing_action(event) {
                browse(app, action);
            }
        }
        Screen::Transcripts => match lookup(transcripts::KEYS, event)? {
            Browse::Pin => return Some(pinning::pin_selected(app)),
            action => {
                if action == Browse::Back {
                    app.message = None;
                }
                browse(app, action);
            }
        },
        Screen::Meter => meter::update(app, lookup(meter::KEYS, event)?),
        Screen::Search => explore(app, lookup(search_view::KEYS, event)?),
        Screen::Travel => return pinning::travel_key(app, event),
        Screen::Playground => return playing::key(app, event).then(Vec::new),
        Screen::Frontier => {
            let action = lookup(frontier::KEYS, event)?;
            app.frontier.update(action);
            if action == frontier::Action::Measure {
                let command = app.frontier.measure();
                app.asked.push(command);
            }
        }
        Screen::Microscope => {
            let action = lookup(microscope::KEYS, event)?;
            if action == microscope::Action::Back {
                app.message = None;
            }
            app.microscope.update(action);
        }
        Screen::Sentinel => app.sentinel.update(lookup(sentinel::KEYS, event)?),
    }
    Some(Vec::new())
}

fn perform(app: &mut App, intent: Intent) -> Vec<Command> {
    match intent {
        Intent::PauseOrResume => control(app, |app| match app.temporality {
            Temporality::Live | Temporality::Unpausing => {
                app.temporality = Temporality::Pausing;
                Command::Pause
            }
            Temporality::Paused | Temporality::Pausing => {
                app.temporality = Temporality::Unpausing;
                Command::Resume
            }
        }),
        Intent::StepOne => control(app, |app| {
            app.say(Level::Info, "going on to the end of the step, then pausing");
            Command::Step(StepBy::Steps(1))
        }),
        Intent::PhaseOne => control(app, |app| {
            app.say(Level::Info, "going on to the end of the phase, then pausing");
            Command::Step(StepBy::Phases(1))
        }),
        Intent::Checkpoint => control(app, |app| {
            app.say(Level::Info, "checkpoint asked for: it is written when this step ends");
            Command::Checkpoint
        }),
        Intent::Restart => {
            restart::ask(app);
            Vec::new()
        }
        Intent::Quit => quit(app),
        Intent::StopRun if app.mode == Mode::Control => quit(app),
        Intent::StopRun => control(app, |app| {
            app.say(Level::Warning, "asked the run to write a checkpoint and end");
            Command::Stop
        }),
        Intent::Interrupt => {
            app.interrupted = true;
            quit(app)
        }
        Intent::OpenPrompt if app.in_control() => {
            app.prompt = Some(Prompt::default());
            Vec::new()
        }
        Intent::OpenPrompt => control(app, |_| Command::Pause),
        Intent::OpenPrice => {
            app.prompt = Some(Prompt::new("price_per_hour="));
            Vec::new()
        }
        other => {
            look(app, other);
            Vec::new()
        }
    }
}

fn browse(app: &mut App, action: Browse) {
    app.effects.extend(app.transcripts.update(action));
}

fn explore(app: &mut App, action: Explore) {
    let other = match action {
        Explore::NextCompletion => Browse::NextCompletion,
        Explore::PreviousCompletion => Browse::PreviousCompletion,
        Explore::NextStep => Browse::NextStep,
        Explore::PreviousStep => Browse::PreviousStep,
        _ => return app.search.update(action),
    };
    browse(app, other);
    app.search.show(app.transcripts.selected());
}

/// Intents that change only what is shown.
fn look(app: &mut App, intent: Intent) {
    match intent {
        Intent::NextScreen => app.screen = app.screen.next(),
        Intent::PreviousScreen => app.screen = app.screen.previous(),
        Intent::Show(screen) => app.screen = screen,
        Intent::Help => app.help = if app.help.is_some() { None } else { Some(0) },
        Intent::Suspend => app.requests.suspend = true,
        Intent::Redraw => app.requests.redraw = true,
        Intent::Taller => app.card_rows = Some((app.card_rows.unwrap_or(3) + 1).min(12)),
        Intent::Shorter => app.card_rows = Some((app.card_rows.unwrap_or(3)).saturating_sub(1).max(1)),
        Intent::Up | Intent::Down => scroll(app, intent == Intent::Down),
        Intent::NextGroup | Intent::PreviousGroup => {
            app.first_card = 0;
            if app.streams.groups() < 2 {
                app.say(Level::Info, "the step's other groups appear here when they are scored");
            }
            app.streams.cycle(intent == Intent::NextGroup);
        }
        Intent::LogLength => {
            app.log_length = !app.log_length;
            app.say(
                Level::Info,
                if app.log_length { "length: logarithmic axis" } else { "length: linear axis" },
            );
        }
        Intent::Smoothing => {
            let smoothing = app.history.smoothing().next();
            app.history.set_smoothing(smoothing);
            let beta = smoothing.beta();
            app.say(
                Level::Info,
                if beta == 0.0 {
                    "bright lines: not smoothed".to_owned()
                } else {
                    format!("bright lines: debiased moving average, weight {beta} on the past")
                },
            );
        }
        Intent::Mouse => {
            app.mouse = !app.mouse;
            app.say(
                Level::Info,
                if app.mouse {
                    "the mouse scrolls and clicks again"
                } else {
                    "the mouse is released: select text with it; M takes it back"
                },
            );
        }
        Intent::Dismiss => app.message = None,
        _ => {}
    }
}

fn scroll(app: &mut App, down: bool) {
    if let Some(line) = &mut app.help {
        *line = if down { *line + app.help_rest.min(1) } else { line.saturating_sub(1) };
    } else if app.screen == Screen::Live {
        let cards = app.streams.current().map_or(0, |(_, group)| group.cards.len());
        let last = cards.saturating_sub(app.cards_fit);
        app.first_card = if down { (app.first_card + 1).min(last) } else { app.first_card.saturating_sub(1) };
    }
}

/// Runs `ask` where there is an engine to ask, and otherwise says why there is none.
pub(super) fn control(app: &mut App, ask: impl FnOnce(&mut App) -> Command) -> Vec<Command> {
    let refusal = match (&app.ended, app.mode) {
        (Some(Ended::Failed(_)), _) => "the engine has failed; what it journalled can still be read",
        (Some(Ended::Finished), Mode::Control) => "the engine has ended",
        (_, Mode::Finished) | (Some(Ended::Finished), _) => "read-only: this run is over",
        (None, Mode::Following) => "read-only: this run belongs to another process",
        _ if app.quitting.is_some() => "stopping; q again leaves at once",
        _ => return vec![ask(app)],
    };
    app.say(Level::Info, refusal);
    Vec::new()
}

fn quit(app: &mut App) -> Vec<Command> {
    app.dirty = true;
    // A run of another process goes on without us.
    if app.mode != Mode::Control || app.ended.is_some() || app.quitting.is_some() {
        app.leave = true;
        return Vec::new();
    }
    app.quitting = Some(app.now);
    app.say(
        Level::Warning,
        "stopping: the engine finishes its token and writes a checkpoint; q again leaves at once",
    );
    vec![Command::Stop]
}

fn prompt_outcome(app: &mut App, outcome: PromptOutcome) -> Vec<Command> {
    match outcome {
        PromptOutcome::Editing => Vec::new(),
        PromptOutcome::Left => {
            app.prompt = None;
            Vec::new()
        }
        PromptOutcome::Refused(sentence) => {
            app.say(Level::Warning, sentence);
            Vec::new()
        }
        PromptOutcome::Entered { key, value } => {
            app.prompt = None;
            set(app, key, value)
        }
    }
}

fn set(app: &mut App, key: String, value: String) -> Vec<Command> {
    if key == "price_per_hour" {
        match value.trim_start_matches('$').parse::<f64>() {
            Ok(price) if price.is_finite() && price >= 0.0 => {
                app.price_per_hour = price;
                app.say(Level::Info, format!("the estimate now takes ${price} an hour"));
            }
            _ => {
                app.say(
                    Level::Warning,
                    format!("price_per_hour='{value}' is not a price: dollars, such as 0.25"),
                );
                return Vec::new();
            }
        }
        return if app.in_control() { vec![Command::Set { key, value }] } else { Vec::new() };
    }
    control(app, |app| {
        app.say(Level::Info, format!("asked for {key} = {value}; it holds from the next step on"));
        Command::Set { key, value }
    })
}

fn paste(app: &mut App, text: &str) -> Vec<Command> {
    app.dirty = true;
    if let Some(prompt) = &mut app.prompt {
        prompt.insert(text);
    } else if app.screen == Screen::Transcripts && app.transcripts.captures_text() {
        for character in text.chars().filter(|character| !character.is_control()).take(LONGEST_PASTE) {
            browse(app, Browse::SearchInput(character));
        }
    } else if app.screen == Screen::Travel && app.travel.captures_text() {
        for character in text.chars().filter(|character| !character.is_control()).take(LONGEST_PASTE) {
            pinning::perform(app, travel::Action::Input(character));
        }
    } else if app.screen == Screen::Playground && app.playground.captures_text() {
        for character in text.chars().filter(|character| !character.is_control()).take(LONGEST_PASTE) {
            playing::perform(app, playground::Action::Input(character));
        }
    }
    Vec::new()
}

fn mouse(app: &mut App, event: MouseEvent) -> Vec<Command> {
    let down = event.kind == MouseEventKind::ScrollDown;
    match event.kind {
        MouseEventKind::ScrollUp | MouseEventKind::ScrollDown => {
            app.dirty = true;
            match app.screen {
                _ if app.help.is_some() => scroll(app, down),
                Screen::Transcripts => {
                    browse(app, Browse::Wheel { column: event.column, row: event.row, down });
                }
                Screen::Search => explore(app, if down { Explore::Down } else { Explore::Up }),
                Screen::Travel => {
                    pinning::perform(app, if down { travel::Action::Down } else { travel::Action::Up });
                }
                Screen::Playground => playing::scroll(app, down),
                Screen::Sentinel => {
                    app.sentinel.update(if down { sentinel::Action::Down } else { sentinel::Action::Up });
                }
                Screen::Live | Screen::Meter | Screen::Microscope | Screen::Frontier => scroll(app, down),
            }
        }
        MouseEventKind::Down(MouseButton::Left) => {
            app.dirty = true;
            let place = (event.column, event.row).into();
            let tab = app.hits.tabs.iter().find(|(area, _)| area.contains(place)).map(|(_, screen)| *screen);
            if let Some(screen) = tab {
                app.screen = screen;
                app.help = None;
            } else if app.help.is_some() {
                app.help = None;
            } else if app.screen == Screen::Transcripts {
                browse(app, Browse::Click { column: event.column, row: event.row });
            } else if app.screen == Screen::Search {
                explore(app, Explore::Click { column: event.column, row: event.row });
            }
        }
        _ => {}
    }
    Vec::new()
}

fn told(app: &mut App, event: Event) {
    match event {
        Event::Started(started) => {
            app.price_per_hour = started.config.price_per_hour;
            restart::cut_back(app, started.step);
            app.playground.configure(&started.config);
            app.travel.configure(&started.config);
            app.sentinel.configure(&started.config);
            app.started = Some(*started);
        }
        Event::PhaseChanged { step, phase, done, total } => {
            app.progress = Some(Progress { step, phase, done, total });
        }
        Event::Temporality(temporality) => app.temporality = temporality,
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
            app.sentinel.scored(&record);
            let place = (record.step, record.group, record.index);
            app.meter.meter.push(place, record.correct, &record.analysis);
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
                    "aha at step {step}: self-corrections stay above three times what the base shows"
                );
                app.say(Level::Info, text);
            }
        }
        Event::EvalDone { step, accuracy, pass_at_k, puzzles } => {
            app.evaluations.push((step, accuracy));
            let passes = pass_at_k.map(|(k, share)| format!(", pass@{k} {share:.2}")).unwrap_or_default();
            let text = format!("held out, step {step}: {accuracy:.3} right{passes} ({puzzles} puzzles)");
            if app.mode == Mode::Control {
                app.say(Level::Info, text);
            }
        }
        Event::PinnedAnswered(answer) => app.travel.push(*answer),
        Event::Measured(measurement) => app.frontier.push(*measurement),
        Event::Inspected(group) => app.microscope.inspected(group),
        Event::CheckpointSaved { step, path } => {
            app.asked.push(SideCommand::Models);
            if app.mode == Mode::Control {
                app.say(Level::Info, format!("checkpoint of step {step} saved in {}", path.display()));
            }
        }
        Event::Warning(sentence) => app.say(Level::Warning, sentence),
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
    app.dirty |= app.elapsed().as_secs() != before || light_went;
    if app.message.as_ref().and_then(|message| message.until).is_some_and(|until| until <= now) {
        app.message = None;
        app.dirty = true;
    }
    if app.quitting.is_some_and(|since| since + QUIT_WAIT <= now) {
        app.leave = true;
    }
    Vec::new()
}
