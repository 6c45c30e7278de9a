//! Pictures of the Microscope with their styles, and what its keys do.

use aha_lab::{
    engine::{
        protocol::{Command, Event, GroupInspection, Phase, RowInspection, TokenView},
        scripted::Script,
    },
    tui::{
        app::{Action, App, Mode},
        screen::Screen,
        theme::Theme,
        update::update,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::picture::{SIZES, draw, picture};

fn press(app: &mut App, code: KeyCode) -> Vec<Command> {
    update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// What an engine would tell of a group; the numbers are made up, and differ from token to token.
fn inspection(script: &Script, step: u64, after: bool) -> GroupInspection {
    let rows = script.group(step, 0).into_iter().map(|mut record| {
        let words: Vec<String> = record.completion.split_inclusive(' ').map(str::to_owned).collect();
        let count = words.len();
        record.token_ids = (0..count as u32).collect();
        record.logprobs = (0..count).map(|i| -0.05 - (i % 7) as f32 * 0.3).collect();
        record.entropies = (0..count).map(|i| (i % 5) as f32 * 0.4).collect();
        let view = |shift: f32| {
            let top = |p: f32| {
                let names = ["not", "is", "try", "=", "."];
                names.iter().enumerate().map(|(k, name)| ((*name).to_owned(), p / (k + 1) as f32)).collect()
            };
            (0..count)
                .map(|i| TokenView {
                    logprob: record.logprobs[i] + shift * (i % 3) as f32,
                    entropy: record.entropies[i],
                    top: top(0.4),
                })
                .collect::<Vec<_>>()
        };
        RowInspection {
            pieces: words,
            before: view(0.0),
            after: if after { view(0.1) } else { vec![] },
            reference: record.logprobs.iter().map(|l| l - 0.1).collect(),
            record,
        }
    });
    GroupInspection { step, group: 0, rows: rows.collect() }
}

/// The Microscope on a live run in this phase of step 3; `after` says whether the update is made.
fn microscope(theme: Theme, phase: Phase, after: bool) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, Mode::Control);
    let mut tell = |event| drop(update(&mut app, Action::Engine(event)));
    tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 0))));
    for step in 1..=2 {
        script.group(step, 0).into_iter().for_each(|record| tell(Event::RolloutScored(Box::new(record))));
        tell(Event::StepDone(Box::new(script.metrics(step))));
    }
    tell(Event::PhaseChanged { step: 3, phase, done: 0, total: 12 });
    let group = inspection(&script, 3, after);
    for row in &group.rows {
        tell(Event::RolloutScored(Box::new(row.record.clone())));
    }
    tell(Event::Inspected(Box::new(group)));
    app.screen = Screen::Microscope;
    app
}

fn pictures(name: &str, app: &mut App) {
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), picture(&draw(app, width, height)));
    }
}

#[test]
fn the_group_with_its_advantages() {
    pictures("microscope_advantage", &mut microscope(Theme::colored(), Phase::Advantage, false));
}

#[test]
fn one_completion_by_entropy_and_by_ratio_and_after_the_update() {
    let mut app = microscope(Theme::colored(), Phase::Update, false);
    press(&mut app, KeyCode::Enter);
    for _ in 0..4 {
        press(&mut app, KeyCode::Right);
    }
    press(&mut app, KeyCode::Char('2'));
    pictures("microscope_entropy", &mut app);
    let mut app = microscope(Theme::colored(), Phase::Evaluate, true);
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Char('4'));
    pictures("microscope_ratio", &mut app);
    press(&mut app, KeyCode::Char('6'));
    pictures("microscope_change", &mut app);
}

#[test]
fn a_recorded_run_and_a_terminal_without_colours() {
    let script = Script::new(7);
    let mut app = App::new(Theme::colored(), Mode::Finished);
    let mut tell = |event| drop(update(&mut app, Action::Engine(event)));
    tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 2))));
    for step in 1..=2 {
        script.group(step, 0).into_iter().for_each(|record| tell(Event::RolloutScored(Box::new(record))));
        tell(Event::StepDone(Box::new(script.metrics(step))));
    }
    app.screen = Screen::Microscope;
    pictures("microscope_recorded", &mut app);
    let mut app = microscope(Theme::plain(), Phase::Advantage, false);
    press(&mut app, KeyCode::Enter);
    insta::assert_snapshot!("microscope_no_color_80x24", picture(&draw(&mut app, 80, 24)));
    let mut app = App::new(Theme::colored(), Mode::Control);
    app.screen = Screen::Microscope;
    insta::assert_snapshot!("microscope_empty_80x24", picture(&draw(&mut app, 80, 24)));
}

#[test]
fn the_engine_looks_closely_only_while_somebody_does() {
    let script = Script::new(7);
    let mut app = App::new(Theme::colored(), Mode::Control);
    update(&mut app, Action::Engine(Event::Started(Box::new(script.started("runs/x".into(), 0)))));
    assert_eq!(press(&mut app, KeyCode::F(7)), [Command::Inspect(Some(0))]);
    assert_eq!(app.screen, Screen::Microscope);
    assert_eq!(press(&mut app, KeyCode::F(2)), [Command::Inspect(None)]);
    let mut reading = App::new(Theme::colored(), Mode::Finished);
    assert!(press(&mut reading, KeyCode::F(7)).is_empty(), "nobody to ask");
}
