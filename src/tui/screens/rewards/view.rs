//! Draws the Rewards screen: the rules and what they change above, the completions that change and why below.

use ratatui::{
    buffer::Buffer,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Paragraph, Widget},
};

use super::{
    lists,
    state::{Hits, Rewards, Rule},
    why,
};
use crate::{
    config::Config,
    task::rules::figure,
    tui::{
        screens::Scene,
        shell::theme::Theme,
        store::Run,
        widgets::{
            figures::grouped,
            frames::{padded, panel},
            lines::span,
            wrap::wrap,
        },
    },
};

/// Below this there is one column, without frames.
const WIDE: u16 = 70;
const HIGH: u16 = 16;
/// Most rules that are shown at once.
const MOST_RULES: usize = 7;
/// Columns of a rule's name.
const NAMES: usize = 17;

/// Draws the screen into `area`.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, screen: &Rewards, scene: &Scene<'_>) -> Hits {
    if area.width < WIDE || area.height < HIGH {
        return draw_small(buffer, area, screen, scene);
    }
    let theme = scene.theme;
    let rules = screen.rules();
    let shown = rules.len().min(MOST_RULES) as u16;
    let [above, below] = Layout::vertical([Constraint::Length(shown + 2), Constraint::Fill(1)]).areas(area);
    let [left, right] = Layout::horizontal([Constraint::Percentage(52), Constraint::Fill(1)]).areas(above);
    let edited = screen.is_edited(scene.store);
    let title = if edited { " rules: changed here, not in the run " } else { " rules: as in the run " };
    let inner = framed(buffer, left, title, theme);
    let at = screen.at.min(rules.len() - 1);
    let first_rule = (at + 1).saturating_sub(usize::from(inner.height));
    for ((number, rule), place) in rules.iter().enumerate().skip(first_rule).zip(inner.rows()) {
        rule_line(screen, rule, number == at, scene).render(place, buffer);
        if number == at {
            buffer.set_style(place, theme.selection);
        }
    }
    let inner_right = framed(buffer, right, effect_title(scene.store), theme);
    let lines: Vec<Line<'static>> = effect_lines(scene).into_iter().map(Line::from).collect();
    Paragraph::new(lines).render(inner_right, buffer);
    let columns = if area.width >= 110 { 48 } else { 33 };
    let [list, why] = Layout::horizontal([Constraint::Length(columns), Constraint::Fill(1)]).areas(below);
    let (list, first) = lists::draw(buffer, list, screen, scene);
    let inner_why = framed(buffer, why, &why::title(screen, scene), theme);
    Paragraph::new(why::lines(screen, scene, inner_why.width)).render(inner_why, buffer);
    Hits { rules: inner, first_rule, list, first }
}

/// One column: the rule under the cursor, what changes, and why.
fn draw_small(buffer: &mut Buffer, area: Rect, screen: &Rewards, scene: &Scene<'_>) -> Hits {
    let theme = scene.theme;
    let mut lines = vec![rule_line(screen, &screen.rule(), true, scene)];
    let effect = effect_lines(scene);
    let most = if area.height >= 12 { effect.len() } else { 2 };
    lines.extend(effect.into_iter().take(most).map(Line::from));
    lines.push(Line::from(span(why::title(screen, scene), theme.title)));
    lines.extend(why::lines(screen, scene, area.width));
    Paragraph::new(lines).render(area, buffer);
    Hits::default()
}

/// A panel; what is inside its frame.
pub(super) fn framed(buffer: &mut Buffer, area: Rect, title: &str, theme: &Theme) -> Rect {
    let block = panel(theme, Line::from(span(title, theme.title)));
    let inner = padded(block.inner(area));
    block.render(area, buffer);
    inner
}

/// `▸ reward_format    0.1 → 0.5`.
fn rule_line(screen: &Rewards, rule: &Rule, here: bool, scene: &Scene<'_>) -> Line<'static> {
    let theme = scene.theme;
    let run = scene.store.config().cloned().unwrap_or_default();
    let now = Rewards::value(rule, &run, &Default::default());
    let tried = Rewards::value(rule, &screen.trial.applied(&run), &screen.trial);
    let name = match rule {
        Rule::Key(key) => (*key).to_owned(),
        Rule::Weight(part) => format!("weight {}", plain(part)),
    };
    let name: String = name.chars().take(2 * NAMES).collect();
    let mark = if here { theme.glyph("▸ ", "> ") } else { "  " };
    let mut spans = vec![span(mark, theme.accent), span(format!("{name:<NAMES$} "), theme.text)];
    if let Some(typed) = screen.typed.as_ref().filter(|_| here) {
        spans.push(span(format!("{}{}", plain(typed), theme.glyph("▏", "_")), theme.accent));
        spans.push(span(format!("  {}", expected(rule)), theme.dim));
        return Line::from(spans);
    }
    let known = match rule {
        Rule::Key(key) => scene.store.told(key),
        Rule::Weight(_) => true,
    };
    let before = if known { now.clone() } else { format!("{now} (ours; the run's is unknown)") };
    match now == tried {
        true => spans.push(span(before, theme.text)),
        false => {
            spans.push(span(format!("{before} {} ", theme.glyph("→", "->")), theme.dim));
            spans.push(span(tried, theme.accent));
        }
    }
    Line::from(spans)
}

/// What a rule takes.
fn expected(rule: &Rule) -> String {
    match rule {
        Rule::Key(key) => Config::key(key).map(|key| key.allowed().to_string()).unwrap_or_default(),
        Rule::Weight(_) => "a number from -1000 to 1000".to_owned(),
    }
}

fn effect_title(run: &Run) -> &'static str {
    let against_record = run.rescoring.rescorer().is_none_or(|rescorer| rescorer.is_against_the_record());
    if against_record { " against what was recorded " } else { " a control pays: against its rules " }
}

/// What the rules change, the most important first.
fn effect_lines(scene: &Scene<'_>) -> Vec<Vec<Span<'static>>> {
    let (theme, run) = (scene.theme, scene.store);
    let effect = run.rescoring.effect();
    let scored = effect.scored + effect.unread;
    if scored == 0 {
        return vec![vec![span("waiting for the first finished step", theme.dim)]];
    }
    let arrow = theme.glyph("→", "->");
    let mut lines = Vec::new();
    let all = run.completions.len();
    let scored = match run.rescoring.is_behind() {
        true => format!("{} of {} scored so far", grouped(scored), grouped(all)),
        false => format!("{} scored again", grouped(effect.scored)),
    };
    let mut first = vec![span(scored, theme.text)];
    if effect.unread > 0 {
        first.push(span(format!(", {} nobody here can judge", grouped(effect.unread)), theme.warning));
    }
    let changed = match effect.changed {
        0 => vec![span("no reward changes", theme.dim)],
        some => {
            let share = 100.0 * some as f64 / effect.scored.max(1) as f64;
            let share = if share < 10.0 { format!("{share:.1}") } else { format!("{share:.0}") };
            vec![span(format!("{} rewards change ({share} %)", grouped(some)), theme.accent)]
        }
    };
    lines.extend([changed, first]);
    let (before, after) = effect.mean();
    lines.push(vec![
        span("mean reward ", theme.dim),
        span(format!("{} {arrow} {}", figure(before), figure(after)), theme.text),
    ]);
    lines.push(vec![
        span("right ", theme.dim),
        span(format!("{} {arrow} {}", grouped(effect.right.0), grouped(effect.right.1)), theme.text),
        span("  dead groups ", theme.dim),
        span(format!("{} {arrow} {}", grouped(effect.dead.0), grouped(effect.dead.1)), theme.text),
    ]);
    lines.push(match (effect.compared, effect.shifted) {
        (false, _) => vec![span("advantages: unknown how this engine makes them", theme.dim)],
        (true, 0) => vec![span("no advantage changes", theme.dim)],
        (true, some) => vec![
            span(format!("{} advantages change", grouped(some)), theme.text),
            span(format!(" ({})", estimator(run)), theme.dim),
        ],
    });
    lines
}

fn estimator(run: &Run) -> String {
    let config = run.config();
    config.and_then(|config| config.get("advantage").ok()).unwrap_or_default()
}

/// A stranger's text without anything that could move a cursor.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Adds wrapped text.
pub(super) fn add(lines: &mut Vec<Line<'static>>, spans: &[Span<'static>], width: u16) {
    lines.extend(wrap(spans, width.max(8)));
}
