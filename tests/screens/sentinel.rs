//! Pictures of the Sentinel screen with their styles.

use aha_lab::tui::screens::{live::Live, sentinel::Sentinel};
use aha_lab::{
    engine::scripted::Script,
    metrics::registry,
    protocol::{Event, RunFacts},
    record::Step,
    tui::shell::{
        app::{Action, App},
        theme::Theme,
        update::update,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::picture::{SIZES, draw, picture, text};

/// The screen after so many steps of the scripted run; `spoil` changes what a step measured.
fn sentinel(theme: Theme, steps: u64, spoil: impl Fn(&mut Step)) -> App {
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
        let mut metrics = script.metrics(step);
        spoil(&mut metrics);
        tell(Event::StepDone(Box::new(metrics)));
    }
    app.bring::<Sentinel>();
    app.message = None;
    app
}

/// Answers are cut off from step 10 to 19, and the policy dissolves from step 20 on.
fn spoiled(metrics: &mut Step) {
    match metrics.step {
        10..20 => metrics.set(&registry::CLIPPED_RATIO, 0.8),
        20.. => {
            metrics.set(&registry::ENTROPY, 3.0);
            metrics.set(&registry::FRAC_REWARD_ZERO_STD, 0.95);
        }
        _ => {}
    }
}

fn key(app: &mut App, code: KeyCode) {
    assert!(update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE))).is_empty());
}

#[test]
fn warnings_at_three_sizes() {
    for (width, height) in SIZES {
        let mut app = sentinel(Theme::colored(), 30, spoiled);
        insta::assert_snapshot!(
            format!("warnings_{width}x{height}"),
            picture(&draw(&mut app, width, height))
        );
    }
}

#[test]
fn a_quiet_run_at_three_sizes() {
    for (width, height) in SIZES {
        let mut app = sentinel(Theme::colored(), 8, |_| {});
        insta::assert_snapshot!(format!("quiet_{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn warnings_without_colours() {
    let mut app = sentinel(Theme::plain(), 30, spoiled);
    insta::assert_snapshot!("warnings_no_color_80x24", picture(&draw(&mut app, 80, 24)));
}

#[test]
fn a_key_comes_here_from_everywhere_and_the_title_counts() {
    let mut app = sentinel(Theme::colored(), 30, spoiled);
    let raised = app.run().watch.raised();
    assert!(raised >= 2);
    app.bring::<Live>();
    assert!(text(&draw(&mut app, 120, 36)).lines().next().unwrap().contains(&format!("▲{raised}")));
    key(&mut app, KeyCode::Char('!'));
    assert_eq!(app.in_front().name(), "Sentinel");
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("Entropy explosion") && shown.contains(&format!("{raised} warnings")), "{shown}");
}

#[test]
fn all_of_it_can_be_reached_on_a_small_screen() {
    let mut app = sentinel(Theme::colored(), 30, spoiled);
    let mut seen = String::new();
    for _ in 0..200 {
        seen.push_str(&text(&draw(&mut app, 40, 12)));
        key(&mut app, KeyCode::Down);
    }
    for words in ["Dead groups", "KL runaway", "newest first", "sentinel=pause"] {
        assert!(seen.contains(words), "{words}");
    }
    key(&mut app, KeyCode::Home);
    assert!(text(&draw(&mut app, 40, 12)).contains("warnings"));
}

#[test]
fn every_size_is_drawn() {
    let mut app = sentinel(Theme { ascii: true, ..Theme::colored() }, 30, spoiled);
    for width in 1..100 {
        for height in [1, 2, 3, 5, 8, 13, 30] {
            let shown = draw(&mut app, width, height);
            assert!(shown.content.iter().all(|cell| cell.symbol().is_ascii()), "{width}x{height}");
        }
    }
}
