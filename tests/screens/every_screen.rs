//! What must hold of every screen in the registry.

use std::collections::BTreeSet;

use aha_lab::{
    engine::scripted::Script,
    protocol::{Event, RunFacts},
    tui::{
        screens::REGISTRY,
        shell::{
            app::{Action, App},
            keys::GLOBAL_KEYS,
            theme::Theme,
            update::update,
        },
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::picture::{SIZES, below_title, draw, text};

/// Nothing told, and a run of some steps.
pub fn apps(theme: &Theme) -> [App; 2] {
    let script = Script::new(7);
    let mut told = App::new(theme.clone(), RunFacts::of_our_files(false));
    let mut tell = |event| drop(update(&mut told, Action::Engine(0, event)));
    tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 4))));
    for step in 1..=4 {
        script.group(step, 0).into_iter().for_each(|record| tell(Event::RolloutScored(Box::new(record))));
        tell(Event::StepDone(Box::new(script.metrics(step))));
        script.pins(step).into_iter().for_each(|answer| tell(Event::PinnedAnswered(Box::new(answer))));
    }
    [App::new(theme.clone(), RunFacts::of_our_engine()), told]
}

pub fn press(app: &mut App, code: KeyCode) {
    update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

#[test]
fn each_has_a_name_of_one_word_that_no_other_has_and_says_what_it_shows() {
    let screens: Vec<_> = REGISTRY.iter().map(|make| make()).collect();
    let names: BTreeSet<&str> = screens.iter().map(|screen| screen.name()).collect();
    assert_eq!(names.len(), screens.len());
    for screen in &screens {
        let name = screen.name();
        assert!(
            name.chars().all(|c| c.is_ascii_alphabetic()) && name.starts_with(char::is_uppercase),
            "{name}"
        );
        assert!(!screen.about().is_empty() && !screen.about().ends_with('.'), "{name}");
    }
}

#[test]
fn no_key_means_two_things_on_one_screen_and_every_key_is_in_its_help() {
    for make in REGISTRY {
        let screen = make();
        let chords: Vec<String> = screen.chords().iter().map(|key| format!("{key:?}")).collect();
        let different: BTreeSet<&String> = chords.iter().collect();
        assert_eq!(different.len(), chords.len(), "{}", screen.name());
        for (keys, help) in screen.keys() {
            assert!(!keys.is_empty() && !help.is_empty(), "{}: {keys}", screen.name());
        }
        if let Some(shortcut) = screen.shortcut() {
            let event = KeyEvent::new(KeyCode::Char(shortcut), KeyModifiers::NONE);
            let taken =
                |row: &aha_lab::tui::shell::keys::KeyRow<_>| row.chords.iter().any(|c| c.matches(&event));
            assert!(!GLOBAL_KEYS.iter().any(taken), "{}", screen.name());
        }
    }
}

#[test]
fn each_is_drawn_at_any_size_and_in_ascii_where_that_is_asked_for() {
    for theme in [Theme::colored(), Theme { ascii: true, ..Theme::plain() }] {
        for mut app in apps(&theme) {
            for front in 0..app.screens().len() {
                app.front = front;
                let name = app.in_front().name();
                for (width, height) in SIZES.into_iter().chain([(1, 1), (20, 6), (7, 3), (200, 4), (2, 60)]) {
                    let buffer = draw(&mut app, width, height);
                    let ascii = buffer.content.iter().all(|cell| cell.symbol().is_ascii());
                    assert!(!theme.ascii || ascii, "{name} {width}x{height}");
                }
                for (width, height) in SIZES {
                    let shown = text(&draw(&mut app, width, height));
                    assert!(shown.lines().next().unwrap().contains(name), "{name}: {shown}");
                    assert!(shown.lines().last().unwrap().contains("q quit"), "{name}: {shown}");
                    let drawn = shown.lines().skip(1).any(|line| line.trim().len() > 3);
                    assert!(drawn, "{name} says something, also where there is nothing to show");
                }
            }
        }
    }
}

#[test]
fn each_takes_its_own_keys_and_the_mouse_at_any_size() {
    for mut app in apps(&Theme::colored()) {
        for front in 0..app.screens().len() {
            app.front = front;
            let (keys, name) = (app.in_front().chords(), app.in_front().name());
            for (width, height) in SIZES {
                draw(&mut app, width, height);
                for key in &keys {
                    update(&mut app, Action::Key(*key));
                    (app.front, app.prompt, app.question, app.leave) = (front, None, None, false);
                    press(&mut app, KeyCode::Esc);
                    draw(&mut app, width, height);
                }
                let left = MouseButton::Left;
                for kind in [
                    MouseEventKind::ScrollDown,
                    MouseEventKind::ScrollUp,
                    MouseEventKind::Moved,
                    MouseEventKind::Drag(left),
                ] {
                    let event = MouseEvent { kind, column: 5, row: 5, modifiers: KeyModifiers::NONE };
                    update(&mut app, Action::Mouse(event));
                    draw(&mut app, width, height);
                }
                assert_eq!(app.in_front().name(), name);
            }
        }
    }
}

#[test]
fn tab_goes_round_all_and_the_list_goes_to_each_by_the_beginning_of_its_name() {
    let [mut app, _] = apps(&Theme::colored());
    let count = app.screens().len();
    for at in 0..count {
        assert_eq!(app.front, at);
        press(&mut app, KeyCode::Tab);
    }
    assert_eq!(app.front, 0, "round");
    press(&mut app, KeyCode::BackTab);
    assert_eq!(app.front, count - 1);
    for at in 0..count {
        let name = app.screens()[at].name();
        press(&mut app, KeyCode::Char('S'));
        for (width, height) in SIZES {
            let shown = text(&draw(&mut app, width, height));
            assert!(shown.contains(" screens") && shown.contains(app.in_front().name()), "{name}: {shown}");
            assert!(
                height < 24 || app.screens().iter().all(|screen| shown.contains(screen.name())),
                "{shown}"
            );
        }
        for character in name.chars() {
            if app.list.is_some() {
                press(&mut app, KeyCode::Char(character));
            }
        }
        if app.list.is_some() {
            press(&mut app, KeyCode::Enter);
        }
        assert_eq!((app.in_front().name(), app.list.is_none()), (name, true));
        if at < 9 {
            app.front = 0;
            press(&mut app, KeyCode::F(at as u8 + 2));
            assert_eq!(app.front, at);
        }
        if let Some(shortcut) = app.screens()[at].shortcut() {
            app.front = 0;
            press(&mut app, KeyCode::Char(shortcut));
            assert_eq!(app.front, at);
        }
    }
    app.front = 0;
    press(&mut app, KeyCode::Char('S'));
    press(&mut app, KeyCode::Down);
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.front, 1);
    press(&mut app, KeyCode::Char('S'));
    press(&mut app, KeyCode::Esc);
    assert!(app.list.is_none() && app.front == 1);
}

#[test]
fn the_help_names_every_screen_its_keys_and_how_to_get_there() {
    let [mut app, _] = apps(&Theme::colored());
    press(&mut app, KeyCode::Char('?'));
    let shown = text(&draw(&mut app, 120, 400));
    for (at, screen) in app.screens().iter().enumerate() {
        assert!(shown.contains(&format!("{}: {}", screen.name(), screen.about())), "{}", screen.name());
        assert!(at >= 9 || shown.contains(&format!("F{}", at + 2)), "{}", screen.name());
    }
    assert!(shown.contains("list of all screens"));
}

#[test]
fn each_of_a_run_at_three_sizes() {
    let [_, mut app] = apps(&Theme::colored());
    for front in 0..app.screens().len() {
        app.front = front;
        app.message = None;
        let name = app.in_front().name().to_lowercase();
        for (width, height) in SIZES {
            // The hints follow from what the first picture showed.
            draw(&mut app, width, height);
            let shown = text(&below_title(&draw(&mut app, width, height)));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), shown);
        }
    }
}
