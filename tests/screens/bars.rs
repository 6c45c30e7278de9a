//! The title bar, the hint bar and the help: where one is, how one gets on, and how one gets out.

use crate::at::show;
use aha_lab::tui::screens::microscope::Microscope;
use aha_lab::{
    engine::scripted::Script,
    protocol::{Command, Event, Phase, RunFacts, StepBy, Temporality},
    tui::shell::{
        app::{Action, App},
        message::Level,
        theme::Theme,
        update::update,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::picture::{SIZES, draw, picture, text};

fn press(app: &mut App, code: KeyCode) -> Vec<Command> {
    let orders = update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    orders.into_iter().map(|order| order.command).collect()
}

fn tell(app: &mut App, event: Event) {
    update(app, Action::Engine(0, event));
}

/// A run of one step, paused in the second.
fn paused(theme: Theme) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, RunFacts::of_our_engine());
    tell(&mut app, Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), 0))));
    for record in script.group(1, 0) {
        tell(&mut app, Event::RolloutScored(Box::new(record)));
    }
    tell(&mut app, Event::StepDone(Box::new(script.metrics(1))));
    tell(&mut app, Event::PhaseChanged { step: 2, phase: Phase::Sample, done: 256, total: 256 });
    tell(&mut app, Event::Temporality(Temporality::Paused));
    app
}

fn lines(app: &mut App, width: u16, height: u16) -> Vec<String> {
    text(&draw(app, width, height)).lines().map(str::to_owned).collect()
}

#[test]
fn the_bars_say_where_one_is_and_how_to_leave_whatever_the_width() {
    for theme in [Theme::colored(), Theme { ascii: true, ..Theme::plain() }] {
        let mut app = paused(theme.clone());
        for front in 0..app.screens().len() {
            app.front = front;
            let names: Vec<&str> = app.screens().iter().map(|screen| screen.name()).collect();
            for width in 36..=140 {
                for height in [12, 24] {
                    let drawn = lines(&mut app, width, height);
                    let (title, hints) = (&drawn[0], &drawn[drawn.len() - 1]);
                    assert!(title.contains(names[front]), "{width}: {title}");
                    let all = names.iter().all(|name| title.contains(name));
                    let more = [theme.glyph("‹", " < "), theme.glyph("›", " > "), "Tab next"];
                    assert!(all || more.iter().any(|mark| title.contains(mark)), "{width}: {title}");
                    // A name is there whole or not at all.
                    let room = title.split("step").next().unwrap();
                    for word in
                        room.split(' ').filter(|word| word.len() > 3 && word.starts_with(char::is_uppercase))
                    {
                        assert!(word == "Tab" || names.contains(&word), "{width}: {title}");
                    }
                    assert!(title.contains("paused"), "{width}: {title}");
                    assert!(hints.contains("q quit"), "{width}: {hints}");
                }
            }
        }
    }
}

#[test]
fn a_click_on_a_name_goes_there_also_where_only_one_fits() {
    use ratatui::crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
    let click = |app: &mut App, column: usize| {
        let kind = MouseEventKind::Down(MouseButton::Left);
        let event = MouseEvent { kind, column: column as u16, row: 0, modifiers: KeyModifiers::NONE };
        update(app, Action::Mouse(event));
    };
    let mut app = paused(Theme::colored());
    let title = lines(&mut app, 80, 24)[0].clone();
    let column = title.chars().position(|c| c == 'M').unwrap();
    click(&mut app, column);
    assert_eq!(app.in_front().name(), "Meter");
    let title = lines(&mut app, 40, 12)[0].clone();
    click(&mut app, title.find("Tab").unwrap());
    assert_eq!(app.in_front().name(), "Search");
}

#[test]
fn a_message_leaves_room_for_the_way_out() {
    let mut app = paused(Theme::colored());
    app.say(Level::Warning, "a sentence that is far too long for a terminal of forty columns");
    for (width, height) in SIZES {
        for screen in ["Live", "Microscope"] {
            show(&mut app, screen);
            let drawn = lines(&mut app, width, height);
            let last = &drawn[drawn.len() - 1];
            assert!(last.contains("q quit"), "{last}");
        }
    }
}

#[test]
fn the_key_says_which_phase_is_next_and_the_message_goes_when_it_is_there() {
    let mut app = paused(Theme::colored());
    let bar = |app: &mut App| lines(app, 120, 36).pop().unwrap();
    assert!(bar(&mut app).contains("p → score"), "{}", bar(&mut app));
    assert_eq!(press(&mut app, KeyCode::Char('p')), [Command::Step(StepBy::Phases(1))]);
    assert_eq!(app.message.as_ref().unwrap().text, "running to the end of score, then pausing");
    tell(&mut app, Event::Temporality(Temporality::Unpausing));
    tell(&mut app, Event::Temporality(Temporality::Live));
    assert!(app.message.is_some() && bar(&mut app).contains("p phase"));
    let at = |phase, done, total| Event::PhaseChanged { step: 2, phase, done, total };
    tell(&mut app, at(Phase::Score, 0, 0));
    tell(&mut app, Event::Temporality(Temporality::Paused));
    assert!(app.message.is_none());
    // A warning that came meanwhile stays.
    app.say(Level::Warning, "the disk is nearly full");
    tell(&mut app, Event::Temporality(Temporality::Paused));
    assert!(app.message.take().is_some());

    for (phase, done, total, next) in [
        (Phase::Score, 0, 0, "advantage"),
        (Phase::Advantage, 0, 0, "update"),
        (Phase::Update, 3, 12, "update"),
        (Phase::Update, 12, 12, "evaluate"),
        (Phase::Evaluate, 0, 0, "evaluate"),
    ] {
        tell(&mut app, at(phase, done, total));
        assert!(bar(&mut app).contains(&format!("p → {next}")), "{phase:?}: {}", bar(&mut app));
    }
    tell(&mut app, Event::StepDone(Box::new(Script::new(7).metrics(2))));
    assert!(bar(&mut app).contains("p → sample"));
}

#[test]
fn the_help_scrolls_and_closes_by_its_own_keys_alone() {
    let mut app = paused(Theme::colored());
    press(&mut app, KeyCode::Char('?'));
    lines(&mut app, 80, 24);
    press(&mut app, KeyCode::PageDown);
    let page = app.help.unwrap();
    assert!(page > 10, "{page}");
    lines(&mut app, 80, 24);
    press(&mut app, KeyCode::PageUp);
    assert_eq!(app.help, Some(0));
    press(&mut app, KeyCode::End);
    let end = app.help.unwrap();
    lines(&mut app, 80, 24);
    press(&mut app, KeyCode::PageDown);
    assert_eq!(app.help, Some(end), "no further than its end");
    for other in [KeyCode::Tab, KeyCode::Char('x'), KeyCode::Left, KeyCode::F(3), KeyCode::Delete] {
        assert!(press(&mut app, other).is_empty());
        assert!(app.help.is_some() && app.in_front().name() == "Live", "{other:?}");
    }
    for close in [KeyCode::Esc, KeyCode::Char('?'), KeyCode::F(1), KeyCode::Char('q'), KeyCode::Enter] {
        app.help = Some(0);
        assert!(press(&mut app, close).is_empty(), "{close:?} does nothing else");
        assert!(app.help.is_none() && app.quitting.is_none(), "{close:?}");
    }
}

#[test]
fn the_help_in_three_sizes() {
    let mut app = paused(Theme::colored());
    app.bring::<Microscope>();
    // A screen more changes none of these pictures.
    app.visits[0].screens.truncate(6);
    app.help = Some(0);
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("help_{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn the_title_bar_scrolls_where_not_all_names_fit() {
    let mut bars = String::new();
    for theme in [Theme::colored(), Theme { ascii: true, ..Theme::plain() }] {
        let mut app = paused(theme);
        app.visits[0].screens.truncate(9);
        for width in [160, 120, 80, 60, 40] {
            for front in 0..app.screens().len() {
                app.front = front;
                bars.push_str(&lines(&mut app, width, 12)[0]);
                bars.push_str("|\n");
            }
        }
    }
    insta::assert_snapshot!("title_bars", bars);
}
