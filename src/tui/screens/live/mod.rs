//! The Live screen: charts and the current completions. It shows what fits; completions are the last to go.

mod action;
mod completions;
mod cursor;
mod failure;
mod sparks;
mod status;

use std::cell::RefCell;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Constraint, Layout, Position, Rect},
};

pub use self::action::{Action, KEYS};
use self::{
    completions::Shown,
    cursor::{Place, To},
};
use super::{Context, Gesture, Looks, Pointer, Scene, Screen, handout::Handout, listing::Needle};
use crate::tui::{
    panels::Panel,
    shell::{effect::Effect, keys::KeyRow, theme::Theme},
    store::{Ended, streams::Streams},
    widgets::{other_runs, phases, run_charts},
};

/// From this height of the terminal on there is a line for messages; below, they take the place of the hints.
const WITH_MESSAGE: u16 = 18;

/// The Live screen.
#[derive(Debug, Default)]
pub struct Live {
    /// Rows of a completion; `None` fits them to the panel.
    card_rows: Option<u16>,
    /// Where somebody went in the step.
    place: Option<Place>,
    charts: RefCell<Option<Charts>>,
}

/// Where the last frame put things.
#[derive(Debug, Default)]
pub struct Hits {
    shown: Shown,
    /// Where each completion is.
    cards: Vec<(Rect, usize)>,
    /// Whether there was no room for charts.
    without_charts: bool,
}

/// The cached charts, with everything that they depend on: tokens change the screen thirty times a second, steps
/// every few seconds.
#[derive(Debug)]
struct Charts {
    key: (u64, u64, u64, u64, Rect, bool, Looks),
    theme: Theme,
    buffer: Buffer,
}

/// How the metrics are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metrics {
    /// Three charts with this many rows.
    Charts(u16),
    /// Three sparklines.
    Sparklines,
    /// One line of numbers.
    Numbers,
    /// Nothing.
    None,
}

impl Live {
    /// A click goes to a completion; a click on the one under the cursor opens it.
    fn click(&mut self, place: Position, streams: &Streams, hits: &Hits) -> Vec<Effect> {
        let Some((_, at)) = hits.cards.iter().find(|(area, _)| area.contains(place)) else {
            return Vec::new();
        };
        if self.cursor(streams) == Some(*at) {
            return self.open(streams, hits.shown);
        }
        self.go(To::Card(*at), streams, hits.shown);
        Vec::new()
    }

    fn draw_charts(&self, frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect) {
        let store = scene.store;
        let versions = (store.history.version(), other_runs::version(scene));
        let key = (versions.0, versions.1, store.begun, store.edits, area, store.over(), scene.looks);
        let mut charts = self.charts.borrow_mut();
        if charts.as_ref().is_none_or(|drawn| drawn.key != key || drawn.theme != *scene.theme) {
            let mut buffer = Buffer::empty(area);
            run_charts::draw_all(scene, area, &mut buffer);
            *charts = Some(Charts { key, theme: scene.theme.clone(), buffer });
        }
        if let Some(drawn) = &*charts {
            frame.buffer_mut().merge(&drawn.buffer);
        }
    }
}

impl Screen for Live {
    const NAME: &'static str = "Live";
    const ABOUT: &'static str = "charts and the current completions";
    const COMMANDS_FIRST: bool = true;

    type Action = Action;
    type Hits = Hits;

    fn keys() -> &'static [KeyRow<Action>] {
        KEYS
    }

    fn does(&self, action: Action, _: &Scene<'_>, hits: &Hits) -> bool {
        // Without charts there is no axis.
        action != Action::LogLength || !hits.without_charts
    }

    fn mouse(&self, pointer: Pointer) -> Option<Action> {
        match pointer.what {
            Gesture::Up => Some(Action::Up),
            Gesture::Down => Some(Action::Down),
            Gesture::Click => Some(Action::Click { column: pointer.column, row: pointer.row }),
            Gesture::Drag => None,
        }
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        let streams = &context.store.streams;
        match action {
            Action::Taller => self.card_rows = Some((self.card_rows.unwrap_or(3) + 1).min(12)),
            Action::Shorter => self.card_rows = Some((self.card_rows.unwrap_or(3)).saturating_sub(1).max(1)),
            Action::Up => self.go(To::Up, streams, hits.shown),
            Action::Down => self.go(To::Down, streams, hits.shown),
            Action::First => self.go(To::First, streams, hits.shown),
            Action::Last => self.go(To::Last, streams, hits.shown),
            Action::Open => return self.open(streams, hits.shown),
            Action::Click { column, row } => return self.click((column, row).into(), streams, hits),
            Action::NextGroup | Action::PreviousGroup => {
                return self.turn_group(streams, action == Action::NextGroup);
            }
            Action::LogLength => {
                context.looks.log_length = !context.looks.log_length;
                let axis = if context.looks.log_length { "logarithmic" } else { "linear" };
                return Effect::info(format!("length: {axis} axis"));
            }
            Action::Smoothing => {
                let smoothing = context.looks.smoothing.next();
                context.looks.smoothing = smoothing;
                let beta = smoothing.beta();
                return Effect::info(if beta == 0.0 {
                    "bright lines: not smoothed".to_owned()
                } else {
                    format!("bright lines: debiased moving average, weight {beta} on the past")
                });
            }
        }
        Vec::new()
    }

    fn seek(&mut self, needle: &Needle, forward: bool, context: &mut Context<'_>, hits: &Hits) -> bool {
        self.seek_text(needle, forward, &context.store.streams, hits.shown)
    }

    fn under_cursor(&self, scene: &Scene<'_>, hits: &Hits) -> Option<Handout> {
        let (_, card) = self.in_hand(&scene.store.streams, hits.shown)?;
        Some(match &card.record {
            Some(record) => Handout::of_record(record),
            None => Handout::Text { name: "aha-completion".to_owned(), text: card.text().to_owned() },
        })
    }

    fn draw(&self, frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>) -> Hits {
        // Including the title and the hints.
        let (width, height) = (area.width, area.height + 2);
        let metrics = match (width, height) {
            (78.., 28..) => Metrics::Charts((height * 2 / 5).clamp(10, 18)),
            (44.., 18..) => Metrics::Sparklines,
            (_, 7..) => Metrics::Numbers,
            _ => Metrics::None,
        };
        let metric_rows = match metrics {
            Metrics::Charts(rows) => rows,
            Metrics::Sparklines => 3,
            Metrics::Numbers => 1,
            Metrics::None => 0,
        };
        let status_rows = match height {
            24.. => 2,
            18.. => 1,
            _ => 0,
        };
        let failure_rows = match &scene.store.ended {
            Some(Ended::Failed(reason)) => failure::rows(reason, scene, width).min(height / 3),
            _ => 0,
        };
        let [phase, metric, failed, body, status, message] = Layout::vertical([
            Constraint::Length(u16::from(height >= 5)),
            Constraint::Length(metric_rows),
            Constraint::Length(failure_rows),
            Constraint::Fill(1),
            Constraint::Length(status_rows),
            Constraint::Length(u16::from(Self::has_message_line(height))),
        ])
        .areas(area);

        phases::draw(frame, scene, phase);
        scene.panels.note(Panel::Phases, phase);
        match metrics {
            Metrics::Charts(_) => run_charts::note_all(scene, metric),
            _ => scene.panels.note(Panel::Sparklines, metric),
        }
        scene.panels.note(Panel::Completions, body);
        scene.panels.note(Panel::Totals, status);
        match metrics {
            Metrics::Charts(_) => self.draw_charts(frame, scene, metric),
            Metrics::Sparklines => sparks::draw(frame, scene, metric),
            Metrics::Numbers => sparks::draw_numbers(frame, scene, metric),
            Metrics::None => {}
        }
        if failure_rows > 0 {
            failure::draw(frame, scene, failed);
        }
        let (shown, cards) = completions::draw(frame, self, scene, body);
        status::draw_status(frame, scene, status);
        if !message.is_empty() {
            status::draw_message(frame, scene, message);
        }
        Hits { shown, cards, without_charts: !matches!(metrics, Metrics::Charts(_)) }
    }

    fn has_message_line(rows: u16) -> bool {
        rows >= WITH_MESSAGE
    }
}
