//! Typed, pasted and clicked input.

use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind},
    layout::Rect,
};

use super::{
    effects::perform_all,
    intent::{handout, perform, set},
};
use crate::{
    protocol::{Capability, Command, Play},
    tui::{
        screens::{Gesture, Movement, Pointer},
        shell::{
            app::App,
            command_palette::Outcome,
            effect::{Contents, Effect},
            export::{self, Form},
            help,
            keys::{FIRST_F_KEY, GLOBAL_KEYS, HELP_KEYS, HelpMove, Intent, LAST_F_KEY, lookup},
            list::{List, Of},
            message::Level,
            prompt::{Asks, PromptOutcome},
            scrubber, search,
            tour::{self, TOUR_KEYS, Turn},
        },
    },
};

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
    if let Some(question) = app.question.take() {
        return perform_all(app, question.answer(event).into_iter().collect());
    }
    if app.tour.is_some() {
        if let Some(turn) = lookup(TOUR_KEYS, event) {
            tour::turn(app, turn);
        }
        return Vec::new();
    }
    // Any key has read it, and does what it does.
    let closes = matches!(event.code, KeyCode::Esc | KeyCode::Enter);
    if std::mem::take(&mut app.welcome) && closes {
        return Vec::new();
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
    if let Some(mut palette) = app.commands.take() {
        match palette.key(event, app) {
            Outcome::Open => app.commands = Some(palette),
            Outcome::Closed => {}
            Outcome::Chosen(place) => return palette.perform(place, app),
        }
        return Vec::new();
    }
    if let Some(mut list) = app.list.take() {
        match list.key(event, app) {
            Some(Some(chosen)) => choose(app, list.of(), chosen),
            Some(None) => {}
            None => app.list = Some(list),
        }
        return Vec::new();
    }
    if global != Some(Intent::Help) {
        // Whoever goes on with keys does not mean where the mouse happens to lie.
        app.pointer = None;
    }
    if let Some(effects) = app.front_does(|screen, context| screen.key(event, context)) {
        return perform_all(app, effects);
    }
    if let Some(place) = screen_of_key(app, event) {
        app.front = place;
        return Vec::new();
    }
    global.map(|intent| perform(app, intent)).unwrap_or_default()
}

/// Goes to what was chosen in a list.
fn choose(app: &mut App, of: Of, place: usize) {
    match of {
        Of::Screens => app.front = place,
        Of::Runs => app.show_run(place),
    }
}

/// The screen that a key brings to the front from everywhere.
fn screen_of_key(app: &App, event: &KeyEvent) -> Option<usize> {
    if event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    match event.code {
        KeyCode::F(number @ FIRST_F_KEY..=LAST_F_KEY) => {
            Some(usize::from(number - FIRST_F_KEY)).filter(|place| *place < app.screens().len())
        }
        KeyCode::Char(character) => {
            app.screens().iter().position(|screen| screen.shortcut() == Some(character))
        }
        _ => None,
    }
}

/// Scrolls or closes the help. The last frame tells how far it can go.
fn turn_help(app: &mut App, movement: HelpMove) {
    let Some(line) = app.help else { return };
    let (last, page) = (app.picture.help_last, app.picture.help_page.max(1));
    let moved = |by: isize| line.min(last).saturating_add_signed(by).min(last);
    app.help = match movement {
        HelpMove::Lines(lines) => Some(moved(lines)),
        HelpMove::Pages(pages) => Some(moved(pages.saturating_mul(page.cast_signed()))),
        HelpMove::First => Some(0),
        HelpMove::Last => Some(last),
        HelpMove::Panel(by) => return help::turn(app, by),
        HelpMove::Close => None,
    };
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
        PromptOutcome::Written(asks, text) => written(app, asks, text),
        PromptOutcome::Entered { key, value } => match check(app, &key, &value) {
            Ok(()) => {
                app.prompt = None;
                enter(app, key, value)
            }
            // What was typed stays, to be mended.
            Err(sentence) => {
                app.say(Level::Warning, sentence);
                Vec::new()
            }
        },
    }
}

/// What was typed is searched for, or is the file to write.
fn written(app: &mut App, asks: Asks, text: String) -> Vec<Command> {
    if asks == Asks::Search {
        app.prompt = None;
        search::accept(app, &text);
        return Vec::new();
    }
    let Some(form) = Form::of(&text) else {
        // What was typed stays, to be mended.
        let sentence = format!("'{text}' has no ending that says what to write: {}", Form::endings());
        app.say(Level::Warning, sentence);
        return Vec::new();
    };
    app.prompt = None;
    let what = match (asks, handout(app)) {
        (Asks::Text, Some(handout)) => Contents::Text(export::of_handout(&handout, form, &app.theme)),
        _ => Contents::Screen(form),
    };
    perform_all(app, vec![Effect::Write { file_name: text, what, replace: false }])
}

/// Whether the engine would take this. The price is read apart, since it may have a dollar sign, and so is the step that a
/// playback goes to.
fn check(app: &App, key: &str, value: &str) -> Result<(), String> {
    match key {
        "price_per_hour" => Ok(()),
        "step" if app.run().is_playback() => Ok(()),
        _ => Command::Set { key: key.to_owned(), value: value.to_owned() }.check(),
    }
}

fn enter(app: &mut App, key: String, value: String) -> Vec<Command> {
    if key == "price_per_hour" {
        match value.trim_start_matches('$').parse::<f64>() {
            Ok(price) if price.is_finite() && price >= 0.0 => {
                app.run_mut().price_per_hour = price;
                app.say(Level::Info, format!("the estimate now uses ${price} per hour"));
            }
            _ => {
                app.say(
                    Level::Warning,
                    format!("price_per_hour='{value}' is not a price: dollars, such as 0.25"),
                );
                return Vec::new();
            }
        }
        return if app.run().can(Capability::Set) { vec![Command::Set { key, value }] } else { Vec::new() };
    }
    if key == "step" && app.run().is_playback() {
        return match value.parse() {
            Ok(step) => vec![Command::Play(Play::To(step))],
            Err(_) => {
                app.say(
                    Level::Warning,
                    format!("step='{value}' is not a step: write its number, such as 12"),
                );
                Vec::new()
            }
        };
    }
    set(app, vec![(key, value)])
}

pub(super) fn paste(app: &mut App, text: &str) -> Vec<Command> {
    app.dirty = true;
    if let Some(prompt) = &mut app.prompt {
        prompt.insert(text);
        return Vec::new();
    }
    if let Some(palette) = &mut app.commands {
        palette.insert(text);
        return Vec::new();
    }
    let effects = app.front_does(|screen, context| screen.paste(text, context));
    perform_all(app, effects)
}

pub(super) fn mouse(app: &mut App, event: MouseEvent) -> Vec<Command> {
    app.pointer = Some((event.column, event.row).into());
    let what = match event.kind {
        MouseEventKind::ScrollUp => Gesture::Up,
        MouseEventKind::ScrollDown => Gesture::Down,
        MouseEventKind::Down(MouseButton::Left) => Gesture::Click,
        MouseEventKind::Drag(MouseButton::Left) => Gesture::Drag,
        MouseEventKind::Moved => return follow(app, event),
        _ => return Vec::new(),
    };
    app.dirty = true;
    let pointer = Pointer { what, column: event.column, row: event.row };
    match what {
        Gesture::Click => return click(app, pointer),
        Gesture::Drag if scrubber::step_at(app, (event.column, event.row).into()).is_some() => {
            return scrub(app, event.column, event.row);
        }
        Gesture::Drag if is_covered(app) => return Vec::new(),
        Gesture::Drag => return point(app, pointer),
        Gesture::Up | Gesture::Down => {}
    }
    let by = if what == Gesture::Down { 1 } else { -1 };
    if app.help.is_some() {
        turn_help(app, HelpMove::Lines(by));
    } else if let Some(mut list) = app.list.take() {
        list.step(by, app);
        app.list = Some(list);
    } else if let Some(mut palette) = app.commands.take() {
        palette.step(by, app);
        app.commands = Some(palette);
    } else {
        return point(app, pointer);
    }
    Vec::new()
}

/// Whether something is open over the screen in front.
fn is_covered(app: &App) -> bool {
    app.help.is_some() || app.list.is_some() || app.commands.is_some() || app.tour.is_some() || app.welcome
}

fn click(app: &mut App, pointer: Pointer) -> Vec<Command> {
    app.question = None;
    if app.tour.is_some() || app.welcome {
        app.welcome = false;
        tour::turn(app, Turn::Next);
        return Vec::new();
    }
    let place = (pointer.column, pointer.row).into();
    let under =
        |places: &[(Rect, usize)]| places.iter().find(|(area, _)| area.contains(place)).map(|(_, at)| *at);
    if let Some(palette) = app.commands.take() {
        let row = under(&app.picture.listed);
        return row.map(|row| palette.perform(row, app)).unwrap_or_default();
    }
    let listed = app.list.as_ref().and_then(|list| Some((list.of(), under(&app.picture.listed)?)));
    let named = listed.or(under(&app.picture.tabs).map(|screen| (Of::Screens, screen)));
    let hinted = app.picture.hints.iter().find(|(area, _)| area.contains(place)).map(|(_, key)| *key);
    // A click closes whatever is open over the screens.
    let open = app.help.take().is_some() | app.list.take().is_some();
    match named {
        Some((of, chosen)) => choose(app, of, chosen),
        None if open => {}
        None if hinted.is_some() => return hinted.map(|event| key(app, &event)).unwrap_or_default(),
        None if app.picture.count.contains(place) => {
            app.prompt = None;
            app.list = Some(List::of_runs(app));
        }
        None if app.picture.scrubber.contains(place) => return scrub(app, pointer.column, pointer.row),
        None => return point(app, pointer),
    }
    Vec::new()
}

/// Tells the screen in front where the mouse is, unless something is open over it.
fn follow(app: &mut App, event: MouseEvent) -> Vec<Command> {
    if is_covered(app) || app.question.is_some() || app.prompt.is_some() {
        return Vec::new();
    }
    let movement = Movement { drags: false, column: event.column, row: event.row };
    let Some(effects) = app.front_does(|screen, context| screen.moved(movement, context)) else {
        return Vec::new();
    };
    app.dirty = true;
    perform_all(app, effects)
}

/// Goes to the step of the record that is at this place of the scrubber.
fn scrub(app: &mut App, column: u16, row: u16) -> Vec<Command> {
    let Some(step) = scrubber::step_at(app, (column, row).into()) else { return Vec::new() };
    app.dirty = true;
    vec![Command::Play(Play::To(step))]
}

fn point(app: &mut App, pointer: Pointer) -> Vec<Command> {
    let effects = app.front_does(|screen, context| screen.mouse(pointer, context));
    perform_all(app, effects)
}
