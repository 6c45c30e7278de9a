//! Draws the Meter screen: the checks as stacked areas, and below them the figures.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::Meter;
use crate::{
    metrics::figures::{CAVEAT, Subject, figures, note},
    runs::place::Place,
    tui::{
        panels::Panel,
        screens::Scene,
        store::Run,
        widgets::{
            frames::{padded, panel},
            run_charts,
            scroll::Scrolled,
            wrap,
        },
    },
};

/// Columns of the names left of the figures.
const NAMES: usize = 22;

/// Draws the screen into `area`.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, meter: &Meter, scene: &Scene<'_>) -> Scrolled {
    let store = scene.store;
    let lines = lines(meter, scene, area.width.saturating_sub(4));
    let wanted = lines.len() as u16 + 2;
    let chart_rows = match area.height {
        20.. => area.height.saturating_sub(wanted).clamp(7, 18),
        _ => 0,
    };
    let [chart, below] = Layout::vertical([Constraint::Length(chart_rows), Constraint::Fill(1)]).areas(area);
    if chart_rows > 0 {
        run_charts::draw_checks(scene, chart, frame.buffer_mut());
    }
    scene.panels.note(Panel::Meter, below);
    let range = store.counts.meter.window_range(meter.window.steps());
    let title = match range {
        Some((first, last)) if first < last => format!(" aha-meter, steps {first} to {last} "),
        Some((only, _)) => format!(" aha-meter, step {only} "),
        None => " aha-meter ".to_owned(),
    };
    let inherited = store.fork().filter(|fork| range.is_some_and(|(first, _)| first <= fork.step));
    let title = match inherited {
        Some(fork) => format!("{}, of the parent up to {} ", title.trim_end(), fork.step),
        None => title,
    };
    let block = panel(scene.theme, Line::from(Span::styled(title, scene.theme.title)));
    let inner = block.inner(below);
    block.render(below, frame.buffer_mut());
    Scrolled::draw(meter.scroll, lines, frame, (below, padded(inner)), (scene.theme, scene.needle))
}

/// All lines, the most important first.
fn lines(meter: &Meter, scene: &Scene<'_>, width: u16) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let tally = meter.tally(scene.store);
    if tally.completions == 0 {
        return vec![Line::from(Span::styled("waiting for the first scored completions", theme.dim))];
    }
    let names = if width < 60 { 21 } else { NAMES };
    let mut lines = Vec::new();
    let mut row = |name: &str, value: String, style: Style| {
        let name = Span::styled(format!("{name:<names$}"), theme.title);
        let spans = [name, Span::styled(value, style)];
        lines.extend(wrap::wrap(&spans, width.max(8)).into_iter().map(|line| Line::from(line.spans)));
    };
    let figures = figures(&tally);
    let last_kind = figures.iter().position(|(.., subject)| *subject == Subject::False);
    for (index, (name, value, subject)) in figures.into_iter().enumerate() {
        let style = match subject {
            Subject::Plain => theme.text,
            Subject::Worth => theme.accent,
            Subject::True => theme.true_check,
            Subject::Misled => theme.misled_check,
            Subject::False => theme.false_check,
            Subject::Superficial => theme.superficial,
        };
        row(name, value, style);
        if subject == Subject::Worth {
            row("", CAVEAT.to_owned(), theme.dim);
        }
        // Where a low screen still has it.
        if Some(index) == last_kind {
            row(
                "aha mark",
                aha(scene.store),
                if scene.store.aha().is_some() { theme.aha } else { theme.dim },
            );
        }
    }
    let note = [Span::styled(note(&tally), theme.dim)];
    lines.extend(wrap::wrap(&note, width.max(8)).into_iter().map(|line| Line::from(line.spans)));
    lines
}

/// Short enough for one line at 80 columns.
fn aha(store: &Run) -> String {
    let Some(step) = store.aha() else {
        return "none yet: needs 3 smoothed steps above 3x the base".to_owned();
    };
    match store.counts.meter.most_self_correcting(step) {
        Some(((_, group, index), corrections)) => format!(
            "step {step}, {}: {corrections} self-correction{}",
            Place { group, index },
            if corrections == 1 { "" } else { "s" }
        ),
        None => format!("step {step}"),
    }
}
