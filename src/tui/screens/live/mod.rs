//! The Live screen: charts and the current completions. It shows what fits; completions are the last to go.

mod action;
mod completions;
mod failure;
mod sparks;
mod status;

use std::cell::RefCell;

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
};

pub use self::action::{Action, KEYS};
use self::completions::Shown;
use super::{Context, Gesture, Looks, Pointer, Scene, Screen};
use crate::tui::{
    panels::Panel,
    shell::{effect::Effect, keys::KeyRow},
    store::{
        Ended,
        streams::{Group, Streams},
    },
    widgets::{other_runs, phases, run_charts},
};

/// From this height of the terminal on there is a line for messages; below, they take the place of the hints.
const WITH_MESSAGE: u16 = 18;

/// The Live screen.
#[derive(Debug, Default)]
pub struct Live {
    /// Rows of a completion; `None` fits them to the panel.
    card_rows: Option<u16>,
    /// The step in which the user navigated, the selected group and the first completion shown.
    looked: Option<(u64, Option<usize>, usize)>,
    charts: RefCell<Option<Charts>>,
}

/// Where the last frame put things.
#[derive(Debug, Default)]
pub struct Hits {
    shown: Shown,
    /// Whether there was no room for charts.
    without_charts: bool,
}

/// The cached charts, with everything that they depend on: tokens change the screen thirty times a second, steps
/// every few seconds.
#[derive(Debug)]
struct Charts {
    key: (u64, u64, u64, u64, Rect, bool, Looks),
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
    /// The group on screen: its number and itself.
    fn group<'a>(&self, streams: &'a Streams) -> Option<(usize, &'a Group)> {
        let chosen = self.looked.filter(|(step, ..)| *step == streams.step()).and_then(|(_, group, _)| group);
        let chosen = chosen.and_then(|number| Some((number, streams.group(number)?)));
        chosen.or_else(|| streams.current())
    }

    /// The first completion that is shown of it.
    fn first_card(&self, streams: &Streams) -> usize {
        self.looked.filter(|(step, ..)| *step == streams.step()).map_or(0, |(.., first)| first)
    }

    fn look(&mut self, streams: &Streams, group: Option<usize>, first: usize) {
        self.looked = Some((streams.step(), group, first));
    }

    fn scroll(&mut self, streams: &Streams, down: bool, shown: Shown) {
        let group = self.looked.filter(|(step, ..)| *step == streams.step()).and_then(|(_, group, _)| group);
        let last = shown.of.saturating_sub(shown.fit);
        self.look(
            streams,
            group,
            if down { (shown.first + 1).min(last) } else { shown.first.saturating_sub(1) },
        );
    }

    fn turn_group(&mut self, streams: &Streams, forward: bool) -> Vec<Effect> {
        let next = self.group(streams).and_then(|(number, _)| streams.beside(number, forward));
        self.look(streams, next, 0);
        match streams.groups() {
            0 | 1 => Effect::info("the step's other groups appear when they are scored"),
            _ => Vec::new(),
        }
    }

    fn draw_charts(&self, frame: &mut Frame<'_>, scene: &Scene<'_>, area: Rect) {
        let store = scene.store;
        let versions = (store.history.version(), other_runs::version(scene));
        let key = (versions.0, versions.1, store.begun, store.edits, area, store.over(), scene.looks);
        let mut charts = self.charts.borrow_mut();
        if charts.as_ref().is_none_or(|drawn| drawn.key != key) {
            let mut buffer = Buffer::empty(area);
            run_charts::draw_all(scene, area, &mut buffer);
            *charts = Some(Charts { key, buffer });
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
            Gesture::Click => None,
        }
    }

    fn update(&mut self, action: Action, context: &mut Context<'_>, hits: &Hits) -> Vec<Effect> {
        let streams = &context.store.streams;
        match action {
            Action::Taller => self.card_rows = Some((self.card_rows.unwrap_or(3) + 1).min(12)),
            Action::Shorter => self.card_rows = Some((self.card_rows.unwrap_or(3)).saturating_sub(1).max(1)),
            Action::Up | Action::Down => self.scroll(streams, action == Action::Down, hits.shown),
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
        let shown = completions::draw(frame, self, scene, body);
        status::draw_status(frame, scene, status);
        if !message.is_empty() {
            status::draw_message(frame, scene, message);
        }
        Hits { shown, without_charts: !matches!(metrics, Metrics::Charts(_)) }
    }

    fn has_message_line(rows: u16) -> bool {
        rows >= WITH_MESSAGE
    }
}
