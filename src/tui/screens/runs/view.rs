//! Draws the Runs screen: the list, and below it the run under the cursor or how the marked runs differ.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::{
    compared::{self, cut, held_out},
    order::Listed,
    state::{Hits, Part, Runs, Typed},
};
use crate::{
    metrics::format::bytes,
    runs::overview::{Overview, RunState},
    tui::{
        chart::{Scale, sparkline},
        panels::Panel,
        screens::Scene,
        shell::theme::Theme,
        store::{begun, without_time},
        widgets::{
            frames::{draw_thumb, padded, panel},
            lines::{separator, span},
            numbers::UNKNOWN,
            wrap::wrap,
        },
    },
};

/// Cells of a curve.
const CURVE: usize = 12;
/// Columns of a name at least.
const LEAST_NAME: usize = 20;

/// A column beside the name.
struct Column {
    title: &'static str,
    width: usize,
    right: bool,
    cell: fn(&Overview, &Theme) -> String,
}

/// The columns, the most important first: as many as fit are shown.
const COLUMNS: &[Column] = &[
    Column { title: "held out", width: 10, right: true, cell: |run, _| held_out(run) },
    Column { title: "state", width: 9, right: false, cell: |run, _| run.state.name().to_owned() },
    Column { title: "steps", width: 6, right: true, cell: |run, _| run.steps.to_string() },
    Column { title: "accuracy", width: CURVE + 1, right: false, cell: curve },
    Column { title: "seed", width: 6, right: true, cell: |run, _| known(run.seed) },
    Column { title: "task", width: 20, right: false, cell: |run, _| task(run) },
    Column { title: "begun", width: 12, right: false, cell: |run, _| begun(&run.name) },
    Column { title: "size", width: 8, right: true, cell: |run, _| bytes(run.bytes) },
    Column { title: "tags", width: 16, right: false, cell: |run, _| run.notes.tags.join(" ") },
    Column { title: "preset", width: 10, right: false, cell: |run, _| text(&run.preset) },
    Column { title: "forked from", width: 22, right: false, cell: |run, _| parent(run) },
];

/// Draws the screen into `area`.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, screen: &Runs, scene: &Scene<'_>) -> Hits {
    let theme = scene.theme;
    let below = match (area.height, screen.is_comparing()) {
        (..10, _) => 0,
        (height, true) => height / 2,
        (height, false) => (height / 3).min(9),
    };
    let [list, rest] = Layout::vertical([Constraint::Fill(1), Constraint::Length(below)]).areas(area);
    scene.panels.note(Panel::Runs, list);
    scene.panels.note(Panel::Run, rest);
    let hits = draw_list(buffer, list, screen, scene);
    if below > 0 {
        let marked = screen.marked_of(scene.shelf);
        let compares = screen.is_comparing() && marked.len() > 1;
        let title = match (compares, screen.here(scene.shelf)) {
            (true, _) => format!(" {} marked runs side by side ", marked.len()),
            (false, Some(run)) => format!(" {} ", cut(&run.name, usize::from(area.width).saturating_sub(6))),
            (false, None) => " no run ".to_owned(),
        };
        let block = panel(theme, Line::from(span(title, theme.title)));
        let inner = padded(block.inner(rest));
        block.render(rest, buffer);
        let lines = match (compares, screen.here(scene.shelf)) {
            (true, _) => compared::lines(&marked, inner.width, theme),
            (false, Some(run)) => about(run, inner.width, scene),
            (false, None) => Vec::new(),
        };
        Paragraph::new(lines).render(inner, buffer);
    }
    hits
}

fn draw_list(buffer: &mut Buffer, area: Rect, screen: &Runs, scene: &Scene<'_>) -> Hits {
    let theme = scene.theme;
    let listed = screen.listed(scene.shelf);
    let block = panel(theme, Line::from(title(screen, &listed, scene)));
    let mut inner = padded(block.inner(area));
    block.render(area, buffer);
    if let Some(line) = typed(screen, theme) {
        Line::from(line).render(Rect { height: inner.height.min(1), ..inner }, buffer);
        inner = below_the_first_row(inner);
    }
    if listed.is_empty() {
        Paragraph::new(wrap(&[span(nothing(screen, scene), theme.dim)], inner.width)).render(inner, buffer);
        return Hits { list: inner, top: 0 };
    }
    let columns = fitting(usize::from(inner.width));
    let name = usize::from(inner.width) - columns.iter().map(|column| column.width).sum::<usize>();
    Line::from(heading(&columns, name, theme)).render(Rect { height: inner.height.min(1), ..inner }, buffer);
    inner = below_the_first_row(inner);
    let (height, cursor) = (usize::from(inner.height), screen.place(&listed));
    let top = screen.top.clamp((cursor + 1).saturating_sub(height.max(1)), cursor);
    let top = top.min(listed.len().saturating_sub(height));
    for (at, (listed, place)) in listed.iter().skip(top).zip(inner.rows()).enumerate() {
        let mut spans = row(listed, screen, &columns, name, scene);
        let is_selected = top + at == cursor;
        if is_selected {
            // One even bar: colours inside a reversed row would be backgrounds.
            spans.iter_mut().for_each(|span| span.style = theme.text);
        }
        Line::from(spans).render(place, buffer);
        if is_selected {
            buffer.set_style(place, theme.selection);
        }
    }
    draw_thumb(buffer, area, inner, top, listed.len(), theme);
    Hits { list: inner, top }
}

fn below_the_first_row(area: Rect) -> Rect {
    Rect { y: area.y + area.height.min(1), height: area.height.saturating_sub(1), ..area }
}

/// ` runs: 12 of 40, newest first `.
fn title(screen: &Runs, listed: &[Listed<'_>], scene: &Scene<'_>) -> Vec<Span<'static>> {
    let (theme, all) = (scene.theme, scene.shelf.runs().len());
    let count = match listed.len() == all {
        true => all.to_string(),
        false => format!("{} of {all}", listed.len()),
    };
    let mut parts = vec![span(format!(" runs: {count} "), theme.title)];
    let order = if screen.by_lineage { "forks below their parents" } else { screen.sort.words() };
    let mut notes = vec![order.to_owned()];
    let marked = screen.marked_of(scene.shelf).len();
    if marked > 0 {
        notes.push(format!("{marked} marked"));
    }
    if scene.shelf.is_reading() {
        notes.push("reading".to_owned());
    }
    if !screen.words().is_empty() && !screen.is_typing() {
        notes.push(format!("with {}", cut(screen.words(), 20)));
    }
    parts.push(span(format!("{} ", notes.join(", ")), theme.dim));
    parts
}

/// What is being typed.
fn typed(screen: &Runs, theme: &Theme) -> Option<Vec<Span<'static>>> {
    let (label, text, advice) = match screen.typed()? {
        Typed::Words => ("words: ", screen.words(), "  words that the runs have"),
        Typed::Fork(_, text) => ("fork from step ", text.as_str(), "  then key=value ..., steps=LAST"),
        Typed::Said(Part::Name, _, text) => ("name: ", text.as_str(), "  empty takes it away"),
        Typed::Said(Part::Tags, _, text) => ("tags: ", text.as_str(), "  with commas between them"),
        Typed::Said(Part::Note, _, text) => ("note: ", text.as_str(), ""),
    };
    Some(vec![
        span(label, theme.accent),
        span(text.to_owned(), theme.title),
        span(theme.glyph("▏", "|"), theme.accent),
        span(advice, theme.dim),
    ])
}

fn nothing(screen: &Runs, scene: &Scene<'_>) -> String {
    let shelf = scene.shelf;
    let folder = shelf.folder.display();
    match (&shelf.trouble, shelf.is_reading(), screen.words().is_empty()) {
        (Some(why), ..) => why.clone(),
        (None, true, _) => format!("reading the runs in {folder}"),
        (None, false, false) => "no run has these words".to_owned(),
        (None, false, true) => format!("there is no run in {folder}"),
    }
}

/// The columns that fit beside a name.
fn fitting(width: usize) -> Vec<&'static Column> {
    let mut left = width.saturating_sub(LEAST_NAME);
    let mut shown = Vec::new();
    for column in COLUMNS {
        if left < column.width {
            break;
        }
        left -= column.width;
        shown.push(column);
    }
    shown
}

fn heading(columns: &[&Column], name: usize, theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = vec![span(format!("{:<name$}", "   name"), theme.dim)];
    spans.extend(columns.iter().map(|column| span(aligned(column.title, column), theme.dim)));
    spans
}

fn aligned(text: &str, column: &Column) -> String {
    let width = column.width - 1;
    let text = cut(text, width);
    if column.right { format!("{text:>width$} ") } else { format!("{text:<width$} ") }
}

fn row(
    listed: &Listed<'_>,
    screen: &Runs,
    columns: &[&Column],
    name: usize,
    scene: &Scene<'_>,
) -> Vec<Span<'static>> {
    let (theme, run) = (scene.theme, listed.run);
    let mark = if screen.is_marked(run) { theme.glyph("●", "*") } else { " " };
    let open = scene.runs.place_at(&run.path).map(|place| (place + 1).to_string());
    let fork = match (listed.depth, &run.parent) {
        (0, _) | (_, None) => String::new(),
        (depth, Some(parent)) => {
            format!("{}{}@{} ", "  ".repeat((depth - 1).min(6)), theme.glyph("└", "`"), parent.step)
        }
    };
    let style = if open.is_some() { theme.accent } else { theme.text };
    let label = cut(&format!("{fork}{}", named(run)), name.saturating_sub(4));
    let mut spans = vec![
        span(mark, theme.accent),
        span(open.map_or_else(|| " ".to_owned(), |number| cut(&number, 1)), theme.title),
        span(format!(" {label:<width$}", width = name.saturating_sub(3)), style),
    ];
    spans.extend(columns.iter().map(|column| {
        let style = match column.title {
            "state" => state_style(run.state, theme),
            "accuracy" => theme.reward,
            _ => theme.text,
        };
        span(aligned(&(column.cell)(run, theme), column), style)
    }));
    spans
}

fn state_style(state: RunState, theme: &Theme) -> ratatui::style::Style {
    match state {
        RunState::Live => theme.right,
        RunState::Failed => theme.error,
        RunState::Finished | RunState::Stopped => theme.dim,
    }
}

/// The run under the cursor in some lines.
fn about(run: &Overview, width: u16, scene: &Scene<'_>) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let dot = separator(theme);
    let mut facts = vec![span(task(run), theme.text)];
    let mut add = |text: String| facts.extend([dot.clone(), span(text, theme.text)]);
    if run.engine.is_none() {
        add(format!("preset {}", text(&run.preset)));
        add(format!("seed {}", known(run.seed)));
    }
    add(format!("{} steps, {}", run.steps, run.state.name()));
    add(bytes(run.bytes));
    let mut lines = wrap(&facts, width);
    let mut say = |label: &str, text: String| {
        lines.extend(wrap(&[span(format!("{label} "), theme.dim), span(text, theme.text)], width));
    };
    say(
        "held out",
        match run.best_held_out {
            Some(best) => format!("{:.3} after step {}, the best", best.accuracy, best.step),
            None => "not measured".to_owned(),
        },
    );
    if run.parent.is_some() {
        say("forked from", parent(run));
    }
    let forks = scene
        .shelf
        .runs()
        .iter()
        .filter(|other| other.parent.as_ref().is_some_and(|parent| parent.run == run.name));
    let forks: Vec<&str> = forks.map(|fork| without_time(&fork.name)).collect();
    if !forks.is_empty() {
        say("forks", forks.join(", "));
    }
    if run.engine.is_none() {
        let steps: Vec<String> = run.checkpoints.iter().rev().take(8).rev().map(u64::to_string).collect();
        let more = if run.checkpoints.len() > steps.len() { "..., " } else { "" };
        let steps = if steps.is_empty() { "none".to_owned() } else { steps.join(", ") };
        say("checkpoints", format!("{more}{steps}"));
    }
    if !run.notes.tags.is_empty() {
        say("tags", run.notes.tags.join(", "));
    }
    if !run.notes.note.is_empty() {
        say("note", run.notes.note.clone());
    }
    say("in", run.path.display().to_string());
    for trouble in &run.troubles {
        lines.extend(wrap(&[span(trouble.clone(), theme.warning)], width));
    }
    lines
}

/// The name that a person gave it, or else that of its folder.
pub(super) fn named(run: &Overview) -> &str {
    if run.notes.name.is_empty() { without_time(&run.name) } else { &run.notes.name }
}

fn task(run: &Overview) -> String {
    run.engine.map_or_else(|| format!("{} {}", run.task, run.level), |engine| format!("({engine})"))
}

fn text(text: &str) -> String {
    if text.is_empty() { UNKNOWN.to_owned() } else { text.to_owned() }
}

fn known(number: Option<u64>) -> String {
    number.map_or_else(|| UNKNOWN.to_owned(), |number| number.to_string())
}

fn parent(run: &Overview) -> String {
    run.parent
        .as_ref()
        .map_or_else(String::new, |parent| format!("{}@{}", without_time(&parent.run), parent.step))
}

fn curve(run: &Overview, theme: &Theme) -> String {
    let points = run.accuracies.iter().enumerate().map(|(step, accuracy)| (step as f64, *accuracy));
    let last = run.accuracies.len().saturating_sub(1).max(1) as f64;
    sparkline(points, (0.0, last), Scale::linear(1.0), CURVE, theme.ascii)
}
