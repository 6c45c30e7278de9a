//! Pictures of the Rewards screen, and what its keys do.

use std::{path::Path, time::Duration};

use aha_lab::{
    engine::scripted::Script,
    protocol::{Capabilities, Command, Event, RunFacts, Started},
    record::Rollout,
    tui::{
        screens::transcripts::Transcripts,
        shell::{
            app::{Action, App, Order},
            theme::Theme,
            update::update,
        },
        store::completions::Key,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::{
    at::show,
    picture::{SIZES, draw, picture, text},
};

const STEPS: u64 = 6;

fn tell(app: &mut App, event: Event) {
    update(app, Action::Engine(0, event));
}

/// The screen over so many steps of the scripted run, with everything scored again.
fn rewards(theme: Theme, facts: RunFacts) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, facts);
    tell(&mut app, Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 0))));
    for step in 1..=STEPS {
        for record in (0..3).flat_map(|group| script.group(step, group)) {
            tell(&mut app, Event::RolloutScored(Box::new(record)));
        }
        tell(&mut app, Event::StepDone(Box::new(script.metrics(step))));
    }
    press(&mut app, KeyCode::Char('W'));
    assert_eq!(app.in_front().name(), "Rewards");
    settle(&mut app);
    app.message = None;
    app
}

/// Lets the work between two keys be done.
fn settle(app: &mut App) {
    update(app, Action::Clock(Duration::ZERO));
    while app.run().rescoring.is_behind() {
        update(app, Action::Clock(Duration::ZERO));
    }
    draw(app, 120, 36);
}

fn press(app: &mut App, code: KeyCode) -> Vec<Order> {
    update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

/// Gives the rule that is so many below the first this value.
fn edit(app: &mut App, rule: usize, value: &str) {
    for _ in 0..10 {
        press(app, KeyCode::Up);
    }
    for _ in 0..rule {
        press(app, KeyCode::Down);
    }
    press(app, KeyCode::Enter);
    value.chars().for_each(|c| drop(press(app, KeyCode::Char(c))));
    press(app, KeyCode::Enter);
    settle(app);
}

const REWARD_CORRECT: usize = 1;
const REWARD_FORMAT: usize = 2;

#[test]
fn the_rules_of_the_run_at_three_sizes() {
    let mut app = rewards(Theme::colored(), RunFacts::of_our_files(false));
    for (width, height) in SIZES {
        draw(&mut app, width, height);
        insta::assert_snapshot!(format!("same_{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn other_rules_at_three_sizes() {
    let mut app = rewards(Theme::colored(), RunFacts::of_our_files(false));
    edit(&mut app, REWARD_FORMAT, "0.5");
    press(&mut app, KeyCode::Char('X'));
    for (width, height) in SIZES {
        draw(&mut app, width, height);
        insta::assert_snapshot!(format!("other_{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn the_tricks_at_three_sizes() {
    let mut app = rewards(Theme::colored(), RunFacts::of_our_files(false));
    press(&mut app, KeyCode::Char('t'));
    for _ in 0..5 {
        press(&mut app, KeyCode::Char(']'));
    }
    for (width, height) in SIZES {
        draw(&mut app, width, height);
        insta::assert_snapshot!(format!("tricks_{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn every_trick_stands_until_a_rule_pays_it_like_a_right_answer() {
    let mut app = rewards(Theme::colored(), RunFacts::of_our_files(false));
    press(&mut app, KeyCode::Char('t'));
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("tricks unpaid"), "{shown}");
    edit(&mut app, REWARD_FORMAT, "1");
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("tricks pay") && !shown.contains("unpaid"), "{shown}");
}

#[test]
fn a_change_of_the_rules_is_counted_listed_and_undone() {
    let mut app = rewards(Theme::colored(), RunFacts::of_our_files(false));
    let all = app.run().completions.len();
    let effect = app.run().rescoring.effect();
    assert_eq!((effect.scored, effect.changed, effect.shifted), (all, 0, 0));
    edit(&mut app, REWARD_FORMAT, "0.5");
    let effect = app.run().rescoring.effect();
    let well_formed = |record: &&Rollout| record.reward == 0.1;
    let groups = app.run().completions.groups();
    let records = groups.iter().flat_map(|group| &group.entries).map(|entry| entry.record.as_ref());
    assert_eq!(effect.changed, records.filter(well_formed).count());
    assert!(effect.changed > 0 && effect.shifted > 0 && effect.right.0 == effect.right.1);
    let selected = |app: &App| app.listing().key();
    press(&mut app, KeyCode::Char('X'));
    let last = selected(&app).unwrap();
    press(&mut app, KeyCode::Char('X'));
    let before = selected(&app).unwrap();
    assert!(before < last);
    press(&mut app, KeyCode::Char('x'));
    assert_eq!(selected(&app), Some(last));
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("It earns 0.5 (reward_format)") && shown.contains("Recorded: 0.1"), "{shown}");
    press(&mut app, KeyCode::Char('u'));
    settle(&mut app);
    assert_eq!(app.run().rescoring.effect().changed, 0);
    assert!(!text(&draw(&mut app, 120, 36)).contains("changed here"));
}

#[test]
fn a_value_that_a_rule_does_not_take_is_refused_with_what_it_takes() {
    let mut app = rewards(Theme::colored(), RunFacts::of_our_files(false));
    edit(&mut app, REWARD_CORRECT, "much");
    let said = app.message.as_ref().unwrap().text.clone();
    assert!(said.contains("reward_correct") && said.contains("a number from -1000 to 1000"), "{said}");
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Char('+'));
    settle(&mut app);
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("last → first"), "{shown}");
}

#[test]
fn the_changed_keys_go_to_a_run_that_takes_commands_and_another_says_why_not() {
    let mut app = rewards(Theme::colored(), RunFacts::of_our_engine());
    assert!(press(&mut app, KeyCode::Char('A')).is_empty(), "nothing was changed");
    edit(&mut app, REWARD_FORMAT, "0.5");
    edit(&mut app, 0, "first");
    let sent: Vec<Command> = press(&mut app, KeyCode::Char('A')).into_iter().map(|o| o.command).collect();
    let set = |key: &str, value: &str| Command::Set { key: key.into(), value: value.into() };
    assert_eq!(sent, [set("answer", "first"), set("reward_format", "0.5")]);
    assert!(app.message.as_ref().unwrap().text.contains("they apply from the next step on"));
    for (key, value) in [("answer", "first"), ("reward_format", "0.5")] {
        let (key, value, before) = (key.into(), value.into(), String::new());
        tell(&mut app, Event::Edited { step: STEPS, key, value, before });
    }
    settle(&mut app);
    assert!(text(&draw(&mut app, 120, 36)).contains("as in the run"), "they are the run's rules now");

    let mut read = rewards(Theme::colored(), RunFacts::of_our_files(false));
    edit(&mut read, REWARD_FORMAT, "0.5");
    assert!(press(&mut read, KeyCode::Char('A')).is_empty());
    assert!(read.message.as_ref().unwrap().text.contains("this run is over"));
}

#[test]
fn the_completion_of_transcripts_is_explained_and_opened_there() {
    let mut app = rewards(Theme::colored(), RunFacts::of_our_files(false));
    app.bring::<Transcripts>();
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Home);
    press(&mut app, KeyCode::Down);
    let key = app.listing().key().unwrap();
    press(&mut app, KeyCode::Char('W'));
    let shown = text(&draw(&mut app, 120, 36));
    let Key { step, group, index } = key;
    assert!(
        shown.contains(&format!("why: step {step}, group {} completion {}", group + 1, index + 1)),
        "{shown}"
    );
    press(&mut app, KeyCode::Char('o'));
    assert_eq!((app.in_front().name(), app.listing().key()), ("Transcripts", Some(key)));
}

/// A run of another engine: one completion of a task that nobody here knows.
fn foreign(parts: bool) -> App {
    let facts = RunFacts::of_files("unknown engine", Capabilities::default());
    let mut app = App::new(Theme::colored(), facts);
    let mut record = Script::new(7).rollout(1, 0, 0);
    record.problem.task = "poems".into();
    record.problem.prompt = "A poem.".into();
    (record.correct, record.advantage, record.reward) = (None, None, 0.75);
    let named = [("rhyme\u{1b}[2J".to_owned(), Some(0.5)), ("style".to_owned(), Some(0.25))];
    record.rewards = parts.then(|| named.into());
    tell(&mut app, Event::Started(Box::new(Started::unknown(Path::new("elsewhere.jsonl")))));
    tell(&mut app, Event::RolloutScored(Box::new(record)));
    show(&mut app, "Live");
    press(&mut app, KeyCode::Char('W'));
    settle(&mut app);
    app
}

#[test]
fn a_completion_that_nobody_here_can_judge_says_so_at_three_sizes() {
    let mut app = foreign(false);
    for (width, height) in SIZES {
        draw(&mut app, width, height);
        let buffer = draw(&mut app, width, height);
        let shown = text(&buffer);
        assert!(shown.contains("There is no task `poems`"), "{shown}");
        insta::assert_snapshot!(format!("unknown_{width}x{height}"), picture(&buffer));
    }
}

#[test]
fn the_parts_of_another_engines_reward_are_weighed() {
    let mut app = foreign(true);
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("It earns 0.75, the sum of its parts: rhyme"), "{shown}");
    assert!(!shown.contains('\u{1b}') && shown.contains("weight style"), "{shown}");
    edit(&mut app, 6, "3");
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("It earns 1.25") && shown.contains("advantages: unknown"), "{shown}");
}

#[test]
fn every_size_is_drawn() {
    let mut app = rewards(Theme { ascii: true, ..Theme::colored() }, RunFacts::of_our_files(false));
    edit(&mut app, REWARD_FORMAT, "0.5");
    for _ in ["the completions", "the tricks"] {
        for width in (1..140).step_by(3) {
            for height in [1, 2, 3, 5, 8, 13, 20, 36] {
                let shown = draw(&mut app, width, height);
                assert!(shown.content.iter().all(|cell| cell.symbol().is_ascii()), "{width}x{height}");
            }
        }
        press(&mut app, KeyCode::Char('t'));
    }
}
