//! How the marked runs differ: their keys, and what they reached.

use ratatui::text::{Line, Span};

use super::view::named;

use crate::{
    config::Config,
    runs::overview::{Overview, differing_keys},
    tui::{
        shell::theme::Theme,
        widgets::{
            lines::span,
            numbers::{UNKNOWN, fixed},
        },
    },
};

/// Columns of a key's name, and least and most of a value.
const NAMES: usize = 22;
const LEAST: usize = 8;
const MOST: usize = 24;

/// A table of these runs in so many columns.
pub(super) fn lines(runs: &[&Overview], width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let room = usize::from(width).saturating_sub(NAMES);
    let cell = (room / runs.len().max(1)).clamp(LEAST, MOST);
    // As many runs as fit; the others are counted.
    let shown = &runs[..runs.len().min((room / cell).max(1))];
    let row = |name: &str, values: Vec<String>, style| {
        let mut spans = vec![span(format!("{:<NAMES$}", cut(name, NAMES - 1)), theme.dim)];
        spans.extend(values.iter().map(|value| span(format!("{:<cell$}", cut(value, cell - 1)), style)));
        Line::from(spans)
    };
    let of = |value: fn(&Overview) -> String| shown.iter().map(|run| value(run)).collect::<Vec<_>>();
    let mut lines = vec![
        row("", of(|run| named(run).to_owned()), theme.title),
        row("steps", of(|run| run.steps.to_string()), theme.text),
        row("accuracy, last step", of(|run| last(&run.accuracies)), theme.text),
        row("best held out", of(held_out), theme.text),
    ];
    let configs: Vec<Option<&Config>> = shown.iter().map(|run| run.config.as_deref()).collect();
    let differing = differing_keys(&configs, UNKNOWN);
    if differing.is_empty() {
        let words = match configs.iter().all(Option::is_some) {
            true => "Their configurations are the same.",
            false => "What is known of their configurations is the same.",
        };
        lines.push(Line::from(span(words, theme.dim)));
    }
    lines.extend(differing.into_iter().map(|(key, values)| row(key, values, theme.accent)));
    if shown.len() < runs.len() {
        let words = format!("{} more are marked than fit here", runs.len() - shown.len());
        lines.push(Line::from(Span::styled(words, theme.dim)));
    }
    lines
}

fn last(accuracies: &[f64]) -> String {
    let known = accuracies.iter().rev().find(|accuracy| accuracy.is_finite());
    fixed(known.copied().unwrap_or(f64::NAN), 3, 0)
}

/// `.653 @30`, or `-`.
pub(super) fn held_out(run: &Overview) -> String {
    run.best_held_out.map_or_else(
        || UNKNOWN.to_owned(),
        |best| format!("{} @{}", fixed(best.accuracy, 3, 0).trim_start_matches('0'), best.step),
    )
}

/// At most so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    match text.chars().count() > most {
        true => plain.take(most.saturating_sub(1)).chain(['~']).collect(),
        false => plain.collect(),
    }
}
