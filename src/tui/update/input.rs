//! What a person types, pastes and clicks.

use ratatui::crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};

use super::intent::{control, perform, scroll};
use crate::{
    protocol::Command,
    tui::{
        app::{App, Level},
        frontier,
        keys::{GLOBAL_KEYS, HELP_KEYS, HelpMove, Intent, LIVE_KEYS, lookup},
        meter, microscope, pinning, playground, playing,
        prompt::PromptOutcome,
        question::{self, Question},
        screen::Screen,
        search_view::{self, Action as Explore},
        sentinel,
        transcripts::{self, Action as Browse, typing_action},
        travel,
    },
};

/// A search longer than this finds nothing; in characters.
const LONGEST_PASTE: usize = 200;

pub(super) fn key(app: &mut App, event: &KeyEvent) -> Vec<Command> {
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
    if let Some(asked) = app.question {
        return question::answer(app, asked, event);
    }
    if app.help.is_some() {
        if global == Some(Intent::Redraw) {
            return perform(app, Intent::Redraw);
        }
        if let Some(movement) = lookup(HELP_KEYS, event) {
            turn_help(app, movement);
        }
        return Vec::new();
    }
    if let Some(commands) = own_key(app, event) {
        return commands;
    }
    global.map(|intent| perform(app, intent)).unwrap_or_default()
}

/// Scrolls or closes the help. How far it goes is known from the last picture.
fn turn_help(app: &mut App, movement: HelpMove) {
    let Some(line) = app.help else { return };
    let moved = |by: isize| line.saturating_add_signed(by).min(app.help_last);
    app.help = match movement {
        HelpMove::Lines(lines) => Some(moved(lines)),
        HelpMove::Pages(pages) => Some(moved(pages.saturating_mul(app.help_page.cast_signed()))),
        HelpMove::First => Some(0),
        HelpMove::Last => Some(app.help_last),
        HelpMove::Close => None,
    };
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
        Screen::Travel if app.travel.captures_text() => {
            let action = travel::typing_action(event);
            return Some(action.map(|action| pinning::perform(app, action)).unwrap_or_default());
        }
        Screen::Travel => match lookup(travel::KEYS, event)? {
            travel::Action::Unpin if app.in_control() && app.travel.shown_is_pinned() => {
                question::ask(app, Question::Unpin);
            }
            action => return Some(pinning::perform(app, action)),
        },
        Screen::Playground => return playing::key(app, event).then(Vec::new),
        Screen::Frontier => {
            let action = lookup(frontier::KEYS, event)?;
            app.frontier.update(action);
            if action == frontier::Action::Measure && app.frontier.is_measuring() {
                question::ask(app, Question::GiveUpMeasurement);
            } else if action == frontier::Action::Measure {
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

pub(super) fn paste(app: &mut App, text: &str) -> Vec<Command> {
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

pub(super) fn mouse(app: &mut App, event: MouseEvent) -> Vec<Command> {
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
            app.question = None;
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
