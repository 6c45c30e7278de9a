//! Pictures of the Search and Travel screens with their styles, and what keys do there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fmt::Write as _;

use aha_lab::{
    engine::{
        protocol::{Command, Event},
        scripted::Script,
    },
    reasoning::analyze,
    run::record::RolloutRecord,
    task::Puzzle,
    tui::{
        app::{Action, App, Mode},
        screen::Screen,
        theme::Theme,
        update::update,
        view::view,
    },
};
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::Buffer,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind},
    style::{Color, Modifier},
};

const SIZES: [(u16, u16); 3] = [(120, 36), (80, 24), (40, 12)];

fn draw(app: &mut App, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| view(frame, app)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..buffer.area.height).map(row).collect::<Vec<_>>().join("\n")
}

/// The text, then one letter for each look, explained below.
fn picture(buffer: &Buffer) -> String {
    let mut looks: Vec<(Color, Color, Modifier)> = vec![(Color::Reset, Color::Reset, Modifier::empty())];
    let mut styles = String::new();
    for y in 0..buffer.area.height {
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let look = (cell.fg, cell.bg, cell.modifier);
            let number = looks.iter().position(|known| *known == look).unwrap_or_else(|| {
                looks.push(look);
                looks.len() - 1
            });
            styles.push(if number == 0 { '.' } else { char::from(b'a' + number as u8 - 1) });
        }
        styles.push('\n');
    }
    let mut out = format!("{}\n\n{styles}\n", text(buffer));
    for (number, (fg, bg, modifier)) in looks.iter().enumerate().skip(1) {
        let letter = char::from(b'a' + number as u8 - 1);
        writeln!(out, "{letter} {fg} on {bg} {modifier:?}").unwrap();
    }
    out
}

fn tell(app: &mut App, event: Event) {
    assert!(update(app, Action::Engine(event)).is_empty());
}

fn press(app: &mut App, keys: &str) -> Vec<Command> {
    let mut commands = Vec::new();
    for character in keys.chars() {
        let code = match character {
            '\n' => KeyCode::Enter,
            '\u{1b}' => KeyCode::Esc,
            '→' => KeyCode::Right,
            '←' => KeyCode::Left,
            '³' => KeyCode::F(3),
            '⁴' => KeyCode::F(4),
            '⁵' => KeyCode::F(5),
            other => KeyCode::Char(other),
        };
        commands.extend(update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }
    commands
}

fn answered(index: usize, numbers: &[i64], target: i64, completion: &str, correct: bool) -> RolloutRecord {
    let puzzle = Puzzle { numbers: numbers.to_vec(), target };
    RolloutRecord {
        index,
        analysis: analyze(&puzzle, completion),
        completion: completion.into(),
        correct,
        puzzle,
        ..Script::new(7).rollout(3, 0, index)
    }
}

const SEARCHING: &str = " first , 16 + 4 = 20 , 20 + 1 = 21 . check : 21 is not 19 . try again : 4 * 16 = 64 , 64 - 1 = \
    63 . that is 63 , not 19 . instead , 16 - 1 = 14 , 14 + 4 = 18 . hmm , 18 is too low . start over : 4 + 16 = 20 , \
    20 * 1 = 20 . no , 20 is not 19 . another idea : 16 + 4 = 20 , 20 - 1 = 19 . check : 19 = 19 , yes . </think> \
    <answer> ( 16 + 4 ) - 1 </answer>";

fn searched(theme: Theme) -> App {
    let mut app = App::new(theme, Mode::Finished);
    let four = " maybe 25 - 7 = 18 , 18 * 3 = 54 , 54 - 4 = 50 . check : 50 is not 42 . try again : 25 + 9 = 34 , 34 + \
        7 = 41 . instead , 7 - 3 = 4 , 4 * 4 = 16 , 25 + 16 = 41 . wait , that is 41 , not 42 . </think> <answer>";
    for record in [
        answered(0, &[4, 1, 16], 19, SEARCHING, true),
        answered(1, &[3, 7, 25, 4], 42, four, false),
        answered(2, &[1, 1, 1, 1], 24, " I do not know . </think>", false),
    ] {
        tell(&mut app, Event::RolloutScored(Box::new(record)));
    }
    // The newest is followed; back to the first.
    press(&mut app, "³g");
    press(&mut app, "⁴");
    app
}

#[test]
fn search_in_three_sizes() {
    for size in SIZES {
        let mut app = searched(Theme::colored());
        draw(&mut app, size);
        press(&mut app, "n");
        insta::assert_snapshot!(format!("search_{}x{}", size.0, size.1), picture(&draw(&mut app, size)));
    }
}

#[test]
fn search_of_a_larger_puzzle_with_its_solutions_shown() {
    for size in SIZES {
        let mut app = searched(Theme::colored());
        draw(&mut app, size);
        press(&mut app, "→jjvi");
        insta::assert_snapshot!(
            format!("search_solutions_{}x{}", size.0, size.1),
            picture(&draw(&mut app, size))
        );
    }
}

#[test]
fn search_without_colour_in_ascii_and_with_nothing_to_show() {
    let mut app = searched(Theme::plain());
    press(&mut app, "jjo");
    let buffer = draw(&mut app, (80, 24));
    assert!(buffer.content.iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    insta::assert_snapshot!("search_no_color_80x24", picture(&buffer));
    for size in SIZES {
        let mut app = searched(Theme { ascii: true, ..Theme::plain() });
        press(&mut app, "jjvoi");
        let buffer = draw(&mut app, size);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()), "{}", text(&buffer));
        let mut app = App::new(Theme::colored(), Mode::Control);
        press(&mut app, "⁴");
        insta::assert_snapshot!(
            format!("search_empty_{}x{}", size.0, size.1),
            picture(&draw(&mut app, size))
        );
    }
    let mut app = searched(Theme::colored());
    press(&mut app, "→→");
    insta::assert_snapshot!("search_no_steps_80x24", picture(&draw(&mut app, (80, 24))));
}

#[test]
fn a_class_can_guess_before_the_solution_is_shown() {
    let mut app = searched(Theme::colored());
    let shown = |app: &mut App| text(&draw(app, (120, 36))).contains("4 + 16 - 1");
    assert!(!shown(&mut app), "hidden at first");
    press(&mut app, "v");
    assert!(shown(&mut app));
    press(&mut app, "→");
    assert!(!app.search.reveals(), "another puzzle hides its solution again");
    assert!(!text(&draw(&mut app, (120, 36))).contains("no solution"));
    press(&mut app, "→");
    assert!(text(&draw(&mut app, (120, 36))).contains("there is no solution"));
}

#[test]
fn the_tree_stays_while_new_completions_come_and_follows_the_selection_on_return() {
    let script = Script::new(7);
    let mut app = App::new(Theme::colored(), Mode::Control);
    press(&mut app, "⁴");
    assert!(app.search.is_empty());
    tell(&mut app, Event::RolloutScored(Box::new(script.rollout(1, 0, 0))));
    assert_eq!(app.search.record().unwrap().index, 0, "the first that comes is shown at once");
    tell(&mut app, Event::RolloutScored(Box::new(script.rollout(1, 0, 1))));
    assert_eq!(app.search.record().unwrap().index, 0, "what is being read stays");
    press(&mut app, "³⁴");
    assert_eq!(app.search.record().unwrap().index, 1, "the newest, which Transcripts follows");
    press(&mut app, "←");
    assert_eq!(app.search.record().unwrap().index, 0);
    assert_eq!(app.transcripts.selected().unwrap().index, 0, "both screens are at the same completion");
    let other = RolloutRecord { task: "multiplication".into(), ..script.rollout(1, 0, 2) };
    tell(&mut app, Event::RolloutScored(Box::new(other)));
    press(&mut app, "→→");
    assert!(app.search.is_empty(), "another task has no such tree");
    draw(&mut app, (80, 24));
}

#[test]
fn the_text_under_the_cursor_is_the_one_that_made_the_move() {
    let mut app = searched(Theme::colored());
    draw(&mut app, (120, 36));
    let marked = |app: &mut App| {
        let buffer = draw(app, (120, 36));
        let lit =
            |cell: &&ratatui::buffer::Cell| cell.fg == Color::Yellow && cell.modifier == Modifier::REVERSED;
        buffer.content.iter().filter(lit).map(|cell| cell.symbol()).collect::<String>()
    };
    assert_eq!(marked(&mut app), "", "nothing made the given numbers");
    press(&mut app, "j");
    assert_eq!(marked(&mut app), "16 + 4 = 20");
    press(&mut app, "o");
    assert_eq!(marked(&mut app), "4 + 16 = 20");
    let click = MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: 5,
        row: 4,
        modifiers: KeyModifiers::NONE,
    };
    update(&mut app, Action::Mouse(click));
    assert_eq!(marked(&mut app), "20 + 1 = 21");
    assert_eq!(app.screen, Screen::Search);
}
