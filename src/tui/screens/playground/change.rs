//! The effect of a change in lines: both shares and their difference, with intervals, and what was compared.

use ratatui::text::Line;

use crate::{
    metrics::{interval::wilson, meter::difference},
    protocol::side::{Arm, Resampled},
    tui::{
        shell::theme::Theme,
        store::desk::{Change, SAMPLES},
        widgets::{lines::span, wrap::wrap},
    },
};

/// A share in percent.
fn percent(share: f64) -> String {
    format!("{:.0}", 100.0 * share)
}

/// The title over the lines.
pub(super) fn title(change: &Change, theme: &Theme) -> Line<'static> {
    let letter = if change.side == 0 { "A" } else { "B" };
    Line::from(vec![
        span(format!(" {letter} "), theme.accent),
        span(format!("{} ", change.words), theme.title),
        span(format!("at token {} ", change.at + 1), theme.dim),
    ])
}

/// The lines, for this width; the most important first.
pub(super) fn lines(change: &Change, theme: &Theme, width: u16) -> Vec<Line<'static>> {
    let Some(result) = &change.result else {
        let (done, total) = change.progress;
        let text = format!("continuing both beginnings: {done} of {total} (esc cancels)");
        return wrap(&[span(text, theme.dim)], width);
    };
    let narrow = width < 60;
    let (first, second) = if change.deleted { ("with it", "without") } else { ("as it was", "changed") };
    let mut lines = vec![
        arm(first, &result.original, None, narrow, theme),
        arm(second, &result.edited, result.again, narrow, theme),
        gap(result, narrow, theme),
    ];
    let what = format!(
        "One beginning of one answer of {}, continued {SAMPLES} times as it was and {SAMPLES} times changed, same \
         seeds and budget: the effect here, not in general. Brackets: 95 % intervals for independent continuations.",
        change.model
    );
    lines.extend(wrap(&[span(what, theme.dim)], width));
    lines
}

fn arm(name: &str, arm: &Arm, again: Option<usize>, narrow: bool, theme: &Theme) -> Line<'static> {
    let share = arm.right as f64 / arm.samples.max(1) as f64;
    let [low, high] = wilson(share, arm.samples as f64);
    let mut spans = vec![
        span(format!("{name:<10}"), theme.text),
        span(format!("{:>4} % ", percent(share)), theme.title),
        span(format!("[{} to {}] ", percent(low), percent(high)), theme.text),
        span(format!("{} of {}", arm.right, arm.samples), theme.dim),
    ];
    if !narrow {
        spans.push(span(format!(" right, mean {:.0} tokens", arm.mean_length), theme.dim));
        if arm.forced > 0 {
            spans.push(span(format!(", {} forced", arm.forced), theme.dim));
        }
        if let Some(again) = again {
            spans.push(span(format!(", {again} wrote it again"), theme.dim));
        }
    }
    Line::from(spans)
}

fn gap(result: &Resampled, narrow: bool, theme: &Theme) -> Line<'static> {
    let Resampled { original, edited, .. } = result;
    let Some(found) = difference((edited.right, edited.samples), (original.right, original.samples)) else {
        return Line::default();
    };
    let signed = |share: f64| format!("{:+.0}", if share.abs() < 0.005 { 0.0 } else { 100.0 * share });
    let clear = found.low > 0.0 || found.high < 0.0;
    let verdict = match (clear, narrow) {
        (true, _) => "",
        (false, false) => "  no clear difference",
        (false, true) => " unclear",
    };
    Line::from(vec![
        span(format!("{:<10}", "difference"), theme.text),
        span(
            format!("{:>4} {} ", signed(found.value), if narrow { "pts" } else { "points" }),
            if clear { theme.accent } else { theme.title },
        ),
        span(format!("[{} to {}]", signed(found.low), signed(found.high)), theme.text),
        span(verdict, theme.dim),
    ])
}
