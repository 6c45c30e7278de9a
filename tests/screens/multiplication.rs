//! Every screen on a run of another task: what is worded, marked and drawn for multiplication.

use crate::at::show;
use aha_lab::tui::screens::playground::Playground;
use aha_lab::{
    config::Config,
    engine::scripted::Script,
    eval::BaseReference,
    metrics::registry,
    protocol::{Event, RunFacts, Started},
    record::{NumberPuzzle, PinnedAnswer, Problem, Rollout},
    task,
    tui::shell::{
        app::{Action, App},
        theme::Theme,
        update::update,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::at::at;
use crate::picture::{SIZES, draw, picture, text};

const TASK: &str = "multiplication";

const GUESS: &str = " i guess 23 * 47 = 1071 . </think> <answer> 1071 </answer>";
const APART: &str = " split 47 = 40 + 7 : 23 * 40 = 920 , 23 * 7 = 161 , 920 + 161 = 1081 . </think> <answer> 1081 \
    </answer>";
const CHECKED: &str = " maybe 23 * 47 = 1051 . check : 20 * 47 = 940 , 3 * 47 = 141 , 940 + 141 = 1081 , not 1051 . so \
    1081 . </think> <answer> 1081 </answer>";
const EMPTY_CHECK: &str = " by parts : 23 * 47 = 23 * 50 - 23 * 3 = 1150 - 69 = 1081 . verify : 1081 , yes . </think> \
    <answer> 1081 </answer>";
const FALSE_CHECK: &str = " about 23 * 47 = 1084 . check : last digit 3 * 7 = 24 , ends in 4 , yes . wait , that is wrong \
    . 20 * 40 = 800 , 20 * 7 = 140 , 3 * 40 = 120 , 3 * 7 = 21 , 800 + 140 = 940 , 940 + 120 = 1060 , 1060 + 21";

fn answered(step: u64, index: usize, completion: &str) -> Rollout {
    let task = task::of_record(Some(TASK)).unwrap();
    let puzzle = task.assemble(vec![23, 47], None).unwrap();
    let score = task.score(&puzzle, completion, &Config::default().reward.rules());
    let tokens = completion.split_whitespace().count();
    Rollout {
        step,
        group: 0,
        index,
        problem: Problem { task: TASK.into(), prompt: task.prompt(&puzzle), puzzle: puzzle.clone() },
        analysis: task.analyze(&puzzle, completion),
        completion: completion.into(),
        token_ids: Some((0..tokens as u32).collect()),
        logprobs: Some(vec![-0.5; tokens]),
        entropies: Some(vec![0.3; tokens]),
        reward: score.reward,
        penalties: Default::default(),
        rewards: None,
        advantage: Some(score.reward - 0.6),
        correct: Some(score.correct),
        truncated: score.answer.is_none(),
    }
}

fn told(theme: Theme, screen: &str) -> App {
    let mut app = App::new(theme, RunFacts::of_our_files(false));
    let mut tell = |event| drop(update(&mut app, Action::Engine(0, event)));
    let mut config = Script::new(7).config;
    config.set("task", TASK).unwrap();
    tell(Event::Started(Box::new(Started {
        config,
        base: Some(BaseReference {
            reward: 0.21,
            well_formed: Some(1.0),
            accuracy: 0.12,
            mean_length: 23.4,
            checks: 0.05,
            self_corrections: 0.02,
            self_checking_share: 0.04,
            completions: 2000,
        }),
        ..Script::new(7).started("runs/20260101-120000-multiplication-lab-seed0".into(), 0)
    })));
    for step in 1..=30u64 {
        let mut metrics = Script::new(7).metrics(step);
        let decompositions = 0.05 + 1.3 / (1.0 + (-(step as f64 - 10.0) / 2.0).exp());
        metrics.set(&registry::DECOMPOSITIONS, decompositions);
        metrics.set(&registry::DECOMPOSING_SHARE, decompositions.min(1.0));
        let completions = [GUESS, APART, CHECKED, EMPTY_CHECK, FALSE_CHECK, GUESS];
        for (index, completion) in completions.iter().enumerate().filter(|_| step == 30) {
            tell(Event::RolloutScored(Box::new(answered(step, index, completion))));
        }
        tell(Event::StepDone(Box::new(metrics)));
    }
    for (step, completion) in [(0, GUESS), (30, APART)] {
        let record = answered(step, 0, completion);
        tell(Event::PinnedAnswered(Box::new(PinnedAnswer {
            step,
            tokens: record.token_ids().len(),
            task: record.problem.task,
            puzzle: record.problem.puzzle,
            reward: record.reward,
            correct: record.correct == Some(true),
            truncated: record.truncated,
            analysis: record.analysis,
            completion: record.completion,
        })));
    }
    show(&mut app, screen);
    app
}

fn press(app: &mut App, code: KeyCode) {
    update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
}

fn pictures(name: &str, screen: &str, prepare: fn(&mut App)) {
    for (width, height) in SIZES {
        let mut app = told(Theme::colored(), screen);
        draw(&mut app, width, height);
        prepare(&mut app);
        let name = format!("{name}_{width}x{height}");
        insta::assert_snapshot!(name, picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn live_shows_how_often_products_are_taken_apart() {
    pictures("live", "Live", |_| ());
}

#[test]
fn transcripts_word_the_puzzle_and_mark_the_rule() {
    pictures("transcripts", "Transcripts", |app| {
        press(app, KeyCode::Char('g'));
        (0..2).for_each(|_| press(app, KeyCode::Char('j')));
    });
}

#[test]
fn the_meter_says_what_taking_apart_is_worth() {
    pictures("meter", "Meter", |_| ());
}

/// Chooses a completion in Transcripts, then goes on to the screen.
fn search(theme: Theme, down: usize) -> App {
    let mut app = told(theme, "Transcripts");
    draw(&mut app, 120, 36);
    press(&mut app, KeyCode::Char('g'));
    (0..down).for_each(|_| press(&mut app, KeyCode::Char('j')));
    press(&mut app, KeyCode::F(5));
    app
}

#[test]
fn search_says_why_there_is_nothing_to_search_and_what_was_tried() {
    for (width, height) in SIZES {
        let mut app = search(Theme::colored(), 3);
        let name = format!("search_{width}x{height}");
        insta::assert_snapshot!(name, picture(&draw(&mut app, width, height)));
    }
    let mut plain = search(Theme::plain(), 1);
    insta::assert_snapshot!("search_ascii_80x24", picture(&draw(&mut plain, 80, 24)));
    for down in 0..8 {
        let shown = text(&draw(&mut search(Theme::colored(), down), 120, 36));
        assert!(shown.contains("Multiplication has no search tree"), "{shown}");
    }
}

#[test]
fn travel_sets_two_answers_side_by_side() {
    pictures("travel", "Travel", |_| ());
}

#[test]
fn the_microscope_names_the_factors() {
    pictures("microscope", "Microscope", |_| ());
}

#[test]
fn the_frontier_and_the_sentinel_are_no_other_than_elsewhere() {
    pictures("frontier", "Frontier", |_| ());
    pictures("sentinel", "Sentinel", |_| ());
}

#[test]
fn the_playground_takes_two_factors_and_knows_their_product() {
    pictures("playground", "Playground", |_| ());
    let app = told(Theme::colored(), "Playground");
    let mut form = at::<Playground>(&app).form.clone();
    form.enter("12 x 34", None).unwrap();
    assert_eq!(NumberPuzzle::of(&form.puzzle).unwrap().target, 408);
    form.enter("12 34 = 408", None).unwrap();
    let refused = form.enter("12 34 = 409", None).unwrap_err();
    assert_eq!(refused, "'12 34 = 409' is not a puzzle: 12 * 34 is 408, not 409.");
    assert!(form.enter("1 2 3 4", None).unwrap_err().contains("two whole numbers"));
}

#[test]
fn no_size_breaks_a_screen() {
    for screen in ["Live", "Transcripts", "Meter", "Travel", "Microscope"] {
        for (width, height) in [(1, 1), (7, 3), (20, 5), (33, 40), (200, 8)] {
            draw(&mut told(Theme::plain(), screen), width, height);
            draw(&mut search(Theme::plain(), 2), width, height);
        }
    }
}
