//! A run of another engine, of which nothing is known but its completions.

use std::path::Path;

use aha_lab::{
    engine::scripted::Script,
    protocol::{Capabilities, Event, RunFacts, Started},
    record::Rollout,
    tui::{
        shell::{
            app::{Action, App},
            theme::Theme,
            update::update,
        },
        store::filter::Filter,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::picture::{draw, text};

fn unjudged() -> Rollout {
    let parts = [("right\u{1b}[2J".to_owned(), Some(0.5)), ("style".to_owned(), None)];
    Rollout { correct: None, rewards: Some(parts.into()), ..Script::new(7).rollout(1, 0, 0) }
}

/// The screen with this name over a run whose one completion nobody judged.
fn shown(screen: &str) -> String {
    let mut app = App::new(Theme::colored(), RunFacts::of_files("unknown engine", Capabilities::default()));
    for event in [
        Event::Started(Box::new(Started::unknown(Path::new("elsewhere.jsonl")))),
        Event::RolloutScored(Box::new(unjudged())),
    ] {
        update(&mut app, Action::Engine(0, event));
    }
    for _ in 0..app.screens().len() {
        if app.in_front().name() != screen {
            update(&mut app, Action::Key(KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE)));
        }
    }
    assert_eq!(app.in_front().name(), screen);
    text(&draw(&mut app, 200, 36))
}

#[test]
fn its_settings_are_unknown() {
    let settings = shown("Settings");
    assert!(settings.contains("unknown engine, unknown configuration"), "{settings}");
    assert!(settings.contains("not recorded by"), "{settings}");
    let rate = settings.lines().find(|line| line.contains("learning_rate")).unwrap();
    assert!(rate.contains("unknown"), "{rate}");
    assert!(shown("Live").contains("it is unknown what the reward sees"));
}

#[test]
fn an_answer_that_nobody_judged_is_neither_right_nor_wrong() {
    let transcripts = shown("Transcripts");
    assert!(transcripts.contains("? unknown"), "{transcripts}");
    assert!(transcripts.contains("right[2J 0.50   style none"), "{transcripts}");
    let record = unjudged();
    assert!(!Filter::Right.passes(&record) && !Filter::Wrong.passes(&record));
}
