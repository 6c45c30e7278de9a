//! The hint bar: the keys that do something here and now, the way out among them whatever the width.

use ratatui::text::Span;

use super::{shown_keys, span, width_of};
use crate::{
    protocol::Temporality,
    tui::{
        app::{App, Mode},
        frontier,
        keys::{GLOBAL_KEYS, Intent, KeyRow, LIVE_KEYS},
        meter, microscope, playground,
        screen::Screen,
        search_view, sentinel, stepping, transcripts, travel,
    },
};

/// A key and what it does.
pub struct Hint {
    spans: Vec<Span<'static>>,
    /// Hints with more are kept longer where not all fit.
    weight: u8,
}

/// All hints of the screen in front, in the order in which they are shown.
pub fn all(app: &App) -> Vec<Hint> {
    if typing(app) {
        return typing_hints(app);
    }
    let global: Vec<Hint> = GLOBAL_KEYS.iter().filter_map(|row| global(app, row)).collect();
    let own: Vec<Hint> = own(app).into_iter().map(|(shown, text)| hint(app, shown, text, 1)).collect();
    if app.screen == Screen::Live {
        return global.into_iter().chain(own).collect();
    }
    // What one most likely wants comes first: this screen's first keys, then those that go on and out.
    let mut own = own.into_iter();
    let first: Vec<Hint> = own.by_ref().take(3).collect();
    let (wanted, rest): (Vec<_>, Vec<_>) = global.into_iter().partition(|hint| hint.weight > 2);
    first.into_iter().chain(wanted).chain(own).chain(rest).collect()
}

/// The hints that stand beside a message: the way on while paused, and the way out.
pub fn most_wanted(app: &App) -> Vec<Hint> {
    if typing(app) {
        return typing_hints(app);
    }
    let waits = stepping::waits_for_a_step(app);
    let wanted = |intent| intent == Intent::Quit || waits && intent == Intent::PhaseOne;
    GLOBAL_KEYS.iter().filter(|row| wanted(row.action)).filter_map(|row| global(app, row)).collect()
}

/// Those of the hints that fit into `width` columns, `gap` columns apart.
pub fn line(hints: Vec<Hint>, gap: usize, width: usize) -> Vec<Span<'static>> {
    let mut order: Vec<usize> = (0..hints.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(hints[at].weight));
    let (mut kept, mut used) = (vec![false; hints.len()], 0);
    for at in order {
        let before = if used == 0 { 0 } else { gap };
        let needed = before + width_of(&hints[at].spans);
        if used + needed <= width {
            (kept[at], used) = (true, used + needed);
        }
    }
    let mut spans = Vec::new();
    for (hint, _) in hints.into_iter().zip(kept).filter(|(_, kept)| *kept) {
        if !spans.is_empty() {
            spans.push(Span::raw(" ".repeat(gap)));
        }
        spans.extend(hint.spans);
    }
    spans
}

fn hint(app: &App, shown: &'static str, text: &str, weight: u8) -> Hint {
    let theme = &app.theme;
    let spans =
        vec![span(shown_keys(theme, shown), theme.hint_key), span(format!(" {text}"), theme.hint_text)];
    Hint { spans, weight }
}

/// A key that works everywhere, where it does something now.
fn global(app: &App, row: &KeyRow<Intent>) -> Option<Hint> {
    use Intent::{Checkpoint, Help, NextScreen, OpenPrompt, PauseOrResume, PhaseOne, Quit, StepOne};
    let commands = matches!(row.action, PauseOrResume | StepOne | PhaseOne | Checkpoint | OpenPrompt);
    if row.hint.is_empty() || commands && !obeyed(app) {
        return None;
    }
    let waits = stepping::waits_for_a_step(app);
    let next = stepping::next_phase(app).name();
    let phase = format!("{} {next}", app.theme.glyph("→", "->"));
    let text = match row.action {
        PauseOrResume if app.temporality == Temporality::Paused => "resume",
        PhaseOne if waits => &phase,
        Quit if app.quitting.is_some() => "leaves at once",
        Quit if app.mode == Mode::Attached => "leave",
        _ => row.hint,
    };
    let weight = match row.action {
        Quit => 9,
        PhaseOne if waits => 8,
        NextScreen => 6,
        Help => 5,
        PauseOrResume if app.screen == Screen::Live => 7,
        PauseOrResume => 2,
        StepOne if app.screen == Screen::Live => 4,
        _ => 0,
    };
    Some(hint(app, row.shown, text, weight))
}

/// The keys of the screen in front, those that would do nothing now left out.
fn own(app: &App) -> Vec<(&'static str, &'static str)> {
    let any = !app.transcripts.is_empty();
    match app.screen {
        // Without charts there is no axis.
        Screen::Live => hinted(LIVE_KEYS, |intent| app.has_charts || intent != Intent::LogLength),
        Screen::Transcripts => hinted(transcripts::KEYS, |_| any),
        Screen::Meter => hinted(meter::KEYS, |action| match action {
            meter::Action::ShowAha => app.aha().is_some(),
            meter::Action::NextWindow => any,
        }),
        Screen::Search => search_view::hints(!app.search.is_empty()),
        Screen::Travel => hinted(travel::KEYS, |action| match action {
            travel::Action::Type => obeyed(app),
            other => app.travel.does_something(other),
        }),
        Screen::Microscope => hinted(microscope::KEYS, |_| !app.microscope.is_empty()),
        Screen::Playground => playground::hints(&app.playground),
        Screen::Frontier => hinted(frontier::KEYS, |action| match action {
            frontier::Action::Measure => true,
            _ => !app.frontier.is_empty(),
        }),
        Screen::Sentinel => hinted(sentinel::KEYS, |_| app.sentinel.scrolls()),
    }
}

/// The keys of a table that belong in the hint bar and do something, and their words.
fn hinted<A: Copy>(rows: &[KeyRow<A>], does: impl Fn(A) -> bool) -> Vec<(&'static str, &'static str)> {
    let shown = rows.iter().filter(|row| !row.hint.is_empty() && does(row.action));
    shown.map(|row| (row.shown, row.hint)).collect()
}

/// Whether commands are carried out: an engine that is ending takes no more.
fn obeyed(app: &App) -> bool {
    app.in_control() && app.quitting.is_none()
}

/// Whether keys are text at the moment, so that no other key of the tables works.
fn typing(app: &App) -> bool {
    match app.screen {
        Screen::Transcripts => app.transcripts.captures_text(),
        Screen::Travel => app.travel.captures_text(),
        Screen::Playground => app.playground.captures_text(),
        _ => false,
    }
}

fn typing_hints(app: &App) -> Vec<Hint> {
    vec![hint(app, "Enter", "takes it", 1), hint(app, "Esc", "gives it up", 2)]
}
