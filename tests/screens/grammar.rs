//! One grammar of keys: a reserved key means the same on every screen, and a screen that has what a key is about offers
//! it.

use aha_lab::tui::{
    screens::{AnyScreen, REGISTRY, ScreenRow},
    shell::{
        grammar::{self, GRAMMAR, Meaning},
        keys::{Chord, GLOBAL_KEYS},
        theme::Theme,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyModifiers};

use crate::{
    every_screen::{apps, press},
    picture::{draw, text},
};

fn chord(row: &ScreenRow) -> Vec<Chord> {
    vec![Chord { code: row.key.code, ctrl: row.key.modifiers.contains(KeyModifiers::CONTROL) }]
}

fn screens() -> Vec<Box<dyn AnyScreen>> {
    REGISTRY.iter().map(|make| make()).collect()
}

fn offers(screen: &dyn AnyScreen, meaning: Meaning) -> bool {
    screen.rows().iter().any(|row| row.meaning == Some(meaning))
}

#[test]
fn a_reserved_key_has_its_meaning_on_every_screen() {
    for screen in screens() {
        for row in screen.rows() {
            for chord in chord(&row) {
                let reserved = grammar::of(chord);
                assert_eq!(reserved, row.meaning, "{}: {} {}", screen.name(), row.shown, row.help);
            }
        }
        // A row has all keys of its meaning: also those that are not its first.
        for key in screen.chords() {
            let chord = Chord { code: key.code, ctrl: key.modifiers.contains(KeyModifiers::CONTROL) };
            if let Some(meaning) = grammar::of(chord) {
                assert!(offers(screen.as_ref(), meaning), "{}: {key:?} is reserved", screen.name());
            }
        }
    }
    for row in GLOBAL_KEYS {
        for chord in row.chords {
            assert_eq!(grammar::of(*chord), row.meaning, "{}", row.shown);
        }
    }
}

#[test]
fn a_screen_that_has_what_a_key_is_about_offers_it() {
    for screen in screens() {
        let name = screen.name();
        let speaks =
            |words: &[&str]| screen.rows().iter().any(|row| words.iter().all(|word| row.help.contains(word)));
        let needs = |meanings: [Meaning; 2], why: &str| {
            for meaning in meanings {
                let key = GRAMMAR[meaning as usize].shown;
                assert!(offers(screen.as_ref(), meaning), "{name} has {why}, but not {key}");
            }
        };
        let down = screen.rows().into_iter().find(|row| row.key.code == KeyCode::Down);
        if let Some(down) = down {
            needs([Meaning::First, Meaning::Last], "an end");
            if down.help.starts_with("next ") {
                needs([Meaning::Open, Meaning::Open], "a cursor");
            }
        }
        if speaks(&["next", "step"]) && speaks(&["previous", "step"]) {
            needs([Meaning::PreviousStep, Meaning::NextStep], "steps");
        }
        for item in ["group", "puzzle"] {
            if speaks(&["next", item]) && speaks(&["previous", item]) {
                needs([Meaning::Previous, Meaning::Next], item);
            }
        }
    }
}

#[test]
fn every_screen_with_text_is_searched() {
    let [_, mut app] = apps(&Theme::colored());
    for front in 0..app.screens().len() {
        app.front = front;
        let name = app.in_front().name();
        draw(&mut app, 120, 36);
        let shown = text(&draw(&mut app, 120, 36));
        // A word of the middle of the picture.
        let lines: Vec<&str> = shown.lines().skip(2).take(30).collect();
        let mut words = lines.iter().flat_map(|line| line.split_whitespace());
        let plain = |word: &&str| word.len() > 3 && word.chars().all(|c| c.is_ascii_lowercase());
        let Some(word) = words.rfind(plain) else { panic!("{name} has no word") };
        press(&mut app, KeyCode::Char('/'));
        for character in word.chars() {
            press(&mut app, KeyCode::Char(character));
        }
        draw(&mut app, 120, 36);
        press(&mut app, KeyCode::Enter);
        let said = text(&draw(&mut app, 120, 36));
        // Transcripts searches completions, whatever stands around them.
        assert!(name == "Transcripts" || app.picture.found > 0, "{name}: {word}\n{said}");
        for key in ['n', 'N'] {
            press(&mut app, KeyCode::Char(key));
            draw(&mut app, 120, 36);
            assert_eq!(app.in_front().name(), name);
        }
        for _ in 0..4 {
            press(&mut app, KeyCode::Esc);
        }
        (app.needle, app.message) = (None, None);
    }
}

#[test]
fn escape_goes_back_to_the_screen_one_came_from() {
    for mut app in apps(&Theme::colored()) {
        for front in 1..app.screens().len() {
            app.front = 0;
            draw(&mut app, 120, 36);
            // By the list of screens, which is a way to each.
            press(&mut app, KeyCode::Char('S'));
            let name = app.screens()[front].name();
            for character in name.chars() {
                if app.list.is_some() {
                    press(&mut app, KeyCode::Char(character));
                }
            }
            if app.list.is_some() {
                press(&mut app, KeyCode::Enter);
            }
            assert_eq!(app.in_front().name(), name);
            for _ in 0..3 {
                draw(&mut app, 120, 36);
                if app.front != 0 {
                    press(&mut app, KeyCode::Esc);
                }
            }
            assert_eq!(app.front, 0, "{name}");
        }
        // Where nothing is left to go back to, nothing happens.
        press(&mut app, KeyCode::Esc);
        assert_eq!(app.front, 0);
    }
}

#[test]
fn enter_on_live_opens_the_completion_under_the_cursor() {
    let [_, mut app] = apps(&Theme::colored());
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Down);
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Down);
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.in_front().name(), "Transcripts");
    assert_eq!(app.listing().key().map(|key| (key.step, key.group, key.index)), Some((4, 0, 1)));
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.in_front().name(), "Live");
}

#[test]
fn the_grammar_is_in_the_documentation() {
    let docs = include_str!("../../docs/keys.md");
    for row in &GRAMMAR {
        for key in row.shown.split(' ') {
            assert!(docs.contains(&format!("`{key}`")), "docs/keys.md has {key}");
        }
        assert!(docs.contains(row.words), "docs/keys.md: {}", row.words);
    }
}
