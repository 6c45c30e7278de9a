//! The title bar: what run this is and how it stands.

use ratatui::{Frame, layout::Rect, style::Modifier, text::Span};
use unicode_width::UnicodeWidthStr;

use super::{draw_line, join_fitting, separator, span, width_of};
use crate::{
    engine::protocol::Temporality,
    tui::{
        app::{App, Ended, Mode},
        numbers,
        screen::{Screen, TABS},
    },
};

/// Draws the title bar.
pub fn draw(frame: &mut Frame, app: &mut App, area: Rect) {
    let width = usize::from(area.width);
    if width == 0 || area.height == 0 {
        return;
    }
    let theme = &app.theme;
    let mut state = state(app, width);
    if let Some(warnings) = warnings(app) {
        state.insert(0, warnings);
    }
    let when = vec![
        span("step ", theme.dim),
        span(format!("{:<4} ", app.step()), theme.title),
        span(format!("{:>6} ", numbers::clock(app.elapsed())), theme.text),
    ];
    let mut right = state.clone();
    right.push(Span::raw("  "));
    right.extend(when);
    // The name of the screen matters more than the clock.
    if width_of(&right) + app.screen.name().len() + 6 > width {
        right = state;
    }
    let room = width.saturating_sub(width_of(&right) + 1);

    let badge = span(" aha-lab ", theme.accent.add_modifier(Modifier::REVERSED));
    let mut left = Vec::new();
    if badge.content.width() <= room {
        left.push(badge);
    }
    if let Some(control) = control_flag(app)
        && width_of(&left) + control.content.width() < room
    {
        left.push(Span::raw(" "));
        left.push(control);
    }
    let start = width_of(&left);
    let (names, places) = tabs(app, room.saturating_sub(start));
    app.hits.tabs = places
        .into_iter()
        .map(|(column, width, screen)| (Rect::new(area.x + start as u16 + column, area.y, width, 1), screen))
        .collect();
    left.push(Span::raw(if names.is_empty() { " " } else { "" }));
    left.extend(names);
    let details = details(app);
    let space = room.saturating_sub(width_of(&left));
    left.extend(join_fitting(details, separator(theme), space));

    let gap = width.saturating_sub(width_of(&left) + width_of(&right));
    left.push(Span::raw(" ".repeat(gap)));
    left.extend(right);
    draw_line(frame, left, area);
}

/// The names of the screens, and where each is: columns from the left, its width. In full where they fit into
/// `room` columns, else short, else only the one in front.
fn tabs(app: &App, room: usize) -> (Vec<Span<'static>>, Vec<(u16, u16, Screen)>) {
    let theme = &app.theme;
    let all_full: Vec<_> = TABS.iter().map(|tab| (tab.name, tab.screen)).collect();
    let all_short: Vec<_> = TABS.iter().map(|tab| (tab.short, tab.screen)).collect();
    let one = vec![(app.screen.name(), app.screen)];
    for (names, gap) in [(all_full, "  "), (Vec::clone(&all_short), "  "), (all_short, " "), (one, "  ")] {
        let (mut spans, mut places, mut column) = (Vec::new(), Vec::new(), 0);
        for (name, screen) in names {
            let front = app.screen == screen;
            let style = if front { theme.title.add_modifier(Modifier::UNDERLINED) } else { theme.dim };
            spans.push(Span::raw(gap));
            spans.push(span(name, style));
            places.push(((column + gap.len()) as u16, name.len() as u16, screen));
            column += gap.len() + name.len();
        }
        if column <= room {
            spans.push(Span::raw("   "));
            return (spans, places);
        }
    }
    (Vec::new(), Vec::new())
}

/// Says in loud letters when the reward is not what it should be.
fn control_flag(app: &App) -> Option<Span<'static>> {
    let control = &app.started.as_ref()?.config.control;
    (control != "none").then(|| {
        let style = app.theme.error.add_modifier(Modifier::REVERSED);
        span(format!(" {} CONTROL ", control.replace('-', " ").to_uppercase()), style)
    })
}

fn details(app: &App) -> Vec<Vec<Span<'static>>> {
    let dim = app.theme.dim;
    let Some(started) = &app.started else {
        let text = if app.mode == Mode::Control { "starting the engine" } else { "reading the run" };
        return vec![vec![span(text, dim)]];
    };
    let config = &started.config;
    let forked = app.fork().map(|fork| vec![span(format!("forked from {} @{}", fork.run, fork.step), dim)]);
    vec![
        vec![span(format!("{} {}", config.task, config.level), app.theme.text)],
        forked.unwrap_or_default(),
        vec![span(config.preset.clone(), dim)],
        vec![span(format!("seed {}", config.seed), dim)],
        vec![span(started.backend.clone(), dim)],
    ]
}

/// How many warnings of the sentinel are not over.
fn warnings(app: &App) -> Option<Span<'static>> {
    let raised = app.sentinel.raised();
    (raised > 0).then(|| span(format!("{}{raised} ", app.theme.glyph("▲", "!")), app.theme.warning))
}

/// A mark and a word for how the run stands.
fn state(app: &App, width: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let stopped = theme.title.add_modifier(Modifier::REVERSED);
    let (mark, word, style) = match (&app.ended, app.mode, app.temporality) {
        (Some(Ended::Failed(_)), ..) => (theme.glyph("✗", "x"), "failed", theme.error),
        (Some(Ended::Finished), ..) | (_, Mode::Finished, _) => {
            (theme.glyph("▪", "#"), "finished", theme.title)
        }
        _ if app.quitting.is_some() => (theme.glyph("◌", "."), "stopping", theme.warning),
        (_, Mode::Following, Temporality::Paused) => (theme.glyph(" ‖", " ="), "following, paused ", stopped),
        (_, Mode::Following, _) if width < 100 => (theme.glyph("◉", "o"), "following", theme.accent),
        (_, Mode::Following, _) => (theme.glyph("◉", "o"), "following another process's run", theme.accent),
        (_, Mode::Attached, Temporality::Live) => (theme.glyph("●", "*"), "attached, live", theme.right),
        (_, Mode::Attached, Temporality::Pausing) => {
            (theme.glyph("◌", "."), "attached, pausing", theme.warning)
        }
        (_, Mode::Attached, Temporality::Paused) => (theme.glyph(" ‖", " ="), "attached, paused ", stopped),
        (_, Mode::Attached, Temporality::Unpausing) => {
            (theme.glyph("◌", "."), "attached, resuming", theme.right)
        }
        _ if app.started.is_none() => (theme.glyph("◌", "."), "starting", theme.dim),
        (.., Temporality::Live) => (theme.glyph("●", "*"), "live", theme.right),
        (.., Temporality::Pausing) => (theme.glyph("◌", "."), "pausing", theme.warning),
        (.., Temporality::Paused) => (theme.glyph(" ‖", " ="), "paused ", stopped),
        (.., Temporality::Unpausing) => (theme.glyph("◌", "."), "resuming", theme.right),
    };
    vec![span(format!("{mark} "), style), span(word, style)]
}
