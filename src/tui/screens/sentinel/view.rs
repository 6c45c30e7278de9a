//! Draws the Sentinel screen: warnings first, then the other rules, then earlier notices.

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use crate::{
    metrics::sentinel::{Standing, WINDOW},
    tui::{
        panels::Panel,
        screens::Scene,
        shell::theme::Theme,
        store::watch::Watch,
        widgets::{
            frames::{padded, panel},
            lines::span,
            scroll::{Scroll, Scrolled},
            wrap,
        },
    },
};

/// Columns of the marks left of the names.
const MARKS: u16 = 2;
/// Columns of the names if the evidence is beside them.
const NAMES: usize = 31;
/// Smallest width with the evidence beside the names.
const BESIDE: u16 = 90;

/// Draws the screen into `area`.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, scroll: Scroll, scene: &Scene<'_>) -> Scrolled {
    let (theme, watch) = (scene.theme, &scene.store.watch);
    let raised = watch.raised();
    scene.panels.note(Panel::Sentinel, area);
    let title = match raised {
        0 => span(" sentinel: no warning ", theme.title),
        1 => span(" sentinel: 1 warning ", theme.warning),
        _ => span(format!(" sentinel: {raised} warnings "), theme.warning),
    };
    let block = panel(theme, Line::from(title));
    let inner = block.inner(area);
    block.render(area, frame.buffer_mut());
    let inner = padded(inner);
    let lines = lines(watch, theme, inner.width);
    Scrolled::draw(scroll, lines, frame, (area, inner), (theme, scene.needle))
}

fn lines(watch: &Watch, theme: &Theme, width: u16) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let standings = watch.standings();
    for standing in &standings {
        entry(&mut out, standing, theme, width);
    }
    if !watch.notices().is_empty() {
        out.push(Line::default());
        out.push(Line::from(span("Earlier notices, newest first", theme.title)));
        for notice in watch.notices().iter().rev() {
            let style = if notice.begins { theme.warning } else { theme.dim };
            let step = span(format!("step {:<6}", notice.step), theme.dim);
            hang(&mut out, vec![step], 11, &[span(notice.text.clone(), style)], width);
        }
    }
    out.push(Line::default());
    let note = format!(
        "Each rule compares the mean of the last {WINDOW} steps with a limit or with the first {WINDOW} steps. \
         With sentinel=pause a warning also writes a checkpoint and pauses the run; with sentinel=off there are none."
    );
    hang(&mut out, Vec::new(), 0, &[span(note, theme.dim)], width);
    out
}

/// One danger: mark, name, evidence and advice.
fn entry(out: &mut Vec<Line<'static>>, standing: &Standing, theme: &Theme, width: u16) {
    let (mark, style) = match (standing.since, &standing.evidence) {
        (Some(_), _) => (theme.glyph("▲", "!"), theme.warning),
        (None, Some(_)) => (theme.glyph("·", "."), theme.text),
        (None, None) => (theme.glyph("·", "."), theme.dim),
    };
    let name = match standing.since {
        Some(step) => format!("{} (step {step})", standing.danger.name()),
        None => standing.danger.name().to_owned(),
    };
    let words = standing.evidence.clone().unwrap_or_else(|| "not enough data yet".to_owned());
    let evidence_style = if standing.since.is_some() { theme.text } else { theme.dim };
    let mut words = vec![span(capital(&words), evidence_style)];
    if let Some(advice) = &standing.advice {
        words.push(span(format!(" {advice}"), theme.accent));
    }
    let head = |name: String, style: Style| vec![span(format!("{mark} "), style), span(name, style)];
    if width >= BESIDE {
        hang(out, head(format!("{name:<NAMES$} "), style), NAMES as u16 + 1 + MARKS, &words, width);
    } else {
        out.push(Line::from(head(name, style)));
        // Without warnings, one line is enough on a small screen.
        if standing.since.is_some() || width >= 60 {
            hang(out, vec![Span::raw(" ".repeat(usize::from(MARKS)))], MARKS, &words, width);
        }
    }
}

/// `words` wrapped beside `head`, which takes `indent` columns of the first line.
fn hang(
    out: &mut Vec<Line<'static>>,
    head: Vec<Span<'static>>,
    indent: u16,
    words: &[Span<'static>],
    width: u16,
) {
    let room = width.saturating_sub(indent).max(8);
    for (index, line) in wrap::wrap(words, room).into_iter().enumerate() {
        let mut spans =
            if index == 0 { head.clone() } else { vec![Span::raw(" ".repeat(usize::from(indent)))] };
        spans.extend(line.spans);
        out.push(Line::from(spans));
    }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
