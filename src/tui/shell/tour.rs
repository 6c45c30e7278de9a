//! The tour: six stops, each on its screen with the panels that it talks of lit. Also what is said at the first start.

use ratatui::{
    Frame,
    crossterm::event::KeyCode,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
    widgets::{Clear, Widget},
};

use super::{
    app::App,
    keys::{Chord, KeyRow, row},
};
use crate::tui::{
    panels::Panel,
    screens::{Screen, live::Live, microscope::Microscope, playground::Playground, transcripts::Transcripts},
    widgets::{
        frames::{padded, panel},
        lines::{shown_keys, span},
        wrap::wrap,
    },
};

/// Most columns of a card.
const WIDEST: u16 = 84;

/// Where the tour stops.
struct Stop {
    title: &'static str,
    screen: &'static str,
    /// What is lit, as far as the terminal has room for it.
    panels: &'static [Panel],
    words: &'static str,
}

static STOPS: [Stop; 6] = [
    Stop {
        title: "the charts",
        screen: Live::NAME,
        panels: &[Panel::Reward, Panel::Length, Panel::Checks, Panel::Sparklines],
        words: "Each dot is a step, each line its average: what answers earn and how many are right, how long they are, \
            how often they check themselves. The level line is the model before training. Only right answers are \
            rewarded; see what grows with them.",
    },
    Stop {
        title: "a completion",
        screen: Live::NAME,
        panels: &[Panel::Completions],
        words: "One puzzle, answered several times at once, token by token. Then come the verdict, the reward, and the \
            advantage: how much better than its group an answer was. That number alone decides what becomes likelier. \
            space pauses, p goes on by one phase, s by one step.",
    },
    Stop {
        title: "a self-check",
        screen: Transcripts::NAME,
        panels: &[Panel::Transcript],
        words: "A check compares a value with the target. Exact arithmetic decides whether it is true, misled, false or \
            superficial, and each looks different. A self-correction is a true check that finds a miss, and a new \
            attempt after it: 5 shows completions that have one, Enter opens one.",
    },
    Stop {
        title: "the aha mark",
        screen: Live::NAME,
        panels: &[Panel::Checks, Panel::Sparklines],
        words: "The mark ▲ stands at the step from which self-corrections stay above three times those of the base. The \
            base knew how to check and rarely did: training found out that checking pays. The mark moves, or goes, when \
            they fall back.",
    },
    Stop {
        title: "the Microscope",
        screen: Microscope::NAME,
        panels: &[Panel::Group],
        words: "One group of one step, token by token: its rewards, the baseline, each advantage, and how far the update \
            moved every token. 1 to 6 colour the tokens by another number; { and } go to other steps, [ and ] to other \
            groups.",
    },
    Stop {
        title: "the Playground",
        screen: Playground::NAME,
        panels: &[Panel::Form, Panel::Models],
        words: "Ask a puzzle of your own; two models answer it side by side, such as the base and the one in training. \
            Then take one token out of an answer, or put one in, and see how 32 continuations end with and without it.",
    },
];

/// Somebody takes the tour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tour {
    stop: usize,
    /// The screen that was in front before.
    from: usize,
}

/// What a key does during the tour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Next,
    Back,
    End,
}

/// Keys during the tour. No other key does anything.
pub(super) static TOUR_KEYS: &[KeyRow<Turn>] = &[
    row(
        &[
            Chord::key(KeyCode::Right),
            Chord::key(KeyCode::Enter),
            Chord::char(' '),
            Chord::char('n'),
            Chord::char('l'),
            Chord::key(KeyCode::Tab),
        ],
        "→ Enter",
        Turn::Next,
        "next",
        "",
    ),
    row(
        &[Chord::key(KeyCode::Left), Chord::key(KeyCode::BackTab), Chord::char('h')],
        "←",
        Turn::Back,
        "back",
        "",
    ),
    row(&[Chord::key(KeyCode::Esc), Chord::char('q'), Chord::char('T')], "Esc", Turn::End, "ends", ""),
];

/// Begins the tour.
pub(super) fn begin(app: &mut App) {
    app.welcome = false;
    app.tour = Some(Tour { stop: 0, from: app.front });
    go_there(app);
}

/// Goes on, back, or home.
pub(super) fn turn(app: &mut App, turn: Turn) {
    let Some(tour) = app.tour else { return };
    let stop = match turn {
        Turn::Next => Some(tour.stop + 1).filter(|stop| *stop < STOPS.len()),
        Turn::Back => Some(tour.stop.saturating_sub(1)),
        Turn::End => None,
    };
    app.tour = stop.map(|stop| Tour { stop, ..tour });
    match app.tour {
        Some(_) => go_there(app),
        None => app.front = tour.from.min(app.screens().len().saturating_sub(1)),
    }
}

fn go_there(app: &mut App) {
    let screen = app.tour.and_then(|tour| app.place_of(STOPS[tour.stop].screen));
    app.front = screen.unwrap_or(app.front);
}

/// Draws the stop: everything else on the screen dim, and a card that lies on what is talked of as little as it can.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App, panels: &[(Rect, Panel)], screen: Rect) {
    let Some(tour) = app.tour else { return };
    let (stop, theme) = (&STOPS[tour.stop], &app.theme);
    let lit: Vec<Rect> =
        panels.iter().filter(|(_, panel)| stop.panels.contains(panel)).map(|(area, _)| *area).collect();
    for place in screen.intersection(frame.area()).positions() {
        let cell = &mut frame.buffer_mut()[place];
        match lit.iter().find(|area| area.contains(place)) {
            None => cell.modifier |= Modifier::DIM,
            // Where the panel has a frame, its frame.
            Some(area) if is_edge(*area, place.x, place.y) && is_frame(cell.symbol(), theme.ascii) => {
                cell.set_style(theme.accent);
                cell.modifier -= Modifier::DIM;
            }
            Some(_) => {}
        }
    }
    let title = format!(" {} of {}: {} ", tour.stop + 1, STOPS.len(), stop.title);
    let keys: Vec<(String, &str)> =
        TOUR_KEYS.iter().map(|row| (shown_keys(theme, row.shown), row.hint)).collect();
    let words = stop.words.replace('▲', theme.glyph("▲", "^"));
    card(frame, app, (title, &[words][..]), &keys, &lit, screen);
}

fn is_edge(area: Rect, x: u16, y: u16) -> bool {
    x == area.x || y == area.y || x + 1 == area.right() || y + 1 == area.bottom()
}

fn is_frame(symbol: &str, ascii: bool) -> bool {
    match ascii {
        true => matches!(symbol, "+" | "-" | "|"),
        false => matches!(symbol, "╭" | "╮" | "╰" | "╯" | "─" | "│"),
    }
}

/// The four lines of the first start.
const WELCOME: [&str; 4] = [
    "Above: reward, length, self-checks of each step; level: before training.",
    "Below: answers as they are written; exact arithmetic colours every check.",
    "▲ aha: from that step on it corrects itself far more often than before.",
    "Tab: more screens. space: pause. ?: what a panel shows. T: a tour.",
];

/// Draws what is said at the first start.
pub(super) fn draw_welcome(frame: &mut Frame<'_>, app: &App, screen: Rect) {
    if !app.welcome {
        return;
    }
    let lines = WELCOME.map(|line| line.replace('▲', app.theme.glyph("▲", "^")));
    let keys = [("T".to_owned(), "the tour"), ("Esc".to_owned(), "closes")];
    card(frame, app, (" what you see ".to_owned(), &lines[..]), &keys, &[], screen);
}

/// A card over the screen: where it lies on `clear` least, else low in the middle.
fn card(
    frame: &mut Frame<'_>,
    app: &App,
    (title, paragraphs): (String, &[String]),
    keys: &[(String, &str)],
    clear: &[Rect],
    screen: Rect,
) {
    let theme = &app.theme;
    let width = screen.width.min(WIDEST);
    let lines: Vec<Line<'static>> = paragraphs
        .iter()
        .flat_map(|words| wrap(&[span(words.clone(), theme.text)], width.saturating_sub(4).max(8)))
        .collect();
    let height = (lines.len() as u16).saturating_add(2).min(screen.height);
    let x = screen.x + (screen.width - width) / 2;
    let covered = |y: &u16| -> u32 {
        let place = Rect { x, y: *y, width, height };
        clear.iter().map(|area| area.intersection(place).area()).sum()
    };
    let lowest = screen.bottom() - height;
    let places = [lowest, screen.y, screen.y + (screen.height - height) / 2];
    let y = places.into_iter().min_by_key(covered).unwrap_or(lowest);
    let place = Rect { x, y, width, height };
    Clear.render(place, frame.buffer_mut());
    let mut hints = vec![Span::raw(" ")];
    for (key, does) in keys {
        hints.push(span(key.clone(), theme.hint_key));
        hints.push(span(format!(" {does}  "), theme.hint_text));
    }
    let block = panel(theme, Line::from(span(title, theme.title)))
        .border_style(theme.accent)
        .title_bottom(Line::from(hints).right_aligned());
    let inner = padded(block.inner(place));
    block.render(place, frame.buffer_mut());
    for (line, row) in lines.into_iter().zip(inner.rows()) {
        line.render(row, frame.buffer_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::{panels, screens::REGISTRY};

    #[test]
    fn every_stop_is_on_a_screen_that_there_is_and_talks_of_panels() {
        let names: Vec<&str> = REGISTRY.iter().map(|make| make().name()).collect();
        for stop in &STOPS {
            assert!(names.contains(&stop.screen), "{}", stop.screen);
            assert!(!stop.panels.is_empty());
            assert!(stop.panels.iter().all(|panel| panels::ALL.iter().any(|about| about.panel == *panel)));
        }
    }
}
