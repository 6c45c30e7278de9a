//! Several open runs: which is shown, where a person is in each, and whom they command.

use std::{path::Path, time::Duration};

use aha_lab::{
    engine::scripted::Script,
    protocol::{Capabilities, Command, Event, RunFacts, Started, Temporality},
    tui::{
        screens::microscope::Microscope,
        shell::{
            app::{Action, App, Order},
            keys::GLOBAL_KEYS,
            theme::Theme,
            update::update,
        },
        store::{RunStore, filter::Filter},
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::{
    at::show,
    live::{Dice, some_keys},
    picture::{SIZES, draw, text},
};

fn tell(app: &mut App, run: usize, event: Event) {
    let orders = update(app, Action::Engine(run, event));
    assert!(orders.is_empty(), "{orders:?}");
}

fn press(app: &mut App, keys: &str) -> Vec<Order> {
    let event = |character| KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE);
    keys.chars().flat_map(|character| update(app, Action::Key(event(character)))).collect()
}

fn click(app: &mut App, column: usize, row: usize) {
    let kind = MouseEventKind::Down(MouseButton::Left);
    let (column, row) = (column as u16, row as u16);
    update(app, Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

fn steps(app: &mut App, run: usize, seed: u64, steps: u64) {
    let script = Script::new(seed);
    for step in 1..=steps {
        for record in script.group(step, 0) {
            tell(app, run, Event::RolloutScored(Box::new(record)));
        }
        tell(app, run, Event::StepDone(Box::new(script.metrics(step))));
    }
}

/// A finished run, one of another process that takes commands, and completions of another engine.
fn three(theme: Theme) -> App {
    let facts =
        [RunFacts::of_another_process(), RunFacts::of_files("unknown engine", Capabilities::default())];
    let mut app = App::of_runs(theme, RunStore::new(RunFacts::of_our_files(false), facts));
    let script = Script::new(7);
    for (run, path) in
        ["runs/2026-01-01T12-00-00-first", "runs/2026-01-02T12-00-00-second"].iter().enumerate()
    {
        tell(&mut app, run, Event::Started(Box::new(script.started(path.into(), 0))));
    }
    tell(&mut app, 2, Event::Started(Box::new(Started::unknown(Path::new("elsewhere.jsonl")))));
    steps(&mut app, 0, 7, 60);
    steps(&mut app, 1, 8, 90);
    steps(&mut app, 2, 9, 30);
    update(&mut app, Action::Clock(Duration::from_secs(2)));
    app.message = None;
    app
}

fn title(app: &mut App, width: u16) -> String {
    text(&draw(app, width, 12)).lines().next().unwrap().to_owned()
}

#[test]
fn keys_and_the_list_go_from_run_to_run_and_the_screen_stays() {
    let mut app = three(Theme::colored());
    show(&mut app, "Meter");
    for expected in [1, 2, 0] {
        press(&mut app, ">");
        assert_eq!((app.store.place(), app.in_front().name()), (expected, "Meter"));
    }
    assert_eq!(app.message.as_ref().unwrap().text, "run 1 of 3: first");
    press(&mut app, "<");
    assert_eq!(app.store.place(), 2);
    for (keys, expected) in [("R2", 1), ("Relse", 2), ("Rsec", 1), ("Rfi", 0)] {
        press(&mut app, keys);
        assert_eq!((app.store.place(), app.list.is_none()), (expected, true), "{keys}");
    }
    press(&mut app, "R");
    update(&mut app, Action::Key(KeyEvent::new(KeyCode::Up, KeyModifiers::NONE)));
    update(&mut app, Action::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
    assert_eq!(app.store.place(), 2, "round");
    // With the mouse: the number in the title bar opens the list, and a row goes there.
    let shown = title(&mut app, 120);
    let column = shown.split_once("run 3/3").unwrap().0.chars().count();
    click(&mut app, column + 2, 0);
    let listed = text(&draw(&mut app, 120, 36));
    let row = listed.lines().position(|line| line.contains("second")).unwrap();
    let line = listed.lines().nth(row).unwrap();
    click(&mut app, line.split_once("second").unwrap().0.chars().count(), row);
    assert_eq!((app.store.place(), app.list.is_none()), (1, true));
}

#[test]
fn the_list_at_three_sizes_and_the_screens_of_the_run_gone_to() {
    let mut app = three(Theme::colored());
    for (width, height) in SIZES {
        press(&mut app, "R");
        insta::assert_snapshot!(format!("runs_list_{width}x{height}"), text(&draw(&mut app, width, height)));
        press(&mut app, "2");
        draw(&mut app, width, height);
        insta::assert_snapshot!(
            format!("runs_second_{width}x{height}"),
            text(&draw(&mut app, width, height))
        );
        press(&mut app, "<");
    }
}

#[test]
fn the_curves_of_the_other_runs_are_drawn_where_a_person_wants_them() {
    let mut app = three(Theme::colored());
    let alone = text(&draw(&mut app, 120, 36));
    press(&mut app, "O");
    app.message = None;
    for screen in ["Live", "Meter"] {
        show(&mut app, screen);
        for (width, height) in SIZES {
            draw(&mut app, width, height);
            let name = format!("runs_others_{}_{width}x{height}", screen.to_lowercase());
            insta::assert_snapshot!(name, text(&draw(&mut app, width, height)));
        }
    }
    show(&mut app, "Live");
    let together = text(&draw(&mut app, 120, 36));
    assert!(together.contains("2 second  3 elsewhere.jsonl") && !alone.contains("second"), "{together}");
    // A step of a run that is not shown is seen, and a token is not.
    let script = Script::new(8);
    app.dirty = false;
    tell(&mut app, 1, Event::Token { step: 91, group: 0, index: 0, text: " a".into() });
    assert!(!app.dirty);
    tell(&mut app, 1, Event::StepDone(Box::new(script.metrics(200))));
    assert!(app.dirty && text(&draw(&mut app, 120, 36)) != together);
    press(&mut app, "O");
    app.message = None;
    assert_eq!(text(&draw(&mut app, 120, 36)), alone);
}

#[test]
fn each_run_is_as_it_was_left() {
    let mut app = three(Theme::colored());
    show(&mut app, "Transcripts");
    draw(&mut app, 120, 36);
    press(&mut app, "2k");
    let left = |app: &App| {
        let listing = app.listing();
        (listing.filter(), listing.follow, listing.key())
    };
    let first = left(&app);
    assert_eq!((first.0, first.1), (Filter::Right, false));
    press(&mut app, ">");
    draw(&mut app, 120, 36);
    let second = left(&app);
    assert_eq!((second.0, second.1, second.2.map(|key| key.step)), (Filter::All, true, Some(90)));
    // The other goes on meanwhile.
    press(&mut app, "<");
    draw(&mut app, 120, 36);
    assert_eq!(left(&app), first);
    // How charts are drawn is not of a run.
    show(&mut app, "Live");
    press(&mut app, "lm>");
    assert!(app.looks.log_length && app.scene().looks == app.looks);
}

#[test]
fn a_person_commands_the_run_that_they_see_and_only_what_it_can_do() {
    let mut app = three(Theme::colored());
    assert_eq!(press(&mut app, " spc"), []);
    assert_eq!(app.message.as_ref().unwrap().text, "read-only: this run is over");
    press(&mut app, ">");
    assert_eq!(press(&mut app, " "), [Order { run: 1, command: Command::Pause }]);
    assert_eq!(app.run().temporality, Temporality::Pausing);
    press(&mut app, ">");
    assert_eq!(press(&mut app, " Q"), []);
    assert!(app.question.is_none());
    // What is typed for one run is not set in another, whoever clicks where.
    press(&mut app, "<:temperature=0.5");
    let shown = title(&mut app, 120);
    click(&mut app, shown.split_once("run 2/3").unwrap().0.chars().count(), 0);
    draw(&mut app, 120, 36);
    let row = app.picture.listed[0].0;
    click(&mut app, usize::from(row.x), usize::from(row.y));
    assert!(app.store.place() == 0 && app.prompt.is_none());
}

#[test]
fn an_engine_looks_closely_only_while_its_run_is_shown() {
    let facts = RunFacts::of_another_process();
    let mut app = App::of_runs(Theme::plain(), RunStore::new(facts, [facts]));
    let looks = |run, group| Order { run, command: Command::Inspect { group } };
    app.bring::<Microscope>();
    assert_eq!(update(&mut app, Action::Redraw), [looks(0, Some(0))]);
    assert_eq!(press(&mut app, ">"), [looks(0, None), looks(1, Some(0))]);
    show(&mut app, "Live");
    assert_eq!(update(&mut app, Action::Redraw), [looks(1, None)]);
}

#[test]
fn a_run_of_ours_is_shown_when_it_is_ended_and_waited_for() {
    let store = RunStore::new(RunFacts::of_our_files(false), [RunFacts::of_our_engine()]);
    let mut app = App::of_runs(Theme::colored(), store);
    let started = Script::new(7).started("runs/own".into(), 0);
    tell(&mut app, 1, Event::Started(Box::new(started)));
    assert_eq!(press(&mut app, "q"), [Order { run: 1, command: Command::Stop }]);
    assert!(app.store.place() == 1 && !app.leave && title(&mut app, 120).contains("stopping"));
    // The end of another run is not what is waited for.
    tell(&mut app, 0, Event::Finished { steps: 0, run: "runs/other".into() });
    assert!(!app.leave);
    tell(&mut app, 1, Event::Finished { steps: 0, run: "runs/own".into() });
    assert!(app.leave);
}

#[test]
fn what_a_run_that_is_not_shown_says_has_its_name() {
    let mut app = three(Theme::colored());
    tell(&mut app, 1, Event::Warning("Dead groups.".into()));
    assert_eq!(app.message.as_ref().unwrap().text, "second: Dead groups.");
    tell(&mut app, 0, Event::Warning("A torn line.".into()));
    assert_eq!(app.message.as_ref().unwrap().text, "A torn line.");
    tell(&mut app, 1, Event::Failed("It broke.".into()));
    assert_eq!(app.message.as_ref().unwrap().text, "second: the engine failed");
    press(&mut app, "R");
    assert!(text(&draw(&mut app, 80, 24)).contains("failed, step 90, countdown"));
}

#[test]
fn the_title_says_which_run_of_how_many_whatever_the_width() {
    for theme in [Theme::colored(), Theme { ascii: true, ..Theme::plain() }] {
        let mut app = three(theme);
        for run in 0..3 {
            for front in 0..app.screens().len() {
                app.front = front;
                for width in 36..=140 {
                    let drawn = text(&draw(&mut app, width, 12));
                    let (title, hints) = (drawn.lines().next().unwrap(), drawn.lines().last().unwrap());
                    assert!(title.contains(&format!("{}/3", run + 1)), "{width}: {title}");
                    assert!(title.contains(app.in_front().name()), "{width}: {title}");
                    assert!(hints.contains(" q "), "{width}: {hints}");
                }
            }
            press(&mut app, ">");
            app.message = None;
        }
    }
}

#[test]
fn the_keys_are_shown_where_they_are_of_use() {
    let rows: Vec<_> = GLOBAL_KEYS.iter().filter(|row| row.action.is_of_several_runs()).collect();
    assert_eq!(rows.len(), 4);
    let mut several = three(Theme::colored());
    let mut single = App::new(Theme::colored(), RunFacts::of_our_files(false));
    assert!(text(&draw(&mut several, 120, 36)).lines().last().unwrap().contains("> run"));
    for (app, shown) in [(&mut several, true), (&mut single, false)] {
        press(app, "?");
        let help = text(&draw(app, 120, 400));
        assert!(rows.iter().all(|row| help.contains(row.help) == shown), "{help}");
        update(app, Action::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)));
    }
    for key in ["<", ">", "R", "O"] {
        single.message = None;
        press(&mut single, key);
        assert!(single.message.as_ref().unwrap().text.starts_with("no other run is open"), "{key}");
        assert!(single.list.is_none() && !single.looks.others);
    }
}

#[test]
fn any_keys_over_several_runs_that_go_on() {
    let mut keys = some_keys();
    // Often enough to be in every run on every screen.
    keys.extend(
        ['<', '>', '>', 'R', 'O']
            .repeat(8)
            .into_iter()
            .map(|character| KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE)),
    );
    let sizes = [(120, 36), (80, 24), (40, 12), (20, 6), (1, 1), (200, 4), (2, 60)];
    for seed in 1..=3 {
        let theme = if seed == 2 { Theme { ascii: true, ..Theme::plain() } } else { Theme::colored() };
        let (mut app, mut dice, script) = (three(theme), Dice(seed), Script::new(seed));
        let mut seen = [0; 3];
        for turn in 0..1200 {
            for order in update(&mut app, Action::Key(keys[dice.below(keys.len())])) {
                assert_eq!(order.run, 1, "the only one that takes commands: {order:?}");
            }
            app.leave = false;
            seen[app.store.place()] += 1;
            let run = dice.below(3);
            let step = 100 + turn / 10;
            let event = match dice.below(4) {
                0 => Event::StepDone(Box::new(script.metrics(step))),
                1 => Event::RolloutScored(Box::new(script.rollout(step, 0, dice.below(8)))),
                2 => Event::CompletionStarted { step, group: 0, index: 0, puzzle: script.puzzle(step, 0) },
                _ => Event::Token { step, group: 0, index: 0, text: " 4 + 1".into() },
            };
            update(&mut app, Action::Engine(run, event));
            if dice.below(4) == 0 {
                click(&mut app, dice.below(130), dice.below(40));
            }
            let (width, height) = sizes[dice.below(sizes.len())];
            let drawn = draw(&mut app, width, height);
            assert_eq!(drawn, draw(&mut app, width, height), "drawing changes nothing");
        }
        assert!(seen.iter().all(|turns| *turns > 100), "{seen:?}");
    }
}
