//! Live changes: the Settings screen, the prompt, and the marks on the charts.

use aha_lab::{
    engine::scripted::Script,
    protocol::{Command, Event, RunFacts},
    tui::{
        screens::{live::Live, meter::Meter, settings::Settings},
        shell::{
            app::{Action, App},
            effect::Effect,
            theme::Theme,
            update::update,
        },
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::picture::{SIZES, draw, picture, text};

/// The screen over a run in which so much was changed.
fn settings(theme: Theme, facts: RunFacts, changes: &[(u64, &str, &str, &str)]) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, facts);
    let mut tell = |event| drop(update(&mut app, Action::Engine(0, event)));
    tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 0))));
    for step in 1..=30 {
        tell(Event::StepDone(Box::new(script.metrics(step))));
        for (_, key, before, value) in changes.iter().filter(|change| change.0 == step) {
            tell(edited(step, key, before, value));
        }
    }
    app.bring::<Settings>();
    app.message = None;
    draw(&mut app, 120, 36);
    app
}

fn edited(step: u64, key: &str, before: &str, value: &str) -> Event {
    Event::Edited { step, key: key.into(), value: value.into(), before: before.into() }
}

const CHANGES: &[(u64, &str, &str, &str)] = &[
    (9, "temperature", "1", "0.8"),
    (20, "learning_rate", "0.0004", "0.0002"),
    (20, "group_size", "8", "12"),
];

fn press(app: &mut App, code: KeyCode) -> Vec<Command> {
    let orders = update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    orders.into_iter().map(|order| order.command).collect()
}

fn typed(app: &mut App, words: &str) -> Vec<Command> {
    words.chars().flat_map(|c| press(app, KeyCode::Char(c))).collect()
}

/// Moves the cursor to a key.
fn find(app: &mut App, key: &str) {
    press(app, KeyCode::Home);
    for _ in 0..200 {
        if text(&draw(app, 120, 36)).contains(&format!("╭ {key} ")) {
            return;
        }
        press(app, KeyCode::Down);
    }
    panic!("there is no {key}");
}

fn set(key: &str, value: &str) -> Command {
    Command::Set { key: key.into(), value: value.into() }
}

#[test]
fn what_was_changed_at_three_sizes() {
    let mut app = settings(Theme::colored(), RunFacts::of_our_engine(), CHANGES);
    find(&mut app, "temperature");
    for (width, height) in SIZES {
        draw(&mut app, width, height);
        insta::assert_snapshot!(format!("changed_{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn each_key_says_what_it_is_now_was_and_may_be() {
    let mut app = settings(Theme::colored(), RunFacts::of_our_engine(), CHANGES);
    find(&mut app, "temperature");
    let shown = text(&draw(&mut app, 120, 36));
    for words in ["was 1 up to step 9", "a number from 0.01 to 10", "Changed after step 9: 1 → 0.8."] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    press(&mut app, KeyCode::Char('f'));
    press(&mut app, KeyCode::Char('f'));
    let shown = text(&draw(&mut app, 120, 60));
    assert!(shown.contains("may change during a run") && !shown.contains("micro_tokens"), "{shown}");
    for key in ["learning_rate", "group_size", "prompts_per_step", "objective", "reward_correct", "kl_coef"] {
        assert!(shown.contains(&format!("{key} *")), "{key}: {shown}");
    }
}

#[test]
fn one_key_takes_back_the_last_change_and_then_the_one_before() {
    let mut app = settings(Theme::colored(), RunFacts::of_our_engine(), CHANGES);
    for (key, before) in [("group_size", "8"), ("learning_rate", "0.0004"), ("temperature", "1")] {
        assert_eq!(press(&mut app, KeyCode::Char('u')), [set(key, before)]);
        let now = app.run().config().unwrap().get(key).unwrap();
        update(&mut app, Action::Engine(0, edited(30, key, &now, before)));
    }
    assert_eq!(press(&mut app, KeyCode::Char('u')), []);
    assert!(app.message.as_ref().unwrap().text.contains("nothing was changed"));
    assert_eq!(app.run().changes.all().len(), 6, "all of it stays on record");

    let mut over = settings(Theme::colored(), RunFacts::of_our_files(false), CHANGES);
    assert_eq!(press(&mut over, KeyCode::Char('u')), []);
    assert!(over.message.as_ref().unwrap().text.contains("this run is over"));
}

#[test]
fn a_key_that_may_not_change_says_so_and_offers_a_fork() {
    let mut app = settings(Theme::colored(), RunFacts::of_our_engine(), &[]);
    find(&mut app, "batching");
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(app.prompt.is_none());
    assert!(app.message.as_ref().unwrap().text.contains("fixed for the whole run; y copies"));
    let command = "aha-lab run --fork runs/20260101-120000-test --set batching=dynamic";
    assert!(text(&draw(&mut app, 120, 36)).contains(command));
    press(&mut app, KeyCode::Char('y'));
    assert!(app.effects.contains(&Effect::Copy { text: command.into() }));
}

#[test]
fn a_value_that_cannot_be_is_refused_and_can_be_mended() {
    let mut app = settings(Theme::colored(), RunFacts::of_our_engine(), &[]);
    find(&mut app, "temperature");
    press(&mut app, KeyCode::Enter);
    assert_eq!(typed(&mut app, "99"), []);
    assert_eq!(press(&mut app, KeyCode::Enter), []);
    assert!(app.message.as_ref().unwrap().text.contains("it takes a number from 0.01 to 10"));
    assert!(app.prompt.is_some(), "what was typed is still there");
    press(&mut app, KeyCode::Backspace);
    press(&mut app, KeyCode::Backspace);
    typed(&mut app, "0.7");
    assert_eq!(press(&mut app, KeyCode::Enter), [set("temperature", "0.7")]);
}

#[test]
fn every_chart_marks_what_was_changed() {
    for theme in [Theme::colored(), Theme { ascii: true, ..Theme::plain() }] {
        let mark = theme.glyph("◆", "*");
        let mut app = settings(theme, RunFacts::of_our_engine(), CHANGES);
        app.bring::<Live>();
        let live = text(&draw(&mut app, 200, 50));
        let axes: usize = live.lines().map(|line| line.matches(&format!("{mark} 2 keys")).count()).sum();
        assert_eq!(axes, 3, "reward, length, checks: {live}");
        assert!(live.contains(&format!("{mark} temperature 0.8")), "{live}");
        app.bring::<Meter>();
        assert!(text(&draw(&mut app, 200, 50)).contains(&format!("{mark} 2 keys")));
    }
}
