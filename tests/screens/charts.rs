//! The Charts screen: pictures of it, and what keys and the mouse do there.

use aha_lab::{
    engine::scripted::Script,
    metrics::registry,
    protocol::{Event, RunFacts},
    record::Step,
    tui::{
        screens::charts::{ChartLayout, Charts, MOST_PANELS, Unit},
        shell::{
            app::{Action, App},
            effect::Effect,
            theme::Theme,
            update::update,
        },
        store::RunStore,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::{
    at::show,
    picture::{SIZES, below_title, draw, picture, text},
};

/// The first plot at 120x36 holds this cell, and its middle is near it.
const INSIDE: (u16, u16) = (34, 5);

/// These runs, each of so many steps of its script with this seed in its configuration; the first is shown.
fn charts(theme: Theme, runs: &[(u64, u64)]) -> App {
    let others = runs.iter().skip(1).map(|_| RunFacts::of_our_files(false));
    let mut app = App::of_runs(theme, RunStore::new(RunFacts::of_our_files(false), others));
    for (place, (seed, steps)) in runs.iter().enumerate() {
        let script = Script::new(*seed);
        let mut started = script.started(format!("runs/run-with-seed-{seed}").into(), *steps);
        started.config.machine.seed = *seed;
        let mut tell = |event| drop(update(&mut app, Action::Engine(place, event)));
        tell(Event::Started(Box::new(started)));
        for step in 1..=*steps {
            script.group(step, 0).into_iter().for_each(|record| tell(Event::RolloutScored(Box::new(record))));
            tell(Event::StepDone(Box::new(script.metrics(step))));
        }
    }
    app.bring::<Charts>();
    app.message = None;
    draw(&mut app, 120, 36);
    app
}

fn one(theme: Theme) -> App {
    charts(theme, &[(7, 30)])
}

fn press(app: &mut App, codes: impl IntoIterator<Item = KeyCode>) {
    for code in codes {
        assert!(update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE))).is_empty());
        draw(app, 120, 36);
    }
}

fn keys(app: &mut App, keys: &str) {
    press(app, keys.chars().map(KeyCode::Char));
}

fn mouse(app: &mut App, kind: MouseEventKind, (column, row): (u16, u16)) {
    update(app, Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    draw(app, 120, 36);
}

fn shown(app: &mut App) -> String {
    text(&draw(app, 120, 36))
}

/// The line below the panels.
fn status(app: &mut App) -> String {
    let shown = shown(app);
    shown.lines().rev().nth(1).unwrap().trim().to_owned()
}

/// The names of the metrics of each panel.
fn names(app: &App) -> Vec<String> {
    let of = |panel: &aha_lab::tui::screens::charts::ChartPanel| {
        panel.metrics().iter().map(|metric| metric.name).collect::<Vec<_>>().join("+")
    };
    app.layout.panels().iter().map(of).collect()
}

/// Which part of the axis is shown, as the status says it.
fn window(app: &mut App) -> Option<(f64, f64)> {
    let status = status(app);
    let part = status.split(" · ").find(|part| part.contains(" to ") && !part.contains("mean"))?;
    let (first, last) = part.split_once(" to ")?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn kept(app: &mut App) -> bool {
    std::mem::take(&mut app.effects).contains(&Effect::KeepLayout)
}

#[test]
fn the_panels_at_three_sizes() {
    for (width, height) in SIZES {
        let mut app = one(Theme::colored());
        insta::assert_snapshot!(format!("charts_{width}x{height}"), picture(&draw(&mut app, width, height)));
        press(&mut app, [KeyCode::Right, KeyCode::Left, KeyCode::Left]);
        keys(&mut app, "v++");
        let name = format!("charts_crosshair_{width}x{height}");
        draw(&mut app, width, height);
        insta::assert_snapshot!(name, picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn the_list_of_metrics_at_three_sizes() {
    for (width, height) in SIZES {
        let mut app = one(Theme::colored());
        keys(&mut app, "jtre");
        let list = text(&below_title(&draw(&mut app, width, height)));
        insta::assert_snapshot!(format!("charts_list_{width}x{height}"), list);
    }
}

#[test]
fn without_colours_and_in_ascii() {
    let mut app = one(Theme::plain());
    insta::assert_snapshot!("charts_no_color_120x36", picture(&draw(&mut app, 120, 36)));
    let mut app = one(Theme { ascii: true, ..Theme::plain() });
    press(&mut app, [KeyCode::Right]);
    let ascii = draw(&mut app, 80, 24);
    assert!(ascii.content.iter().all(|cell| cell.symbol().is_ascii()));
    insta::assert_snapshot!("charts_ascii_80x24", text(&below_title(&ascii)));
}

#[test]
fn solid_lines_are_the_same_lines() {
    use aha_lab::tui::chart::Glyphs;
    let mut pictures = Vec::new();
    for lines in [Glyphs::Braille, Glyphs::Octants, Glyphs::Sextants] {
        let mut app = one(Theme { lines, ..Theme::colored() });
        pictures.push(text(&draw(&mut app, 120, 36)));
    }
    let is_drawn = |c: char| !c.is_ascii() && !"╭╮╰╯─│━╍▲·‹›→↓▪".contains(c);
    let places = |picture: &str| -> Vec<usize> {
        picture.chars().enumerate().filter(|(_, c)| is_drawn(*c)).map(|(at, _)| at).collect()
    };
    assert_eq!(places(&pictures[0]), places(&pictures[1]), "an octant for each braille character");
    let (braille, sextants) = (places(&pictures[0]).len(), places(&pictures[2]).len());
    assert!(sextants.abs_diff(braille) * 5 < braille, "{braille} {sextants}");
}

#[test]
fn panels_are_added_taken_away_and_moved_and_each_change_is_kept() {
    let mut app = one(Theme::colored());
    let before = names(&app);
    keys(&mut app, "jAgrad");
    assert!(!kept(&mut app), "nothing is changed yet");
    press(&mut app, [KeyCode::Enter]);
    assert!(kept(&mut app));
    assert_eq!(names(&app)[2], "grad_norm", "behind the one that was selected: {:?}", names(&app));
    assert!(status(&mut app).ends_with("panel 3 of 7"));
    keys(&mut app, "KK");
    assert_eq!((names(&app)[0].as_str(), kept(&mut app)), ("grad_norm", true));
    keys(&mut app, "K");
    assert!(!kept(&mut app), "it is the first already");
    keys(&mut app, "tloss");
    press(&mut app, [KeyCode::Enter]);
    assert_eq!((names(&app)[0].as_str(), kept(&mut app)), ("grad_norm+loss", true));
    keys(&mut app, "tgrad");
    press(&mut app, [KeyCode::Enter]);
    assert_eq!(names(&app)[0], "loss", "the list takes a metric off again");
    keys(&mut app, "tloss");
    press(&mut app, [KeyCode::Enter]);
    assert!(app.message.as_ref().unwrap().text.contains("1 to 4 metrics"));
    keys(&mut app, "d");
    assert_eq!((names(&app), kept(&mut app)), (before, true));
    keys(&mut app, "dddddd");
    assert!(shown(&mut app).contains("no panel: a adds one"));
    keys(&mut app, "dlft");
    assert!(app.message.as_ref().unwrap().text.contains("there is no panel"));
    while app.layout.panels().len() < MOST_PANELS {
        keys(&mut app, "Agrad");
        press(&mut app, [KeyCode::Enter]);
    }
    keys(&mut app, "A");
    assert!(app.message.as_ref().unwrap().text.contains("24 panels are the most"));
}

#[test]
fn the_list_has_the_metrics_of_the_run_and_typing_filters_it() {
    let mut app = one(Theme::colored());
    keys(&mut app, "A");
    let all = shown(&mut app);
    assert!(all.contains("another panel:") && all.contains("reward_std"), "{all}");
    assert!(
        !all.contains("clip_ratio/region_mean")
            || app.run().history.steps()[0].has(&registry::CLIP_REGION_MEAN)
    );
    keys(&mut app, "TRUE");
    let filtered = shown(&mut app);
    assert!(filtered.contains("Checks that rightly judge") && !filtered.contains("reward_std"), "{filtered}");
    keys(&mut app, "zz");
    assert!(shown(&mut app).contains("this run has no metric of such a name"));
    press(&mut app, [KeyCode::Enter, KeyCode::Backspace, KeyCode::Backspace, KeyCode::Down, KeyCode::Up]);
    // A click on a row takes it; one beside the list closes it.
    let shown_now = shown(&mut app);
    let row = shown_now.lines().position(|line| line.contains("Checks that rightly")).unwrap() as u16;
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), (60, row));
    assert_eq!(names(&app)[1], "reasoning/true_checks");
    keys(&mut app, "A");
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), (1, 1));
    assert!(!shown(&mut app).contains("another panel:"));
    // An unfinished run has none.
    let mut empty = App::new(Theme::colored(), RunFacts::of_our_engine());
    empty.bring::<Charts>();
    keys(&mut empty, "A");
    assert!(shown(&mut empty).contains("no step is finished yet"));
    press(&mut empty, [KeyCode::Enter, KeyCode::Esc, KeyCode::Right, KeyCode::Enter]);
    assert!(empty.message.as_ref().unwrap().text.contains("put the crosshair at a step"));
}

#[test]
fn the_crosshair_reads_every_panel_at_its_step_and_enter_opens_its_completions() {
    let mut app = one(Theme::colored());
    press(&mut app, [KeyCode::Right, KeyCode::Left, KeyCode::Left, KeyCode::Left]);
    assert!(status(&mut app).starts_with("step 27 · "), "{}", status(&mut app));
    let step = app.run().history.steps()[26].clone();
    let shown_now = shown(&mut app);
    for (name, metric, decimals) in [
        ("reward", &registry::REWARD, 2),
        ("completions/mean_length", &registry::MEAN_LENGTH, 0),
        ("entropy", &registry::ENTROPY, 2),
        ("reasoning/checks", &registry::CHECKS, 1),
    ] {
        let reading = format!("{name} {:.decimals$}", step.get(metric));
        assert!(shown_now.contains(&reading), "{reading}: {shown_now}");
    }
    press(&mut app, [KeyCode::Enter]);
    assert_eq!(app.in_front().name(), "Transcripts");
    let read = app.listing().selected(&app.run().completions).unwrap();
    assert_eq!((read.step, read.group, read.index), (27, 0, 0));
    show(&mut app, "Charts");
    press(&mut app, [KeyCode::Home]);
    assert!(status(&mut app).starts_with("step 1 · "));
    press(&mut app, [KeyCode::Left, KeyCode::PageDown]);
    assert!(status(&mut app).starts_with("step 4 · "), "{}", status(&mut app));
    press(&mut app, [KeyCode::End, KeyCode::Right]);
    assert!(status(&mut app).starts_with("step 30 · "));
    press(&mut app, [KeyCode::Esc]);
    assert!(status(&mut app).starts_with("axis steps"));
}

#[test]
fn keys_and_the_wheel_zoom_and_dragging_pans() {
    let mut app = one(Theme::colored());
    assert_eq!(window(&mut app), None);
    press(&mut app, [KeyCode::Home]);
    keys(&mut app, "+++");
    let (first, last) = window(&mut app).unwrap();
    assert!(first == 1.0 && last < 12.0, "around the crosshair: {first} {last}");
    keys(&mut app, "L");
    let on = window(&mut app).unwrap();
    assert!(on.0 > first && on.1 > last, "{on:?}");
    press(&mut app, [KeyCode::End]);
    assert_eq!(window(&mut app).unwrap().1, 30.0, "the crosshair is always shown");
    keys(&mut app, "---");
    assert_eq!(window(&mut app), None);
    keys(&mut app, "-LH");
    assert_eq!(window(&mut app), None, "there is no more than all of it");

    mouse(&mut app, MouseEventKind::ScrollUp, INSIDE);
    mouse(&mut app, MouseEventKind::ScrollUp, INSIDE);
    let close = window(&mut app).unwrap();
    assert!(close.0 > 3.0 && close.1 < 28.0, "{close:?}");
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), INSIDE);
    mouse(&mut app, MouseEventKind::Drag(MouseButton::Left), (INSIDE.0 - 10, INSIDE.1));
    let dragged = window(&mut app).unwrap();
    assert!(dragged.0 > close.0 && dragged.1 > close.1, "what was under the mouse goes with it: {dragged:?}");
    mouse(&mut app, MouseEventKind::Drag(MouseButton::Left), (INSIDE.0, INSIDE.1));
    assert_eq!(window(&mut app).unwrap(), close, "and back");
    keys(&mut app, "0");
    assert_eq!(window(&mut app), None);
    mouse(&mut app, MouseEventKind::ScrollUp, (3, 35));
    assert_eq!(window(&mut app), None, "the wheel zooms over curves only");
}

#[test]
fn the_mouse_selects_panels_and_the_crosshair_follows_it() {
    let mut app = one(Theme::colored());
    mouse(&mut app, MouseEventKind::Moved, (8, 5));
    assert!(status(&mut app).starts_with("step 1 · "), "{}", status(&mut app));
    mouse(&mut app, MouseEventKind::Moved, (58, 5));
    assert!(status(&mut app).starts_with("step 30 · "), "{}", status(&mut app));
    mouse(&mut app, MouseEventKind::Moved, (30, 35));
    assert!(status(&mut app).starts_with("step 30 · "), "off the curves it stays");
    mouse(&mut app, MouseEventKind::Down(MouseButton::Left), (90, 16));
    assert!(status(&mut app).ends_with("panel 4 of 6"));
    // Nothing moves under what lies over it.
    keys(&mut app, "?");
    mouse(&mut app, MouseEventKind::Moved, (8, 5));
    press(&mut app, [KeyCode::Esc]);
    assert!(!status(&mut app).starts_with("step 1 · "));
    keys(&mut app, "f");
    assert!(!shown(&mut app).contains("entropy"));
    press(&mut app, [KeyCode::Esc]);
    assert!(shown(&mut app).contains("entropy"));
}

#[test]
fn the_axis_counts_what_is_known_and_says_what_is_not() {
    let mut app = one(Theme::colored());
    for unit in [Unit::Tokens, Unit::Minutes, Unit::Dollars] {
        keys(&mut app, "v");
        assert_eq!(app.layout.unit(), unit);
        assert!(status(&mut app).contains(&format!("axis {}", unit.name())), "{}", status(&mut app));
    }
    assert!(shown(&mut app).contains('$'));
    keys(&mut app, "v");
    assert_eq!(app.layout.unit(), Unit::Steps);

    let mut bare = App::new(Theme::colored(), RunFacts::of_our_files(false));
    let started = Script::new(7).started("runs/bare".into(), 3);
    update(&mut bare, Action::Engine(0, Event::Started(Box::new(started))));
    for step in 1..=3 {
        let measured = Step::new(step).with(&registry::REWARD, step as f64 / 10.0);
        update(&mut bare, Action::Engine(0, Event::StepDone(Box::new(measured))));
    }
    bare.bring::<Charts>();
    assert!(shown(&mut bare).contains("no step of this run has entropy"));
    for said in ["tokens of this run are unknown", "minutes of this run are unknown", "time is unknown"] {
        keys(&mut bare, "v");
        assert!(status(&mut bare).contains(said), "{}", status(&mut bare));
    }
    press(&mut bare, [KeyCode::Right, KeyCode::Enter]);
    assert!(status(&mut bare).contains("step 3 · - tokens · - minutes · - dollars"), "{}", status(&mut bare));
    assert_eq!(bare.message.as_ref().unwrap().text, "no completion of step 3 is kept");
    bare.store.shown_mut().price_per_hour = 0.0;
    assert!(status(&mut bare).contains("an hour costs nothing"), "{}", status(&mut bare));
}

#[test]
fn a_logarithmic_axis_leaves_out_what_has_no_place_on_it() {
    let mut app = App::new(Theme::colored(), RunFacts::of_our_files(false));
    for (step, kl) in [(1, 0.0), (2, 0.001), (3, -0.5), (4, 0.1)] {
        let measured = Step::new(step).with(&registry::KL, kl).with(&registry::LOSS, -1.0);
        update(&mut app, Action::Engine(0, Event::StepDone(Box::new(measured))));
    }
    app.layout = ChartLayout::read("axis = \"steps\"\n[[panel]]\nmetrics = [\"kl\"]\nlog = true\n").unwrap();
    app.bring::<Charts>();
    keys(&mut app, "m");
    keys(&mut app, "m");
    let log = shown(&mut app);
    assert!(log.contains("· log") && log.contains("0.001") && log.contains("0.1"), "{log}");
    keys(&mut app, "Aloss");
    press(&mut app, [KeyCode::Enter]);
    keys(&mut app, "l");
    assert!(shown(&mut app).contains("no value above zero"), "{}", shown(&mut app));
}

#[test]
fn other_runs_are_read_at_the_crosshair_and_beyond_their_ends_are_unknown() {
    let mut app = charts(Theme::colored(), &[(7, 30), (8, 20), (9, 40)]);
    keys(&mut app, "O");
    app.message = None;
    press(&mut app, [KeyCode::Right]);
    let reading = |app: &App, place: usize, step: usize| {
        format!("{:.2}", app.store.all()[place].history.steps()[step - 1].get(&registry::REWARD))
    };
    let third = format!("3 run-with-seed-9 {}", reading(&app, 2, 30));
    let shown_now = shown(&mut app);
    assert!(shown_now.contains("2 run-with-seed-8 -"), "it ended at step 20: {shown_now}");
    assert!(shown_now.contains(&third), "{third}: {shown_now}");
    keys(&mut app, "v");
    press(&mut app, [KeyCode::Home]);
    insta::assert_snapshot!("charts_others_120x36", picture(&draw(&mut app, 120, 36)));
    // What is open is of all runs: the layout, not where a person is.
    keys(&mut app, "d>");
    assert_eq!((app.store.place(), app.layout.panels().len()), (1, 5));
    assert!(status(&mut app).starts_with("axis tokens"));
}

#[test]
fn mean_and_range_are_of_runs_that_differ_in_their_seed_alone() {
    let mut app = charts(Theme::colored(), &[(7, 30), (8, 30), (9, 30)]);
    keys(&mut app, "B");
    app.message = None;
    assert!(status(&mut app).contains("mean and range of 3 seeds"), "{}", status(&mut app));
    press(&mut app, [KeyCode::Home]);
    let first = |app: &App| -> Vec<f64> {
        app.store.all().iter().map(|run| run.history.steps()[0].get(&registry::MEAN_LENGTH)).collect()
    };
    let lengths = first(&app);
    let (low, high) =
        (lengths.iter().copied().fold(1e9, f64::min), lengths.iter().copied().fold(0.0, f64::max));
    let mean = lengths.iter().sum::<f64>() / 3.0;
    let told = format!("mean {mean:.0} ({low:.0} to {high:.0})");
    assert!(shown(&mut app).contains(&told), "{told}: {}", shown(&mut app));
    insta::assert_snapshot!("charts_seeds_120x36", picture(&draw(&mut app, 120, 36)));
    // One of another temperature is none of them.
    let change =
        Event::Edited { step: 5, key: "temperature".into(), value: "0.7".into(), before: "1".into() };
    update(&mut app, Action::Engine(2, change));
    assert!(status(&mut app).contains("mean and range of 2 seeds"), "{}", status(&mut app));
    let mut alone = one(Theme::colored());
    keys(&mut alone, "B");
    assert!(
        status(&mut alone).contains("no other open run differs in its seed alone"),
        "{}",
        status(&mut alone)
    );
}

#[test]
fn every_size_is_drawn_with_everything_on_it() {
    let mut app = charts(Theme { ascii: true, ..Theme::colored() }, &[(7, 30), (8, 9)]);
    keys(&mut app, "OB");
    press(&mut app, [KeyCode::Right]);
    keys(&mut app, "++");
    for width in (1..80).chain([200]) {
        for height in (1..30).chain([70]) {
            let drawn = draw(&mut app, width, height);
            assert!(drawn.content.iter().all(|cell| cell.symbol().is_ascii()), "{width}x{height}");
            assert_eq!(drawn, draw(&mut app, width, height), "drawing changes nothing");
        }
    }
}
