//! The lines below the completions: rates and totals, the message.

use ratatui::{Frame, layout::Rect, text::Span};

use crate::{
    config::Control,
    metrics::registry,
    tui::{
        screens::Scene,
        store::Evaluated,
        widgets::{
            lines::{draw_line, join_fitting, separator, span},
            message_line::message_spans,
            numbers,
        },
    },
};

/// The reported cost of TinyZero's run, and why it says little about this one.
const TINYZERO: &str = "TinyZero $30, other task and model";

/// Draws one or two lines of rates and totals.
pub(crate) fn draw_status(frame: &mut Frame, scene: &Scene<'_>, area: Rect) {
    let theme = scene.theme;
    let width = usize::from(area.width).saturating_sub(1);
    let step = scene.store.history.last();
    let number = |value: Option<f64>| numbers::si(value.unwrap_or(f64::NAN));
    let part = |value: String, unit: &str| vec![span(value, theme.text), span(unit.to_owned(), theme.dim)];

    let mut rates = vec![
        part(number(step.map(|step| step.get(&registry::SAMPLE_TOKENS_PER_SECOND))), " tok/s sampling"),
        part(number(step.map(|step| step.get(&registry::UPDATE_TOKENS_PER_SECOND))), " updating"),
        part(number(step.map(|step| step.get(&registry::NUM_TOKENS))), " tokens"),
        part(number(step.map(|step| step.get(&registry::FLOPS))), "FLOP"),
        part(
            numbers::fixed(step.map_or(f64::NAN, |step| step.get(&registry::ENTROPY)), 2, 4),
            " nats entropy",
        ),
    ];
    if scene.store.tokens_dropped > 0 {
        let dropped = format!("{} streamed tokens not shown", scene.store.tokens_dropped);
        rates.insert(0, vec![span(dropped, theme.warning)]);
    }
    let cost = vec![
        span(numbers::dollars(scene.store.cost()), theme.text),
        span(format!(" at ${:.2}/h", scene.store.price_per_hour), theme.dim),
    ];
    if area.height < 2 {
        rates.insert(2.min(rates.len()), cost);
        line(frame, scene, rates, width, area);
        return;
    }
    line(frame, scene, rates, width, Rect { height: 1, ..area });
    let mut second = vec![cost];
    if let Some(step) = step {
        let told = scene.store.config().filter(|_| scene.store.told("inner_epochs"));
        let updates = told.map_or(0, |config| config.update.updates_per_step());
        let mut loss =
            part(format!("{:>+7}", numbers::fixed(unsigned_zero(step.get(&registry::LOSS)), 4, 0)), " loss");
        if updates == 1 {
            loss.push(span(" (watch reward)", theme.dim));
        }
        second.push(loss);
        let rate = step.get(&registry::LEARNING_RATE);
        second.push(part(if rate.is_nan() { "-".to_owned() } else { format!("{rate:.1e}") }, " lr"));
        second.push(part(numbers::fixed(step.get(&registry::GRAD_NORM), 2, 4), " grad norm"));
    }
    second.push(vec![span(TINYZERO, theme.dim)]);
    line(frame, scene, second, width, Rect { y: area.y + 1, height: 1, ..area });
}

/// -0.00001 would read -0.0000.
fn unsigned_zero(value: f64) -> f64 {
    if value.abs() < 5e-5 { 0.0 } else { value }
}

fn line(frame: &mut Frame, scene: &Scene<'_>, parts: Vec<Vec<Span<'static>>>, width: usize, area: Rect) {
    let mut spans = vec![Span::raw(" ")];
    spans.extend(join_fitting(parts, separator(scene.theme), width));
    draw_line(frame, spans, area);
}

/// Draws the message, or the facts behind the numbers.
pub(crate) fn draw_message(frame: &mut Frame, scene: &Scene<'_>, area: Rect) {
    let theme = scene.theme;
    if let Some(message) = scene.message {
        draw_line(frame, message_spans(message, theme), area);
        return;
    }
    let base = scene.store.base();
    let reward = match scene.store.config() {
        Some(config) if scene.store.told("control") => config.explain(&[]).reward,
        _ if scene.store.started.is_some() => "it is unknown what the reward sees".to_owned(),
        _ => Control::None.words().to_owned(),
    };
    let mut parts = vec![vec![span(reward, theme.dim)]];
    parts.extend(scene.store.other_engine().map(|words| vec![span(words, theme.dim)]));
    if let Some(fork) = scene.store.fork() {
        let steps =
            if fork.step == 1 { "step 1 is".to_owned() } else { format!("steps 1 to {} are", fork.step) };
        parts.insert(0, vec![span(format!("forked: {steps} of {}", fork.run), theme.text)]);
    }
    if let Some(base) = base.filter(|base| base.self_checking_share.is_finite()) {
        let share = 100.0 * base.self_checking_share;
        parts.push(vec![span(format!("the base checks itself in {share:.0} % of completions"), theme.dim)]);
    }
    if let Some(Evaluated { step, accuracy, pass_at_k }) = scene.store.evaluations.last() {
        let passes = pass_at_k.map(|(k, share)| format!(", pass@{k} {share:.3}")).unwrap_or_default();
        let found = format!("held out after step {step}: {accuracy:.3} right{passes}");
        parts.push(vec![span(found, theme.dim)]);
    }
    line(frame, scene, parts, usize::from(area.width).saturating_sub(1), area);
}
