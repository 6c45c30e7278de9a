//! Draws the Playground: the fields, the two answers, and what a change did.

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::{
    change,
    form::Field,
    pane::{Pane, quoted},
    state::{Busy, Playground, Zone},
};
use crate::{
    engine::protocol::side::Source,
    task::countdown::prospect::Prospect,
    tui::{highlight, theme::Theme, transcripts::on_border, transcripts::puzzle_text, view::panel, wrap},
};

/// From this width on the answers stand side by side, and from this height on one above the other; otherwise only
/// the one in front is shown.
const SIDE_BY_SIDE: u16 = 70;
const STACKED: u16 = 14;
/// From this height on the fields have a frame.
const FRAMED: u16 = 18;

fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// Draws the screen between the title and the hints.
pub fn view(frame: &mut Frame, area: Rect, ground: &mut Playground, theme: &Theme) {
    let area = area.intersection(frame.area());
    if area.is_empty() {
        return;
    }
    let buffer = frame.buffer_mut();
    let framed = area.height >= FRAMED;
    let inside = area.width.saturating_sub(if framed { 4 } else { 0 });
    let mut fields = field_lines(ground, theme, inside, area.height < FRAMED);
    let note = note(ground, theme);
    fields.extend(wrap::wrap(&note, inside).into_iter().take(if framed { 3 } else { 1 }));
    let form_rows = (fields.len() as u16 + if framed { 2 } else { 0 }).min(area.height);

    let changed = ground.change.as_ref().map(|change| change::lines(change, theme, inside));
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
    draw_lines(buffer, form, fields, framed.then(|| Line::from(span(" ask ", theme.title))), theme);
    draw_answers(buffer, answers, ground, theme);
    if let (Some(lines), Some(change)) = (changed, &ground.change) {
        let title = change::title(change, theme);
        if framed {
            draw_lines(buffer, below, lines, Some(title), theme);
        } else {
            let lines = std::iter::once(title).chain(lines).collect();
            draw_lines(buffer, below, lines, None, theme);
        }
    }
}

/// Draws lines, in a frame where there is a title for one.
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

/// The fields, as many on a line as fit. With little room only those around the cursor's are shown.
fn field_lines(ground: &Playground, theme: &Theme, width: u16, little: bool) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let short = width < 76;
    let rows: [&[Field]; 3] = [
        &[Field::Numbers, Field::Target],
        &[Field::Model(0), Field::Model(1)],
        &[Field::Temperature, Field::Budget, Field::KeepThinking, Field::Seed, Field::Pace],
    ];
    if little && matches!(ground.zone, Zone::Answer(_)) {
        return vec![Line::from(span(puzzle_text(&ground.form.puzzle, theme), theme.title))];
    }
    let mut lines: Vec<Line<'static>> = Vec::new();
    for row in rows {
        let mut spans: Vec<Span<'static>> = Vec::new();
        for &field in row {
            let here = ground.zone == Zone::Form && ground.form.at == field;
            let part = field_spans(ground, field, here, short, theme);
            let used: usize = spans.iter().map(Span::width).sum();
            let needed: usize = part.iter().map(Span::width).sum();
            if used > 0 && used + 2 + needed > width {
                lines.push(Line::from(std::mem::take(&mut spans)));
            } else if used > 0 {
                spans.push(Span::raw(if short { "  " } else { "   " }));
            }
            spans.extend(part);
        }
        lines.push(Line::from(spans));
    }
    lines
}

fn field_spans(
    ground: &Playground,
    field: Field,
    here: bool,
    short: bool,
    theme: &Theme,
) -> Vec<Span<'static>> {
    let name = span(format!("{} ", field.name(short)), theme.dim);
    match ground.typed.as_ref().filter(|_| here) {
        Some(typed) => {
            vec![name, span(typed.clone(), theme.title), span(theme.glyph("▌", "_"), theme.accent)]
        }
        None => {
            let value = ground.form.value(field, ground.known());
            let style = if here { theme.selection } else { theme.title };
            vec![name, span(value, style)]
        }
    }
}

/// The line below the fields: what is wrong, what is going on, or what can be said of the puzzle.
fn note(ground: &Playground, theme: &Theme) -> Vec<Span<'static>> {
    let warn = |text: String| vec![span(theme.glyph("▲ ", "! "), theme.warning), span(text, theme.title)];
    if ground.typed.is_some() {
        return match (ground.complaint(), ground.zone) {
            (Some(reason), _) => warn(reason),
            (None, Zone::Form) => {
                vec![span(format!("{}; enter takes it, esc leaves", ground.form.expected()), theme.dim)]
            }
            (None, Zone::Answer(_)) => {
                let typed = ground.typed.clone().unwrap_or_default();
                vec![
                    span("put in before the token: ", theme.dim),
                    span(typed, theme.title),
                    span(theme.glyph("▌", "_"), theme.accent),
                    span("  as in: wait ,  enter samples, esc leaves", theme.dim),
                ]
            }
        };
    }
    if let Some(reason) = &ground.failure {
        return warn(reason.clone());
    }
    if let Err(reason) = &ground.models {
        return warn(reason.clone());
    }
    let unknown =
        ground.panes.iter().filter_map(|pane| pane.who.as_ref()).find(|who| !who.unknown.is_empty());
    if let Some(who) = unknown {
        let words = who.unknown.join(" and ");
        return warn(format!(
            "{words}: this model has no word for it and sees an unknown token there, so its answer means nothing"
        ));
    }
    if let Zone::Answer(side) = ground.zone {
        return token_note(&ground.panes[side], side, theme);
    }
    let mut spans = match &ground.form.prospect {
        Prospect::Solvable => {
            vec![span(theme.glyph("✓ ", "+ "), theme.right), span("a solution exists", theme.text)]
        }
        Prospect::Nearest { value, expression } => vec![
            span(theme.glyph("✗ ", "x "), theme.wrong),
            span("no solution exists; the nearest reachable value is ", theme.text),
            span(value.clone(), theme.title),
            span(format!(" = {expression}"), theme.dim),
        ],
        Prospect::Unknown(reason) => warn(reason.clone()),
    };
    if ground.lonely() {
        spans.push(span("  this run has no checkpoints: only the embedded base can be asked", theme.dim));
    }
    spans
}

/// What stands under the cursor and what can be done with it.
fn token_note(pane: &Pane, side: usize, theme: &Theme) -> Vec<Span<'static>> {
    let Some(token) = pane.current() else { return Vec::new() };
    let letter = if side == 0 { "A" } else { "B" };
    let put = if token.source == Source::Put { ", put there" } else { "" };
    vec![
        span(format!("{letter} token {} of {} ", pane.cursor + 1, pane.tokens.len()), theme.dim),
        span(quoted(token), theme.accent),
        span(put, theme.warning),
        span("  x leaves it out, w puts a wait before it, i types", theme.dim),
    ]
}

fn draw_answers(buffer: &mut Buffer, area: Rect, ground: &mut Playground, theme: &Theme) {
    let areas: Vec<(usize, Rect)> = if area.width >= SIDE_BY_SIDE {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        vec![(0, left), (1, right)]
    } else if area.height >= STACKED {
        let [above, below] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        vec![(0, above), (1, below)]
    } else {
        vec![(ground.front, area)]
    };
    for (side, area) in areas {
        draw_answer(buffer, area, ground, side, theme);
    }
}

fn draw_answer(buffer: &mut Buffer, area: Rect, ground: &mut Playground, side: usize, theme: &Theme) {
    if area.is_empty() {
        return;
    }
    let focused = ground.zone == Zone::Answer(side);
    let mut block = panel(theme, on_border(answer_title(ground, side, area.width, theme)));
    if focused {
        block = block.border_style(theme.accent);
    }
    let bottom = answer_figures(&ground.panes[side], theme);
    if area.height > 3 && !bottom.is_empty() {
        block = block.title_bottom(on_border(bottom).right_aligned());
    }
    let inner = block.inner(area);
    block.render(area, buffer);
    let writing = ground.busy() == Some(Busy::Playing) && ground.panes[side].answer.is_none();
    if ground.panes[side].tokens.is_empty() {
        let words = match (&ground.models, writing) {
            (Err(_), _) => "",
            (_, true) => "loading",
            _ => "enter lets both models answer",
        };
        Paragraph::new(span(words, theme.dim)).render(inner, buffer);
        return;
    }
    let Some(puzzle) = ground.asked.clone() else { return };
    let pane = &mut ground.panes[side];
    let reason = pane.answer.as_ref().map(|answer| answer.reason.clone()).unwrap_or_default();
    let mut verdict = wrap::wrap(&[span(reason, theme.dim)], inner.width);
    verdict.truncate(if inner.height >= 8 { 2 } else { 0 });
    let text_rows = usize::from(inner.height).saturating_sub(verdict.len());
    let cursor = focused.then_some(pane.cursor);
    let (spans, starts) = token_spans(pane, &puzzle, cursor, writing, theme);
    let wrapped = wrap::wrap_with_offsets(&spans, inner.width);
    // Offsets count characters that are drawn; the texts of tokens have no others.
    pane.lines = wrapped.iter().map(|line| starts.partition_point(|&start| start < line.start)).collect();
    let here = match cursor {
        Some(at) => pane.lines.partition_point(|&first| first <= at),
        None => wrapped.len(),
    };
    let top = here.saturating_sub(text_rows).min(wrapped.len().saturating_sub(text_rows));
    let lines = wrapped.into_iter().skip(top).take(text_rows).map(|wrapped| wrapped.line);
    for (line, place) in lines.zip(inner.rows()) {
        line.render(place, buffer);
    }
    let place = Rect { y: inner.y + text_rows as u16, height: verdict.len() as u16, ..inner };
    for (line, place) in verdict.into_iter().zip(place.rows()) {
        line.render(place, buffer);
    }
}

fn answer_title(ground: &Playground, side: usize, width: u16, theme: &Theme) -> Vec<Span<'static>> {
    let letter = if side == 0 { " A " } else { " B " };
    let mut spans = vec![span(letter, theme.accent), span(format!("{} ", ground.who(side)), theme.title)];
    let Some(answer) = &ground.panes[side].answer else { return spans };
    let (mark, style, verdict) = match (answer.correct, answer.truncated) {
        (true, _) => (theme.glyph("✓", "+"), theme.right, "right"),
        (false, true) => (theme.glyph("✗", "x"), theme.wrong, "cut off"),
        (false, false) => (theme.glyph("✗", "x"), theme.wrong, "wrong"),
    };
    spans.push(span(format!("{mark} {verdict} "), style));
    let value = answer.value.as_ref().map_or(String::new(), |value| format!("= {value} "));
    for part in [value, format!("reward {} ", answer.reward)] {
        let used: usize = spans.iter().map(Span::width).sum();
        if !part.is_empty() && used + part.width() + 2 <= usize::from(width) {
            spans.push(span(part, theme.dim));
        }
    }
    spans
}

/// How long it is, and what was done to it.
fn answer_figures(pane: &Pane, theme: &Theme) -> Vec<Span<'static>> {
    if pane.tokens.is_empty() {
        return Vec::new();
    }
    let Some(answer) = &pane.answer else {
        return vec![span(format!(" {} tokens ", pane.tokens.len()), theme.dim)];
    };
    let mut spans =
        vec![span(format!(" {} tokens, {} of thought ", answer.tokens, answer.thought), theme.dim)];
    if answer.forced {
        spans.push(span("answer forced ", theme.warning));
    }
    if answer.waits > 0 {
        spans.push(span(format!("{} waits put in ", answer.waits), theme.warning));
    }
    spans
}

/// The text as spans, and where each token begins in what is drawn. What was put there stands in braces.
fn token_spans(
    pane: &mut Pane,
    puzzle: &crate::task::Puzzle,
    cursor: Option<usize>,
    writing: bool,
    theme: &Theme,
) -> (Vec<Span<'static>>, Vec<usize>) {
    let text = pane.text.clone();
    let mut pieces = highlight::pieces(&text, pane.analysis(puzzle)).into_iter().peekable();
    let (mut spans, mut starts, mut drawn) = (Vec::new(), Vec::with_capacity(pane.tokens.len()), 0);
    let mut add = |text: &str, style: Style, drawn: &mut usize| {
        *drawn += wrap::printable_length(text);
        spans.push(Span::styled(text.to_owned(), style));
    };
    let put = |at: usize| pane.tokens.get(at).is_some_and(|token| token.source == Source::Put);
    for (index, token) in pane.tokens.iter().enumerate() {
        let (start, end) = (pane.starts[index], pane.starts[index] + token.text.len());
        let here = cursor == Some(index);
        let look = |style: Style| match (here, token.source) {
            (true, _) => theme.accent.add_modifier(Modifier::REVERSED | Modifier::UNDERLINED),
            (false, Source::Put) => theme.warning,
            _ => style,
        };
        if token.source == Source::Put && (index == 0 || !put(index - 1)) {
            add(" {", theme.warning, &mut drawn);
        }
        if token.source == Source::End && here {
            add(theme.glyph(" ⏎", " <end>"), look(theme.text), &mut drawn);
        }
        // The cursor is on its word; the space before it may be lost at the end of a line.
        let mut word_start = None;
        let mut at = start;
        while at < end {
            while pieces.peek().is_some_and(|piece| piece.range.end <= at) {
                pieces.next();
            }
            let Some(piece) = pieces.peek() else { break };
            let to = piece.range.end.min(end);
            let style = piece.meaning.style(theme);
            if !theme.color
                && piece.range.start == at
                && let Some(mark) = piece.meaning.mark(theme)
            {
                add(mark, style, &mut drawn);
            }
            let part = &text[at..to];
            // The space before a word is not part of the cursor.
            let (gap, word) = part.split_at(part.len() - part.trim_start().len());
            if index > 0 || at > start || gap.is_empty() {
                add(gap, style, &mut drawn);
            }
            if !word.is_empty() {
                word_start.get_or_insert(drawn);
            }
            add(word, look(style), &mut drawn);
            at = to;
        }
        starts.push(word_start.unwrap_or(drawn));
        if token.source == Source::Put && !put(index + 1) {
            add("}", theme.warning, &mut drawn);
        }
    }
    if writing {
        add(theme.glyph("▌", "_"), theme.accent, &mut drawn);
    }
    (spans, starts)
}
