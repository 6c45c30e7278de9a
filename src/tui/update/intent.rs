//! What the keys outside a screen's own table mean.

use crate::{
    protocol::{Command, StepBy, Temporality},
    tui::{
        app::{App, Ended, Level, Mode},
        keys::Intent,
        prompt::Prompt,
        question::{self, Question},
        restart,
        screen::Screen,
        stepping,
    },
};

pub(super) fn perform(app: &mut App, intent: Intent) -> Vec<Command> {
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
            stepping::say_until_paused(app, "the step");
            Command::Step(StepBy::Steps(1))
        }),
        Intent::PhaseOne => control(app, |app| {
            let to = match app.temporality {
                Temporality::Paused => stepping::next_phase(app).name(),
                _ => "the phase",
            };
            stepping::say_until_paused(app, to);
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
        Intent::StopRun if app.in_control() && app.quitting.is_none() => {
            question::ask(app, Question::EndRun);
            Vec::new()
        }
        Intent::StopRun if app.mode == Mode::Control => quit(app),
        Intent::StopRun => control(app, |_| Command::Stop),
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

pub(super) fn scroll(app: &mut App, down: bool) {
    if let Some(line) = &mut app.help {
        *line = if down { (*line + 1).min(app.help_last) } else { line.saturating_sub(1) };
    } else if app.screen == Screen::Live {
        let cards = app.streams.current().map_or(0, |(_, group)| group.cards.len());
        let last = cards.saturating_sub(app.cards_fit);
        app.first_card = if down { (app.first_card + 1).min(last) } else { app.first_card.saturating_sub(1) };
    }
}

/// Runs `ask` where there is an engine to ask, and otherwise says why there is none.
pub(in crate::tui) fn control(app: &mut App, ask: impl FnOnce(&mut App) -> Command) -> Vec<Command> {
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

pub(in crate::tui) fn quit(app: &mut App) -> Vec<Command> {
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
