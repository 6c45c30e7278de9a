//! What is said to somebody who has never seen the lab: the card of the first start, the tour, and `?` over a panel.

use std::collections::BTreeSet;

use aha_lab::{
    engine::scripted::Script,
    protocol::{Command, Event, RunFacts},
    tui::{
        panels::{self, Panel},
        shell::{
            app::{Action, App},
            theme::Theme,
            update::update,
        },
    },
};
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind},
    layout::Rect,
    style::Modifier,
};

use crate::{
    at::show,
    picture::{SIZES, below_title, draw, text},
};

/// A run of some steps, or nothing told yet.
fn app(theme: Theme, steps: u64) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, RunFacts::of_our_engine());
    let mut tell = |event| drop(update(&mut app, Action::Engine(0, event)));
    if steps > 0 {
        tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), steps))));
    }
    for step in 1..=steps {
        script.group(step, 0).into_iter().for_each(|record| tell(Event::RolloutScored(Box::new(record))));
        tell(Event::StepDone(Box::new(script.metrics(step))));
        script.pins(step).into_iter().for_each(|answer| tell(Event::PinnedAnswered(Box::new(answer))));
    }
    app.message = None;
    app
}

fn press(app: &mut App, code: KeyCode) -> Vec<Command> {
    let orders = update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    orders.into_iter().map(|order| order.command).collect()
}

fn mouse(app: &mut App, kind: MouseEventKind, column: u16, row: u16) {
    update(app, Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

/// The words of a text, however it is wrapped and whatever stands around it.
fn words(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { ' ' };
    text.chars().map(plain).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_panel_of_every_screen_answers_a_question_mark_over_it() {
    let mut seen = BTreeSet::new();
    for steps in [0, 6] {
        let mut app = app(Theme::colored(), steps);
        for front in 0..app.screens().len() {
            for (width, height) in SIZES {
                app.front = front;
                let name = app.in_front().name();
                draw(&mut app, width, height);
                let drawn = app.picture.panels.clone();
                assert!(!drawn.is_empty(), "{name} {width}x{height} has no panel");
                for (area, panel) in drawn {
                    assert_eq!(
                        area,
                        area.intersection(Rect::new(0, 1, width, height - 2)),
                        "{name}: {panel:?}"
                    );
                    mouse(&mut app, MouseEventKind::Moved, area.x + area.width / 2, area.y + area.height / 2);
                    let place = app.pointer.unwrap();
                    let under =
                        app.picture.panels.iter().rev().find(|(area, _)| area.contains(place)).unwrap().1;
                    press(&mut app, KeyCode::Char('?'));
                    assert_eq!(app.explained, Some(under), "{name}");
                    seen.insert(under.about().name);
                    // The screen below shows at both sides of it.
                    let shown = text(&draw(&mut app, width, 400));
                    let inside =
                        |line: &str| line.chars().skip(1).take(usize::from(width) - 2).collect::<String>();
                    let help = words(&shown.lines().map(inside).collect::<Vec<_>>().join("\n"));
                    let about = under.about();
                    for said in [about.name, about.shows, about.computed, about.bad] {
                        assert!(help.contains(&words(said)), "{name} {width}: {said}\n{help}");
                    }
                    press(&mut app, KeyCode::Esc);
                    draw(&mut app, width, height);
                }
            }
        }
    }
    let all: BTreeSet<&str> = panels::ALL.iter().map(|about| about.name).collect();
    let rest: Vec<&&str> = all.difference(&seen).collect();
    // It is there when something was changed.
    assert_eq!(rest, [&Panel::Change.about().name]);
}

#[test]
fn without_a_mouse_it_is_the_panel_that_keys_go_to_and_arrows_go_to_the_others() {
    let mut app = app(Theme::colored(), 6);
    show(&mut app, "Transcripts");
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Char('?'));
    assert_eq!(app.explained, Some(Panel::List));
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Right);
    assert_eq!((app.explained, app.help), (Some(Panel::Transcript), Some(0)));
    press(&mut app, KeyCode::Right);
    assert_eq!(app.explained, Some(Panel::List), "round");
    press(&mut app, KeyCode::Left);
    assert_eq!(app.explained, Some(Panel::Transcript));
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Enter);
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Char('?'));
    assert_eq!(app.explained, Some(Panel::Transcript));
    press(&mut app, KeyCode::Esc);
    // A mouse that was left lying on the list is not meant by somebody who goes on with keys.
    mouse(&mut app, MouseEventKind::Moved, 5, 20);
    press(&mut app, KeyCode::Down);
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Char('?'));
    assert_eq!(app.explained, Some(Panel::Transcript));
    for (width, height) in SIZES {
        let name = format!("explained_{width}x{height}");
        insta::assert_snapshot!(name, text(&below_title(&draw(&mut app, width, height))));
    }
}

#[test]
fn the_card_of_the_first_start() {
    for (width, height) in SIZES {
        let mut app = app(Theme::colored(), 6);
        app.welcome = true;
        let name = format!("welcome_{width}x{height}");
        insta::assert_snapshot!(name, text(&below_title(&draw(&mut app, width, height))));
    }
    let shown = |app: &mut App| text(&draw(app, 120, 36)).contains("what you see");
    for (code, closes, front) in [
        (KeyCode::Esc, true, 0),
        (KeyCode::Enter, true, 0),
        // Whatever else is pressed does what it does.
        (KeyCode::Tab, true, 1),
        (KeyCode::F(4), true, 2),
    ] {
        let mut app = app(Theme::colored(), 6);
        app.welcome = true;
        assert!(shown(&mut app));
        press(&mut app, code);
        assert_eq!((!shown(&mut app), app.front), (closes, front), "{code:?}");
    }
    let mut clicked = app(Theme::colored(), 6);
    clicked.welcome = true;
    mouse(&mut clicked, MouseEventKind::Down(MouseButton::Left), 60, 30);
    assert!(!shown(&mut clicked));
    assert!(!app(Theme::colored(), 6).welcome, "nobody is welcomed unless that is asked for");
}

#[test]
fn the_tour_goes_to_six_places_and_each_can_be_skipped() {
    let mut app = app(Theme::colored(), 6);
    app.welcome = true;
    show(&mut app, "Settings");
    let home = app.front;
    press(&mut app, KeyCode::Char('T'));
    assert!(!app.welcome);
    let stops = ["Live", "Live", "Transcripts", "Live", "Microscope", "Playground"];
    for (number, screen) in stops.iter().enumerate() {
        assert_eq!(app.in_front().name(), *screen);
        for (width, height) in SIZES {
            let drawn = draw(&mut app, width, height);
            if (width, height) == SIZES[0] {
                insta::assert_snapshot!(format!("tour_{}", number + 1), text(&below_title(&drawn)));
                let is_dim = |x: u16, y: u16| drawn[(x, y)].modifier.contains(Modifier::DIM);
                assert!((0..width).filter(|x| is_dim(*x, 1)).count() > 20 || number > 3, "the rest is dim");
            }
            let shown = text(&drawn);
            assert!(shown.contains(&format!("{} of 6", number + 1)), "{width}x{height}: {shown}");
        }
        // Nothing is commanded meanwhile.
        for other in [KeyCode::Char('p'), KeyCode::Char('s'), KeyCode::Char('c'), KeyCode::F(3)] {
            assert_eq!(press(&mut app, other), vec![]);
        }
        assert_eq!(app.in_front().name(), *screen);
        press(&mut app, KeyCode::Right);
    }
    assert!(app.tour.is_none() && app.front == home, "back where it began");
    // Back, and out of the midst of it.
    press(&mut app, KeyCode::Char('T'));
    for (code, screen) in
        [(KeyCode::Left, "Live"), (KeyCode::Char(' '), "Live"), (KeyCode::Enter, "Transcripts")]
    {
        press(&mut app, code);
        assert_eq!(app.in_front().name(), screen);
    }
    press(&mut app, KeyCode::Left);
    assert_eq!(app.in_front().name(), "Live");
    press(&mut app, KeyCode::Esc);
    assert!(app.tour.is_none() && app.front == home);
}

#[test]
fn the_tour_at_any_size_without_a_run_and_in_ascii() {
    for (theme, steps) in [(Theme::colored(), 0), (Theme { ascii: true, ..Theme::plain() }, 6)] {
        let ascii = theme.ascii;
        let mut app = app(theme, steps);
        for (width, height) in SIZES.into_iter().chain([(1, 1), (20, 6), (7, 3), (200, 4), (2, 60)]) {
            app.welcome = true;
            draw(&mut app, width, height);
            press(&mut app, KeyCode::Char('T'));
            while app.tour.is_some() {
                let drawn = draw(&mut app, width, height);
                assert!(!ascii || drawn.content.iter().all(|cell| cell.symbol().is_ascii()));
                assert_eq!(drawn, draw(&mut app, width, height), "drawing changes nothing");
                press(&mut app, KeyCode::Enter);
            }
        }
    }
}
