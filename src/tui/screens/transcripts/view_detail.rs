//! Draws the transcript pane: the figures of the completion above, its text below.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::Widget,
};

use super::{
    detail::Shown,
    state::{Focus, Transcripts},
    view::pane,
};
use crate::{
    reasoning::Analysis,
    record::Rollout,
    runs::place::Place,
    task::answer::{self, Graded},
    tui::{
        screens::Scene,
        shell::theme::Theme,
        store::{
            completions::{Entry, Group},
            filter::underived,
        },
        widgets::{
            figures::{figure, signed_bar},
            frames::{draw_thumb, on_border},
            highlight::Meaning,
            lines::{justified, lone, problem_text},
            numbers::counted,
        },
    },
};

/// Half the advantage's bar, in cells.
const BAR: usize = 6;

/// Draws the pane; returns where the text is and which part is shown.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    transcripts: &Transcripts,
    scene: &Scene<'_>,
) -> Option<(Rect, Shown)> {
    if area.is_empty() {
        return None;
    }
    let (theme, all, listing) = (scene.theme, &scene.store.completions, scene.listing);
    let focused = transcripts.focus == Focus::Detail;
    let (Some(entry), Some(group)) = (listing.entry(all), listing.group(all)) else {
        pane(Line::default(), focused, theme).render(area, buffer);
        return None;
    };
    let record = entry.record.as_ref();
    let place = Place::of(record);
    let whose = if scene.store.is_inherited(record.step) { "parent" } else { "step" };
    let title = on_border(vec![
        Span::styled(format!(" {whose} {} ", record.step), theme.title),
        Span::styled(
            format!(
                "group {} {} completion {} of {} ",
                place.group(),
                theme.glyph("·", "-"),
                place.completion(),
                group.entries.len()
            ),
            theme.dim,
        ),
    ]);
    let inner = pane(Line::default(), focused, theme).inner(area);
    let inner =
        if inner.width > 30 { Rect { x: inner.x + 1, width: inner.width - 2, ..inner } } else { inner };
    let graded = scene.store.config().map(|config| config.reward.answer).unwrap_or_default();
    let figures = figure_lines(entry, group, graded, inner, theme);
    let rule_rows = u16::from(figures.len() > 1);
    let figure_rows = u16::try_from(figures.len()).unwrap_or(0);
    let [above, rule, text] = Layout::vertical([
        Constraint::Length(figure_rows),
        Constraint::Length(rule_rows),
        Constraint::Min(0),
    ])
    .areas(inner);

    let shown = transcripts.detail.draw(buffer, text, entry, listing.needle(), theme);
    let Shown { top, lines, .. } = shown;
    let mut block = pane(title, focused, theme);
    if lines > usize::from(text.height) {
        let last = (top + usize::from(text.height)).min(lines);
        let place = format!(" lines {}-{last} of {lines} ", top + 1);
        block = block.title_bottom(on_border(vec![Span::styled(place, theme.dim)]).right_aligned());
    }
    block.render(area, buffer);
    for (line, place) in figures.iter().zip(above.rows()) {
        buffer.set_line(place.x, place.y, line, place.width);
    }
    if !rule.is_empty() {
        let rule_text = theme.glyph("─", "-").repeat(usize::from(rule.width));
        buffer.set_stringn(rule.x, rule.y, rule_text, usize::from(rule.width), theme.border);
    }
    draw_thumb(buffer, area, text, top, lines, theme);
    Some((text, shown))
}

/// The completion in figures: four lines, two or one, as the height allows.
fn figure_lines(
    entry: &Entry,
    group: &Group,
    graded: Graded,
    area: Rect,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let record = entry.record.as_ref();
    let (mark, style) = theme.answer(record.correct);
    let verdict = format!("{mark} {}", record.verdict());
    let mut verdicts = Vec::new();
    let answers = answer::count(&record.completion);
    if answers > 1 {
        let which = if area.width < 60 { String::new() } else { format!(", the {graded} is graded") };
        verdicts.push(Span::styled(format!("{answers} answers{which}  "), theme.text));
    }
    if record.truncated {
        verdicts.push(Span::styled(format!("{} cut off  ", theme.cut_off()), theme.warning));
    }
    verdicts.push(Span::styled(verdict, style));
    if underived(record) {
        let words = if area.width < 60 { "? unfaithful" } else { "? right but unfaithful" };
        verdicts.push(Span::styled(format!(" {words}"), theme.warning));
    }
    let puzzle = vec![Span::styled(problem_text(&group.problem, theme), theme.title)];
    let puzzle = justified(puzzle, verdicts, area.width, Span::raw(" "));
    let height = area.height;
    if height < 6 {
        return vec![puzzle];
    }

    let label = |text: &str| Span::styled(format!("{text} "), theme.dim);
    let [below, middle, over] = signed_bar(record.advantage(), group.advantage_scale, BAR, theme);
    let mut numbers = vec![
        vec![label("reward"), Span::styled(figure(record.reward, false), theme.title)],
        vec![
            label(if area.width < 44 { "adv" } else { "advantage" }),
            Span::styled(figure(record.advantage(), true), theme.title),
        ],
        vec![
            Span::styled(format!("{} ", counted(entry.length)), theme.title),
            Span::styled("tokens", theme.dim),
        ],
    ];
    // The bar is the first to go where it is narrow.
    if area.width >= 60 {
        numbers[1].extend([
            Span::styled(format!(" {below}"), theme.dim),
            Span::styled(middle, theme.border),
            Span::styled(over, theme.reward),
        ]);
    }
    let numbers = fitted(numbers, area.width);
    if height < 11 {
        return vec![puzzle, numbers];
    }

    let [checks, course] = behaviour_lines(&record.analysis, area.width, theme);
    let mut lines = vec![puzzle, numbers];
    lines.extend(reward_parts(record, area.width, theme));
    lines.extend([checks, course]);
    lines
}

/// The checks by verdict, and the course of the attempts.
fn behaviour_lines(analysis: &Analysis, width: u16, theme: &Theme) -> [Line<'static>; 2] {
    let counted = |meaning: Meaning, count: usize, name: &str| {
        let style = if count == 0 { theme.dim } else { lone(meaning.style(theme)) };
        vec![Span::styled(format!("{} {count} {name}", meaning.mark(theme).unwrap_or(" ")), style)]
    };
    let checks = fitted(
        vec![
            counted(Meaning::TrueCheck, analysis.true_checks, "true"),
            counted(Meaning::MisledCheck, analysis.misled_checks, "misled"),
            counted(Meaning::FalseCheck, analysis.false_checks, "false"),
            counted(Meaning::SuperficialCheck, analysis.superficial_checks, "superficial"),
            vec![Span::styled(if analysis.checks == 1 { "check" } else { "checks" }, theme.dim)],
        ],
        width,
    );
    let plain = |count: usize, one: &str, many: &str| {
        vec![Span::styled(format!("{count} {}", if count == 1 { one } else { many }), theme.dim)]
    };
    let mut course = vec![plain(analysis.attempts, "attempt", "attempts")];
    if analysis.self_corrections > 0 {
        let noun = if analysis.self_corrections == 1 { "self-correction" } else { "self-corrections" };
        course.push(vec![
            Span::styled(Meaning::Correction.mark(theme).unwrap_or(" "), lone(theme.aha)),
            Span::styled(format!(" {} {noun}", analysis.self_corrections), theme.text),
        ]);
    }
    if analysis.repeated_attempts > 0 {
        course.push(plain(analysis.repeated_attempts, "repeated", "repeated"));
    }
    if analysis.arithmetic_steps > 0 {
        let share = format!("{} of {} steps right", analysis.arithmetic_right, analysis.arithmetic_steps);
        course.push(vec![Span::styled(share, theme.dim)]);
    }
    [checks, fitted(course, width)]
}

/// What each reward function gave, where there are several.
fn reward_parts(record: &Rollout, width: u16, theme: &Theme) -> Option<Line<'static>> {
    /// Longest name that is shown whole, characters.
    const LONGEST: usize = 24;
    let parts = record.rewards.as_ref().filter(|parts| parts.len() > 1)?;
    let part = |(name, value): (&String, &Option<f64>)| {
        let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        let value = value.map_or_else(|| "none".to_owned(), |value| figure(value, false));
        vec![Span::styled(format!("{name} "), theme.dim), Span::styled(value, theme.text)]
    };
    Some(fitted(parts.iter().map(part).collect(), width))
}

/// As many of the parts as fit whole, three cells apart (two where it is narrow).
fn fitted(parts: Vec<Vec<Span<'static>>>, width: u16) -> Line<'static> {
    let gap = if width >= 60 { 3 } else { 2 };
    let mut spans = Vec::new();
    let mut used = 0;
    for part in parts {
        let cells: usize = part.iter().map(Span::width).sum();
        let before = if used == 0 { 0 } else { gap };
        if used + before + cells > usize::from(width) {
            break;
        }
        used += before + cells;
        spans.push(Span::raw(" ".repeat(before)));
        spans.extend(part);
    }
    Line::from(spans)
}
