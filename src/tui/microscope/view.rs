//! Draws the Microscope: the sentence, the group with its bars, the tokens of one completion, and the read-out.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Widget,
};
use unicode_width::UnicodeWidthStr;

use super::{
    lens::{Lens, k3, ratio, style, symbol},
    sentence::{Figures, Stage, sentence},
    state::Place,
};
use crate::{
    config::Config,
    engine::protocol::{Phase, RowInspection},
    grpo::advantage::standard_deviation,
    run::record::RolloutRecord,
    task,
    tui::{
        app::{App, Progress},
        theme::Theme,
        transcripts::signed_bar,
        wrap,
    },
};

fn span(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// Draws the screen between the title and the hints.
pub fn view(frame: &mut Frame, area: Rect, app: &mut App) {
    let config = app.started.as_ref().map(|started| started.config.clone()).unwrap_or_default();
    let (width, height) = (area.width, usize::from(area.height));
    let theme = app.theme.clone();
    let progress = app.progress.filter(|_| !app.over());
    let sampling = app.microscope.follows()
        && progress.is_some_and(|now| app.microscope.shown_step().is_none_or(|shown| now.step > shown));
    let Some(place) = app.microscope.place().filter(|_| !sampling) else {
        let lines = being_written(app, &config, area);
        return draw(frame, area, lines);
    };
    let scope = &mut app.microscope;
    let rows = scope.rows(place).to_vec();
    let row = scope.row.min(rows.len().saturating_sub(1));
    let Some(record) = rows.get(row) else { return };
    let seen = scope.seen(place, record.index).cloned();
    let lens = scope.lens(place);

    let rewards: Vec<f64> = rows.iter().map(|row| row.reward).collect();
    let mean = rewards.iter().sum::<f64>() / rewards.len().max(1) as f64;
    let deviation = standard_deviation(&rewards);
    let figures = Figures { completions: rows.len(), mean, deviation, loss: scope.loss(place.0) };
    let mut lines = Vec::new();
    let told = sentence(stage(place, progress), &config, figures);
    let most = if height < 14 { 2 } else { 4 };
    lines.extend(wrap::wrap(&[span(told, theme.title)], width).into_iter().take(most));
    let groups = scope.groups(place.0);
    let where_ = format!("step {} group {} of {groups}", place.0, place.1 + 1);
    let asked = format!("  {}", task::in_words(&record.task, &record.puzzle, theme.glyph("→", "->")));
    let mut head = vec![span(where_, theme.dim), span(asked, theme.accent)];
    if width >= 70 {
        head.push(span(format!("   baseline {mean:.3}  deviation {deviation:.3}"), theme.text));
    }
    lines.push(Line::from(head));

    let scale = rows.iter().map(|row| row.advantage.abs()).fold(0.0, f64::max);
    if scope.open {
        lines.push(group_row(record, row, true, scale, &theme, width));
    } else {
        // The tokens keep at least a few lines.
        let room = height.saturating_sub(lines.len() + 7).clamp(1, rows.len().max(1));
        let first = (row + 1).saturating_sub(room);
        for (index, record) in rows.iter().enumerate().skip(first).take(room) {
            lines.push(group_row(record, index, index == row, scale, &theme, width));
        }
    }
    let readout_rows = if height >= 16 { 4 } else { 2 };
    let legend_rows = 1;
    let (pieces, exact) = pieces(record, seen.as_ref());
    scope.token = scope.token.min(pieces.len().saturating_sub(1));
    let values = lens.values(record, seen.as_ref());
    let room = height.saturating_sub(lines.len() + readout_rows + legend_rows);
    lines.push(legend(lens, values.as_ref().err().copied(), &config, &theme, width));
    let shading = Shading { lens, values: values.ok(), scale, config: &config, exact };
    let (drawn, starts) = token_lines(&pieces, &shading, scope.token, &theme, width);
    let per_line = if theme.color { 1 } else { 2 };
    let at = starts.partition_point(|&first| first <= scope.token).saturating_sub(1);
    let fits = (room / per_line).max(1);
    let top = (at + 1).saturating_sub(fits);
    lines.extend(drawn.into_iter().skip(top * per_line).take(fits * per_line));
    scope.lines = starts;
    lines.truncate(height.saturating_sub(readout_rows));
    let blank = height.saturating_sub(lines.len() + readout_rows);
    lines.extend(std::iter::repeat_n(Line::default(), blank));
    let read = Reading { record, seen: seen.as_ref(), pieces: &pieces, token: scope.token, exact, width };
    lines.extend(read.out(&theme).into_iter().take(readout_rows));
    draw(frame, area, lines);
}

fn draw(frame: &mut Frame, area: Rect, lines: Vec<Line<'static>>) {
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        line.render(Rect { y, height: 1, ..area }, frame.buffer_mut());
    }
}

/// How far the step of this group is.
fn stage((step, _): Place, progress: Option<Progress>) -> Stage {
    match progress {
        Some(now) if now.step == step => match now.phase {
            Phase::Sample => Stage::Sample,
            Phase::Score => Stage::Score,
            Phase::Advantage => Stage::Advantage,
            Phase::Update => Stage::Update,
            Phase::Evaluate => Stage::After,
        },
        _ => Stage::After,
    }
}

/// The completions of a step that has no rewards yet.
fn being_written(app: &App, config: &Config, area: Rect) -> Vec<Line<'static>> {
    let theme = &app.theme;
    let stage = app.progress.map_or(Stage::Sample, |now| stage((now.step, 0), Some(now)));
    let told = sentence(stage, config, Figures::default());
    let mut lines = wrap::wrap(&[span(told, theme.title)], area.width);
    let Some((group, cards)) = app.streams.current() else {
        lines.push(Line::from(span("No completion has been written yet.", theme.dim)));
        return lines;
    };
    let asked = task::in_words(app.task(), &cards.puzzle, theme.glyph("→", "->"));
    lines.push(Line::from(vec![
        span(format!("step {} group {}  ", app.streams.step(), group + 1), theme.dim),
        span(asked, theme.accent),
    ]));
    for (index, card) in &cards.cards {
        // The newest words are the end of the text.
        let text: String = card.text().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let room = usize::from(area.width).saturating_sub(5);
        lines.push(Line::from(vec![
            span(format!("{:>3} ", index + 1), theme.dim),
            span(tail(&text, room), theme.text),
        ]));
    }
    lines
}

fn tail(text: &str, room: usize) -> String {
    let skipped = text.chars().count().saturating_sub(room);
    text.chars().skip(skipped).collect()
}

/// A completion in one line: its reward, its advantage as a bar, and how it begins.
fn group_row(
    record: &RolloutRecord,
    index: usize,
    selected: bool,
    scale: f64,
    theme: &Theme,
    width: u16,
) -> Line<'static> {
    let mark = if selected { theme.glyph("▸", ">") } else { " " };
    let verdict = if record.correct { theme.glyph("✓", "v") } else { theme.glyph("✗", "x") };
    let half = if width >= 100 { 12 } else { 6 };
    let [below, middle, over] = signed_bar(record.advantage, scale, half, theme);
    let mut spans = vec![
        span(format!("{mark}{:>2} ", index + 1), if selected { theme.accent } else { theme.dim }),
        span(format!("{verdict} "), if record.correct { theme.right } else { theme.wrong }),
        span(format!("{:>5.2} ", record.reward), theme.title),
        span(below, theme.false_check.remove_modifier(Modifier::UNDERLINED)),
        span(middle, theme.border),
        span(over, theme.true_check.remove_modifier(Modifier::UNDERLINED)),
        span(format!(" {:>+6.3} ", record.advantage), theme.text),
    ];
    let used: usize = spans.iter().map(Span::width).sum();
    let room = usize::from(width).saturating_sub(used);
    let text: String =
        record.completion.chars().map(|c| if c.is_control() { ' ' } else { c }).take(room).collect();
    spans.push(span(text, if selected { theme.text } else { theme.dim }));
    Line::from(spans)
}

/// The text of each token, and whether the borders are those of the tokens. A record alone has no borders: where
/// its words are as many as its tokens they are the tokens (the shipped vocabulary is one of words); otherwise the
/// words stand for the tokens at about their place.
fn pieces(record: &RolloutRecord, seen: Option<&RowInspection>) -> (Vec<String>, bool) {
    if let Some(seen) = seen {
        return (seen.pieces.clone(), true);
    }
    let tokens = record.token_ids.len();
    let mut words: Vec<String> =
        record.completion.split_whitespace().map(|word| format!(" {word}")).collect();
    if words.len() + 1 == tokens && !record.truncated {
        words.push(" <end>".into());
    }
    let exact = words.len() == tokens;
    (words, exact)
}

struct Shading<'a> {
    lens: Lens,
    values: Option<Vec<f64>>,
    scale: f64,
    config: &'a Config,
    exact: bool,
}

impl Shading<'_> {
    /// The level of a piece: of its token, or of the mean of the tokens at its share of the text.
    fn level(&self, index: usize, pieces: usize) -> Option<i8> {
        let values = self.values.as_ref()?;
        let value = if self.exact {
            *values.get(index)?
        } else {
            let from = (index * values.len() / pieces.max(1)).min(values.len().saturating_sub(1));
            let to = ((index + 1) * values.len() / pieces.max(1)).clamp(from + 1, values.len().max(from + 1));
            let part = values.get(from..to)?;
            part.iter().sum::<f64>() / part.len() as f64
        };
        Some(self.lens.level(value, self.scale, self.config))
    }
}

/// The tokens, wrapped; without colours a line of symbols under each. Also the first token of each line.
fn token_lines(
    pieces: &[String],
    shading: &Shading<'_>,
    cursor: usize,
    theme: &Theme,
    width: u16,
) -> (Vec<Line<'static>>, Vec<usize>) {
    let width = usize::from(width).max(1);
    let (mut lines, mut starts) = (Vec::new(), Vec::new());
    let (mut text, mut marks, mut used): (Vec<Span<'static>>, Vec<Span<'static>>, usize) = Default::default();
    for (index, piece) in pieces.iter().enumerate() {
        let mut shown: String = piece
            .chars()
            .map(|c| match c {
                '\n' => {
                    if theme.ascii {
                        '/'
                    } else {
                        '⏎'
                    }
                }
                c if c.is_control() => ' ',
                c => c,
            })
            .collect();
        if shown.is_empty() {
            shown = theme.glyph("·", ".").into();
        }
        if shown.width() > width {
            shown = shown.chars().take(width / 2).collect();
        }
        if used > 0 && used + shown.width() > width {
            lines.push(Line::from(std::mem::take(&mut text)));
            if !theme.color {
                lines.push(Line::from(std::mem::take(&mut marks)));
            }
            used = 0;
        }
        if used == 0 {
            starts.push(index);
        }
        let (gap, word) = match shown.strip_prefix(' ') {
            Some(word) if !word.is_empty() => (" ", word.to_owned()),
            _ => ("", shown.clone()),
        };
        let level = shading.level(index, pieces.len());
        let signed = shading.lens.signed();
        let mut look = level.map_or(theme.text, |level| style(theme, signed, level));
        if index == cursor {
            look = theme.accent.add_modifier(Modifier::REVERSED | Modifier::UNDERLINED);
        }
        used += shown.width();
        let under = level.map_or(' ', |level| symbol(signed, level)).to_string().repeat(word.width());
        text.extend([span(gap, theme.text), span(word, look)]);
        marks.extend([span(gap, theme.text), span(under, theme.dim)]);
    }
    if !text.is_empty() {
        lines.push(Line::from(text));
        if !theme.color {
            lines.push(Line::from(marks));
        }
    }
    (lines, starts)
}

/// What the colours (or symbols) mean, or why there are none.
fn legend(lens: Lens, missing: Option<&str>, config: &Config, theme: &Theme, width: u16) -> Line<'static> {
    let key = Lens::ALL.iter().position(|other| *other == lens).map_or(0, |at| at + 1);
    let mut spans =
        vec![span(format!("{key} "), theme.hint_key), span(lens.name(), theme.title), span(": ", theme.dim)];
    if let Some(missing) = missing {
        spans.push(span(missing.to_owned(), theme.warning));
        return Line::from(spans);
    }
    let signed = lens.signed();
    for (level, words) in lens.legend(config) {
        let words = if theme.color { words } else { format!("{} {words}", symbol(signed, level)) };
        let used: usize = spans.iter().map(Span::width).sum();
        if used + words.width() + 2 > usize::from(width) {
            break;
        }
        spans.push(span(words, style(theme, signed, level)));
        spans.push(span("  ", theme.dim));
    }
    Line::from(spans)
}

/// The numbers of the token under the cursor.
struct Reading<'a> {
    record: &'a RolloutRecord,
    seen: Option<&'a RowInspection>,
    pieces: &'a [String],
    token: usize,
    exact: bool,
    width: u16,
}

impl Reading<'_> {
    fn out(&self, theme: &Theme) -> Vec<Line<'static>> {
        let narrow = self.width < 60;
        let piece = self.pieces.get(self.token).map_or("", |piece| piece.trim());
        let piece: String = piece.chars().filter(|c| !c.is_control()).take(16).collect();
        let name = format!("{}/{} {piece:?}", self.token + 1, self.pieces.len());
        if !self.exact {
            let why = "The record has no token borders: words are coloured by the mean of the tokens at about their place.";
            let mut lines = vec![Line::from(span(name, theme.accent))];
            lines.extend(wrap::wrap(&[span(why, theme.dim)], self.width));
            return lines;
        }
        let number = |values: &[f32]| values.get(self.token).map_or(f64::NAN, |&value| f64::from(value));
        let (then, entropy) = (number(&self.record.logprobs), number(&self.record.entropies));
        let first = match (narrow, then.is_nan()) {
            (true, true) => "  p not recorded".to_owned(),
            (true, false) => format!("  p {:.3} H {entropy:.2}", then.exp()),
            (false, true) => format!("  advantage {:+.3}, probability not recorded", self.record.advantage),
            (false, false) => format!(
                "  sampled with p {:.4} (log {then:.3}), entropy {entropy:.3} nats, advantage {:+.3}",
                then.exp(),
                self.record.advantage
            ),
        };
        let mut lines = vec![Line::from(vec![span(name, theme.accent), span(first, theme.text)])];
        let Some((seen, before)) = self.seen.and_then(|seen| Some((seen, seen.before.get(self.token)?)))
        else {
            let why =
                "Ratio, KL and alternatives are not recorded; they are seen live while this screen is open.";
            lines.extend(wrap::wrap(&[span(why, theme.dim)], self.width));
            return lines;
        };
        let after = seen.after.get(self.token);
        let sampled = self.record.logprobs.get(self.token).copied().unwrap_or(f32::NAN);
        let arrow = theme.glyph("→", "->");
        let p = |logprob: f32| f64::from(logprob).exp();
        let mut second = match after {
            None => format!("ratio {:.4} before the update", ratio(before.logprob, sampled)),
            Some(after) => format!(
                "p {:.4} {arrow} {:.4} ({:+.4})  ratio {:.4} {arrow} {:.4}",
                p(before.logprob),
                p(after.logprob),
                p(after.logprob) - p(before.logprob),
                ratio(before.logprob, sampled),
                ratio(after.logprob, sampled)
            ),
        };
        if !narrow {
            second.push_str(&match seen.reference.get(self.token) {
                Some(&reference) => format!("  KL {:.5}", k3(after.unwrap_or(before).logprob, reference)),
                None => "  no reference (kl_coef 0)".into(),
            });
        }
        lines.push(Line::from(span(second, theme.text)));
        let mut top = |label: &str, view: &crate::engine::protocol::TokenView| {
            let mut spans = vec![span(format!("{label} "), theme.dim)];
            for (piece, p) in &view.top {
                let piece: String = piece.trim().chars().filter(|c| !c.is_control()).take(12).collect();
                spans.extend([
                    span(format!("{piece:?}"), theme.title),
                    span(format!(" {p:.3}  "), theme.text),
                ]);
            }
            lines.push(Line::from(spans));
        };
        top("top 5 before", before);
        if let Some(after) = after {
            top("top 5 after ", after);
        }
        lines
    }
}
