//! The title bar: what run this is and how it stands.

use ratatui::{Frame, layout::Rect, style::Modifier, text::Span};
use unicode_width::UnicodeWidthStr;

use super::{draw_line, join_fitting, separator, span, width_of};
use crate::{
    config::{Choice, Control},
    protocol::Temporality,
    tui::{
        app::{App, Ended, Mode},
        numbers,
        screen::{Screen, TABS, Tab},
    },
};

/// How the names of the screens are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// In full, with so many columns between them.
    Full(usize),
    /// As their beginnings; that of the screen in front in full.
    Short(usize),
    /// As fewer letters still.
    Shortest,
    /// Only the screen in front, its number, and the key to the others.
    Front,
}

/// What stands at the right end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// How the run stands, the step and the clock.
    Clock,
    /// Without the clock.
    Step,
    /// How the run stands and nothing more.
    State,
}

/// From what one likes best to what fits anywhere: names, right end, and whether the program's name is there.
const LAYOUTS: [(Names, Standing, bool); 12] = [
    (Names::Full(2), Standing::Clock, true),
    (Names::Full(1), Standing::Clock, true),
    (Names::Full(1), Standing::Step, true),
    (Names::Short(2), Standing::Clock, true),
    (Names::Short(1), Standing::Clock, true),
    (Names::Short(1), Standing::Step, true),
    (Names::Short(1), Standing::Step, false),
    (Names::Shortest, Standing::Step, true),
    (Names::Shortest, Standing::Step, false),
    (Names::Shortest, Standing::State, false),
    (Names::Front, Standing::Step, false),
    (Names::Front, Standing::State, false),
];

/// Draws the title bar. Whatever its width, it says which screen is in front and how to get to the others.
pub fn draw(frame: &mut Frame, app: &mut App, area: Rect) {
    let width = usize::from(area.width);
    if width == 0 || area.height == 0 {
        return;
    }
    let badge = span(" aha-lab ", app.theme.accent.add_modifier(Modifier::REVERSED));
    let control = control_flag(app, width);
    let control_width = control.as_ref().map_or(0, |flag| flag.content.width() + 1);
    let taken = |names, standing, with_badge: bool| {
        let left = if with_badge { badge.content.width() } else { 0 } + control_width;
        left + widest(names) + 1 + width_of(&right_end(app, standing, width))
    };
    let fits = |layout: &&(Names, Standing, bool)| taken(layout.0, layout.1, layout.2) <= width;
    let (names, standing, with_badge) = *LAYOUTS.iter().find(fits).unwrap_or(&LAYOUTS[LAYOUTS.len() - 1]);

    let right = right_end(app, standing, width);
    let mut left = Vec::new();
    if with_badge {
        left.push(badge);
    }
    if let Some(control) = control {
        left.extend([Span::raw(" "), control]);
    }
    let start = width_of(&left);
    let (tabs, places) = tabs(app, names);
    app.hits.tabs = places
        .into_iter()
        .map(|(column, width, screen)| {
            (Rect::new(area.x + (start + column) as u16, area.y, width as u16, 1), screen)
        })
        .collect();
    left.extend(tabs);
    let room = width.saturating_sub(width_of(&left) + width_of(&right));
    let details = if matches!(names, Names::Full(_)) { details(app) } else { Vec::new() };
    let details = join_fitting(details, separator(&app.theme), room.saturating_sub(4));
    if !details.is_empty() {
        left.push(Span::raw("   "));
        left.extend(details);
    }
    let gap = width.saturating_sub(width_of(&left) + width_of(&right));
    left.push(Span::raw(" ".repeat(gap)));
    left.extend(right);
    draw_line(frame, left, area);
}

/// Warnings, how the run stands, the step and the clock, as far as they are wanted.
fn right_end(app: &App, standing: Standing, width: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let mut right: Vec<Span<'static>> = warnings(app).into_iter().collect();
    right.extend(state(app, width));
    if standing != Standing::State {
        right.push(span("  step ", theme.dim));
        right.push(span(format!("{:<4}", app.step()), theme.title));
    }
    if standing == Standing::Clock {
        right.push(span(format!(" {:>6} ", numbers::clock(app.elapsed())), theme.text));
    }
    right
}

/// The columns of the names, whichever screen is in front: nothing jumps from screen to screen.
fn widest(names: Names) -> usize {
    let sum = |name: fn(&Tab) -> &'static str, gap: usize| {
        let all: usize = TABS.iter().map(|tab| gap + name(tab).len()).sum();
        all + TABS.iter().map(|tab| tab.name.len() - name(tab).len()).max().unwrap_or(0)
    };
    match names {
        Names::Full(gap) => sum(|tab| tab.name, gap),
        Names::Short(gap) => sum(|tab| tab.short, gap),
        Names::Shortest => sum(|tab| tab.shortest, 1),
        Names::Front => TABS.iter().map(|tab| 1 + tab.name.len()).max().unwrap_or(0) + FRONT_TAIL,
    }
}

/// Columns of ` 6/9  Tab next`.
const FRONT_TAIL: usize = 14;

/// Names, and where each is: columns from the left, its width.
type Placed = (Vec<Span<'static>>, Vec<(usize, usize, Screen)>);

fn tabs(app: &App, names: Names) -> Placed {
    let theme = &app.theme;
    let lit = theme.title.add_modifier(Modifier::UNDERLINED);
    let (mut spans, mut places, mut column) = (Vec::new(), Vec::new(), 0);
    if names == Names::Front {
        let name = app.screen.name();
        let number = format!(" {}/{}  ", app.screen.place() + 1, TABS.len());
        let start = 1 + name.len() + number.len();
        places.push((start, "Tab next".len(), app.screen.next()));
        let key = [span("Tab", theme.hint_key), span(" next", theme.hint_text)];
        return (
            [vec![Span::raw(" "), span(name, lit), span(number, theme.dim)], key.to_vec()].concat(),
            places,
        );
    }
    for tab in TABS {
        let front = app.screen == tab.screen;
        let (name, gap) = match names {
            Names::Full(gap) => (tab.name, gap),
            Names::Short(gap) => (if front { tab.name } else { tab.short }, gap),
            _ => (if front { tab.name } else { tab.shortest }, 1),
        };
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(span(name, if front { lit } else { theme.dim }));
        places.push((column + gap, name.len(), tab.screen));
        column += gap + name.len();
    }
    (spans, places)
}

/// Says in loud letters when the reward is not what it should be.
fn control_flag(app: &App, width: usize) -> Option<Span<'static>> {
    let control = app.started.as_ref()?.config.reward.control;
    let which =
        if width < 100 { String::new() } else { control.name().replace('-', " ").to_uppercase() + " " };
    let style = app.theme.error.add_modifier(Modifier::REVERSED);
    (control != Control::None).then(|| span(format!(" {which}CONTROL "), style))
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
        vec![span(format!("{} {}", config.puzzles.task.name, config.puzzles.level.name()), app.theme.text)],
        forked.unwrap_or_default(),
        vec![span(config.update.preset.name(), dim)],
        vec![span(format!("seed {}", config.machine.seed), dim)],
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
        (_, Mode::Following | Mode::Attached, Temporality::Paused) if width < 60 => {
            (theme.glyph(" ‖", " ="), "paused ", stopped)
        }
        (_, Mode::Attached, Temporality::Live) if width < 60 => (theme.glyph("●", "*"), "live", theme.right),
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
