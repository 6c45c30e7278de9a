//! The steps that every chart marks: the aha mark, the forks and what was changed.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};
use unicode_width::UnicodeWidthStr;

use crate::tui::{screens::Scene, shell::theme::Theme, store::changes::Change};

/// Without underlining and the like, which make braille unreadable.
pub(in crate::tui) fn unmodified(style: Style) -> Style {
    Style { add_modifier: style.add_modifier & (Modifier::BOLD | Modifier::DIM), ..style }
}

/// A step with a vertical line and a name.
pub(in crate::tui) struct Mark {
    /// The step after which it is.
    pub step: u64,
    /// What is said of it.
    pub name: String,
    /// Its style.
    pub style: Style,
}

/// The marks, most important first: the aha mark, the forks and what was changed.
pub(in crate::tui) fn of(scene: &Scene<'_>) -> Vec<Mark> {
    let theme = scene.theme;
    let aha = scene.store.aha().map(|step| Mark {
        step,
        name: format!("{} aha {step}", theme.glyph("▲", "^")),
        style: theme.aha,
    });
    let forks = scene.store.started.iter().flat_map(|started| &started.forks).map(|fork| Mark {
        step: fork.step,
        name: format!("fork {}", fork.step),
        style: theme.title,
    });
    aha.into_iter().chain(forks).chain(changes(scene)).collect()
}

/// The steps after which something was changed.
fn changes(scene: &Scene<'_>) -> Vec<Mark> {
    let (theme, all) = (scene.theme, scene.store.changes.all());
    let alike = all.chunk_by(|one, other| one.step == other.step);
    let mark = |changes: &[Change]| {
        let name = match changes {
            [only] => format!("{} {}", only.key, only.value),
            several => format!("{} keys", several.len()),
        };
        let step = changes.first().map_or(0, |change| change.step);
        Mark { step, name: format!("{} {name}", theme.glyph("◆", "*")), style: theme.accent }
    };
    alike.map(mark).collect()
}

/// What stands at the two ends of an axis; of the last, the longest that fits.
pub(in crate::tui) type Ends = (String, [String; 2]);

/// Writes the ends of the horizontal axis below a plot, and the marks between them where there is room; each mark is at its
/// x.
pub(in crate::tui) fn draw_axis(
    theme: &Theme,
    marks: Vec<(f64, Mark)>,
    plot: Rect,
    (x, (first, last)): ((f64, f64), Ends),
    buffer: &mut Buffer,
) {
    let row = plot.bottom();
    buffer.set_stringn(plot.x, row, &first, usize::from(plot.width), theme.dim);
    // Columns that are written on, with one to spare at each end.
    let mut taken = vec![(plot.x, plot.x + first.width() as u16 + 1)];
    let is_free =
        |taken: &[(u16, u16)], from: u16, to: u16| taken.iter().all(|at| to <= at.0 || at.1 <= from);
    for (at, Mark { name, style, .. }) in marks {
        let width = name.width() as u16;
        if width > plot.width {
            continue;
        }
        let place = (at - x.0) / (x.1 - x.0) * f64::from(plot.width - 1);
        let start = plot.x + (place.clamp(0.0, f64::from(plot.width)) as u16).min(plot.width - width);
        // The first mark goes over the number at the beginning; the others beside what is there, if not far off.
        let beside = taken.iter().flat_map(|at| [at.1, at.0.saturating_sub(width)]);
        let mut places = [start].into_iter().chain(beside.filter(|at| at.abs_diff(start) <= width));
        let is_good = |at: &u16| {
            let inside = *at >= plot.x && at + width <= plot.right();
            inside && (taken.len() == 1 || is_free(&taken, *at, at + width))
        };
        if let Some(start) = places.find(is_good) {
            if taken.len() == 1 && start < taken[0].1 {
                buffer.set_string(plot.x, row, " ".repeat(first.width()), theme.dim);
            }
            buffer.set_string(start, row, name, style);
            taken.push((start.saturating_sub(1), start + width + 1));
        }
    }
    for label in last {
        let start = plot.right().saturating_sub(label.width() as u16);
        if is_free(&taken, start, plot.right()) {
            buffer.set_string(start, row, label, theme.dim);
            return;
        }
    }
}
