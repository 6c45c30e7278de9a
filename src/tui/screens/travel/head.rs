//! The puzzle, the scrubber and the curves above the texts.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::Widget,
};
use unicode_width::UnicodeWidthStr;

use super::state::{End, Travel};
use crate::{
    record::PinnedAnswer,
    tui::{
        chart::{Scale, sparkline},
        screens::Scene,
        shell::theme::Theme,
        store::pins::Pinned,
        widgets::lines::puzzle_text,
    },
};

/// Cells of the names before the curves.
const NAMES: usize = 9;

/// The line with the puzzle and the position in time.
pub(super) fn title(travel: &Travel, shown: &Pinned, scene: &Scene<'_>) -> Line<'static> {
    let (theme, pins) = (scene.theme, &scene.store.pins);
    let mut spans = vec![
        Span::styled(format!(" {} ", puzzle_text(scene.store.task(), &shown.puzzle, theme)), theme.title),
        Span::styled(format!("pinned puzzle {} of {} ", travel.place(pins) + 1, pins.all().len()), theme.dim),
    ];
    if shown.unpinned {
        spans.push(Span::styled("unpinned ", theme.warning));
    }
    Line::from(spans)
}

/// What of an answer a curve shows.
type Figure<'a> = &'a dyn Fn(&PinnedAnswer) -> f64;

/// As many of the rows as fit: the two ends, right and wrong, length, checks.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, travel: &Travel, shown: &Pinned, scene: &Scene<'_>) {
    let theme = scene.theme;
    let newest = shown.answers.last_key_value().map_or(0, |(step, _)| *step);
    let tail = format!(" step {newest}");
    let width = usize::from(area.width).saturating_sub(NAMES + tail.width() + 1);
    if width < 4 {
        return;
    }
    let name = |text: &str| Span::styled(format!(" {text:<width$}", width = NAMES - 1), theme.dim);
    let place = |step: u64| (step as f64 / newest.max(1) as f64 * (width - 1) as f64).round() as usize;
    let marks: Vec<(usize, &PinnedAnswer)> =
        shown.answers.iter().map(|(step, answer)| (place(*step), answer)).collect();

    let mut cells: Vec<Span> = vec![Span::styled(theme.glyph("─", "-"), theme.dim); width];
    for (at, _) in &marks {
        cells[*at] = Span::styled(theme.glyph("┼", "+"), theme.dim);
    }
    for (end, letter) in [(End::A, "A"), (End::B, "B")] {
        if let Some(answer) = travel.answer(end, &scene.store.pins) {
            let style = if travel.moving == end { theme.selection } else { theme.accent };
            cells[place(answer.step)] = Span::styled(letter, style);
        }
    }
    let mut rows = vec![[vec![name("step 0")], cells, vec![Span::styled(tail, theme.dim)]].concat()];

    let mut cells = vec![Span::raw(" "); width];
    for (at, answer) in &marks {
        let (mark, style) = theme.answer(answer.correct);
        cells[*at] = Span::styled(mark, style);
    }
    rows.push([vec![name("right")], cells].concat());

    let length = |answer: &PinnedAnswer| answer.tokens as f64;
    let checks = |answer: &PinnedAnswer| answer.analysis.checks as f64;
    let curves: [(&str, Figure, _); 2] =
        [("length", &length, theme.length), ("checks", &checks, theme.checks)];
    for (label, of, style) in curves {
        let values = || shown.answers.iter().map(|(step, answer)| (*step as f64, of(answer)));
        let highest = values().map(|(_, value)| value).fold(1.0, f64::max);
        let x = (0.0, newest.max(1) as f64);
        let line = sparkline(values(), x, Scale::linear(highest), width, theme.ascii);
        let top = Span::styled(format!(" to {highest}"), theme.dim);
        rows.push(vec![name(label), Span::styled(line, style), top]);
    }
    for (y, spans) in (area.y..area.bottom()).zip(rows) {
        Line::from(spans).render(Rect { y, height: 1, ..area }, buffer);
    }
}

/// The step and verdict of an answer, for the border above its text.
pub(super) fn answer_title(end: End, answer: &PinnedAnswer, width: u16, theme: &Theme) -> Line<'static> {
    let (mark, style) = theme.answer(answer.correct);
    let verdict = match (answer.correct, answer.truncated) {
        (true, _) => "right",
        (false, true) => "cut off",
        (false, false) => "wrong",
    };
    let letter = if end == End::A { "A" } else { "B" };
    let step =
        if answer.step == 0 { "before training".to_owned() } else { format!("after step {}", answer.step) };
    let mut spans = vec![
        Span::styled(format!(" {letter} "), theme.accent),
        Span::styled(format!("{step} "), theme.title),
        Span::styled(format!("{mark} {verdict} "), style),
    ];
    let checks = answer.analysis.checks;
    for part in [
        format!("{} tokens ", answer.tokens),
        format!("{checks} check{} ", if checks == 1 { "" } else { "s" }),
        format!("{} misled ", answer.analysis.misled_checks),
        format!("{} false ", answer.analysis.false_checks),
    ] {
        let used: usize = spans.iter().map(Span::width).sum();
        if used + part.width() + 2 <= usize::from(width) {
            spans.push(Span::styled(part, theme.dim));
        }
    }
    Line::from(spans)
}
