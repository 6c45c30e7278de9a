//! A record that is played: what the title, the bar and every screen say, and the same as an asciicast.

use std::time::Duration;

use aha_lab::{
    engine::scripted::Script,
    metrics::registry,
    protocol::{Command, Event, Play, Playing, RunFacts, Temporality},
    runs::playback::Recording,
    tui::{
        cast::{self, CastOptions},
        shell::{
            app::{Action, App},
            keys::GLOBAL_KEYS,
            theme::Theme,
            update::update,
        },
        store::RunStore,
    },
};
use crossbeam_channel::unbounded;
use ratatui::{
    buffer::Buffer,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind},
    layout::Size,
    style::{Color, Modifier},
};

use crate::{
    at::show,
    picture::{SIZES, draw, picture, text},
};

/// The record of a finished run of this many steps, each a second long.
fn recording(steps: u64) -> Recording {
    let (feed, events) = unbounded();
    let script = Script::new(7);
    let tell = |event| feed.send(event).unwrap();
    tell(Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 0))));
    for step in 1..=steps {
        let metrics = script.metrics(step).with(&registry::STEP_TIME, 1.0);
        tell(Event::StepDone(Box::new(metrics)));
        script.pins(step).into_iter().for_each(|answer| tell(Event::PinnedAnswered(Box::new(answer))));
        for group in 0..5 {
            script
                .group(step, group)
                .into_iter()
                .for_each(|record| tell(Event::RolloutScored(Box::new(record))));
        }
    }
    drop(feed);
    Recording::read(&events).unwrap()
}

fn playing(seconds: f64, over: bool) -> Event {
    Event::Playing(Playing { speed: "10x".parse().unwrap(), first: 1, last: 20, seconds, over })
}

fn tell(app: &mut App, event: Event) {
    assert!(update(app, Action::Engine(0, event)).is_empty());
}

/// Step 13 of 20 in the middle of sampling.
fn mid_step(theme: Theme) -> App {
    let recording = recording(20);
    let mut app = App::new(theme, RunFacts::of_our_files(false).played_again());
    tell(&mut app, Event::Started(Box::new(recording.started_after(0))));
    recording.told(0, 12).for_each(|event| tell(&mut app, event));
    tell(&mut app, playing(12.0, false));
    tell(&mut app, Event::Temporality(Temporality::Live));
    let cues = recording.cues(13);
    for cue in cues.into_iter().filter(|cue| cue.at < Duration::from_millis(300)) {
        cue.event.into_iter().for_each(|event| tell(&mut app, event));
    }
    update(&mut app, Action::Clock(Duration::from_secs(11)));
    app.message = None;
    app
}

fn press(app: &mut App, character: char) -> Vec<Command> {
    let key = KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE);
    update(app, Action::Key(key)).into_iter().map(|order| order.command).collect()
}

#[test]
fn a_playback_in_three_sizes() {
    for (width, height) in SIZES {
        let mut app = mid_step(Theme::colored());
        insta::assert_snapshot!(format!("played_{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
    let mut app = mid_step(Theme { ascii: true, ..Theme::plain() });
    insta::assert_snapshot!("played_ascii_80x24", picture(&draw(&mut app, 80, 24)));
}

#[test]
fn the_title_never_says_that_a_playback_is_live() {
    for (temporality, over, wanted) in [
        (Temporality::Live, false, "playback 10x"),
        (Temporality::Paused, false, "playback, paused"),
        (Temporality::Pausing, false, "playback 10x"),
        (Temporality::Paused, true, "playback, ended"),
    ] {
        let mut app = mid_step(Theme::colored());
        tell(&mut app, playing(12.0, over));
        tell(&mut app, Event::Temporality(temporality));
        for front in 0..app.screens().len() {
            app.front = front;
            for width in 36..=160 {
                let drawn = text(&draw(&mut app, width, 24));
                let title = drawn.lines().next().unwrap();
                let is_short = width < 60;
                assert!(title.contains(if is_short { "played" } else { wanted }), "{width}: {title}");
                // `Live` is the name of a screen.
                assert!(!title.contains("live") && !title.contains("training"), "{width}: {title}");
            }
        }
        show(&mut app, "Live");
        assert!(!text(&draw(&mut app, 120, 36)).contains(" live "), "nor does the panel");
    }
}

#[test]
fn keys_and_the_bar_command_whoever_plays() {
    let mut app = mid_step(Theme::colored());
    draw(&mut app, 120, 36);
    let asked = |play| vec![Command::Play(play)];
    assert_eq!(press(&mut app, ','), asked(Play::Slower));
    assert_eq!(press(&mut app, '.'), asked(Play::Faster));
    assert_eq!(press(&mut app, '('), asked(Play::By(-1)));
    assert_eq!(press(&mut app, ')'), asked(Play::By(1)));
    assert_eq!(press(&mut app, ' '), vec![Command::Pause]);
    for character in "J17".chars() {
        assert!(press(&mut app, character).is_empty());
    }
    assert!(text(&draw(&mut app, 120, 36)).contains("1 to 20"), "the prompt says which steps there are");
    let enter = update(&mut app, Action::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
    assert_eq!(enter[0].command, Command::Play(Play::To(17)));
    draw(&mut app, 120, 36);
    let bar = app.picture.scrubber;
    let mouse = |app: &mut App, kind, column| {
        let event = MouseEvent { kind, column, row: bar.y, modifiers: KeyModifiers::NONE };
        update(app, Action::Mouse(event)).into_iter().map(|order| order.command).collect::<Vec<_>>()
    };
    let click = MouseEventKind::Down(MouseButton::Left);
    assert_eq!(mouse(&mut app, click, bar.x), asked(Play::To(0)));
    assert_eq!(mouse(&mut app, click, bar.right() - 1), asked(Play::To(20)));
    assert_eq!(
        mouse(&mut app, MouseEventKind::Drag(MouseButton::Left), bar.x + bar.width / 2),
        asked(Play::To(10))
    );
    assert_eq!(mouse(&mut app, click, bar.right()), vec![]);
    for character in [':', 'c', 'Q'] {
        app.message = None;
        assert!(press(&mut app, character).is_empty());
        assert!(app.message.as_ref().unwrap().text.contains("this is a playback"), "{character}");
    }
    assert!(press(&mut app, 'q').is_empty() && app.leave, "nothing has to be ended");
}

#[test]
fn going_back_drops_what_came_later_on_every_screen() {
    let recording = recording(20);
    let started = |step| Event::Started(Box::new(recording.started_after(step)));
    let facts = RunFacts::of_our_files(false).played_again();
    let at = |app: &mut App, from: u64, until: u64| {
        tell(app, started(from));
        recording.told(from, until).for_each(|event| tell(app, event));
        tell(app, playing(until as f64, until == 20));
        tell(app, Event::Temporality(Temporality::Paused));
        app.message = None;
    };
    let mut straight = App::new(Theme::colored(), facts);
    at(&mut straight, 0, 9);
    let mut back = App::new(Theme::colored(), facts);
    at(&mut back, 0, 20);
    // There and in the midst of a step.
    recording
        .cues(13)
        .into_iter()
        .take(200)
        .filter_map(|cue| cue.event)
        .for_each(|event| tell(&mut back, event));
    at(&mut back, 6, 9);
    for _ in 0..straight.screens().len() {
        let [one, other] = [&mut straight, &mut back].map(|app| {
            update(app, Action::Key(KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE)));
            text(&draw(app, 120, 36))
        });
        assert_eq!(one, other, "{}", straight.in_front().name());
    }
    assert_eq!(back.run().counts.meter, straight.run().counts.meter);
    assert_eq!(back.run().elapsed(), Duration::from_secs(9));
}

#[test]
fn the_keys_are_spoken_of_only_where_a_record_is_played() {
    let rows: Vec<_> = GLOBAL_KEYS.iter().filter(|row| row.action.is_of_playback()).collect();
    assert_eq!(rows.len(), 5);
    let mut other = App::new(Theme::colored(), RunFacts::of_our_files(false));
    let mut played = mid_step(Theme::colored());
    assert!(text(&draw(&mut played, 120, 36)).lines().last().unwrap().contains(". faster"));
    for (app, shown) in [(&mut played, true), (&mut other, false)] {
        press(app, '?');
        let help = text(&draw(app, 120, 400));
        assert!(rows.iter().all(|row| help.contains(row.help) == shown), "{help}");
        update(app, Action::Key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)));
    }
    for key in [',', '.', '(', ')', 'J'] {
        other.message = None;
        assert!(press(&mut other, key).is_empty() && other.prompt.is_none());
        assert!(other.message.as_ref().unwrap().text.contains("--play"), "{key}");
    }
    // Of two runs, it is the shown one that is played or not.
    let facts = RunFacts::of_our_files(false);
    let mut both = App::of_runs(Theme::colored(), RunStore::new(facts, [facts.played_again()]));
    assert!(press(&mut both, '.').is_empty());
    press(&mut both, '>');
    assert_eq!(press(&mut both, '.'), vec![Command::Play(Play::Faster)]);
}

/// What a terminal shows after all output of a cast, beside what was drawn.
fn compare(screen: &vt100::Screen, drawn: &Buffer) {
    let color = |color: Color| match color {
        Color::Reset => vt100::Color::Default,
        Color::Indexed(number) => vt100::Color::Idx(number),
        Color::Rgb(red, green, blue) => vt100::Color::Rgb(red, green, blue),
        other => panic!("the palette has {other:?}"),
    };
    for row in drawn.area.rows() {
        for at in row.columns() {
            let (cell, seen) = (&drawn[(at.x, at.y)], screen.cell(at.y, at.x).unwrap());
            let is_wide = at.x > 0 && screen.cell(at.y, at.x - 1).is_some_and(vt100::Cell::is_wide);
            if is_wide {
                continue;
            }
            let contents = if seen.contents().is_empty() { " " } else { seen.contents() };
            assert_eq!(contents, cell.symbol(), "{at:?}");
            let looks = [
                (seen.bold(), Modifier::BOLD),
                (seen.underline(), Modifier::UNDERLINED),
                (seen.inverse(), Modifier::REVERSED),
                (seen.italic(), Modifier::ITALIC),
            ];
            assert!(
                looks.iter().all(|(seen, look)| *seen == cell.modifier.contains(*look)),
                "{at:?} {cell:?}"
            );
            assert_eq!((seen.fgcolor(), seen.bgcolor()), (color(cell.fg), color(cell.bg)), "{at:?} {cell:?}");
        }
    }
}

#[test]
fn a_cast_shows_in_a_terminal_what_the_screen_shows() {
    let recording = recording(6);
    let facts = RunFacts::of_our_files(false);
    for (width, height, screen) in [(120, 36, "Live"), (80, 24, "Meter"), (40, 12, "Transcripts")] {
        let front = cast::place_of(&screen.to_lowercase()).unwrap();
        let (speed, theme) = ("5x".parse().unwrap(), Theme::colored());
        let size = Size::new(width, height);
        let options = CastOptions { size, speed, steps: 3..=6, front, theme: theme.clone() };
        let (mut cast, mut played) = (Vec::new(), Vec::new());
        let length = cast::write(&recording, facts, &options, &mut cast, |step| played.push(step)).unwrap();
        assert_eq!(played, [3, 4, 5, 6]);
        assert_eq!(length, Duration::from_millis(4 * 200 + 3000));

        let mut terminal = vt100::Parser::new(height.try_into().unwrap(), width.try_into().unwrap(), 0);
        for line in String::from_utf8(cast).unwrap().lines().skip(1) {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            if event[1] == "o" {
                terminal.process(event[2].as_str().unwrap().as_bytes());
            }
        }
        // The same without a cast.
        let mut app = App::new(theme, facts.played_again());
        app.front = front;
        tell(&mut app, Event::Started(Box::new(recording.started_after(2))));
        recording.told(0, 2).for_each(|event| tell(&mut app, event));
        app.message = None;
        for step in 3..=6 {
            for cue in recording.cues(step) {
                let now = Duration::from_millis(200 * (step - 3)) + cue.at / 5;
                update(&mut app, Action::Clock(now));
                cue.event.into_iter().for_each(|event| tell(&mut app, event));
            }
            draw(&mut app, width, height);
        }
        let last = Playing { speed, first: 1, last: 6, seconds: 6.0, over: true };
        tell(&mut app, Event::Playing(last));
        tell(&mut app, Event::Temporality(Temporality::Paused));
        update(&mut app, Action::Clock(length));
        compare(terminal.screen(), &draw(&mut app, width, height));
    }
}
