//! The hint bar: the keys that do something now, always including the way out.

use ratatui::{
    crossterm::event::{KeyCode, KeyEvent},
    text::Span,
};

use super::{
    app::App,
    keys::{Chord, GLOBAL_KEYS, Intent, KeyRow, is_of_use},
    stepping,
};
use crate::{
    protocol::{SourceKind, Temporality},
    tui::screens::Hits,
    tui::widgets::lines::{shown_keys, span, width_of},
};

/// A key and what it does.
pub(crate) struct Hint {
    spans: Vec<Span<'static>>,
    /// A press of it, for the mouse.
    key: KeyEvent,
    /// Hints with a higher weight are kept longer if not all fit.
    weight: u8,
}

/// All hints of the screen in front, in the order in which they are shown.
pub(super) fn all(app: &App, hits: &Hits) -> Vec<Hint> {
    if app.in_front().captures_text() {
        return typing_hints(app);
    }
    let global: Vec<Hint> = GLOBAL_KEYS.iter().filter_map(|row| global(app, row)).collect();
    let screen = app.in_front();
    let own = screen.hints(&app.scene(), hits);
    let own: Vec<Hint> = own.into_iter().map(|(key, shown, text)| hint(app, (key, shown), text, 1)).collect();
    if screen.commands_first() {
        return global.into_iter().chain(own).collect();
    }
    // The likeliest keys come first: this screen's first keys, then those for continuing and leaving.
    let mut own = own.into_iter();
    let first: Vec<Hint> = own.by_ref().take(3).collect();
    let (wanted, rest): (Vec<_>, Vec<_>) = global.into_iter().partition(|hint| hint.weight > 2);
    first.into_iter().chain(wanted).chain(own).chain(rest).collect()
}

/// The hints beside a message: how to continue while paused, and how to leave.
pub(crate) fn most_wanted(app: &App) -> Vec<Hint> {
    if app.in_front().captures_text() {
        return typing_hints(app);
    }
    let waits = stepping::waits_for_a_step(app);
    let wanted = |intent| intent == Intent::Quit || waits && intent == Intent::PhaseOne;
    GLOBAL_KEYS.iter().filter(|row| wanted(row.action)).filter_map(|row| global(app, row)).collect()
}

/// Where a hint is: columns from the left, its width, and the key that a click presses.
pub(crate) type Placed = (usize, usize, KeyEvent);

/// Those of the hints that fit into `width` columns, `gap` columns apart, and where they are.
pub fn line(hints: Vec<Hint>, gap: usize, width: usize) -> (Vec<Span<'static>>, Vec<Placed>) {
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
    let (mut spans, mut places, mut column) = (Vec::new(), Vec::new(), 0);
    for (hint, _) in hints.into_iter().zip(kept).filter(|(_, kept)| *kept) {
        if !spans.is_empty() {
            spans.push(Span::raw(" ".repeat(gap)));
            column += gap;
        }
        let taken = width_of(&hint.spans);
        places.push((column, taken, hint.key));
        column += taken;
        spans.extend(hint.spans);
    }
    (spans, places)
}

fn hint(app: &App, (key, shown): (KeyEvent, &'static str), text: &str, weight: u8) -> Hint {
    let theme = &app.theme;
    let spans =
        vec![span(shown_keys(theme, shown), theme.hint_key), span(format!(" {text}"), theme.hint_text)];
    Hint { spans, key, weight }
}

/// A key that works everywhere, where it does something now.
fn global(app: &App, row: &KeyRow<Intent>) -> Option<Hint> {
    use Intent::{
        Commands, Faster, Forward, Help, NextRun, NextScreen, PauseOrResume, PhaseOne, Quit, StepOne,
    };
    if !is_of_use(app, row.action) {
        return None;
    }
    if row.hint.is_empty() || row.action.needs().is_some_and(|needed| !app.obeys(needed)) {
        return None;
    }
    let commands_first = app.in_front().commands_first();
    let waits = stepping::waits_for_a_step(app);
    let next = app.run().next_phase().name();
    let phase = format!("{} {next}", app.theme.glyph("→", "->"));
    let text = match row.action {
        PauseOrResume if app.run().is_played_out() => "again",
        PauseOrResume if app.run().temporality == Temporality::Paused => "resume",
        PhaseOne if waits => &phase,
        Quit if app.quitting.is_some() => "quit now",
        Quit if app.run().facts.kind == SourceKind::Process => "leave",
        _ => row.hint,
    };
    let weight = match row.action {
        Quit => 9,
        PhaseOne if waits => 8,
        NextScreen => 6,
        Help => 5,
        NextRun | Commands => 4,
        Faster | Forward => 3,
        PauseOrResume if commands_first => 7,
        PauseOrResume => 2,
        StepOne if commands_first => 4,
        _ => 0,
    };
    Some(hint(app, (row.chords.first()?.event(), row.shown), text, weight))
}

fn typing_hints(app: &App) -> Vec<Hint> {
    let key = |code| Chord::key(code).event();
    vec![
        hint(app, (key(KeyCode::Enter), "Enter"), "accept", 1),
        hint(app, (key(KeyCode::Esc), "Esc"), "cancel", 2),
    ]
}
