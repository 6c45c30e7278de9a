//! The command palette, the search on every screen, copying and writing, themes, and keys pressed at random.

use aha_lab::{
    config::Config,
    metrics::registry,
    protocol::{Capability, Command, RunFacts},
    tui::{
        shell::{
            app::{Action, App, Order},
            effect::{Contents, Effect},
            prompt::Asks,
            theme::Theme,
            themes::Named,
            update::update,
        },
        store::filter::Filter,
    },
};
use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::{
    every_screen::{apps, press},
    picture::{SIZES, draw, text},
};

fn told() -> App {
    let [_, app] = apps(&Theme::colored());
    app
}

fn ctrl(app: &mut App, character: char) -> Vec<Order> {
    update(app, Action::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL)))
}

fn typed(app: &mut App, words: &str) {
    words.chars().for_each(|character| press(app, KeyCode::Char(character)));
}

/// Opens the palette, types, draws, and takes the first row.
fn ask(app: &mut App, words: &str) -> Vec<Order> {
    ctrl(app, 'p');
    typed(app, words);
    draw(app, 120, 36);
    update(app, Action::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)))
}

fn said(app: &App) -> &str {
    app.message.as_ref().map_or("", |message| message.text.as_str())
}

#[test]
fn the_palette_at_three_sizes() {
    let mut app = told();
    ctrl(&mut app, 'p');
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("palette_{width}x{height}"), text(&draw(&mut app, width, height)));
    }
    typed(&mut app, "false check");
    for (width, height) in SIZES {
        insta::assert_snapshot!(
            format!("palette_typed_{width}x{height}"),
            text(&draw(&mut app, width, height))
        );
    }
}

#[test]
fn the_palette_finds_screens_actions_themes_metrics_and_keys() {
    let mut app = told();
    ask(&mut app, "sentinel");
    assert_eq!(app.in_front().name(), "Sentinel");
    ask(&mut app, "right answers show");
    assert_eq!((app.in_front().name(), app.listing().filter()), ("Transcripts", Filter::Right));
    ask(&mut app, "next false check");
    assert_eq!(app.in_front().name(), "Transcripts");
    ask(&mut app, "color-blind");
    assert_eq!(app.named, Named::ColorBlind);
    ask(&mut app, "entropy metric");
    assert!(said(&app).contains("entropy") && said(&app).contains("(nats per token), now"), "{}", said(&app));
    // A run that takes no commands says so, and the key is shown where it stands.
    ask(&mut app, "learning rate key");
    assert_eq!(app.in_front().name(), "Settings");
    assert!(text(&draw(&mut app, 120, 36)).contains("learning_rate *"));
    for metric in registry::ALL {
        let mut app = told();
        ask(&mut app, &format!("{} metric", metric.name));
        assert!(!said(&app).is_empty(), "{}", metric.name);
    }
}

#[test]
fn a_setting_is_typed_in_the_palette_or_at_the_prompt_in_short() {
    let of_ours = || {
        let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
        let script = aha_lab::engine::scripted::Script::new(7);
        let started = script.started("runs/20260101-120000-test".into(), 4);
        update(&mut app, Action::Engine(0, aha_lab::protocol::Event::Started(Box::new(started))));
        assert!(app.obeys(Capability::Set));
        app
    };
    let expected = Command::Set { key: "learning_rate".into(), value: "1e-4".into() };
    for words in ["lr 1e-4", ":lr 1e-4", "learning_rate=1e-4"] {
        let mut app = of_ours();
        let orders = ask(&mut app, words);
        assert_eq!(orders.iter().map(|order| &order.command).collect::<Vec<_>>(), [&expected], "{words}");
    }
    for words in ["lr 1e-4", ":lr 1e-4", "lr=1e-4"] {
        let mut app = of_ours();
        press(&mut app, KeyCode::Char(':'));
        typed(&mut app, words);
        let shown = text(&draw(&mut app, 120, 36));
        assert!(shown.contains("learning_rate, now 0.0004"), "{shown}");
        let orders = update(&mut app, Action::Key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
        assert_eq!(orders.iter().map(|order| &order.command).collect::<Vec<_>>(), [&expected], "{words}");
    }
    // A key by its name opens the prompt with it; a fixed one says that it is fixed.
    let mut app = of_ours();
    ask(&mut app, "kl_coef");
    assert_eq!(app.prompt.as_ref().map(|prompt| prompt.text().to_owned()), Some("kl_coef=".to_owned()));
    press(&mut app, KeyCode::Esc);
    ask(&mut app, "seed random fixed");
    assert!(said(&app).contains("is fixed for the whole run"), "{}", said(&app));
    assert!(Config::keys().any(|key| key.name == "seed" && !key.live));
}

#[test]
fn a_click_in_the_palette_does_the_row_and_escape_leaves_everything_as_it_was() {
    let mut app = told();
    ctrl(&mut app, 'p');
    typed(&mut app, "meter screen");
    draw(&mut app, 80, 24);
    let (row, _) = app.picture.listed[0];
    let kind = MouseEventKind::Down(MouseButton::Left);
    let click = MouseEvent { kind, column: row.x + 2, row: row.y, modifiers: KeyModifiers::NONE };
    update(&mut app, Action::Mouse(click));
    assert_eq!((app.in_front().name(), app.commands.is_none()), ("Meter", true));
    for way_out in [KeyCode::Esc, KeyCode::Char('p')] {
        ctrl(&mut app, 'p');
        typed(&mut app, "zzzz");
        assert!(text(&draw(&mut app, 80, 24)).contains("nothing is called so"));
        press(&mut app, KeyCode::Enter);
        assert_eq!((app.in_front().name(), app.commands.is_none()), ("Meter", true));
        ctrl(&mut app, 'p');
        match way_out {
            KeyCode::Esc => press(&mut app, KeyCode::Esc),
            _ => drop(ctrl(&mut app, 'p')),
        }
        assert_eq!((app.in_front().name(), app.commands.is_none()), ("Meter", true));
    }
}

#[test]
fn every_text_under_a_cursor_is_copied_and_written() {
    let mut app = told();
    for name in ["Live", "Transcripts", "Search", "Microscope", "Rewards"] {
        app.front = app.place_of(name).unwrap();
        draw(&mut app, 120, 36);
        app.effects.clear();
        press(&mut app, KeyCode::Char('y'));
        let copied =
            app.effects.iter().any(|effect| matches!(effect, Effect::Copy { text } if !text.is_empty()));
        assert!(copied, "{name}: {:?} {}", app.effects, said(&app));
        press(&mut app, KeyCode::Char('w'));
        let prompt = app.prompt.clone().unwrap();
        assert_eq!(prompt.asks(), Asks::Text, "{name}");
        for ending in ["md", "txt", "ans", "svg"] {
            assert!(app.prompt.as_ref().unwrap().text().ends_with(ending), "{name}");
            app.effects.clear();
            let kept = app.prompt.clone();
            press(&mut app, KeyCode::Enter);
            let Some(Effect::Write { what: Contents::Text(text), replace: false, .. }) = app.effects.first()
            else {
                panic!("{name} {ending}: {:?}", app.effects)
            };
            assert!(text.len() > 40, "{name} {ending}: {text}");
            app.prompt = kept;
            press(&mut app, KeyCode::Tab);
        }
        press(&mut app, KeyCode::Esc);
    }
    // Without a text it is the screen; a name without a known ending is refused, and stays to be mended.
    app.front = app.place_of("Sentinel").unwrap();
    press(&mut app, KeyCode::Char('w'));
    let prompt = app.prompt.clone().unwrap();
    assert_eq!((prompt.asks(), prompt.text()), (Asks::Screen, "aha-sentinel.svg"));
    press(&mut app, KeyCode::Backspace);
    press(&mut app, KeyCode::Enter);
    assert!(app.prompt.is_some() && said(&app).contains(".md, .txt, .ans or .svg"), "{}", said(&app));
}

#[test]
fn a_theme_paints_its_ground_and_the_key_goes_round() {
    let mut app = told();
    let mut seen = Vec::new();
    for _ in 0..Named::ALL.len() {
        ctrl(&mut app, 't');
        let buffer = draw(&mut app, 80, 24);
        let painted = buffer.content.iter().all(|cell| cell.bg != ratatui::style::Color::Reset);
        assert_eq!(painted, app.theme.ground.is_some(), "{}", app.named);
        seen.push(app.named);
    }
    assert_eq!(app.named, Named::Auto);
    assert!(Named::ALL.iter().all(|named| seen.contains(named)));
    let mut plain = App::new(Theme::plain(), RunFacts::of_our_engine());
    ctrl(&mut plain, 't');
    assert!(said(&plain).contains("NO_COLOR") && plain.theme == Theme::plain());
}

#[test]
fn transcripts_are_found_by_what_they_are() {
    let mut app = told();
    app.front = app.place_of("Transcripts").unwrap();
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Char('/'));
    typed(&mut app, "wrong step:2..3");
    let shown = text(&draw(&mut app, 120, 36));
    let records = |app: &App| app.listing().selected(&app.run().completions).cloned().unwrap();
    let all = app.run().completions.groups().iter().flat_map(|group| &group.entries);
    let wrong = all.filter(|entry| (2..=3).contains(&entry.record.step) && entry.record.is_wrong()).count();
    assert!(wrong > 1 && shown.contains(&format!("{wrong} transcripts")), "{wrong}: {shown}");
    press(&mut app, KeyCode::Enter);
    for _ in 0..2 * wrong {
        press(&mut app, KeyCode::Char('n'));
        let record = records(&app);
        assert!(record.is_wrong() && (2..=3).contains(&record.step));
    }
    // A mistake is a sentence at the prompt, and Enter does not put it away.
    press(&mut app, KeyCode::Char('/'));
    typed(&mut app, "width>3");
    press(&mut app, KeyCode::Enter);
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("nothing is called 'width'"), "{shown}");
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Char('/'));
    typed(&mut app, "#3");
    press(&mut app, KeyCode::Enter);
    assert_eq!((records(&app).step, records(&app).index), (3, 0));
    assert!(!app.in_front().captures_text());
}

#[test]
fn x_goes_through_all_false_and_misled_checks_and_back() {
    let mut app = told();
    app.front = app.place_of("Transcripts").unwrap();
    draw(&mut app, 120, 36);
    let bad =
        |record: &aha_lab::record::Rollout| record.analysis.false_checks + record.analysis.misled_checks;
    let all = app.run().completions.groups().iter().flat_map(|group| &group.entries);
    let expected: usize = all.map(|entry| bad(&entry.record)).sum();
    if expected == 0 {
        press(&mut app, KeyCode::Char('x'));
        assert!(said(&app).contains("none of these completions"), "{}", said(&app));
        return;
    }
    press(&mut app, KeyCode::Char('g'));
    for key in ['x', 'X'] {
        for _ in 0..expected + 2 {
            press(&mut app, KeyCode::Char(key));
            draw(&mut app, 120, 36);
            let record = app.listing().selected(&app.run().completions).unwrap();
            assert!(bad(record) > 0);
        }
    }
}

fn mouse(app: &mut App, kind: MouseEventKind, column: u16, row: u16) -> Vec<Order> {
    update(app, Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);
const DRAG: MouseEventKind = MouseEventKind::Drag(MouseButton::Left);

#[test]
fn every_hint_can_be_clicked_and_does_what_its_key_does() {
    for front in 0..told().screens().len() {
        let mut app = told();
        app.front = front;
        draw(&mut app, 120, 36);
        draw(&mut app, 120, 36);
        let hints = app.picture.hints.clone();
        assert!(hints.len() > 3, "{}", app.in_front().name());
        for (area, key) in hints {
            let (mut clicked, mut pressed) = (told(), told());
            for app in [&mut clicked, &mut pressed] {
                app.front = front;
                draw(app, 120, 36);
                draw(app, 120, 36);
            }
            mouse(&mut clicked, CLICK, area.x + area.width / 2, area.y);
            update(&mut pressed, Action::Key(key));
            // Whether the mouse moved makes no other difference.
            clicked.pointer = pressed.pointer;
            let shown = [&mut clicked, &mut pressed].map(|app| (app.leave, text(&draw(app, 120, 36))));
            assert_eq!(shown[0], shown[1], "{key:?}");
        }
    }
}

#[test]
fn the_gap_before_a_name_in_the_title_bar_belongs_to_it() {
    let mut app = told();
    draw(&mut app, 160, 36);
    let tabs = app.picture.tabs.clone();
    assert_eq!(tabs.len(), app.screens().len());
    for pair in tabs.windows(2) {
        assert_eq!(pair[0].0.right(), pair[1].0.x, "no cell between two names is dead");
        mouse(&mut app, CLICK, pair[1].0.x, 0);
        assert_eq!(app.front, pair[1].1);
        draw(&mut app, 160, 36);
    }
}

#[test]
fn completions_tokens_and_answers_are_clicked() {
    let mut app = told();
    draw(&mut app, 120, 36);
    // The second completion of Live: its cell is below the first.
    mouse(&mut app, CLICK, 30, 22);
    draw(&mut app, 120, 36);
    mouse(&mut app, CLICK, 30, 22);
    assert_eq!(app.in_front().name(), "Transcripts", "a second click opens it");
    app.bring::<aha_lab::tui::screens::microscope::Microscope>();
    let before = text(&draw(&mut app, 120, 36));
    let lines: Vec<&str> = before.lines().collect();
    let row = lines.iter().position(|line| line.starts_with("1 advantage")).unwrap() as u16;
    // A token of the first line of tokens, some way to the right.
    mouse(&mut app, CLICK, 40, row + 1);
    let after = text(&draw(&mut app, 120, 36));
    assert_ne!(before, after, "another token is read out");
    press(&mut app, KeyCode::Home);
    assert_eq!(text(&draw(&mut app, 120, 36)), before, "and the keys go on from there");
}

#[test]
fn the_border_between_list_and_transcript_is_dragged_within_bounds() {
    let mut app = told();
    app.front = app.place_of("Transcripts").unwrap();
    let border = |app: &mut App| {
        let shown = text(&draw(app, 120, 36));
        let title = shown.lines().nth(2).unwrap().to_owned();
        title.chars().position(|c| c == '╮').unwrap() as u16
    };
    let before = border(&mut app);
    mouse(&mut app, CLICK, before, 10);
    mouse(&mut app, DRAG, before + 12, 11);
    assert_eq!(border(&mut app), before + 12);
    for (far, edge) in [(0u16, 10u16..30), (119, 80..110)] {
        let held = border(&mut app);
        mouse(&mut app, CLICK, held, 10);
        mouse(&mut app, DRAG, far, 10);
        let now = border(&mut app);
        assert!(edge.contains(&now), "{far}: {now}");
    }
    // Elsewhere a drag moves nothing.
    let now = border(&mut app);
    mouse(&mut app, CLICK, 5, 10);
    mouse(&mut app, DRAG, 60, 10);
    assert_eq!(border(&mut app), now);
}

#[derive(Debug, Clone, Copy)]
enum Touch {
    Key(KeyCode),
    Ctrl(char),
    Click(u16, u16),
    Drag(u16, u16),
    Wheel(bool, u16, u16),
    Draw(usize),
}

fn touches() -> impl Strategy<Value = Vec<Touch>> {
    let key = prop_oneof![
        8 => proptest::char::range(' ', '~').prop_map(KeyCode::Char),
        4 => prop_oneof![
            Just(KeyCode::Enter), Just(KeyCode::Esc), Just(KeyCode::Up), Just(KeyCode::Down), Just(KeyCode::Left),
            Just(KeyCode::Right), Just(KeyCode::Tab), Just(KeyCode::BackTab), Just(KeyCode::PageDown),
            Just(KeyCode::PageUp), Just(KeyCode::Home), Just(KeyCode::End), Just(KeyCode::Backspace),
        ],
        1 => (1u8..=12).prop_map(KeyCode::F),
    ];
    let touch = prop_oneof![
        12 => key.prop_map(Touch::Key),
        2 => Just(Touch::Ctrl('p')),
        1 => prop_oneof![Just('u'), Just('w'), Just('d'), Just('l')].prop_map(Touch::Ctrl),
        2 => (0u16..130, 0u16..40).prop_map(|(column, row)| Touch::Click(column, row)),
        2 => (0u16..130, 0u16..40).prop_map(|(column, row)| Touch::Drag(column, row)),
        1 => (any::<bool>(), 0u16..130, 0u16..40).prop_map(|(down, c, r)| Touch::Wheel(down, c, r)),
        4 => (0usize..3).prop_map(Touch::Draw),
    ];
    prop::collection::vec(touch, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    /// Whatever is pressed, typed into the palette and clicked: nothing panics, and there is a way out.
    #[test]
    fn keys_at_random_are_taken_on_every_screen(touches in touches(), front in 0usize..11, empty in any::<bool>()) {
        let [nothing, told] = apps(&Theme::colored());
        let mut app = if empty { nothing } else { told };
        app.front = front.min(app.screens().len() - 1);
        let mouse = |kind, column, row| {
            Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })
        };
        for touch in touches {
            match touch {
                Touch::Key(code) => press(&mut app, code),
                Touch::Ctrl(character) => drop(ctrl(&mut app, character)),
                Touch::Click(c, r) => drop(update(&mut app, mouse(MouseEventKind::Down(MouseButton::Left), c, r))),
                Touch::Drag(c, r) => drop(update(&mut app, mouse(DRAG, c, r))),
                Touch::Wheel(true, c, r) => drop(update(&mut app, mouse(MouseEventKind::ScrollDown, c, r))),
                Touch::Wheel(false, c, r) => drop(update(&mut app, mouse(MouseEventKind::ScrollUp, c, r))),
                Touch::Draw(size) => drop(draw(&mut app, SIZES[size].0, SIZES[size].1)),
            }
            app.effects.clear();
        }
        for _ in 0..8 {
            press(&mut app, KeyCode::Esc);
        }
        draw(&mut app, 120, 36);
        prop_assert!(app.commands.is_none() && app.prompt.is_none() && app.list.is_none() && app.help.is_none());
    }
}
