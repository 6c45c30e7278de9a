//! The list beside: the completions whose reward changes, or the tricks that must not be paid.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use super::{
    state::{Rewards, tricks},
    view::framed,
};
use crate::{
    task::{Family, rules::figure},
    tui::{
        screens::Scene,
        shell::theme::Theme,
        widgets::{figures::grouped, frames::draw_thumb, lines::span},
    },
};

/// Draws the list; gives where its rows are and the first one shown.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, screen: &Rewards, scene: &Scene<'_>) -> (Rect, usize) {
    match (screen.trick, tricks(scene.store)) {
        (Some(at), Some(family)) => draw_tricks(buffer, area, (at, family), screen, scene),
        _ => draw_changes(buffer, area, scene),
    }
}

fn draw_changes(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) -> (Rect, usize) {
    let (theme, rescoring) = (scene.theme, &scene.store.rescoring);
    let changed = rescoring.effect().changed;
    let title = match changed {
        0 => " no reward changes ".to_owned(),
        some => format!(" rewards that change: {} ", grouped(some)),
    };
    let inner = framed(buffer, area, &title, theme);
    let height = usize::from(inner.height);
    let selected = scene.listing.key();
    let at = selected.map_or(0, |key| rescoring.place(key));
    let first = at.saturating_sub(height / 2).min(changed.saturating_sub(height));
    for ((key, row), place) in rescoring.changes(first).zip(inner.rows()) {
        let arrow = theme.glyph("→", "->");
        let name = format!("{}.{}.{}", key.step, key.group + 1, key.index + 1);
        let rewards = format!("{:>5} {arrow} {:<5}", figure(row.before), figure(row.after));
        let mut spans = vec![span(format!("{name:<11} "), theme.dim), span(rewards, theme.text)];
        if inner.width >= 42 && row.advantage_after.is_finite() {
            let before = row.advantage_before;
            spans.push(span(format!("  {before:+.2} {arrow} {:+.2}", row.advantage_after), theme.dim));
        }
        Line::from(spans).render(place, buffer);
        if Some(key) == selected {
            buffer.set_style(place, theme.selection);
        }
    }
    if changed == 0 && inner.height > 0 {
        let all = if rescoring.effect().scored == 0 { "" } else { "every reward stays as it is" };
        Line::from(span(all, theme.dim)).render(Rect { height: 1, ..inner }, buffer);
    }
    draw_thumb(buffer, area, inner, first, changed, theme);
    (inner, first)
}

fn draw_tricks(
    buffer: &mut Buffer,
    area: Rect,
    (at, family): (usize, &Family),
    screen: &Rewards,
    scene: &Scene<'_>,
) -> (Rect, usize) {
    let theme = scene.theme;
    let rules = screen.trial.applied(&scene.store.config().cloned().unwrap_or_default()).reward.rules();
    let tried: Vec<Option<bool>> = family
        .tricks
        .iter()
        .map(|trick| trick.tried(family.reader, &rules).map(|tried| tried.stands))
        .collect();
    let count = tried.iter().flatten().count();
    let stopped = tried.iter().flatten().filter(|stands| **stands).count();
    let title = match stopped == count {
        true => format!(" all {count} tricks unpaid "),
        false => format!(" {} of {count} tricks pay ", count - stopped),
    };
    let inner = framed(buffer, area, &title, theme);
    let height = usize::from(inner.height);
    let at = at.min(tried.len().saturating_sub(1));
    let first = at.saturating_sub(height / 2).min(tried.len().saturating_sub(height));
    for ((number, (trick, stands)), place) in
        family.tricks.iter().zip(&tried).enumerate().skip(first).zip(inner.rows())
    {
        let (mark, style) = mark(*stands, theme);
        let words = if stands.is_some() { theme.text } else { theme.dim };
        Line::from(vec![span(format!("{mark} "), style), span(trick.name, words)]).render(place, buffer);
        if number == at {
            buffer.set_style(place, theme.selection);
        }
    }
    draw_thumb(buffer, area, inner, first, tried.len(), theme);
    (inner, first)
}

fn mark(stands: Option<bool>, theme: &Theme) -> (&'static str, ratatui::style::Style) {
    match stands {
        Some(true) => (theme.glyph("✓", "+"), theme.right),
        Some(false) => (theme.glyph("✗", "x"), theme.wrong),
        None => (theme.glyph("·", "."), theme.dim),
    }
}
