//! Pictures of the Microscope with their styles, and what its keys do.

use aha_lab::tui::screens::microscope::Microscope;
use aha_lab::{
    engine::scripted::Script,
    grpo::{
        explain::{self, SeenRow},
        settings::Update,
    },
    metrics::registry,
    protocol::{Command, Event, GroupInspection, Phase, RowInspection, RunFacts, Temporality, TokenView},
    record::{Rollout, explain::Explanation},
    task::Score,
    tui::shell::{
        app::{Action, App},
        theme::Theme,
        update::update,
    },
};
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
    style::Modifier,
};

use crate::picture::{SIZES, draw, picture, text};

fn press(app: &mut App, code: KeyCode) -> Vec<Command> {
    let orders = update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    orders.into_iter().map(|order| order.command).collect()
}

/// What the loss would make of a completion whose tokens have become likelier by `shift`, or twice that, or not at all.
fn explained(record: &Rollout, shift: f32) -> Explanation {
    let logprobs: Vec<f32> =
        record.logprobs().iter().enumerate().map(|(i, logprob)| logprob + shift * (i % 3) as f32).collect();
    let reference: Vec<f32> = record.logprobs().iter().map(|logprob| logprob - 0.1).collect();
    let row = SeenRow {
        logprobs: &logprobs,
        sampled: record.logprobs(),
        old: &[],
        reference: &reference,
        advantage: record.advantage.unwrap_or(0.0),
        batch: None,
        masked: false,
    };
    explain::completion(&row, &Update { kl_coef: 0.05, ..Update::default() })
}

/// What an engine would tell of a group when this phase is over; the numbers are made up, and differ from token to
/// token.
fn inspection(script: &Script, step: u64, known: Phase) -> GroupInspection {
    let after = known == Phase::Update;
    let rows = script.group(step, 0).into_iter().map(|mut record| {
        let words: Vec<String> = record.completion.split_inclusive(' ').map(str::to_owned).collect();
        let count = words.len();
        record.token_ids = Some((0..count as u32).collect());
        record.logprobs = Some((0..count).map(|i| -0.05 - (i % 7) as f32 * 0.3).collect());
        record.entropies = Some((0..count).map(|i| (i % 5) as f32 * 0.4).collect());
        let view = |shift: f32| {
            let top = |p: f32| {
                let names = ["not", "is", "try", "=", "."];
                names.iter().enumerate().map(|(k, name)| ((*name).to_owned(), p / (k + 1) as f32)).collect()
            };
            (0..count)
                .map(|i| TokenView {
                    logprob: record.logprobs()[i] + shift * (i % 3) as f32,
                    entropy: record.entropies()[i],
                    top: top(0.4),
                })
                .collect::<Vec<_>>()
        };
        RowInspection {
            score: Some(Score {
                reward: record.reward,
                correct: record.is_right(),
                format: true,
                answer: Some("16 + 4".into()),
                value: Some("20".into()),
                reason: "The answer uses every given number once, but its value is 20, not 19.".into(),
            }),
            pieces: words,
            before: view(0.0),
            after: if after { view(0.1) } else { vec![] },
            explained: Some(explained(&record, 0.0)),
            explained_after: after.then(|| explained(&record, 0.1)),
            reference: record.logprobs().iter().map(|l| l - 0.1).collect(),
            record,
        }
    });
    let mut rows: Vec<RowInspection> = rows.collect();
    for RowInspection { record, score, .. } in &mut rows {
        // What is not known yet is not told.
        if known < Phase::Advantage {
            record.advantage = None;
        }
        if known < Phase::Score {
            (record.reward, record.correct, record.analysis, *score) = (0.0, None, Default::default(), None);
        }
    }
    GroupInspection { step, group: 0, groups: 16, phase: known, rows }
}

/// The Microscope on a live run in this phase of step 3, of which so much is known.
fn microscope(theme: Theme, phase: Phase, known: Phase) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, RunFacts::of_our_engine());
    let mut tell = |event| drop(update(&mut app, Action::Engine(0, event)));
    tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 0))));
    for step in 1..=2 {
        script.group(step, 0).into_iter().for_each(|record| tell(Event::RolloutScored(Box::new(record))));
        tell(Event::StepDone(Box::new(script.metrics(step))));
    }
    let total = match phase {
        Phase::Sample => 256,
        Phase::Update => 12,
        _ => 0,
    };
    let done = if known >= phase { total } else { 0 };
    tell(Event::PhaseChanged { step: 3, phase, done, total });
    let group = inspection(&script, 3, known);
    for row in group.rows.iter().filter(|_| known >= Phase::Advantage) {
        tell(Event::RolloutScored(Box::new(row.record.clone())));
    }
    tell(Event::Inspected(Box::new(group)));
    app.bring::<Microscope>();
    app
}

fn pictures(name: &str, app: &mut App) {
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), picture(&draw(app, width, height)));
    }
}

#[test]
fn each_phase_shows_its_own_result() {
    for phase in [Phase::Sample, Phase::Score, Phase::Advantage, Phase::Update] {
        let mut app = microscope(Theme::colored(), phase, phase);
        update(&mut app, Action::Engine(0, Event::Temporality(Temporality::Paused)));
        pictures(&format!("microscope_{}", phase.name()), &mut app);
        let shown = text(&draw(&mut app, 120, 36));
        let said = |words: &str| shown.contains(words);
        assert!(said(phase.name()), "{shown}");
        assert_eq!(said("its value is 20, not 19"), phase == Phase::Score, "why: {shown}");
        assert_eq!(said("✗"), phase >= Phase::Score, "{shown}");
        assert_eq!(said("Baseline 0.100"), phase == Phase::Advantage, "{shown}");
        assert_eq!(said("+0.000"), phase >= Phase::Advantage, "{shown}");
        assert_eq!(said("Probability in points"), phase == Phase::Update, "{shown}");
    }
    let mut app = microscope(Theme::colored(), Phase::Evaluate, Phase::Update);
    let metrics = Script::new(7).metrics(3).with(&registry::EVAL_ACCURACY, Some(0.3125));
    update(&mut app, Action::Engine(0, Event::StepDone(Box::new(metrics))));
    pictures("microscope_evaluate", &mut app);
    assert!(text(&draw(&mut app, 120, 36)).contains("Held out: accuracy 0.312 after this step"));
}

#[test]
fn a_group_that_nobody_looked_at_yet_is_asked_for_and_less_is_never_known_again() {
    let mut app = microscope(Theme::colored(), Phase::Score, Phase::Score);
    update(&mut app, Action::Engine(0, Event::Temporality(Temporality::Paused)));
    // The first press asks for the group on screen, as would the key that opened it.
    assert_eq!(press(&mut app, KeyCode::Char(']')), [Command::Inspect { group: Some(1) }]);
    assert!(text(&draw(&mut app, 80, 24)).contains("group 2 of 16"));
    insta::assert_snapshot!("microscope_asked_80x24", picture(&draw(&mut app, 80, 24)));
    press(&mut app, KeyCode::Char('['));
    let told = inspection(&Script::new(7), 3, Phase::Advantage);
    for row in &told.rows {
        update(&mut app, Action::Engine(0, Event::RolloutScored(Box::new(row.record.clone()))));
    }
    // What the engine told on the way arrives late.
    update(
        &mut app,
        Action::Engine(0, Event::Inspected(Box::new(inspection(&Script::new(7), 3, Phase::Score)))),
    );
    assert!(text(&draw(&mut app, 120, 36)).contains("Baseline"));
}

#[test]
fn bars_below_the_middle_are_strokes_also_without_colours() {
    let mut app = microscope(Theme::plain(), Phase::Advantage, Phase::Advantage);
    let mut told = inspection(&Script::new(7), 3, Phase::Advantage);
    for (index, row) in told.rows.iter_mut().enumerate() {
        row.record.advantage = Some(if index == 0 { 0.7 } else { -0.1 * index as f64 });
    }
    update(&mut app, Action::Engine(0, Event::Inspected(Box::new(told))));
    let buffer = draw(&mut app, 120, 36);
    let bars: Vec<_> =
        buffer.content.iter().filter(|cell| matches!(cell.symbol(), "╍" | "╺" | "━")).collect();
    assert!(bars.iter().any(|cell| cell.symbol() == "╍"));
    assert!(bars.iter().all(|cell| !cell.modifier.contains(Modifier::REVERSED)));
    insta::assert_snapshot!("microscope_bars_no_color_120x36", picture(&buffer));
}

#[test]
fn one_completion_by_entropy_and_by_ratio_and_after_the_update() {
    let mut app = microscope(Theme::colored(), Phase::Update, Phase::Advantage);
    press(&mut app, KeyCode::Enter);
    for _ in 0..4 {
        press(&mut app, KeyCode::Right);
    }
    press(&mut app, KeyCode::Char('2'));
    pictures("microscope_entropy", &mut app);
    let mut app = microscope(Theme::colored(), Phase::Evaluate, Phase::Update);
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Char('4'));
    pictures("microscope_ratio", &mut app);
    press(&mut app, KeyCode::Char('6'));
    pictures("microscope_change", &mut app);
}

#[test]
fn a_recorded_run_and_a_terminal_without_colours() {
    let script = Script::new(7);
    let mut app = App::new(Theme::colored(), RunFacts::of_our_files(false));
    let mut tell = |event| drop(update(&mut app, Action::Engine(0, event)));
    tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 2))));
    for step in 1..=2 {
        script.group(step, 0).into_iter().for_each(|record| tell(Event::RolloutScored(Box::new(record))));
        tell(Event::StepDone(Box::new(script.metrics(step))));
    }
    app.bring::<Microscope>();
    pictures("microscope_recorded", &mut app);
    let mut app = microscope(Theme::plain(), Phase::Advantage, Phase::Advantage);
    press(&mut app, KeyCode::Enter);
    insta::assert_snapshot!("microscope_no_color_80x24", picture(&draw(&mut app, 80, 24)));
    let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
    app.bring::<Microscope>();
    insta::assert_snapshot!("microscope_empty_80x24", picture(&draw(&mut app, 80, 24)));
}

#[test]
fn the_engine_looks_closely_only_while_somebody_does() {
    let script = Script::new(7);
    let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
    update(&mut app, Action::Engine(0, Event::Started(Box::new(script.started("runs/x".into(), 0)))));
    assert_eq!(press(&mut app, KeyCode::F(7)), [Command::Inspect { group: Some(0) }]);
    assert_eq!(app.in_front().name(), "Microscope");
    assert_eq!(press(&mut app, KeyCode::F(2)), [Command::Inspect { group: None }]);
    let mut reading = App::new(Theme::colored(), RunFacts::of_our_files(false));
    assert!(press(&mut reading, KeyCode::F(7)).is_empty(), "nobody to ask");
}
