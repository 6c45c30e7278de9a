//! Pictures of the Search and Travel screens with their styles, and what keys do there.

use aha_lab::tui::screens::{search::Search, travel::Travel};
use aha_lab::{
    engine::scripted::Script,
    protocol::{Command, Event, RunFacts},
    reasoning::analyze,
    record::Rollout,
    task::{NumberPuzzle, Puzzle},
    tui::{
        screens::travel::End,
        shell::{
            app::{Action, App},
            theme::Theme,
            update::update,
        },
    },
};
use ratatui::{
    buffer::Buffer,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind},
    style::{Color, Modifier},
};

use crate::at::at;
use crate::picture::{self, SIZES, picture, text};

fn draw(app: &mut App, (width, height): (u16, u16)) -> Buffer {
    picture::draw(app, width, height)
}

fn tell(app: &mut App, event: Event) {
    assert!(update(app, Action::Engine(0, event)).is_empty());
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
            '⁵' => KeyCode::F(5),
            '⁶' => KeyCode::F(6),
            other => KeyCode::Char(other),
        };
        let orders = update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
        commands.extend(orders.into_iter().map(|order| order.command));
    }
    commands
}

fn answered(index: usize, numbers: &[i64], target: i64, completion: &str, correct: bool) -> Rollout {
    let puzzle = NumberPuzzle { numbers: numbers.to_vec(), target };
    let mut record = Script::new(7).rollout(3, 0, index);
    (record.analysis, record.problem.puzzle) = (analyze(&puzzle, completion), puzzle.into());
    Rollout { completion: completion.into(), correct: Some(correct), ..record }
}

const SEARCHING: &str = " first , 16 + 4 = 20 , 20 + 1 = 21 . check : 21 is not 19 . try again : 4 * 16 = 64 , 64 - 1 = \
    63 . that is 63 , not 19 . instead , 16 - 1 = 14 , 14 + 4 = 18 . hmm , 18 is too low . start over : 4 + 16 = 20 , \
    20 * 1 = 20 . no , 20 is not 19 . another idea : 16 + 4 = 20 , 20 - 1 = 19 . check : 19 = 19 , yes . </think> \
    <answer> ( 16 + 4 ) - 1 </answer>";

fn searched(theme: Theme) -> App {
    let mut app = App::new(theme, RunFacts::of_our_files(false));
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
    press(&mut app, "⁵");
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
        let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
        press(&mut app, "⁵");
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
    assert!(!at::<Search>(&app).reveals(), "another puzzle hides its solution again");
    assert!(!text(&draw(&mut app, (120, 36))).contains("no solution"));
    press(&mut app, "→");
    assert!(text(&draw(&mut app, (120, 36))).contains("there is no solution"));
}

#[test]
fn the_tree_stays_while_new_completions_come_and_follows_the_selection_on_return() {
    let script = Script::new(7);
    let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
    press(&mut app, "⁵");
    assert!(at::<Search>(&app).is_empty());
    tell(&mut app, Event::RolloutScored(Box::new(script.rollout(1, 0, 0))));
    draw(&mut app, (80, 24));
    assert_eq!(at::<Search>(&app).record().unwrap().index, 0, "the first that comes is shown at once");
    tell(&mut app, Event::RolloutScored(Box::new(script.rollout(1, 0, 1))));
    draw(&mut app, (80, 24));
    assert_eq!(at::<Search>(&app).record().unwrap().index, 0, "what is being read stays");
    press(&mut app, "³⁵");
    assert_eq!(at::<Search>(&app).record().unwrap().index, 1, "the newest, which Transcripts follows");
    press(&mut app, "←");
    assert_eq!(at::<Search>(&app).record().unwrap().index, 0);
    assert_eq!(
        app.listing().selected(&app.run().completions).unwrap().index,
        0,
        "both screens are at the same completion"
    );
    let mut other = script.rollout(1, 0, 2);
    other.problem.task = "multiplication".into();
    tell(&mut app, Event::RolloutScored(Box::new(other)));
    press(&mut app, "→→");
    assert!(at::<Search>(&app).is_empty(), "another task has no such tree");
    draw(&mut app, (80, 24));
}

#[test]
fn the_text_under_the_cursor_is_the_one_that_made_the_move() {
    let mut app = searched(Theme::colored());
    draw(&mut app, (120, 36));
    let marked = |app: &mut App| {
        let buffer = draw(app, (120, 36));
        let lit = |cell: &&ratatui::buffer::Cell| {
            Some(cell.fg) == Theme::colored().search_match.fg && cell.modifier == Modifier::REVERSED
        };
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
    assert_eq!(app.in_front().name(), "Search");
}

/// A run of `steps` steps with its pinned answers.
fn travelled(theme: Theme, facts: RunFacts, steps: u64) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, facts);
    tell(&mut app, Event::Started(Box::new(script.started("runs/test".into(), 0))));
    for step in 0..=steps {
        for answer in script.pins(step) {
            tell(&mut app, Event::PinnedAnswered(Box::new(answer)));
        }
    }
    press(&mut app, "⁶");
    app
}

#[test]
fn travel_in_three_sizes() {
    for size in SIZES {
        let mut app = travelled(Theme::colored(), RunFacts::of_our_files(false), 40);
        draw(&mut app, size);
        press(&mut app, "]←");
        insta::assert_snapshot!(format!("travel_{}x{}", size.0, size.1), picture(&draw(&mut app, size)));
    }
    let mut app = travelled(Theme::colored(), RunFacts::of_our_files(false), 40);
    press(&mut app, "da→");
    insta::assert_snapshot!("travel_colours_120x36", picture(&draw(&mut app, (120, 36))));
    insta::assert_snapshot!("travel_stacked_60x30", picture(&draw(&mut app, (60, 30))));
}

#[test]
fn travel_without_colour_in_ascii_and_with_nothing_to_show() {
    let mut app = travelled(Theme::plain(), RunFacts::of_our_files(false), 40);
    let buffer = draw(&mut app, (80, 24));
    assert!(buffer.content.iter().all(|cell| (cell.fg, cell.bg) == (Color::Reset, Color::Reset)));
    insta::assert_snapshot!("travel_no_color_80x24", picture(&buffer));
    for size in SIZES {
        let mut app = travelled(Theme { ascii: true, ..Theme::plain() }, RunFacts::of_our_engine(), 40);
        press(&mut app, "i");
        let buffer = draw(&mut app, size);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()), "{}", text(&buffer));
        let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
        press(&mut app, "⁶");
        insta::assert_snapshot!(
            format!("travel_empty_{}x{}", size.0, size.1),
            picture(&draw(&mut app, size))
        );
    }
    let mut app = travelled(Theme::colored(), RunFacts::of_our_engine(), 0);
    press(&mut app, "i4 1 16 = 19");
    insta::assert_snapshot!("travel_typing_80x24", picture(&draw(&mut app, (80, 24))));
}

fn steps_of(app: &App) -> (u64, u64) {
    (
        at::<Travel>(app).answer(End::A, &app.run().pins).unwrap().step,
        at::<Travel>(app).answer(End::B, &app.run().pins).unwrap().step,
    )
}

#[test]
fn the_ends_move_over_recorded_steps_and_the_newest_is_followed() {
    let script = Script::new(7);
    let mut app = travelled(Theme::colored(), RunFacts::of_our_engine(), 20);
    assert_eq!(steps_of(&app), (0, 20));
    for answer in script.pins(25) {
        tell(&mut app, Event::PinnedAnswered(Box::new(answer)));
    }
    assert_eq!(steps_of(&app), (0, 25), "B goes on with the run");
    press(&mut app, "←←a→");
    assert_eq!(steps_of(&app), (5, 15));
    for answer in script.pins(30) {
        tell(&mut app, Event::PinnedAnswered(Box::new(answer)));
    }
    press(&mut app, "bG]");
    assert_eq!(steps_of(&app), (5, 30), "and the steps stay with another puzzle");
    press(&mut app, "g←a→→→→→→→→→");
    assert_eq!(steps_of(&app), (30, 0), "beyond the ends there is nothing");
}

#[test]
fn a_person_pins_what_they_type_and_what_they_see() {
    let mut app = travelled(Theme::colored(), RunFacts::of_our_engine(), 5);
    let numbers = NumberPuzzle { numbers: vec![4, 1, 16], target: 19 };
    let puzzle = Puzzle::from(numbers.clone());
    assert_eq!(
        press(&mut app, "i4 1 q16 = 19\n"),
        [Command::Pin(puzzle.clone())],
        "letters are typed, not obeyed"
    );
    assert!(app.message.as_ref().unwrap().text.contains("earlier steps can no longer answer it"));
    assert!(press(&mut app, "i19\n").is_empty());
    assert!(app.message.as_ref().unwrap().text.contains("not a puzzle"), "{:?}", app.message);
    press(&mut app, "\u{1b}");
    let record = answered(0, &numbers.numbers, 19, SEARCHING, true);
    tell(&mut app, Event::RolloutScored(Box::new(record)));
    assert_eq!(press(&mut app, "³P"), [Command::Pin(puzzle.clone())]);
    tell(&mut app, Event::PinnedAnswered(Box::new(Script::new(7).pinned(&puzzle, 5))));
    assert!(press(&mut app, "P").is_empty(), "once is enough");
    press(&mut app, "⁶]]]]");
    assert_eq!(press(&mut app, "U"), [], "asked first");
    assert!(text(&draw(&mut app, (80, 24))).contains("y unpins it"));
    assert_eq!(press(&mut app, "\u{1b}U\n"), []);
    assert_eq!(press(&mut app, "Uy"), [Command::Unpin(puzzle.clone())]);
    assert!(text(&draw(&mut app, (120, 36))).contains("unpinned"));
    assert_eq!(press(&mut app, "U"), [Command::Pin(puzzle)]);
    let mut app = travelled(Theme::colored(), RunFacts::of_our_files(false), 5);
    assert!(press(&mut app, "iU³P").is_empty(), "a run that is over takes no pins");
}

#[test]
fn any_keys_leave_both_screens_whole() {
    let mut state = 1_u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let keys: Vec<char> = "⁵⁶→←jkghGlabdUinov[]4 \n\u{1b}".chars().collect();
    for mut app in [travelled(Theme::colored(), RunFacts::of_our_engine(), 30), searched(Theme::plain())] {
        for _ in 0..800 {
            press(&mut app, &keys[below(keys.len())].to_string());
            let sizes = [(120, 36), (80, 24), (40, 12), (20, 6), (7, 3), (3, 2), (1, 1), (200, 4), (2, 60)];
            draw(&mut app, sizes[below(sizes.len())]);
        }
    }
}
