//! Pictures of the Meter screen with their styles, and what its keys do.

use aha_lab::tui::screens::meter::Meter;
use aha_lab::{
    engine::scripted::Script,
    protocol::{Event, RunFacts},
    tui::{
        screens::meter::Window,
        shell::{
            app::{Action, App},
            theme::Theme,
            update::update,
        },
        store::filter::Filter,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::at::at;
use crate::picture::{SIZES, draw, picture, text};

/// The Meter screen after so many steps of the scripted run.
fn meter(theme: Theme, steps: u64) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, RunFacts::of_our_files(false));
    let mut tell = |event| assert!(update(&mut app, Action::Engine(0, event)).is_empty());
    tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), steps))));
    for step in 1..=steps {
        for group in 0..2 {
            for index in 0..script.config.sampling.group_size {
                tell(Event::RolloutScored(Box::new(script.rollout(step, group, index))));
            }
        }
        tell(Event::StepDone(Box::new(script.metrics(step))));
    }
    app.bring::<Meter>();
    app.message = None;
    app
}

fn key(app: &mut App, code: KeyCode) {
    assert!(update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE))).is_empty());
}

#[test]
fn the_meter_at_three_sizes() {
    for (width, height) in SIZES {
        let mut app = meter(Theme::colored(), 60);
        insta::assert_snapshot!(format!("meter_{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn the_meter_without_colours() {
    let mut app = meter(Theme::plain(), 60);
    insta::assert_snapshot!("meter_no_color_120x36", picture(&draw(&mut app, 120, 36)));
}

#[test]
fn before_the_first_completion_it_says_that_it_waits() {
    let mut app = meter(Theme::colored(), 0);
    for (width, height) in SIZES {
        assert!(text(&draw(&mut app, width, height)).contains("waiting for the first scored"), "{width}");
    }
}

#[test]
fn the_window_goes_round_and_the_figures_follow() {
    let mut app = meter(Theme::colored(), 60);
    assert_eq!(at::<Meter>(&app).window, Window::Fifty);
    assert!(text(&draw(&mut app, 120, 36)).contains("steps 11 to 60"));
    let fifty = at::<Meter>(&app).tally(app.run());
    key(&mut app, KeyCode::Char('f'));
    assert!(text(&draw(&mut app, 120, 36)).contains("steps 1 to 60"));
    assert_eq!(at::<Meter>(&app).tally(app.run()).completions * 50, fifty.completions * 60);
    key(&mut app, KeyCode::Char('f'));
    assert!(text(&draw(&mut app, 120, 36)).contains("steps 51 to 60"));
}

#[test]
fn it_says_that_the_difference_is_no_cause() {
    let mut app = meter(Theme::colored(), 60);
    for (width, height) in SIZES {
        let shown = text(&draw(&mut app, width, height));
        assert!(shown.contains("an association"), "{shown}");
    }
}

#[test]
fn a_key_goes_to_the_transcript_that_set_the_mark_whatever_the_filter() {
    let mut app = meter(Theme::colored(), 120);
    let step = app.run().aha().expect("the scripted run has an aha mark");
    let ((_, group, index), _) = app.run().counts.meter.most_self_correcting(step).unwrap();
    for filter in [Filter::Right, Filter::Wrong] {
        app.bring::<Meter>();
        app.visits[0].listing.set_filter(filter, &app.store.shown().completions);
        key(&mut app, KeyCode::Enter);
        assert_eq!(app.in_front().name(), "Transcripts");
        let shown = app.listing().selected(&app.run().completions).unwrap();
        assert_eq!((shown.step, shown.group, shown.index), (step, group, index));
        assert!(shown.analysis.self_corrections > 0);
    }
}

#[test]
fn without_a_mark_the_key_says_why_nothing_happens() {
    let mut app = meter(Theme::colored(), 2);
    key(&mut app, KeyCode::Enter);
    assert_eq!(app.in_front().name(), "Meter");
    assert!(app.message.as_ref().is_some_and(|message| message.text.contains("no aha mark yet")));
}

#[test]
fn every_size_is_drawn() {
    let mut app = meter(Theme { ascii: true, ..Theme::colored() }, 3);
    for width in 1..70 {
        for height in 1..30 {
            let shown = draw(&mut app, width, height);
            assert!(shown.content.iter().all(|cell| cell.symbol().is_ascii()), "{width}x{height}");
        }
    }
}
