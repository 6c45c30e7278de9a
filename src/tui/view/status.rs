//! The lines at the bottom: rates and totals, the message, the hint bar or the prompt.

use ratatui::{Frame, layout::Rect, text::Span};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{draw_line, hints, join_fitting, separator, span, width_of};
use crate::{
    config::Control,
    tui::{
        app::{App, Evaluated, Level},
        numbers,
        prompt::Prompt,
    },
};

/// What TinyZero's run is said to have cost, and why that says little about this one.
const TINYZERO: &str = "TinyZero $30, other task and model";

/// Draws one or two lines of rates and totals.
pub fn draw_status(frame: &mut Frame, app: &App, area: Rect) {
    let theme = &app.theme;
    let width = usize::from(area.width).saturating_sub(1);
    let step = app.history.last();
    let number = |value: Option<f64>| numbers::si(value.unwrap_or(f64::NAN));
    let part = |value: String, unit: &str| vec![span(value, theme.text), span(unit.to_owned(), theme.dim)];

    let mut rates = vec![
        part(number(step.map(|step| step.sample_tokens_per_second)), " tok/s sampling"),
        part(number(step.map(|step| step.update_tokens_per_second)), " updating"),
        part(number(step.map(|step| step.num_tokens as f64)), " tokens"),
        part(number(step.map(|step| step.flops)), "FLOP"),
        part(numbers::fixed(step.map_or(f64::NAN, |step| step.entropy), 2, 4), " nats entropy"),
    ];
    if app.tokens_dropped > 0 {
        let dropped = format!("{} streamed tokens not shown", app.tokens_dropped);
        rates.insert(0, vec![span(dropped, theme.warning)]);
    }
    let cost = vec![
        span(numbers::dollars(app.cost()), theme.text),
        span(format!(" at ${:.2}/h", app.price_per_hour), theme.dim),
    ];
    if area.height < 2 {
        rates.insert(2.min(rates.len()), cost);
        line(frame, app, rates, width, area);
        return;
    }
    line(frame, app, rates, width, Rect { height: 1, ..area });
    let mut second = vec![cost];
    if let Some(step) = step {
        let epochs = app.started.as_ref().map_or(1, |started| started.config.update.inner_epochs);
        let mut loss = part(format!("{:>+7}", numbers::fixed(unsigned_zero(step.loss), 4, 0)), " loss");
        if epochs == 1 {
            loss.push(span(" (watch reward)", theme.dim));
        }
        second.push(loss);
        second.push(part(format!("{:.1e}", step.learning_rate), " lr"));
        second.push(part(numbers::fixed(step.grad_norm, 2, 4), " grad norm"));
    }
    second.push(vec![span(TINYZERO, theme.dim)]);
    line(frame, app, second, width, Rect { y: area.y + 1, height: 1, ..area });
}

/// -0.00001 would read -0.0000.
fn unsigned_zero(value: f64) -> f64 {
    if value.abs() < 5e-5 { 0.0 } else { value }
}

fn line(frame: &mut Frame, app: &App, parts: Vec<Vec<Span<'static>>>, width: usize, area: Rect) {
    let mut spans = vec![Span::raw(" ")];
    spans.extend(join_fitting(parts, separator(&app.theme), width));
    draw_line(frame, spans, area);
}

/// Draws the message, or what the numbers stand on.
pub fn draw_message(frame: &mut Frame, app: &App, area: Rect) {
    let theme = &app.theme;
    if let Some(spans) = message(app) {
        draw_line(frame, spans, area);
        return;
    }
    let base = app.base();
    let reward = match app.started.as_ref().map(|started| started.config.reward.control) {
        Some(Control::RandomReward) => "control: the reward is a coin that ignores the answer",
        Some(Control::ShuffledReward) => "control: each group's rewards are shuffled within the group",
        Some(Control::None) | None => "the reward sees only the answer",
    };
    let mut parts = vec![vec![span(reward, theme.dim)]];
    if let Some(fork) = app.fork() {
        let steps =
            if fork.step == 1 { "step 1 is".to_owned() } else { format!("steps 1 to {} are", fork.step) };
        parts.insert(0, vec![span(format!("forked: {steps} of {}", fork.run), theme.text)]);
    }
    if let Some(base) = base {
        let share = 100.0 * base.self_checking_share;
        parts.push(vec![span(format!("the base checks itself in {share:.0} % of its answers"), theme.dim)]);
    }
    if let Some(Evaluated { step, accuracy, pass_at_k }) = app.evaluations.last() {
        let passes = pass_at_k.map(|(k, share)| format!(", pass@{k} {share:.3}")).unwrap_or_default();
        let found = format!("held out after step {step}: {accuracy:.3} right{passes}");
        parts.push(vec![span(found, theme.dim)]);
    }
    line(frame, app, parts, usize::from(area.width).saturating_sub(1), area);
}

fn message(app: &App) -> Option<Vec<Span<'static>>> {
    let theme = &app.theme;
    let message = app.message.as_ref()?;
    let (mark, style) = match message.level {
        Level::Info => (theme.glyph("›", ">"), theme.text),
        Level::Warning => (theme.glyph("▲", "!"), theme.warning),
        Level::Error => (theme.glyph("✗", "x"), theme.error),
    };
    let text: String = message.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // Yellow text is hard to read on white: the mark alone is coloured.
    let words = if message.level == Level::Info { theme.text } else { theme.title };
    Some(vec![span(format!(" {mark} "), style), span(text, words)])
}

/// Draws the prompt when it is open; else the message when there is one and `with_message`; else hints. Whatever it
/// is, it says how to leave.
pub fn draw_bottom(frame: &mut Frame, app: &App, area: Rect, with_message: bool) {
    if area.height == 0 {
        return;
    }
    let width = usize::from(area.width);
    if let Some(prompt) = &app.prompt {
        draw_line(frame, prompt_line(app, prompt, width), area);
        return;
    }
    if let Some(question) = app.question {
        let theme = &app.theme;
        let mut spans = vec![span(theme.glyph(" ▲ ", " ! "), theme.warning)];
        let keys = span(question.keys(), theme.hint_key);
        // Without room for both, what the keys do.
        if width_of(&spans) + question.words().width() + 2 + keys.content.width() <= width {
            spans.push(span(format!("{}  ", question.words()), theme.title));
        }
        spans.push(keys);
        draw_line(frame, spans, area);
        return;
    }
    if with_message && let Some(spans) = message(app) {
        let out = hints::line(hints::most_wanted(app), hint_gap(width), width / 2);
        let room = width.saturating_sub(width_of(&out) + 2);
        let mut spans = shortened(spans, room, app.theme.glyph("…", "~"));
        spans.push(Span::raw(" ".repeat(width.saturating_sub(width_of(&spans) + width_of(&out)))));
        spans.extend(out);
        draw_line(frame, spans, area);
        return;
    }
    let mut spans = vec![Span::raw(" ")];
    spans.extend(hints::line(hints::all(app), hint_gap(width), width.saturating_sub(1)));
    draw_line(frame, spans, area);
}

/// Columns between two hints.
fn hint_gap(width: usize) -> usize {
    if width < 60 { 2 } else { 3 }
}

fn prompt_line(app: &App, prompt: &Prompt, width: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let cursor = theme.glyph("▌", "_");
    let mut spans = vec![span(" set ", theme.accent)];
    // The end of a long line is where one types.
    const LEAVES: &str = "   Esc leaves";
    let room = width.saturating_sub(width_of(&spans) + 1 + if width >= 40 { LEAVES.len() } else { 0 });
    spans.push(span(tail(prompt.text(), room), theme.text));
    spans.push(span(cursor, theme.accent));
    let advice = prompt.advice(app.started.as_ref().map(|started| &started.config));
    let keys =
        theme.glyph("Enter sets · Tab completes · Esc leaves", "Enter sets, Tab completes, Esc leaves");
    let advice = if advice.is_empty() { advice } else { format!("   {advice}") };
    for parts in [format!("{advice}   {keys}"), format!("   {keys}"), LEAVES.to_owned()] {
        if width_of(&spans) + parts.width() <= width {
            spans.push(span(parts, theme.dim));
            break;
        }
    }
    spans
}

/// As much of a line as fits, with a mark where something is left out.
fn shortened(spans: Vec<Span<'static>>, room: usize, mark: &'static str) -> Vec<Span<'static>> {
    if width_of(&spans) <= room {
        return spans;
    }
    let mut left = room.saturating_sub(mark.width());
    let mut kept = Vec::new();
    for part in spans {
        let mut end = 0;
        for (at, character) in part.content.char_indices() {
            let cells = character.width().unwrap_or(0);
            if cells > left {
                break;
            }
            (left, end) = (left - cells, at + character.len_utf8());
        }
        let whole = end == part.content.len();
        kept.push(span(part.content[..end].to_owned(), part.style));
        if !whole {
            kept.push(span(mark, part.style));
            break;
        }
    }
    kept
}

/// The end of `text` in at most `room` columns.
fn tail(text: &str, room: usize) -> String {
    let mut start = 0;
    while text[start..].width() > room {
        start += text[start..].chars().next().map_or(1, char::len_utf8);
    }
    text[start..].to_owned()
}
