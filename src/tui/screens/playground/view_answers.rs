//! Draws the two answers: token by token, with the verdict under them.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::Span,
    widgets::{Paragraph, Widget},
};
use unicode_width::UnicodeWidthStr;

use super::state::{Hits, Playground, Zone};
use crate::{
    protocol::side::Source,
    task::{Puzzle, Task},
    tui::{
        screens::Scene,
        shell::theme::Theme,
        store::desk::{Busy, Pane},
        widgets::{
            frames::{on_border, panel},
            highlight,
            lines::{puzzle_text, span},
            wrap,
        },
    },
};

/// Smallest width with the answers side by side, and smallest height with them stacked; otherwise only the one in
/// front is shown.
const SIDE_BY_SIDE: u16 = 70;
const STACKED: u16 = 14;

/// Draws both, or the one in front.
pub(super) fn draw_answers(buffer: &mut Buffer, area: Rect, ground: &Playground, scene: &Scene<'_>) -> Hits {
    let areas: Vec<(usize, Rect)> = if area.width >= SIDE_BY_SIDE {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        vec![(0, left), (1, right)]
    } else if area.height >= STACKED {
        let [above, below] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
        vec![(0, above), (1, below)]
    } else {
        vec![(ground.front, area)]
    };
    let mut hits = Hits::default();
    for (side, area) in areas.into_iter().filter(|(_, area)| !area.is_empty()) {
        hits.answers[side] = area;
        (hits.lines[side], hits.tokens[side]) = draw_answer(buffer, area, ground, side, scene);
    }
    hits
}

/// Draws one of them; the first token of each line, and where the tokens are.
fn draw_answer(
    buffer: &mut Buffer,
    area: Rect,
    ground: &Playground,
    side: usize,
    scene: &Scene<'_>,
) -> (Vec<usize>, Vec<(Rect, usize)>) {
    let (theme, desk) = (scene.theme, &scene.store.desk);
    let pane = &desk.panes[side];
    let focused = ground.zone == Zone::Answer(side);
    let mut block = panel(theme, on_border(answer_title(ground, side, area.width, scene)));
    if focused {
        block = block.border_style(theme.accent);
    }
    let bottom = answer_figures(pane, theme);
    if area.height > 3 && !bottom.is_empty() {
        block = block.title_bottom(on_border(bottom).right_aligned());
    }
    let inner = block.inner(area);
    let inner =
        if inner.width > 30 { Rect { x: inner.x + 1, width: inner.width - 2, ..inner } } else { inner };
    block.render(area, buffer);
    let writing = desk.busy() == Some(Busy::Playing) && pane.answer.is_none();
    if pane.tokens.is_empty() {
        let words = match (&desk.models, writing) {
            (Err(_), _) => "",
            (_, true) => "loading",
            _ => "Enter lets both models answer",
        };
        Paragraph::new(span(words, theme.dim)).render(inner, buffer);
        return (Vec::new(), Vec::new());
    }
    let Some(puzzle) = &desk.asked else { return (Vec::new(), Vec::new()) };
    let task = ground.form.family.reader;
    let reason = pane.answer.as_ref().map(|answer| answer.reason.clone()).unwrap_or_default();
    let mut verdict = wrap::wrap(&[span(reason, theme.dim)], inner.width);
    verdict.truncate(if inner.height >= 8 { 2 } else { 0 });
    let text_rows = usize::from(inner.height).saturating_sub(verdict.len());
    let cursor = focused.then(|| ground.cursor(side, desk));
    let (spans, starts) = token_spans(pane, (task, puzzle), cursor, writing, theme);
    let wrapped = wrap::wrap_with_offsets(&spans, inner.width);
    // Offsets count drawn characters; token texts have no others.
    let firsts: Vec<usize> =
        wrapped.iter().map(|line| starts.partition_point(|&start| start < line.start)).collect();
    // What the model was asked stands before what it wrote, and scrolls away with it.
    let prompt = pane.who.as_ref().map(|who| who.prompt.trim_end()).unwrap_or_default();
    let asked = match prompt {
        "" => Vec::new(),
        prompt => wrap::wrap(&[span(prompt, theme.dim)], inner.width),
    };
    let all = asked.len() + wrapped.len();
    let here = match cursor {
        Some(at) => asked.len() + firsts.partition_point(|&first| first <= at),
        None => all,
    };
    let top = here.saturating_sub(text_rows).min(all.saturating_sub(text_rows));
    let mut tokens = Vec::new();
    for (token, start) in starts.iter().enumerate() {
        let line = wrapped.partition_point(|line| line.start <= *start).saturating_sub(1);
        let (Some(first), row) = (wrapped.get(line), asked.len() + line) else { continue };
        if !(top..top + text_rows).contains(&row) {
            continue;
        }
        let end = starts.get(token + 1).copied().unwrap_or(usize::MAX);
        let column = start.saturating_sub(first.start) as u16;
        let x = inner.x.saturating_add(column);
        let width = (end - start).min(usize::from(inner.right().saturating_sub(x))) as u16;
        let y = inner.y.saturating_add((row - top) as u16);
        tokens.push((Rect { x, y, width, height: 1 }.intersection(inner), token));
    }
    let lines = asked.into_iter().chain(wrapped.into_iter().map(|wrapped| wrapped.line));
    let lines = lines.skip(top).take(text_rows);
    for (line, place) in lines.zip(inner.rows()) {
        line.render(place, buffer);
    }
    let place = Rect { y: inner.y + text_rows as u16, height: verdict.len() as u16, ..inner };
    for (line, place) in verdict.into_iter().zip(place.rows()) {
        line.render(place, buffer);
    }
    (firsts, tokens)
}

fn answer_title(ground: &Playground, side: usize, width: u16, scene: &Scene<'_>) -> Vec<Span<'static>> {
    let (theme, desk) = (scene.theme, &scene.store.desk);
    let letter = if side == 0 { " A " } else { " B " };
    let mut spans =
        vec![span(letter, theme.accent), span(format!("{} ", ground.who(side, desk)), theme.title)];
    // The fields may have changed since.
    if let Some(asked) = desk.asked.as_ref().filter(|asked| **asked != ground.form.puzzle) {
        spans.push(span(format!("{} ", puzzle_text(ground.form.family.name, asked, theme)), theme.accent));
    }
    let Some(answer) = &desk.panes[side].answer else { return spans };
    let (mark, style) = theme.answer(answer.correct);
    let verdict = match (answer.correct, answer.truncated) {
        (true, _) => "right",
        (false, true) => "cut off",
        (false, false) => "wrong",
    };
    spans.push(span(format!("{mark} {verdict} "), style));
    let value = answer.value.as_ref().map_or(String::new(), |value| format!("value {value} "));
    for part in [value, format!("reward {} ", answer.reward)] {
        let used: usize = spans.iter().map(Span::width).sum();
        if !part.is_empty() && used + part.width() + 2 <= usize::from(width) {
            spans.push(span(part, theme.dim));
        }
    }
    spans
}

/// Its length, and how it was changed.
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
        spans.push(span(format!("inserted waits: {} ", answer.waits), theme.warning));
    }
    spans
}

/// The text as spans, and where each token begins in the drawn text. Inserted text is in braces.
fn token_spans(
    pane: &Pane,
    (task, puzzle): (&dyn Task, &Puzzle),
    cursor: Option<usize>,
    writing: bool,
    theme: &Theme,
) -> (Vec<Span<'static>>, Vec<usize>) {
    let text = pane.text.clone();
    let mut pieces = highlight::pieces(&text, &pane.analysis(task, puzzle)).into_iter().peekable();
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
        let opens = token.source == Source::Put && (index == 0 || !put(index - 1));
        if token.source == Source::End && here {
            add(theme.glyph(" ⏎", " <end>"), look(theme.text), &mut drawn);
        }
        // The cursor is on the word itself; the space before it may vanish at a line break.
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
            if !word.is_empty() && word_start.is_none() {
                if opens {
                    add("{", theme.warning, &mut drawn);
                }
                word_start = Some(drawn);
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
