//! Draws the Meter screen: the checks as stacked areas, and below them the figures.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use crate::{
    metrics::figures::{CAVEAT, Subject, figures, note},
    runs::place::Place,
    tui::{
        app::App,
        view::{charts, panel},
        wrap,
    },
};

/// Columns of the names left of the figures.
const NAMES: usize = 22;

/// Draws the screen into `area`.
pub fn view(frame: &mut Frame, app: &mut App, area: Rect) {
    let lines = lines(app, area.width.saturating_sub(4));
    let wanted = lines.len() as u16 + 2;
    let chart_rows = match area.height {
        20.. => area.height.saturating_sub(wanted).clamp(7, 18),
        _ => 0,
    };
    let [chart, below] = Layout::vertical([Constraint::Length(chart_rows), Constraint::Fill(1)]).areas(area);
    if chart_rows > 0 {
        charts::draw_checks(app, chart, frame.buffer_mut());
    }
    let range = app.meter.meter.window_range(app.meter.window.steps());
    let title = match range {
        Some((first, last)) if first < last => format!(" aha-meter, steps {first} to {last} "),
        Some((only, _)) => format!(" aha-meter, step {only} "),
        None => " aha-meter ".to_owned(),
    };
    let inherited = app.fork().filter(|fork| range.is_some_and(|(first, _)| first <= fork.step));
    let title = match inherited {
        Some(fork) => format!("{}, the parent's up to {} ", title.trim_end(), fork.step),
        None => title,
    };
    let block = panel(&app.theme, Line::from(Span::styled(title, app.theme.title)));
    let inner = block.inner(below);
    block.render(below, frame.buffer_mut());
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }.intersection(inner);
    Paragraph::new(lines).render(inner, frame.buffer_mut());
}

/// All lines, the most important first: what does not fit below is left out.
fn lines(app: &App, width: u16) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let tally = app.meter.tally();
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
            row("aha mark", aha(app), if app.aha().is_some() { theme.aha } else { theme.dim });
        }
    }
    let note = [Span::styled(note(&tally), theme.dim)];
    lines.extend(wrap::wrap(&note, width.max(8)).into_iter().map(|line| Line::from(line.spans)));
    lines
}

fn aha(app: &App) -> String {
    let Some(step) = app.aha() else {
        return "none yet: needs 3 smoothed steps above 3 times the base's self-corrections".to_owned();
    };
    match app.meter.meter.most_self_correcting(step) {
        Some(((_, group, index), corrections)) => format!(
            "step {step}: {}, corrects itself {corrections} {}",
            Place { group, index },
            if corrections == 1 { "time" } else { "times" }
        ),
        None => format!("step {step}"),
    }
}
