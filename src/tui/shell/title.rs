//! The title bar: the run and its status.

use ratatui::{Frame, layout::Rect, style::Modifier, text::Span};
use unicode_width::UnicodeWidthStr;

use super::app::{App, Ended};
use crate::{
    config::{Choice, Control},
    protocol::{SourceKind, Temporality},
    tui::{
        store::Run,
        widgets::{
            lines::{draw_line, join_fitting, separator, span, width_of},
            numbers,
        },
    },
};

/// How the names of the screens are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// All, with this many columns between them.
    All(usize),
    /// As many as fit around the screen in front, and marks where there are more.
    Some,
    /// Only the screen in front, its number, and the key to the others.
    Front,
}

/// What stands at the right end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// The run's status, the step and the clock.
    Clock,
    /// Without the clock.
    Step,
    /// Only the run's status.
    State,
}

/// Layouts from widest to narrowest: names, right end, and whether the program's name is shown.
const LAYOUTS: [(Names, Standing, bool); 9] = [
    (Names::All(2), Standing::Clock, true),
    (Names::All(1), Standing::Clock, true),
    (Names::All(1), Standing::Step, true),
    (Names::All(1), Standing::Step, false),
    (Names::Some, Standing::Step, false),
    (Names::All(1), Standing::State, false),
    (Names::Some, Standing::State, false),
    (Names::Front, Standing::Step, false),
    (Names::Front, Standing::State, false),
];

/// Columns from which some of the names are worth more than the number of the screen in front.
const SOME: usize = 30;
/// Columns of ` 6/9  Tab next`, and of ` Tab next` where the number might be taken for that of the run.
const FRONT_TAIL: [usize; 2] = [14, 9];
/// Columns of a mark for names that are not there, and the space beside it.
const MORE: usize = 2;

/// Draws the title bar; where the names are, and where the number of the run. Whatever its width, it says which screen is
/// in front and how to get to the others, and which run of how many is shown.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, area: Rect) -> (Vec<(Rect, usize)>, Rect) {
    let width = usize::from(area.width);
    if width == 0 || area.height == 0 {
        return (Vec::new(), Rect::ZERO);
    }
    let badge = span(" aha-lab ", app.theme.accent.add_modifier(Modifier::REVERSED));
    let control = control_flag(app, width);
    let control_width = control.as_ref().map_or(0, |flag| flag.content.width() + 1);
    let room_for_names = |standing, with_badge: bool| {
        let left = if with_badge { badge.content.width() } else { 0 } + control_width;
        width.saturating_sub(left + 1 + width_of(&right_end(app, standing, width)))
    };
    let fits = |layout: &&(Names, Standing, bool)| least(app, layout.0) <= room_for_names(layout.1, layout.2);
    let (names, standing, with_badge) = *LAYOUTS.iter().find(fits).unwrap_or(&LAYOUTS[LAYOUTS.len() - 1]);

    let room = room_for_names(standing, with_badge);
    let right = right_end(app, standing, width);
    let mut left = Vec::new();
    if with_badge {
        left.push(badge);
    }
    if let Some(control) = control {
        left.extend([Span::raw(" "), control]);
    }
    let start = width_of(&left);
    let (tabs, places) = match names {
        Names::All(gap) => row_of(app, 0..app.screens().len(), gap),
        Names::Some => row_of(app, around_front(app, room), 1),
        Names::Front => front_alone(app),
    };
    let placed = |(column, width, screen)| {
        (Rect::new(area.x + (start + column) as u16, area.y, width as u16, 1), screen)
    };
    let places = places.into_iter().map(placed).collect();
    left.extend(tabs);
    let room = width.saturating_sub(width_of(&left) + width_of(&right));
    let details = if matches!(names, Names::All(_)) { details(app) } else { Vec::new() };
    let details = join_fitting(details, separator(&app.theme), room.saturating_sub(4));
    if !details.is_empty() {
        left.push(Span::raw("   "));
        left.extend(details);
    }
    let gap = width.saturating_sub(width_of(&left) + width_of(&right));
    left.push(Span::raw(" ".repeat(gap)));
    let count = count(app, width);
    let (start, columns) = (width_of(&left), count.as_ref().map_or(0, |count| count.content.width()));
    let counted = Rect::new(area.x + start as u16, area.y, columns as u16, 1).intersection(area);
    left.extend(right);
    draw_line(frame, left, area);
    (places, counted)
}

/// Which run of how many is shown, where there are several.
fn count(app: &App, width: usize) -> Option<Span<'static>> {
    let (number, of) = (app.store.place() + 1, app.store.count());
    let word = if width < 60 { "" } else { "run " };
    (of > 1).then(|| span(format!("{word}{number}/{of}  "), app.theme.accent))
}

/// Warnings, how the run stands, the step and the clock, as far as they are wanted.
fn right_end(app: &App, standing: Standing, width: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let mut right: Vec<Span<'static>> = count(app, width).into_iter().chain(warnings(app)).collect();
    right.extend(state(app, width));
    if standing != Standing::State {
        right.push(span("  step ", theme.dim));
        right.push(span(format!("{:<4}", app.run().step()), theme.title));
    }
    if standing == Standing::Clock {
        right.push(span(format!(" {:>6} ", numbers::clock(app.run().elapsed())), theme.text));
    }
    right
}

/// The fewest columns that the names take, whichever screen is in front: nothing jumps from screen to screen.
fn least(app: &App, names: Names) -> usize {
    let widths = app.screens().iter().map(|screen| screen.name().len());
    match names {
        Names::All(gap) => widths.map(|width| gap + width).sum(),
        Names::Some => SOME.max(1 + widths.max().unwrap_or(0) + 2 * MORE),
        Names::Front => 1 + widths.max().unwrap_or(0) + FRONT_TAIL[usize::from(!app.store.is_single())],
    }
}

/// The screens whose names fit into this many columns: the one in front, the next, and as many others as fit, from
/// the first on.
fn around_front(app: &App, room: usize) -> std::ops::Range<usize> {
    let count = app.screens().len();
    let width = |from: usize, to: usize| {
        let names: usize = app.screens()[from..to].iter().map(|screen| 1 + screen.name().len()).sum();
        names + if from > 0 { MORE } else { 0 } + if to < count { MORE } else { 0 }
    };
    let wanted = (app.front + 2).min(count);
    let fits = |from: &usize| width(*from, wanted) <= room;
    let (from, mut to) = match (0..=app.front).find(fits) {
        Some(from) => (from, wanted),
        None => (app.front, app.front + 1),
    };
    while to < count && width(from, to + 1) <= room {
        to += 1;
    }
    from..to
}

/// Names, and where each is: columns from the left, its width, and which screen it brings to the front.
type Placed = (Vec<Span<'static>>, Vec<(usize, usize, usize)>);

/// These names, with marks where there are others before or after them.
fn row_of(app: &App, shown: std::ops::Range<usize>, gap: usize) -> Placed {
    let theme = &app.theme;
    let lit = theme.title.add_modifier(Modifier::UNDERLINED);
    let (mut spans, mut places, mut column) = (Vec::new(), Vec::new(), 0);
    let mut add = |gap: usize, text: &'static str, style, screen| {
        spans.extend([Span::raw(" ".repeat(gap)), span(text, style)]);
        // The gap before a name belongs to it: nobody has to aim.
        places.push((column, gap + text.width(), screen));
        column += gap + text.width();
    };
    if shown.start > 0 {
        add(1, theme.glyph("‹", "<"), theme.hint_key, shown.start - 1);
    }
    for at in shown.clone() {
        add(gap, app.screens()[at].name(), if at == app.front { lit } else { theme.dim }, at);
    }
    if shown.end < app.screens().len() {
        add(1, theme.glyph("›", ">"), theme.hint_key, shown.end);
    }
    (spans, places)
}

/// The name of the screen in front, and the key to the next one.
fn front_alone(app: &App) -> Placed {
    let theme = &app.theme;
    let name = app.in_front().name();
    let count = app.screens().len();
    let number = match app.store.is_single() {
        true => format!(" {}/{count}  ", app.front + 1),
        false => " ".to_owned(),
    };
    let start = 1 + name.len() + number.len();
    let spans = vec![
        Span::raw(" "),
        span(name, theme.title.add_modifier(Modifier::UNDERLINED)),
        span(number, theme.dim),
        span("Tab", theme.hint_key),
        span(" next", theme.hint_text),
    ];
    (spans, vec![(start, "Tab next".len(), (app.front + 1) % count)])
}

/// Marks a control run in bold capitals.
fn control_flag(app: &App, width: usize) -> Option<Span<'static>> {
    let control = app.run().config()?.reward.control;
    let which =
        if width < 100 { String::new() } else { control.name().replace('-', " ").to_uppercase() + " " };
    let style = app.theme.error.add_modifier(Modifier::REVERSED);
    (control != Control::None).then(|| span(format!(" {which}CONTROL "), style))
}

fn details(app: &App) -> Vec<Vec<Span<'static>>> {
    let dim = app.theme.dim;
    let Some(started) = &app.run().started else {
        let text = if app.run().is_ours() { "starting the engine" } else { "reading the run" };
        return vec![vec![span(text, dim)]];
    };
    let Some(config) = app.run().config() else {
        let text = format!("{}, unknown configuration", app.run().facts.engine);
        return vec![vec![span(text, dim)]];
    };
    let forked =
        app.run().fork().map(|fork| vec![span(format!("forked from {} @{}", fork.run, fork.step), dim)]);
    let name =
        (!app.store.is_single()).then(|| vec![span(app.store.name(app.store.place()), app.theme.title)]);
    let task = match (app.run().told("task"), app.run().told("level")) {
        (true, true) => format!("{} {}", config.puzzles.task.name, config.puzzles.level.name()),
        (true, false) => config.puzzles.task.name.to_owned(),
        _ => "unknown task".to_owned(),
    };
    let told = |key: &str, value: String| {
        let known = app.run().told(key).then_some(value);
        known.map(|value| vec![span(value, dim)]).unwrap_or_default()
    };
    vec![
        name.unwrap_or_default(),
        vec![span(task, app.theme.text)],
        forked.unwrap_or_default(),
        app.run().other_engine().map(|words| vec![span(words, dim)]).unwrap_or_default(),
        told("preset", config.update.preset.name().to_owned()),
        told("seed", format!("seed {}", config.machine.seed)),
        vec![span(started.backend.clone(), dim)],
    ]
}

/// The number of active sentinel warnings.
fn warnings(app: &App) -> Option<Span<'static>> {
    let raised = app.run().watch.raised();
    (raised > 0).then(|| span(format!("{}{raised} ", app.theme.glyph("▲", "!")), app.theme.warning))
}

/// How a run stands, in a word.
pub(super) fn standing(run: &Run) -> &'static str {
    match (&run.ended, run.temporality) {
        (Some(Ended::Failed(_)), _) => "failed",
        _ if run.over() => "finished",
        _ if run.is_playback() => "played again",
        (_, Temporality::Paused) => "paused",
        _ => "live",
    }
}

/// That a record is being played, and how. It never says that the run is live.
fn playback(app: &App, width: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let stopped = theme.title.add_modifier(Modifier::REVERSED);
    let is_paused = app.run().temporality == Temporality::Paused;
    let (mark, how, style) = match (app.run().playing, is_paused) {
        (None, _) => (theme.glyph("◌", "."), String::new(), theme.dim),
        (Some(_), true) if app.run().is_played_out() => {
            (theme.glyph("▪", "#"), ", ended".into(), theme.title)
        }
        (Some(_), true) => (theme.glyph("‖", "="), ", paused".into(), stopped),
        (Some(playing), false) => (theme.glyph("▶", ">"), format!(" {}", playing.speed), theme.accent),
    };
    let word = if width < 60 { "played" } else { "playback" };
    vec![span(format!("{mark} "), style), span(format!("{word}{how}"), style)]
}

/// A mark and a word for how the run that is shown stands.
fn state(app: &App, width: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let stopped = theme.title.add_modifier(Modifier::REVERSED);
    if app.run().is_playback() {
        return playback(app, width);
    }
    let (mark, word, style) = match (&app.run().ended, app.run().facts.kind, app.run().temporality) {
        (Some(Ended::Failed(_)), ..) => (theme.glyph("✗", "x"), "failed", theme.error),
        _ if app.run().over() => (theme.glyph("▪", "#"), "finished", theme.title),
        _ if app.quitting.is_some() && app.run().is_ours() => {
            (theme.glyph("◌", "."), "stopping", theme.warning)
        }
        (_, SourceKind::Files | SourceKind::Process, Temporality::Paused) if width < 60 => {
            (theme.glyph(" ‖", " ="), "paused ", stopped)
        }
        (_, SourceKind::Process, Temporality::Live) if width < 60 => {
            (theme.glyph("●", "*"), "live", theme.right)
        }
        (_, SourceKind::Files, Temporality::Paused) => {
            (theme.glyph(" ‖", " ="), "following, paused ", stopped)
        }
        (_, SourceKind::Files, _) if width < 100 => (theme.glyph("◉", "o"), "following", theme.accent),
        (_, SourceKind::Files, _) => (theme.glyph("◉", "o"), "following another process's run", theme.accent),
        (_, SourceKind::Process, Temporality::Live) => (theme.glyph("●", "*"), "attached, live", theme.right),
        (_, SourceKind::Process, Temporality::Pausing) => {
            (theme.glyph("◌", "."), "attached, pausing", theme.warning)
        }
        (_, SourceKind::Process, Temporality::Paused) => {
            (theme.glyph(" ‖", " ="), "attached, paused ", stopped)
        }
        (_, SourceKind::Process, Temporality::Unpausing) => {
            (theme.glyph("◌", "."), "attached, resuming", theme.right)
        }
        _ if app.run().started.is_none() => (theme.glyph("◌", "."), "starting", theme.dim),
        (.., Temporality::Live) => (theme.glyph("●", "*"), "live", theme.right),
        (.., Temporality::Pausing) => (theme.glyph("◌", "."), "pausing", theme.warning),
        (.., Temporality::Paused) => (theme.glyph(" ‖", " ="), "paused ", stopped),
        (.., Temporality::Unpausing) => (theme.glyph("◌", "."), "resuming", theme.right),
    };
    vec![span(format!("{mark} "), style), span(word, style)]
}
