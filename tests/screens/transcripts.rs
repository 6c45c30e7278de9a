//! Pictures of the Transcripts screen, with their styles, and what keys do to it.

mod stage;
mod story;

use std::sync::Arc;

use aha_lab::{
    config::Config,
    engine::scripted::Script,
    protocol::Event,
    record::{NumberPuzzle, Rollout},
    tui::{
        screens::{
            Gesture,
            transcripts::{Action, Focus, KEYS},
        },
        shell::{effect::Effect, theme::Theme},
        store::filter::Filter,
    },
};
use proptest::prelude::*;
use ratatui::{layout::Rect, style::Color};

use self::stage::{Transcripts, draw, filled, press};
use crate::picture::{SIZES, styled, text};

fn snapshot(name: &str, make: fn() -> Transcripts, keys: &str, theme: &Theme) {
    for (width, height) in SIZES {
        let mut transcripts = make();
        // Paging depends on a frame having been drawn.
        draw(&mut transcripts, theme, width, height);
        press(&mut transcripts, keys);
        let buffer = draw(&mut transcripts, theme, width, height);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), styled(&buffer));
    }
}

#[test]
fn empty() {
    snapshot("empty", Transcripts::new, "", &Theme::colored());
}

#[test]
fn following_mid_run() {
    snapshot("mid_run", filled, "", &Theme::colored());
}

#[test]
fn reading_a_self_corrected_one() {
    snapshot("self_corrected", filled, "5[[\n", &Theme::colored());
}

#[test]
fn searching() {
    snapshot("search", filled, "[/check :", &Theme::colored());
}

#[test]
fn without_colour() {
    snapshot("no_color", filled, "[jjoo\n", &Theme::plain());
}

#[test]
fn in_ascii() {
    let theme = Theme { ascii: true, ..Theme::plain() };
    snapshot("ascii", filled, "4[", &theme);
    for (width, height) in SIZES {
        let mut transcripts = filled();
        let shown = text(&draw(&mut transcripts, &theme, width, height));
        assert!(shown.is_ascii(), "{shown}");
    }
}

#[test]
fn no_colour_means_no_colour() {
    let mut transcripts = filled();
    press(&mut transcripts, "[/check\n");
    let buffer = draw(&mut transcripts, &Theme::plain(), 120, 36);
    for cell in buffer.content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
}

#[test]
fn follows_until_the_person_moves_and_again_when_asked() {
    let records = story::run(3, 2);
    let mut transcripts = Transcripts::new();
    for record in &records[..30] {
        transcripts.push(Arc::clone(record));
    }
    draw(&mut transcripts, &Theme::colored(), 80, 24);
    assert_eq!(transcripts.selected().unwrap(), &records[29]);
    transcripts.push(Arc::clone(&records[30]));
    draw(&mut transcripts, &Theme::colored(), 80, 24);
    assert_eq!(transcripts.selected().unwrap(), &records[30]);
    press(&mut transcripts, "k");
    transcripts.push(Arc::clone(&records[31]));
    draw(&mut transcripts, &Theme::colored(), 80, 24);
    assert_eq!(transcripts.selected().unwrap(), &records[29], "moving ends following");
    press(&mut transcripts, "F");
    assert_eq!(transcripts.selected().unwrap(), &records[31]);
}

#[test]
fn steps_and_groups_are_walked_by_their_first_completion() {
    let mut transcripts = Transcripts::new();
    for record in story::run(4, 3) {
        transcripts.push(record);
    }
    let at = |transcripts: &Transcripts| {
        let record = transcripts.selected().unwrap();
        (record.step, record.group, record.index)
    };
    let mut walk = |keys: &str| {
        press(&mut transcripts, keys);
        at(&transcripts)
    };
    assert_eq!(walk("g"), (1, 0, 0));
    assert_eq!(walk("]"), (1, 1, 0));
    assert_eq!(walk("}"), (2, 0, 0));
    assert_eq!(walk("jjj]"), (2, 1, 0));
    assert_eq!(walk("]}"), (3, 0, 0));
    assert_eq!(walk("]]"), (3, 2, 0));
    assert_eq!(walk("{"), (2, 0, 0));
    assert_eq!(walk("["), (1, 2, 0));
    assert_eq!(walk("j["), (1, 1, 0));
    assert_eq!(walk("G"), (4, 2, 7));
    assert_eq!(walk("}"), (4, 2, 7), "there is no step after the last");
    assert_eq!(walk("g{"), (1, 0, 0));
    assert_eq!(walk("k"), (1, 0, 0));
}

#[test]
fn filters_show_what_they_say_and_keep_the_place() {
    let records = story::run(10, 4);
    for (key, filter) in ('1'..='5').zip(Filter::ALL) {
        let mut transcripts = Transcripts::new();
        for record in &records {
            transcripts.push(Arc::clone(record));
        }
        press(&mut transcripts, &format!("g{key}"));
        let mut seen = Vec::new();
        loop {
            seen.push(Arc::clone(transcripts.selected().unwrap()));
            press(&mut transcripts, "j");
            if transcripts.selected() == seen.last() {
                break;
            }
        }
        let expected: Vec<_> = records.iter().filter(|record| filter.passes(record)).cloned().collect();
        assert!(!expected.is_empty());
        assert_eq!(seen, expected, "{filter:?}");
    }
    let mut transcripts = Transcripts::new();
    for record in &records {
        transcripts.push(Arc::clone(record));
    }
    press(&mut transcripts, "[2");
    let chosen = Arc::clone(transcripts.selected().unwrap());
    press(&mut transcripts, "1");
    assert_eq!(transcripts.selected(), Some(&chosen));
}

#[test]
fn search_finds_all_of_them_in_turn_and_gives_up_cleanly() {
    let records = story::run(8, 3);
    let mut transcripts = Transcripts::new();
    for record in &records {
        transcripts.push(Arc::clone(record));
    }
    press(&mut transcripts, "gjj");
    let origin = Arc::clone(transcripts.selected().unwrap());
    press(&mut transcripts, "/start over\u{1b}");
    assert_eq!(transcripts.selected(), Some(&origin));
    assert!(!transcripts.captures_text());

    let expected: Vec<_> = records.iter().filter(|record| record.completion.contains("start over")).collect();
    assert!(expected.len() > 3);
    press(&mut transcripts, "g/start overx\u{8}\n");
    let mut seen = Vec::new();
    for _ in 0..expected.len() {
        seen.push(Arc::clone(transcripts.selected().unwrap()));
        press(&mut transcripts, "n");
    }
    assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
    assert_eq!(transcripts.selected(), Some(expected[0]), "round the end");
    press(&mut transcripts, "N");
    assert_eq!(transcripts.selected(), expected.last().copied());
}

#[test]
fn the_oldest_steps_give_way_and_are_counted() {
    let mut transcripts = Transcripts::with_capacity(50);
    for record in story::run(6, 2) {
        transcripts.push(record);
    }
    assert_eq!((transcripts.len(), transcripts.runs.shown().completions.dropped()), (48, 48));
    let shown = text(&draw(&mut transcripts, &Theme::colored(), 120, 36));
    assert!(shown.contains("48 older ones dropped") && shown.contains("48 of 48"), "{shown}");
    press(&mut transcripts, "g");
    assert_eq!(transcripts.selected().unwrap().step, 4);
}

#[test]
fn a_resampled_completion_replaces_the_old_one() {
    let mut transcripts = Transcripts::new();
    for record in story::run(2, 2).into_iter().chain(story::run(2, 2)) {
        transcripts.push(record);
    }
    assert_eq!(transcripts.len(), 32);
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let mut in_order = filled();
    let mut records = story::run(14, 4);
    let mut dice = story::Dice::new(5);
    for at in (1..records.len()).rev() {
        records.swap(at, dice.below(at as u64 + 1) as usize);
    }
    let mut shuffled = Transcripts::new();
    for record in records {
        shuffled.push(record);
        if dice.below(9) == 0 {
            draw(&mut shuffled, &Theme::colored(), 80, 24);
        }
    }
    let theme = Theme::colored();
    for transcripts in [&mut in_order, &mut shuffled] {
        press(transcripts, "oog");
        draw(transcripts, &theme, 120, 36);
        press(transcripts, "]]]jj");
    }
    assert_eq!(draw(&mut in_order, &theme, 120, 36), draw(&mut shuffled, &theme, 120, 36));
}

#[test]
fn the_mouse_chooses_filters_rows_and_panes() {
    let mut transcripts = filled();
    let theme = Theme::colored();
    let shown = text(&draw(&mut transcripts, &theme, 120, 36));
    let bar = shown.lines().next().unwrap();
    let right = u16::try_from(bar.find("right").unwrap()).unwrap();
    transcripts.point(Gesture::Click, right, 0);
    draw(&mut transcripts, &theme, 120, 36);
    transcripts.point(Gesture::Click, 80, 20);
    assert_eq!(transcripts.screen.focus(), Focus::Detail);
    transcripts.point(Gesture::Click, 5, 8);
    assert_eq!(transcripts.screen.focus(), Focus::List);
    let row = text(&draw(&mut transcripts, &theme, 120, 36)).lines().nth(8).unwrap().to_owned();
    let record = transcripts.selected().unwrap();
    assert!(
        record.is_right() && row.contains(&format!("{:>4}", record.completion.split(' ').count())),
        "{row}"
    );
    let before = Arc::clone(record);
    transcripts.point(Gesture::Up, 5, 8);
    assert_ne!(transcripts.selected(), Some(&before));
}

#[test]
fn every_match_can_be_brought_into_sight() {
    let mut record = story::completion(14, 0, 0);
    record.completion = " first , 1 + 1 = 2 .".repeat(40) + " check : found here .";
    let mut transcripts = Transcripts::new();
    transcripts.push(Arc::new(record));
    let theme = Theme::colored();
    for keys in ["/found\n", "v"] {
        press(&mut transcripts, keys);
        let buffer = draw(&mut transcripts, &theme, 80, 12);
        assert!(text(&buffer).contains("found here"), "{}", text(&buffer));
        let style = Theme::colored().search_match;
        let marked = buffer
            .content()
            .iter()
            .filter(|cell| Some(cell.fg) == style.fg && cell.modifier.contains(style.add_modifier));
        assert_eq!(marked.count(), "found".len());
    }
}

#[test]
fn strange_records_do_not_bring_the_screen_down() {
    let mut transcripts = Transcripts::new();
    for (index, completion) in
        ["", " ", "\n\n", "日本語 🙂\u{1b}[2J\u{7}", "e\u{301}<answer><answer></think>"].iter().enumerate()
    {
        let mut record = story::completion(12, 0, index);
        record.completion = (*completion).to_owned();
        record.reward = [f64::NAN, f64::INFINITY, -1e300, 0.0, 5.0][index];
        record.advantage = Some([f64::NAN, f64::NEG_INFINITY, 1e300, -0.0, 12345.6][index]);
        record.step = u64::MAX;
        record.group = usize::MAX - 1;
        record.problem.puzzle = NumberPuzzle { numbers: vec![i64::MIN; 9], target: i64::MAX }.into();
        transcripts.push(Arc::new(record));
    }
    for _ in 0..6 {
        for (width, height) in SIZES {
            let shown = text(&draw(&mut transcripts, &Theme::colored(), width, height));
            assert!(!shown.chars().any(|character| character.is_control() && character != '\n'));
        }
        press(&mut transcripts, "kv/日\n");
    }
}

fn any_action() -> impl Strategy<Value = Action> {
    let keyed: Vec<Action> = KEYS.iter().map(|row| row.action).collect();
    prop_oneof![
        12 => proptest::sample::select(keyed),
        2 => proptest::sample::select(vec!['c', 'h', 'e', ' ', ':', '1', 'X', 'é']).prop_map(Action::SearchInput),
        1 => proptest::sample::select(vec![
            Action::SearchErase, Action::SearchEraseAll, Action::SearchAccept, Action::SearchCancel,
        ]),
        1 => (0u16..130, 0u16..40).prop_map(|(column, row)| Action::Click { column, row }),
        1 => (0u16..130, 0u16..40, any::<bool>())
            .prop_map(|(column, row, down)| Action::Wheel { column, row, down }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_actions_at_any_size_are_safe(
        actions in proptest::collection::vec(any_action(), 1..60),
        (width, height) in prop_oneof![Just((1, 1)), (1u16..130, 1u16..40)],
        records in 0usize..80,
        capacity in prop_oneof![Just(10usize), Just(1000)],
    ) {
        let theme = Theme::colored();
        let mut transcripts = Transcripts::with_capacity(capacity);
        let mut arriving = story::run(4, 3).into_iter().take(records);
        for (at, action) in actions.into_iter().enumerate() {
            if at % 2 == 0 {
                for record in arriving.by_ref().take(3) {
                    transcripts.push(record);
                }
            }
            let said = transcripts.update(action);
            if at % 3 == 0 {
                draw(&mut transcripts, &theme, width, height);
            }
            // What cannot be searched for is said, and stays to be mended.
            let goes_on = transcripts.captures_text() && action == Action::SearchAccept;
            prop_assert!(!goes_on || matches!(said, Some(Effect::Say(..))), "{said:?}");
        }
        draw(&mut transcripts, &theme, width, height);
    }
}

#[test]
fn an_area_outside_the_frame_is_left_alone() {
    let mut transcripts = filled();
    for area in [Rect::new(0, 0, 0, 0), Rect::new(30, 9, 10, 10), Rect::new(10, 3, 100, 100)] {
        transcripts.draw(Some(area), &Theme::colored(), 20, 5);
    }
}

#[test]
fn no_key_is_in_the_table_twice() {
    let mut chords: Vec<_> = KEYS.iter().flat_map(|row| row.chords).collect();
    let before = chords.len();
    chords.sort_by_key(|chord| format!("{chord:?}"));
    chords.dedup();
    assert_eq!(chords.len(), before);
}

#[test]
fn several_answers_are_counted_and_the_graded_one_is_named() {
    let shown = |completion: &str, answer: &str| {
        let mut transcripts = Transcripts::new();
        let mut started = Script::new(1).started("runs/x".into(), 0);
        started.config = Config::default().with([format!("answer={answer}")]).unwrap();
        transcripts.runs.shown_mut().hear(Event::Started(Box::new(started)));
        let record = Rollout { completion: completion.into(), ..story::completion(1, 0, 0) };
        transcripts.push(Arc::new(record));
        text(&draw(&mut transcripts, &Theme::plain(), 140, 36))
    };
    let twice = " <answer> 1 </answer> or rather <answer> 2 </answer>";
    assert!(shown(twice, "last").contains("2 answers, the last is graded"));
    assert!(shown(twice, "first").contains("2 answers, the first is graded"));
    assert!(shown(&format!("{twice} <answer> 3"), "last").contains("3 answers, the last is graded"));
    assert!(!shown(" <answer> 1 </answer>", "last").contains("answers, the"));
}
