//! A transcript as a file, with its figures above it and every check in its colour or with its mark.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Modifier,
    text::{Line, Span},
};

use super::{Form, ansi, svg};
use crate::{
    record::Rollout,
    tui::{
        screens::handout::Handout,
        shell::theme::Theme,
        widgets::{
            highlight::{self, Meaning, Piece},
            lines::span,
            wrap::wrap,
        },
    },
};

/// Columns of a transcript with colours.
const COLUMNS: u16 = 96;
/// Columns of the names of the figures.
const NAMES: usize = 18;
/// Most rows of a picture.
const MOST_ROWS: usize = 4000;

/// A text under the cursor in a form.
pub(in crate::tui::shell) fn of_handout(handout: &Handout, form: Form, theme: &Theme) -> String {
    match form {
        Form::Plain => handout.plain(),
        Form::Markdown => markdown(handout),
        Form::Ansi => ansi::of(&drawn(handout, theme)),
        Form::Svg => svg::of(&drawn(handout, theme), &handout.name(), theme),
    }
}

/// Figures as a list, then prompt and completion; checks are bold, each behind its mark.
fn markdown(handout: &Handout) -> String {
    let mut text = format!("# {}\n\n", escaped(&handout.name()));
    for (name, value) in handout.figures() {
        text.push_str(&format!("- **{name}**: {}\n", escaped(&value)));
    }
    let Handout::Completion { record, .. } = handout else {
        text.push_str(&in_lines(&escaped(&handout.text())));
        return text;
    };
    let signs = Theme::plain();
    text.push_str(&format!("\n> {}\n\n", in_lines(&escaped(&record.problem.prompt)).replace('\n', "\n> ")));
    let mut body = String::new();
    let Rollout { problem, completion, analysis, .. } = record.as_ref();
    let analysis = highlight::with_places(&problem.task, &problem.puzzle, completion, analysis);
    for Piece { range, meaning } in highlight::pieces(completion, &analysis) {
        let words = escaped(&completion[range]);
        match meaning.mark(&signs) {
            // Marks of emphasis hold words only where no space is inside.
            Some(mark) => body.push_str(&format!("{mark} **{}**", words.trim())),
            None => body.push_str(&words),
        }
    }
    text.push_str(&in_lines(&body));
    text.push_str(&format!("\n\n{}\n", legend(&signs)));
    text
}

fn legend(theme: &Theme) -> String {
    let named = [
        (Meaning::TrueCheck, "true check"),
        (Meaning::MisledCheck, "misled"),
        (Meaning::FalseCheck, "false"),
        (Meaning::SuperficialCheck, "superficial"),
        (Meaning::Correction, "self-correction"),
        (Meaning::Backtrack, "another attempt"),
    ];
    let each = named.map(|(meaning, name)| format!("{} {name}", escaped(meaning.mark(theme).unwrap_or(" "))));
    each.join(", ")
}

/// Line breaks that Markdown keeps.
fn in_lines(text: &str) -> String {
    text.trim_end().replace('\n', "  \n")
}

/// Text that Markdown takes for text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars().filter(|c| *c == '\n' || !c.is_control()) {
        if matches!(character, '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '|' | '~') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Figures and text in their colours.
fn drawn(handout: &Handout, theme: &Theme) -> Buffer {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (name, value) in handout.figures() {
        let name = span(format!("{name:<NAMES$}"), theme.dim);
        lines.extend(wrap(&[name, span(value, theme.text)], COLUMNS));
    }
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    let spans: Vec<Span<'static>> = match handout {
        Handout::Completion { record, .. } => {
            let Rollout { problem, completion, analysis, .. } = record.as_ref();
            let analysis = highlight::with_places(&problem.task, &problem.puzzle, completion, analysis);
            let prompt = span(problem.prompt.clone(), theme.dim.remove_modifier(Modifier::BOLD));
            std::iter::once(prompt).chain(highlight::styled_spans(completion, &analysis, theme)).collect()
        }
        Handout::Text { text, .. } => vec![span(text.clone(), theme.text)],
    };
    lines.extend(wrap(&spans, COLUMNS));
    lines.truncate(MOST_ROWS);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let mut buffer = Buffer::empty(Rect { x: 0, y: 0, width: COLUMNS, height });
    for (y, line) in (0..height).zip(&lines) {
        buffer.set_line(0, y, line, COLUMNS);
    }
    if let Some(ground) = theme.ground {
        ground.paint(&mut buffer);
    }
    buffer
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::scripted::Script;

    #[test]
    fn each_form_has_figures_prompt_and_completion() {
        let script = Script::new(7);
        let record =
            (1..30).flat_map(|step| script.group(step, 0)).find(|r| r.analysis.true_checks > 0).unwrap();
        let words = record.completion.split_whitespace().next().unwrap().to_owned();
        let handout = Handout::of_record(&Arc::new(record));
        for form in Form::ALL {
            let text = of_handout(&handout, form, &Theme::colored());
            let plain: String = text.chars().filter(|c| *c != '\\').collect();
            assert!(plain.contains("self-corrections") && plain.contains(&words), "{form:?}: {text}");
        }
        let text = of_handout(&handout, Form::Markdown, &Theme::colored());
        assert!(
            text.contains("◆ **") && text.contains("\\<think\\>") | text.contains("\\<answer\\>"),
            "{text}"
        );
    }
}
