//! Draws the Playground: the fields, the two answers, and the effect of a change.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    change,
    form::Field,
    state::{Hits, Playground, Zone},
    view_answers::draw_answers,
};
use crate::{
    protocol::side::Source,
    task::Prospect,
    tui::{
        panels::Panel,
        screens::Scene,
        shell::theme::Theme,
        store::desk::quoted,
        widgets::{
            frames::{on_border, panel},
            lines::{puzzle_text, span},
            wrap,
        },
    },
};

/// Smallest height at which the fields have a frame.
const FRAMED: u16 = 18;

/// Draws the screen between the title and the hints.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, ground: &Playground, scene: &Scene<'_>) -> Hits {
    if area.is_empty() {
        return Hits::default();
    }
    let (theme, desk) = (scene.theme, &scene.store.desk);
    let framed = area.height >= FRAMED;
    let inside = area.width.saturating_sub(if framed { 4 } else { 0 });
    let (mut fields, places) = field_lines(ground, scene, inside, area.height < FRAMED);
    let note = note(ground, inside, scene);
    fields.extend(wrap::wrap(&note, inside).into_iter().take(if framed { 3 } else { 1 }));
    let form_rows = (fields.len() as u16 + if framed { 2 } else { 0 }).min(area.height);

    let changed = desk.change.as_ref().map(|change| change::lines(change, theme, inside));
    let room = area.height.saturating_sub(form_rows);
    // The answers keep more than half of what is left.
    let change_rows = changed.as_ref().map_or(0, |lines| {
        let wanted = lines.len() as u16 + if framed { 2 } else { 1 };
        wanted.min(if framed { room / 2 } else { room * 3 / 5 })
    });
    let [form, answers, below] = Layout::vertical([
        Constraint::Length(form_rows),
        Constraint::Fill(1),
        Constraint::Length(change_rows),
    ])
    .areas(area);
    for (what, place) in [(Panel::Form, form), (Panel::Models, answers), (Panel::Change, below)] {
        scene.panels.note(what, place);
    }
    let inner = if framed { Rect { x: form.x + 2, y: form.y + 1, ..form } } else { form };
    let at = |(line, column, width, field): (usize, usize, usize, Field)| {
        let (x, y) = (inner.x.saturating_add(column as u16), inner.y.saturating_add(line as u16));
        (Rect { x, y, width: width as u16, height: 1 }.intersection(form), field)
    };
    draw_lines(buffer, form, fields, framed.then(|| Line::from(span(" ask ", theme.title))), theme);
    let mut hits = draw_answers(buffer, answers, ground, scene);
    hits.fields = places.into_iter().map(at).collect();
    if let (Some(lines), Some(change)) = (changed, &desk.change) {
        let title = change::title(change, theme);
        if framed {
            draw_lines(buffer, below, lines, Some(title), theme);
        } else {
            let lines = std::iter::once(title).chain(lines).collect();
            draw_lines(buffer, below, lines, None, theme);
        }
    }
    hits
}

/// Draws lines, framed if there is a title.
fn draw_lines(
    buffer: &mut Buffer,
    area: Rect,
    lines: Vec<Line<'static>>,
    title: Option<Line<'static>>,
    theme: &Theme,
) {
    let inner = match title {
        Some(title) => {
            let block = panel(theme, on_border(title.spans));
            let inner = block.inner(area);
            block.render(area, buffer);
            Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
        }
        None => area,
    };
    for (line, place) in lines.into_iter().zip(inner.rows()) {
        line.render(place, buffer);
    }
}

/// A line, a column in it, how wide, and the field that is there.
type FieldPlace = (usize, usize, usize, Field);

/// The fields, as many per line as fit. With little room, only those near the cursor are shown.
fn field_lines(
    ground: &Playground,
    scene: &Scene<'_>,
    width: u16,
    little: bool,
) -> (Vec<Line<'static>>, Vec<FieldPlace>) {
    let mut places = Vec::new();
    let width = usize::from(width);
    let short = width < 76;
    let gap = match width {
        76.. => "   ",
        48.. => "  ",
        _ => " ",
    };
    let rows: [&[Field]; 3] = [
        &[Field::Numbers, Field::Target],
        &[Field::Model(0), Field::Model(1)],
        &[Field::Temperature, Field::Budget, Field::KeepThinking, Field::Seed, Field::Pace],
    ];
    if little && matches!(ground.zone, Zone::Answer(_)) {
        let puzzle = puzzle_text(ground.form.family.name, &ground.form.puzzle, scene.theme);
        return (vec![Line::from(span(puzzle, scene.theme.title))], places);
    }
    let mut lines: Vec<Line<'static>> = Vec::new();
    for row in rows {
        let mut spans: Vec<Span<'static>> = Vec::new();
        for &field in row {
            let here = ground.zone == Zone::Form && ground.form.at == field;
            let part = field_spans(ground, field, (here, short), scene);
            let used: usize = spans.iter().map(Span::width).sum();
            let needed: usize = part.iter().map(Span::width).sum();
            if used > 0 && used + gap.len() + needed > width {
                lines.push(Line::from(std::mem::take(&mut spans)));
            } else if used > 0 {
                spans.push(Span::raw(gap));
            }
            let column = spans.iter().map(Span::width).sum();
            places.push((lines.len(), column, needed, field));
            spans.extend(part);
        }
        lines.push(Line::from(spans));
    }
    (lines, places)
}

fn field_spans(
    ground: &Playground,
    field: Field,
    (here, short): (bool, bool),
    scene: &Scene<'_>,
) -> Vec<Span<'static>> {
    let theme = scene.theme;
    let name = span(format!("{} ", field.name(short)), theme.dim);
    match ground.typed.as_ref().filter(|_| here) {
        Some(typed) => {
            vec![name, span(typed.clone(), theme.title), span(theme.glyph("▌", "_"), theme.accent)]
        }
        None => {
            let value = ground.form.value(field, scene.store.desk.known());
            let style = if here { theme.selection } else { theme.title };
            vec![name, span(value, style)]
        }
    }
}

/// The line below the fields: an error, the progress, or what is known about the puzzle.
fn note(ground: &Playground, width: u16, scene: &Scene<'_>) -> Vec<Span<'static>> {
    let (theme, desk) = (scene.theme, &scene.store.desk);
    let warn = |text: String| vec![span(theme.glyph("▲ ", "! "), theme.warning), span(text, theme.title)];
    if ground.typed.is_some() {
        return match (ground.complaint(desk), ground.zone) {
            (Some(reason), _) => warn(reason),
            (None, Zone::Form) => {
                vec![span(format!("{}; enter accepts, esc cancels", ground.form.expected()), theme.dim)]
            }
            (None, Zone::Answer(_)) => {
                let typed = ground.typed.clone().unwrap_or_default();
                vec![
                    span("insert before the token: ", theme.dim),
                    span(typed, theme.title),
                    span(theme.glyph("▌", "_"), theme.accent),
                    span("  as in: wait ,  enter samples, esc cancels", theme.dim),
                ]
            }
        };
    }
    if let Some(reason) = &desk.failure {
        return warn(reason.clone());
    }
    if let Err(reason) = &desk.models {
        return warn(reason.clone());
    }
    if let Zone::Answer(side) = ground.zone {
        return token_note(ground, side, width, scene);
    }
    let asked = desk.asked.as_ref() == Some(&ground.form.puzzle);
    let unknown = desk.panes.iter().zip(["A", "B"]).filter(|_| asked).find_map(|(pane, letter)| {
        let words = &pane.who.as_ref()?.unknown;
        (!words.is_empty()).then(|| (letter, words.join(" and ")))
    });
    if let Some((letter, words)) = unknown {
        return warn(format!(
            "{letter} has no word for {words} and sees an unknown token there, so its answer is meaningless{}",
            if ground.form.family.name == "countdown" {
                "; the shipped model knows the numbers 0 to 99"
            } else {
                ""
            }
        ));
    }
    let mut spans = match &ground.form.prospect {
        Prospect::Solvable => {
            vec![span(theme.glyph("★ ", "* "), theme.right), span("a solution exists", theme.text)]
        }
        Prospect::Nearest { value, expression } => vec![
            span(theme.glyph("☆ ", "- "), theme.wrong),
            span("no solution exists; the nearest reachable value is ", theme.text),
            span(value.clone(), theme.title),
            span(format!(" = {expression}"), theme.dim),
        ],
        Prospect::Given(words) => vec![span(words.clone(), theme.text)],
        Prospect::Unknown(reason) => warn(reason.clone()),
    };
    if desk.lonely() {
        spans.push(span("  this run has no checkpoints: only the embedded base can answer", theme.dim));
    }
    spans
}

/// The token under the cursor and the possible actions.
fn token_note(ground: &Playground, side: usize, width: u16, scene: &Scene<'_>) -> Vec<Span<'static>> {
    let (theme, pane) = (scene.theme, &scene.store.desk.panes[side]);
    let cursor = ground.cursor(side, &scene.store.desk);
    let Some(token) = pane.tokens.get(cursor) else { return Vec::new() };
    let letter = if side == 0 { "A" } else { "B" };
    let put = if token.source == Source::Put { ", put there" } else { "" };
    vec![
        span(format!("{letter} token {} of {} ", cursor + 1, pane.tokens.len()), theme.dim),
        span(quoted(token), theme.accent),
        span(put, theme.warning),
        span(
            if width < 60 { "  Bksp I i" } else { "  Bksp deletes it, I inserts a wait before it, i types" },
            theme.dim,
        ),
    ]
}
