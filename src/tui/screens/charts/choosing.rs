//! The list of metrics to put on a panel: what one types of a name filters it.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Clear, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::{layout::ChartPanel, reading};
use crate::{
    metrics::{Metric, registry},
    tui::{
        screens::Scene,
        store::{Run, history::Smoothing},
        widgets::{
            frames::{on_border, padded, panel},
            lines::span,
        },
    },
};

/// Longest filter that can be typed.
const LONGEST: usize = 40;
/// Columns of a value.
const VALUES: usize = 8;

/// The list, open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Choosing {
    typed: String,
    /// The place among the metrics that fit.
    at: usize,
    /// Whether it is for the panel at hand and not for another one.
    pub onto: bool,
}

impl Choosing {
    /// For another panel, or for the one at hand.
    pub fn new(onto: bool) -> Self {
        Self { onto, ..Self::default() }
    }

    /// The metrics of a run that fit what is typed: those whose names begin with it go first.
    fn fitting(&self, run: &Run) -> Vec<&'static Metric> {
        let has = registry::ALL.iter().copied().filter(|metric| run.history.has(metric));
        let mut fitting: Vec<_> = has.filter(|metric| metric.name.contains(&self.typed)).collect();
        fitting.sort_by_key(|metric| !metric.name.starts_with(&self.typed));
        fitting
    }

    /// The one under the cursor.
    pub fn chosen(&self, run: &Run) -> Option<&'static Metric> {
        let fitting = self.fitting(run);
        fitting.get(self.at.min(fitting.len().saturating_sub(1))).copied()
    }

    /// Takes in a character.
    pub fn input(&mut self, character: char) {
        if self.typed.len() < LONGEST {
            self.typed.extend(character.to_lowercase());
            self.at = 0;
        }
    }

    /// Takes the last one back.
    pub fn erase(&mut self) {
        self.typed.pop();
        self.at = 0;
    }

    /// So many metrics down.
    pub fn step(&mut self, by: isize, run: &Run) {
        let last = self.fitting(run).len().saturating_sub(1);
        self.at = self.at.min(last).saturating_add_signed(by).min(last);
    }

    /// To the metric in this place.
    pub fn go(&mut self, at: usize) {
        self.at = at;
    }

    /// Draws the list over everything else; its rows and which metric each one has.
    pub fn draw(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        scene: &Scene<'_>,
        own: Option<&ChartPanel>,
    ) -> Vec<(Rect, usize)> {
        let theme = scene.theme;
        let fitting = self.fitting(scene.store);
        let names = fitting.iter().map(|metric| metric.name.width()).max().unwrap_or(0).max(20) + 2;
        let width = (names + VALUES + 50).min(usize::from(area.width)) as u16;
        let height = (fitting.len().max(1) + 2).min(usize::from(area.height)) as u16;
        let (x, y) = (area.x + (area.width - width) / 2, area.y + (area.height - height) / 2);
        let place = Rect { x, y, width, height };
        Clear.render(place, buffer);
        let what = if self.onto { "on this panel" } else { "another panel" };
        let cursor = theme.glyph("▏", "_");
        let title = vec![
            span(format!(" {what}: "), theme.title),
            span(format!("{}{cursor} ", self.typed), theme.accent),
        ];
        let does = if self.onto { " on or off  " } else { " adds it  " };
        let keys = [("Enter", does), ("Esc", " closes ")];
        let keys = keys
            .iter()
            .flat_map(|(key, does)| [span(format!(" {key}"), theme.hint_key), span(*does, theme.hint_text)]);
        let keys: Vec<Span<'static>> = keys.collect();
        let block = panel(theme, on_border(title))
            .border_style(theme.accent)
            .title_bottom(on_border(keys).right_aligned());
        let inner = padded(block.inner(place));
        block.render(place, buffer);
        if fitting.is_empty() {
            let why = match scene.store.history.steps().is_empty() {
                true => "no step is finished yet",
                false => "this run has no metric of such a name",
            };
            Line::from(span(why, theme.dim)).render(inner, buffer);
            return Vec::new();
        }
        let at = self.at.min(fitting.len() - 1);
        let first = (at + 1).saturating_sub(usize::from(inner.height));
        let mut rows = Vec::new();
        for (row, (number, metric)) in inner.rows().zip(fitting.iter().enumerate().skip(first)) {
            let mark = match own.filter(|_| self.onto) {
                Some(panel) if panel.has(metric) => theme.glyph("✓ ", "+ "),
                _ => "",
            };
            let value = scene.store.history.current(metric, Smoothing::Off);
            let value = value.map_or("-".to_owned(), |value| reading::figure(metric, value));
            let name = format!("{mark}{}", metric.name);
            let pad = " ".repeat(names.saturating_sub(name.width()));
            let spans = vec![
                span(format!("{name}{pad}"), theme.text),
                span(format!("{value:>VALUES$}  "), theme.title),
                span(metric.about, theme.dim),
            ];
            Line::from(spans).render(row, buffer);
            if number == at {
                buffer.set_style(row, theme.selection);
            }
            rows.push((row, number));
        }
        rows
    }
}
