//! Pictures of the Frontier screen with their styles, and what its keys do.

use aha_lab::{
    engine::scripted::Script,
    protocol::{
        Event, RunFacts,
        side::{JobEnd, SideCommand, SideEvent},
    },
    record::Measurement,
    tui::{
        screens::frontier::{Axis, Curve, Frontier, Kind, Shown},
        shell::{
            app::{Action, App},
            theme::Theme,
            update::update,
        },
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::at::at;
use crate::picture::{SIZES, draw, picture, text};

/// The Frontier screen with what was measured after these steps of the scripted run.
fn measured(theme: Theme, steps: &[u64]) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, RunFacts::of_our_files(false));
    let mut tell = |event| assert!(update(&mut app, Action::Engine(0, event)).is_empty());
    tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 0))));
    steps.iter().for_each(|step| tell(Event::Measured(Box::new(script.measured(*step)))));
    app.bring::<Frontier>();
    app
}

fn frontier(app: &App) -> Shown<'_> {
    at::<Frontier>(app).shown(&app.run().measurements)
}

fn press(app: &mut App, keys: &str) {
    for character in keys.chars() {
        let code = match character {
            '→' => KeyCode::Right,
            '←' => KeyCode::Left,
            '↑' => KeyCode::Up,
            '↓' => KeyCode::Down,
            other => KeyCode::Char(other),
        };
        assert!(update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE))).is_empty());
    }
}

#[test]
fn the_frontier_at_three_sizes() {
    for (width, height) in SIZES {
        let mut app = measured(Theme::colored(), &[0, 20, 60]);
        press(&mut app, "←←←←←");
        insta::assert_snapshot!(
            format!("frontier_{width}x{height}"),
            picture(&draw(&mut app, width, height))
        );
    }
}

#[test]
fn the_frontier_without_colours_and_in_ascii() {
    let mut app = measured(Theme::plain(), &[0, 60]);
    insta::assert_snapshot!("frontier_no_color_120x36", picture(&draw(&mut app, 120, 36)));
    let mut app = measured(Theme { ascii: true, ..Theme::colored() }, &[0, 60]);
    insta::assert_snapshot!("frontier_ascii_120x36", picture(&draw(&mut app, 120, 36)));
}

#[test]
fn without_a_measurement_it_says_how_to_make_one() {
    for (width, height) in SIZES {
        let mut app = measured(Theme::colored(), &[]);
        let shown = picture(&draw(&mut app, width, height));
        insta::assert_snapshot!(format!("frontier_empty_{width}x{height}"), shown);
    }
}

#[test]
fn one_measurement_alone_has_no_before_and_after() {
    let mut app = measured(Theme::colored(), &[60]);
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("after step 60") && !shown.contains("before training"), "{shown}");
}

#[test]
fn nobody_votes_alone_and_equal_tokens_are_those_that_were_spent() {
    let measured = Script::new(7).measured(60);
    for axis in [Axis::Thinking, Axis::All] {
        let free = &measured.points[1];
        let one = if axis == Axis::Thinking { free.thinking_tokens } else { free.tokens };
        for kind in [Kind::BestOf, Kind::Majority] {
            let curve = Curve::of(&measured, kind, axis, free.budget);
            let ks: Vec<usize> = curve.spots.iter().map(|spot| spot.k).collect();
            assert_eq!(ks, [2, 4, 8]);
            assert!(curve.spots.iter().all(|spot| (spot.tokens - spot.k as f64 * one).abs() < 1e-9));
            assert!(curve.within(2.0 * one - 1.0).is_none(), "too few tokens for two");
            assert_eq!(curve.within(3.0 * one).unwrap().k, 2);
        }
        let serial = Curve::of(&measured, Kind::Serial, axis, None);
        assert_eq!(serial.spots.len(), 5);
        assert!(serial.spots.iter().all(|spot| spot.k == 1 && spot.budget.is_some()));
    }
}

#[test]
fn keys_move_the_crosshair_the_samples_the_axis_and_the_step() {
    let mut app = measured(Theme::colored(), &[0, 20, 60]);
    let last = frontier(&app).crosshair().unwrap();
    press(&mut app, "→");
    assert_eq!(frontier(&app).crosshair().unwrap(), last, "there is nothing further right");
    press(&mut app, "←");
    assert!(frontier(&app).crosshair().unwrap() < last);
    press(&mut app, "g←");
    assert_eq!(frontier(&app).crosshair().unwrap(), frontier(&app).stops()[0]);
    assert_eq!(frontier(&app).samples(), Some(24));
    press(&mut app, "↑");
    assert_eq!(frontier(&app).samples(), Some(48));
    press(&mut app, "↑↑↑↑↑↑↑");
    assert_eq!(frontier(&app).samples(), None, "the last one forces nothing");
    assert!(text(&draw(&mut app, 120, 36)).contains("samples of k: unforced"));
    press(&mut app, "↓↓↓↓↓↓↓↓v");
    assert!(text(&draw(&mut app, 120, 36)).contains("tokens in all a puzzle"));
    assert_eq!(frontier(&app).pair().1.unwrap().step, 60);
    press(&mut app, "{");
    assert_eq!(frontier(&app).pair().1.unwrap().step, 20);
    press(&mut app, "{{");
    assert_eq!(frontier(&app).pair().1.unwrap().step, 20, "the first one stays beneath it");
    press(&mut app, "}}");
    assert_eq!(frontier(&app).pair().1.unwrap().step, 60);
}

#[test]
fn other_settings_are_never_laid_over_each_other() {
    let mut app = measured(Theme::colored(), &[0, 60]);
    let mut other = Script::new(7).measured(40);
    other.how.samples = 4;
    other.time = "2025-01-01T00:00:00Z".into();
    assert!(update(&mut app, Action::Engine(0, Event::Measured(Box::new(other)))).is_empty());
    assert_eq!(frontier(&app).pair().1.unwrap().step, 60);
    assert!(text(&draw(&mut app, 120, 36)).contains("settings 2 of 2"));
    press(&mut app, "f");
    let (only, none) = frontier(&app).pair();
    assert_eq!((only.unwrap().step, none), (40, None));
    press(&mut app, "f");
    assert_eq!(frontier(&app).pair().1.unwrap().step, 60);
}

#[test]
fn a_key_measures_and_the_same_key_gives_it_up() {
    let mut app = measured(Theme::colored(), &[]);
    press(&mut app, "m");
    let Some((0, SideCommand::Job { id, .. })) = app.asked.pop() else { panic!("{:?}", app.asked) };
    let side = |app: &mut App, event| assert!(update(app, Action::Side(0, event)).is_empty());
    side(&mut app, SideEvent::Progress { job: id, done: 512, total: 2048 });
    assert!(text(&draw(&mut app, 80, 24)).contains("measuring 25 %"));
    press(&mut app, "m");
    assert!(text(&draw(&mut app, 80, 24)).contains("y cancels it"), "asked first");
    press(&mut app, "n");
    assert_eq!(app.asked.pop(), None);
    press(&mut app, "my");
    assert_eq!(app.asked.pop(), Some((0, SideCommand::Cancel { id })));
    side(&mut app, SideEvent::Measured(Box::new(Script::new(7).measured(0))));
    side(&mut app, SideEvent::Ended { job: id, how: JobEnd::Cancelled });
    assert!(app.message.as_ref().unwrap().text.contains("cancelled"));
    assert!(!text(&draw(&mut app, 120, 36)).contains("measuring"));
    press(&mut app, "m");
    let Some((0, SideCommand::Job { id: next, .. })) = app.asked.pop() else { panic!("{:?}", app.asked) };
    assert_ne!(next, id);
    side(&mut app, SideEvent::Ended { job: next, how: JobEnd::Failed("The disk is full.".into()) });
    assert_eq!(app.message.as_ref().unwrap().text, "The disk is full.");
}

#[test]
fn every_size_and_every_key_is_drawn() {
    for steps in [&[][..], &[0], &[0, 60]] {
        let mut app = measured(Theme { ascii: true, ..Theme::colored() }, steps);
        for width in (1..100).step_by(3) {
            for height in 1..32 {
                let shown = draw(&mut app, width, height);
                assert!(shown.content.iter().all(|cell| cell.symbol().is_ascii()), "{width}x{height}");
            }
            press(&mut app, ["→", "↑", "←", "v", "{", "f", "}", "↓"][usize::from(width) % 8]);
        }
    }
}

/// Whatever a file may hold and still be read, it is drawn and walked through without harm.
#[test]
fn measurements_of_strangers_are_drawn_at_any_size() {
    let script = Script::new(7);
    let spoil: [fn(&mut Measurement); 7] = [
        |one| one.points.clear(),
        |one| one.points.iter_mut().for_each(|point| point.at_k.clear()),
        |one| one.points.iter_mut().for_each(|point| (point.tokens, point.thinking_tokens) = (0.0, 0.0)),
        |one| one.points.iter_mut().for_each(|point| (point.tokens, point.thinking_tokens) = (1e9, 1e9)),
        |one| one.points.iter_mut().for_each(|point| point.at_k.iter_mut().for_each(|at| at.k = usize::MAX)),
        |one| {
            (one.how.budgets, one.how.samples, one.how.puzzles) =
                (vec![usize::MAX; 64], usize::MAX, usize::MAX)
        },
        |one| (one.step, one.how.task, one.time) = (u64::MAX, "\u{1b}[2J".repeat(50), String::new()),
    ];
    for (number, spoil) in spoil.into_iter().enumerate() {
        let mut measurement = script.measured(60);
        spoil(&mut measurement);
        let bytes = serde_json::to_vec(&measurement).unwrap();
        assert!(Measurement::parse(&bytes).is_ok(), "{number}");
        let mut app = measured(Theme::colored(), &[0]);
        drop(update(&mut app, Action::Engine(0, Event::Measured(Box::new(measurement)))));
        for (width, height) in [(120, 36), (40, 12), (7, 3), (1, 1)] {
            for keys in ["", "→", "←←←", "↑", "↓", "v", "}", "{", "f"] {
                press(&mut app, keys);
                assert!(!text(&draw(&mut app, width, height)).contains('\u{1b}'), "{number}");
            }
        }
    }
}
