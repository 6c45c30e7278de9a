//! Draws the Microscope: the phases, the sentence and result of the current one, the group, the tokens of one
//! completion, and the numbers of one token.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
    widgets::Widget,
};

use super::{
    group_rows::GroupRow,
    lens::newest,
    read_out::Reading,
    result::{self, Seen},
    sentence::{Figures, Stage, sentence},
    state::{Hits, Microscope},
    tokens::{Shading, TokenLines, legend, pieces, token_lines},
};
use crate::{
    config::Config,
    metrics::registry,
    protocol::Phase,
    task,
    tui::{
        screens::Scene,
        store::{Progress, groups::Place},
        widgets::{lines::span, phases, wrap},
    },
};

/// Rows below which the sentence makes room for the numbers.
const LOW: usize = 14;

/// Draws the screen between the title and the hints.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, scope: &Microscope, scene: &Scene<'_>) -> Hits {
    let at_work = !scene.store.over() && (scene.store.progress.is_some() || scene.store.in_control());
    let bar_rows = u16::from(at_work && area.height >= 6);
    let [bar, area] = Layout::vertical([Constraint::Length(bar_rows), Constraint::Fill(1)]).areas(area);
    phases::draw(frame, scene, bar);
    let (lines, hits) = body(scope, scene, area);
    for (y, line) in (area.y..area.bottom()).zip(lines) {
        line.render(Rect { y, height: 1, ..area }, frame.buffer_mut());
    }
    hits
}

fn body(scope: &Microscope, scene: &Scene<'_>, area: Rect) -> (Vec<Line<'static>>, Hits) {
    let groups = &scene.store.groups;
    let config = scene.store.config().cloned().unwrap_or_default();
    let (width, height) = (area.width, usize::from(area.height));
    let theme = scene.theme;
    let progress = scene.store.progress.filter(|_| !scene.store.over());
    let sampling = scope.follows(groups)
        && progress.is_some_and(|now| scope.shown_step(groups).is_none_or(|shown| now.step > shown));
    let Some(place) = scope.place(groups).filter(|_| !sampling) else {
        return (being_written(scene, &config, area), Hits::default());
    };
    let known = groups.known(place);
    let rows = groups.rows(place);
    let stage = stage(place, progress);
    let mut lines = head(scene, place, stage, &config, area);
    let row = scope.row.min(rows.len().saturating_sub(1));
    let Some(record) = rows.get(row) else {
        lines.push(Line::from(span("Waiting for the engine to inspect this group.", theme.dim)));
        return (lines, Hits::default());
    };
    let seen = groups.seen(place, record.index);
    let lens = scope.lens(place, groups);
    let advantage = rows.iter().map(|row| row.advantage().abs()).fold(0.0, f64::max);
    let line = |index: usize| {
        let record = rows[index].as_ref();
        let score = groups.seen(place, record.index).and_then(|seen| seen.score.as_ref());
        GroupRow { record, score, index, selected: index == row, known, scale: advantage }.line(theme, width)
    };
    let readout_rows = if height >= 16 { 4 } else { 2 };
    let place_of = |offset: usize| Rect { y: area.y.saturating_add(offset as u16), height: 1, ..area };
    let mut hits = Hits::default();
    if scope.open {
        hits.rows.push((place_of(lines.len()), row));
        lines.push(line(row));
    } else {
        // The tokens keep at least one line, and a few if there is room.
        let tokens = if height >= LOW { 3 } else { 2 };
        let room = height.saturating_sub(lines.len() + readout_rows + tokens).clamp(1, rows.len().max(1));
        let first = (row + 1).saturating_sub(room);
        let shown = (first..rows.len()).take(room);
        hits.rows = (lines.len()..).map(place_of).zip(shown.clone()).collect();
        lines.extend(shown.map(line));
    }
    let values = lens.values(record, seen, known);
    let scale = lens.scale(rows, groups.inspected_rows(place), known);
    let (pieces, exact) = pieces(record, seen);
    let token = scope.token.min(pieces.len().saturating_sub(1));
    let bounds = seen.and_then(newest).map(|loss| loss.bounds).unwrap_or_default();
    lines.push(legend(lens, values.as_ref().err().copied(), scale, bounds, theme, width));
    let room = height.saturating_sub(lines.len() + readout_rows);
    let shading = Shading { lens, values: values.ok(), scale, bounds, exact };
    let TokenLines { lines: drawn, starts, places } = token_lines(&pieces, &shading, token, theme, width);
    let per_line = if theme.color { 1 } else { 2 };
    let at = starts.partition_point(|&first| first <= token).saturating_sub(1);
    let fits = (room / per_line).max(1);
    let top = (at + 1).saturating_sub(fits);
    for (number, row) in places.into_iter().skip(top).take(fits).enumerate() {
        let line = place_of(lines.len() + number * per_line);
        let place = |columns: std::ops::Range<u16>| Rect {
            x: line.x + columns.start,
            width: columns.end - columns.start,
            ..line
        };
        hits.tokens.extend(row.into_iter().map(|(columns, token)| (place(columns), token)));
    }
    lines.extend(drawn.into_iter().skip(top * per_line).take(fits * per_line));
    lines.truncate(height.saturating_sub(readout_rows));
    let blank = height.saturating_sub(lines.len() + readout_rows);
    lines.extend(std::iter::repeat_n(Line::default(), blank));
    let judged = known >= Phase::Advantage;
    let inspects = scene.store.started.as_ref().is_none_or(|started| started.engine.is_none());
    let read = Reading { record, seen, pieces: &pieces, token, exact, judged, inspects, width };
    lines.extend(read.out(theme).into_iter().take(readout_rows));
    hits.lines = starts;
    (lines, hits)
}

/// What the phase does, its result, and which group this is.
fn head(scene: &Scene<'_>, place: Place, stage: Stage, config: &Config, area: Rect) -> Vec<Line<'static>> {
    let groups = &scene.store.groups;
    let (theme, width, low) = (scene.theme, area.width, usize::from(area.height) < LOW);
    let rows = groups.rows(place);
    let rewards: Vec<f64> = rows.iter().map(|row| row.reward).collect();
    let figures = Figures {
        rewards: &rewards,
        looked_at: groups.known(place) >= Phase::Update,
        loss: groups.loss(place.0),
    };
    let mut lines = Vec::new();
    if !low {
        let told = told(scene, stage, config, figures);
        lines.extend(wrap::wrap(&[span(told, theme.title)], width).into_iter().take(4));
    }
    let count = groups.groups(place.0);
    let asked = match (rows.first(), scene.store.streams.puzzle(place)) {
        (Some(record), _) => task::problem_in_words(&record.problem, theme.glyph("→", "->")),
        (None, Some(puzzle)) => task::in_words(scene.store.task(), puzzle, theme.glyph("→", "->")),
        (None, None) => String::new(),
    };
    lines.push(Line::from(vec![
        span(format!("step {} group {} of {count}  ", place.0, place.1 + 1), theme.dim),
        span(asked, theme.accent),
    ]));
    if rows.is_empty() {
        return lines;
    }
    let known = groups.known(place);
    let seen = Seen {
        known,
        rows,
        inspected: groups.inspected_rows(place),
        limit: scene.store.told("max_new_tokens").then_some(config.sampling.max_new_tokens),
        estimates: scene.store.told("advantage"),
    };
    let mut shown = result::result(&seen, config);
    if let Some(text) = held_out(scene, place.0, config).filter(|_| stage == Stage::After) {
        shown = format!("{text} {shown}");
    }
    let most = if low { 1 } else { 2 };
    lines.extend(wrap::wrap(&[span(shown, theme.text)], width).into_iter().take(most));
    lines
}

/// The result of this step's evaluation; `None` until it is done.
fn held_out(scene: &Scene<'_>, step: u64, config: &Config) -> Option<String> {
    let done = scene.store.history.steps().iter().rev().find(|done| done.step == step)?;
    Some(match (done.known(&registry::EVAL_ACCURACY), config.schedule.evaluate_every) {
        (Some(accuracy), _) => format!("Held out: accuracy {accuracy:.3} after this step."),
        (None, _) if !scene.store.told("evaluate_every") => "Held out: unknown.".into(),
        (None, 0) => "Held out: not measured (evaluate_every 0).".into(),
        (None, every) => format!("Held out: measured only every {every} steps."),
    })
}

/// The stage of this group's step.
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

/// The completions of a step without any results yet.
fn being_written(scene: &Scene<'_>, config: &Config, area: Rect) -> Vec<Line<'static>> {
    let theme = scene.theme;
    let stage = scene.store.progress.map_or(Stage::Sample, |now| stage((now.step, 0), Some(now)));
    let told = told(scene, stage, config, Figures::default());
    let mut lines = wrap::wrap(&[span(told, theme.title)], area.width);
    let Some((group, cards)) = scene.store.streams.current() else {
        lines.push(Line::from(span("No completion has been written yet.", theme.dim)));
        return lines;
    };
    let asked = task::in_words(scene.store.task(), &cards.puzzle, theme.glyph("→", "->"));
    lines.push(Line::from(vec![
        span(format!("step {} group {}  ", scene.store.streams.step(), group + 1), theme.dim),
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

/// The sentence of a phase, as far as the run's engine told how it does it.
fn told(scene: &Scene<'_>, stage: Stage, config: &Config, figures: Figures<'_>) -> String {
    match stage.keys().iter().all(|key| scene.store.told(key)) {
        true => sentence(stage, config, figures),
        false => stage.untold().to_owned(),
    }
}

fn tail(text: &str, room: usize) -> String {
    let skipped = text.chars().count().saturating_sub(room);
    text.chars().skip(skipped).collect()
}
