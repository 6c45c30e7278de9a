//! The screens of a run that is resumed or forked: what its directories hold, and what follows.

use std::time::Duration;

use crate::at::show;
use aha_lab::tui::screens::{meter::Meter, transcripts::Transcripts, travel::Travel};
use aha_lab::{
    engine::scripted::Script,
    metrics::registry,
    protocol::{Event, ForkPoint, RunFacts},
    runs::source::recorded_events,
    tui::{
        screens::travel::End,
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

fn tell(app: &mut App, event: Event) {
    assert!(update(app, Action::Engine(0, event)).is_empty());
}

/// An engine goes on after step 20: what is recorded is told as a directory is read, the charts first. Then so many
/// steps follow.
fn gone_on(theme: Theme, forks: Vec<ForkPoint>, follow: u64) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, RunFacts::of_our_engine());
    let mut started = script.started("runs/20260101-120000-test".into(), 20);
    started.forks = forks;
    tell(&mut app, Event::Started(Box::new(started)));
    let steps = (1..=20).map(|step| {
        let mut metrics = script.metrics(step);
        metrics.set(&registry::EVAL_ACCURACY, (step == 10).then_some(0.25));
        metrics
    });
    for event in recorded_events(steps, []) {
        tell(&mut app, event);
    }
    (0..=20).step_by(5).flat_map(|step| script.pins(step)).for_each(|answer| {
        tell(&mut app, Event::PinnedAnswered(Box::new(answer)));
    });
    for record in (1..=20).flat_map(|step| [script.group(step, 0), script.group(step, 1)].concat()) {
        tell(&mut app, Event::RolloutScored(Box::new(record)));
    }
    assert!(app.message.is_none(), "what was is no news: {:?}", app.message);
    for step in 21..21 + follow {
        for record in [script.group(step, 0), script.group(step, 1)].concat() {
            tell(&mut app, Event::RolloutScored(Box::new(record)));
        }
        tell(&mut app, Event::StepDone(Box::new(script.metrics(step))));
    }
    update(&mut app, Action::Clock(Duration::from_secs(2)));
    app.message = None;
    app
}

fn fork() -> Vec<ForkPoint> {
    vec![ForkPoint { run: "2026-01-01T11-00-00-first".into(), step: 20 }]
}

#[test]
fn every_screen_of_a_resumed_run_knows_what_came_before() {
    let script = Script::new(7);
    let mut app = gone_on(Theme::colored(), Vec::new(), 0);
    let shown = |app: &mut App, screen: &str| {
        show(app, screen);
        text(&draw(app, 120, 36))
    };
    let live = shown(&mut app, "Live");
    assert!(!live.contains("waiting for the first step") && live.contains("step 20"), "{live}");
    assert!(live.contains("held out after step 10: 0.250 right"), "{live}");
    assert!(shown(&mut app, "Transcripts").contains("transcripts 320 of 320"));
    assert!(shown(&mut app, "Meter").contains("aha-meter, steps 1 to 20"));
    assert!(shown(&mut app, "Sentinel").contains("In steps 16 to 20"));
    assert!(!shown(&mut app, "Travel").contains("no pinned puzzle"));
    assert_eq!(at::<Travel>(&app).answer(End::A, &app.run().pins).map(|answer| answer.step), Some(0));
    assert_eq!(at::<Travel>(&app).answer(End::B, &app.run().pins).map(|answer| answer.step), Some(20));
    // The clock and the costs are those of the whole run.
    let seconds: f64 = (1..=20).map(|step| script.metrics(step).get(&registry::STEP_TIME)).sum();
    assert!((app.run().elapsed().as_secs_f64() - seconds).abs() < 3.0);

    // As if it had been watched from the beginning.
    let mut watched = App::new(Theme::colored(), RunFacts::of_our_engine());
    tell(&mut watched, Event::Started(Box::new(script.started("runs/x".into(), 0))));
    for step in 1..=40 {
        for record in [script.group(step, 0), script.group(step, 1)].concat() {
            tell(&mut watched, Event::RolloutScored(Box::new(record)));
        }
        tell(&mut watched, Event::StepDone(Box::new(script.metrics(step))));
    }
    let app = gone_on(Theme::colored(), Vec::new(), 20);
    assert_eq!(app.run().counts.meter, watched.run().counts.meter);
    assert_eq!(app.run().aha(), watched.run().aha());
    assert!(app.run().aha().is_some());
    assert_eq!(app.run().completions.len(), watched.run().completions.len());
    assert_eq!(
        app.run().watch.standings(),
        watched.run().watch.standings(),
        "completions that came late are counted"
    );
}

#[test]
fn a_fork_shows_whose_steps_are_whose() {
    for (width, height) in SIZES {
        let mut app = gone_on(Theme::colored(), fork(), 12);
        let name = |screen: &str| format!("forked_{screen}_{width}x{height}");
        insta::assert_snapshot!(name("live"), picture(&draw(&mut app, width, height)));
        app.bring::<Meter>();
        let meter = text(&draw(&mut app, width, height));
        assert!(width < 80 || meter.contains("steps 1 to 32, of the parent up to 20"), "{meter}");
    }
    let mut app = gone_on(Theme::colored(), fork(), 0);
    app.bring::<Transcripts>();
    let list = text(&draw(&mut app, 80, 24));
    assert!(
        list.contains("parent 20 · ") && list.contains(" parent 20 group 2 · completion 8 of 8"),
        "{list}"
    );
    let mut app = gone_on(Theme::colored(), fork(), 1);
    app.bring::<Transcripts>();
    let list = text(&draw(&mut app, 80, 24));
    assert!(list.contains("step 21 · ") && list.contains(" step 21 group 2 · "), "{list}");
    // Without colours and without anything but ASCII.
    let mut app = gone_on(Theme { ascii: true, ..Theme::plain() }, fork(), 12);
    let plain = draw(&mut app, 120, 36);
    assert!(plain.content.iter().all(|cell| cell.symbol().is_ascii()));
    assert!(text(&plain).contains("fork 20"));
}

#[test]
fn what_was_changed_meanwhile_is_what_the_prompt_says_is_now() {
    let mut app = gone_on(Theme::colored(), Vec::new(), 2);
    let edit = |key: &str, value: &str| Event::Edited {
        step: 22,
        key: key.into(),
        value: value.into(),
        before: String::new(),
    };
    for event in [edit("learning_rate", "0.002"), edit("price_per_hour", "2"), edit("no_such_key", "1")] {
        tell(&mut app, event);
    }
    for character in ":learning_rate=".chars() {
        update(&mut app, Action::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE)));
    }
    assert!(text(&draw(&mut app, 120, 36)).contains("now 0.002"));
    assert_eq!(app.run().price_per_hour, 2.0);
}

#[test]
fn a_puzzle_that_was_unpinned_before_is_not_shown_as_pinned() {
    let script = Script::new(7);
    let puzzles: Vec<_> = script.pins(20).into_iter().map(|answer| answer.puzzle).collect();
    let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
    let mut started = script.started("runs/20260101-120000-test".into(), 20);
    started.pins = Some(puzzles[1..].to_vec());
    tell(&mut app, Event::Started(Box::new(started)));
    let answers = [0, 20].into_iter().flat_map(|step| script.pins(step));
    answers.for_each(|answer| tell(&mut app, Event::PinnedAnswered(Box::new(answer))));
    let asked = |app: &App| puzzles.iter().map(|puzzle| app.run().pins.is_pinned(puzzle)).collect::<Vec<_>>();
    assert!(!asked(&app)[0] && asked(&app)[1..].iter().all(|asked| *asked));
    app.bring::<Travel>();
    assert!(text(&draw(&mut app, 120, 36)).contains("unpinned"));
    // Pinned again while the run is paused after that very step.
    update(&mut app, Action::Key(KeyEvent::new(KeyCode::Char('U'), KeyModifiers::NONE)));
    tell(&mut app, Event::PinnedAnswered(Box::new(script.pins(20).remove(0))));
    assert!(asked(&app).iter().all(|asked| *asked));
}

#[test]
fn marks_that_would_lie_on_each_other_give_way() {
    let forks: Vec<ForkPoint> =
        [20, 19, 1].map(|step| ForkPoint { run: format!("run-{step}"), step }).into_iter().collect();
    for width in 78..130 {
        let mut app = gone_on(Theme::colored(), forks.clone(), 12);
        let shown = text(&draw(&mut app, width, 30));
        let axis = shown.lines().skip(1).find(|line| line.contains("fork 20") || line.contains("▲ aha"));
        let axis = axis.unwrap_or_else(|| panic!("no mark at {width}: {shown}"));
        for word in axis.split_whitespace().filter(|word| word.starts_with("fork") || word.starts_with("aha"))
        {
            assert!(["fork", "aha"].contains(&word), "{axis}");
        }
    }
}
