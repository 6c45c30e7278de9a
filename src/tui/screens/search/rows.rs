//! The tree as rows: the nesting, and the text of a node.

use ratatui::{style::Style, text::Span};

use crate::{
    task::countdown::search::{Node, NodeId, ROOT, Search, Standing},
    tui::shell::theme::Theme,
};

/// One row of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub node: NodeId,
    /// For each level from the root down, whether the branch there is the last one.
    pub last: Vec<bool>,
}

/// Most levels of indentation drawn; a completion that continues after a wrong step may go deeper.
const DEEPEST: usize = 12;

/// Every node, children below their parents in the order of the text.
pub(super) fn rows(search: &Search) -> Vec<Row> {
    let mut rows = Vec::with_capacity(search.nodes.len());
    let mut open = vec![Row { node: ROOT, last: Vec::new() }];
    while let Some(row) = open.pop() {
        let children = &search.nodes[row.node].children;
        for (at, child) in children.iter().enumerate().rev() {
            let mut last = row.last.clone();
            if last.len() == DEEPEST {
                last.remove(0);
            }
            last.push(at + 1 == children.len());
            open.push(Row { node: *child, last });
        }
        rows.push(row);
    }
    rows
}

/// What a node is, as a mark of one cell, a style and a word.
pub(super) fn look(node: &Node, theme: &Theme) -> (&'static str, Style, &'static str) {
    match (node.standing, node.solved, node.alive) {
        (Standing::WrongArithmetic, ..) => (theme.glyph("≠", "#"), theme.false_check, "wrong arithmetic"),
        (Standing::NotInHand, ..) => ("!", theme.false_check, "a number not available"),
        (Standing::AfterWrong, ..) => (theme.glyph("┄", "~"), theme.dim, "after a wrong step"),
        (Standing::Real, true, _) => (theme.glyph("★", "*"), theme.right, "the target"),
        (Standing::Real, _, Some(true)) => (theme.glyph("●", "o"), theme.accent, "target reachable"),
        (Standing::Real, _, Some(false)) => (theme.glyph("·", "-"), theme.dim, "target unreachable"),
        (Standing::Real, _, None) => ("?", theme.text, "unknown whether the target is reachable"),
    }
}

/// A row as spans: branches, mark, numbers left, the step, and remarks.
pub(super) fn spans(row: &Row, search: &Search, passed: bool, theme: &Theme) -> Vec<Span<'static>> {
    let node = &search.nodes[row.node];
    let (mark, style, _) = look(node, theme);
    let mut branches = String::from(" ");
    for (depth, last) in row.last.iter().enumerate() {
        let ends = depth + 1 == row.last.len();
        branches.push_str(match (ends, last) {
            (true, true) => theme.glyph("└─ ", "`- "),
            (true, false) => theme.glyph("├─ ", "|- "),
            (false, true) => "   ",
            (false, false) => theme.glyph("│  ", "|  "),
        });
    }
    let mut spans =
        vec![Span::styled(branches, theme.dim), Span::styled(format!("{mark} {}", node.state), style)];
    if let Some(step) = node.step {
        let arrow = theme.glyph("←", "<-");
        spans.push(Span::styled(format!("  {arrow} {step}"), theme.text));
        if let (Standing::WrongArithmetic, Some(stated)) = (node.standing, step.stated) {
            let really = step.value.map_or_else(|| "has no value".to_owned(), |value| format!("is {value}"));
            spans.push(Span::styled(format!(" = {stated}?"), theme.false_check));
            spans.push(Span::styled(format!(" it {really}"), theme.dim));
        }
    } else {
        spans.push(Span::styled("  the given numbers", theme.dim));
    }
    if node.places.len() > 1 {
        spans.push(Span::styled(
            format!("  {}{}", theme.glyph("×", "x"), node.places.len()),
            theme.superficial,
        ));
    } else if node.known_before {
        spans.push(Span::styled("  again", theme.superficial));
    }
    if passed {
        spans.push(Span::styled("  overlooked", theme.warning));
    }
    spans
}
