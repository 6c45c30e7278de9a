//! The figures beside the tree.

use ratatui::text::{Line, Span};

use super::{
    rows::look,
    state::{Search, Shown},
};
use crate::{
    task::countdown::search::{Coverage, NEAR_MISS, NearMiss, Standing},
    tui::{shell::theme::Theme, widgets::wrap::wrap},
};

/// Near misses that are listed.
const LISTED: usize = 4;

/// The lines of the panel, `width` cells each.
pub(super) fn lines(view: &Search, shown: &Shown, theme: &Theme, width: u16) -> Vec<Line<'static>> {
    let figures = &shown.search.figures;
    let mut lines = Vec::new();
    let mut say = |spans: Vec<Span<'static>>| lines.extend(wrap(&spans, width));
    let name = |text: &str| Span::styled(format!("{text:<12}"), theme.dim);
    let text = |text: String| Span::styled(text, theme.text);

    say(vec![name("states seen"), text(coverage(figures.coverage))]);
    for (depth, level) in figures.by_depth.iter().enumerate() {
        let label = format!("  {} step{}", depth + 1, if depth == 0 { "" } else { "s" });
        say(vec![name(&label), Span::styled(coverage(*level), theme.dim)]);
    }
    let attempts = format!(" in {}", counted(figures.attempts, "attempt"));
    say(vec![name("right moves"), text(figures.moves.to_string()), Span::styled(attempts, theme.dim)]);
    let revisits = if figures.revisits > 0 { theme.superficial } else { theme.text };
    say(vec![
        name("revisits"),
        Span::styled(figures.revisits.to_string(), revisits),
        Span::styled(" of these moves", theme.dim),
    ]);
    let wrong = figures.wrong_arithmetic + figures.not_in_hand;
    let mut spans = vec![
        name("wrong steps"),
        Span::styled(wrong.to_string(), if wrong > 0 { theme.false_check } else { theme.text }),
    ];
    if figures.after_wrong > 0 {
        spans.push(Span::styled(format!(", {} after them", figures.after_wrong), theme.dim));
    }
    say(spans);
    let one_away = figures.passed_by.iter().filter(|passed| passed.operations_left == 1).count();
    let passed = figures.passed_by.len();
    let mut spans = vec![
        name("overlooked"),
        Span::styled(passed.to_string(), if passed > 0 { theme.warning } else { theme.text }),
    ];
    if passed > 0 {
        spans.push(Span::styled(format!(", {one_away} at one step"), theme.dim));
    }
    say(spans);
    let near = figures.near_misses.len();
    say(vec![
        name("near misses"),
        text(near.to_string()),
        Span::styled(format!(" within {NEAR_MISS}"), theme.dim),
    ]);
    let mut listed: Vec<String> = figures.near_misses.iter().take(LISTED).map(near_miss).collect();
    if near > LISTED {
        listed.push(format!("{} more", near - LISTED));
    }
    if near > 0 {
        say(vec![Span::styled(format!("  {}", listed.join(", ")), theme.dim)]);
    }
    if shown.search.cut {
        say(vec![Span::styled("only the start of this text is drawn", theme.warning)]);
    }
    for spans in solver(view, theme) {
        say(spans);
    }
    say(vec![]);
    for spans in legend(shown, theme) {
        say(spans);
    }
    lines
}

/// `4 of 216, 1.9 %`; where not all were counted, `4 of more than 20000, under 0.1 %`.
fn coverage(coverage: Coverage) -> String {
    let more = if coverage.exact { "" } else { "more than " };
    let percent = 100.0 * coverage.share();
    let share = match (coverage.exact, percent) {
        (true, 0.0 | 10.0..) => format!("{percent:.0} %"),
        (true, _) => format!("{percent:.1} %"),
        (false, _) => format!("under {percent:.1} %"),
    };
    if coverage.reachable == 0 && !coverage.exact {
        return "too many to count".to_owned();
    }
    format!("{} of {more}{}, {share}", coverage.visited, coverage.reachable)
}

/// `21 (2 off)`; `19 itself (1 number left over)`.
fn near_miss(near: &NearMiss) -> String {
    let left = match near.left_over {
        0 => String::new(),
        count => format!("{} left over", counted(count, "number")),
    };
    match near.distance.parts() {
        (0, _) => format!("{} itself ({left})", near.value),
        _ if left.is_empty() => format!("{} ({} off)", near.value, near.distance),
        _ => format!("{} ({} off, {left})", near.value, near.distance),
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The result of the exhaustive solver; its solutions only on request.
fn solver(view: &Search, theme: &Theme) -> Vec<Vec<Span<'static>>> {
    let name = Span::styled("the solver  ", theme.dim);
    match view.solutions() {
        None => vec![vec![name, Span::styled("searches at most 5 numbers here", theme.dim)]],
        Some((_, 0)) => vec![vec![name, Span::styled("there is no solution", theme.warning)]],
        Some((_, count)) if !view.reveal => vec![vec![
            name,
            Span::styled(format!("knows {}; ", counted(count, "solution")), theme.text),
            Span::styled("v", theme.hint_key),
            Span::styled(" shows", theme.hint_text),
        ]],
        Some((solutions, count)) => {
            let mut lines = vec![vec![name, Span::styled(counted(count, "solution"), theme.text)]];
            lines.extend(solutions.iter().map(|text| vec![Span::styled(format!("  {text}"), theme.right)]));
            if count > solutions.len() {
                let more = format!("  and {} more", count - solutions.len());
                lines.push(vec![Span::styled(more, theme.dim)]);
            }
            lines
        }
    }
}

/// What the marks in this tree mean.
fn legend(shown: &Shown, theme: &Theme) -> Vec<Vec<Span<'static>>> {
    let mut lines: Vec<Vec<Span<'static>>> = Vec::new();
    for node in &shown.search.nodes {
        let (mark, style, words) = look(node, theme);
        let words = match node.standing {
            Standing::WrongArithmetic | Standing::NotInHand => "wrong arithmetic, or a number not available",
            _ => words,
        };
        let line = vec![Span::styled(mark, style), Span::styled(format!(" {words}"), theme.dim)];
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
