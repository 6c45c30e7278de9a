//! The Runs screen: all runs of the folder, which to open, compare and fork.

use std::path::PathBuf;

use aha_lab::{
    config::Config,
    protocol::RunFacts,
    record::ForkPoint,
    runs::{
        notes::Notes,
        overview::{HeldOut, Overview, RunState},
    },
    tui::{
        screens::runs::Runs,
        shell::{
            app::{Action, App},
            effect::Effect,
            theme::Theme,
            update::update,
        },
        store::shelf::{Fork, Shelf},
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::picture::{SIZES, draw, picture, text};

/// A run whose accuracy rises to this.
fn run(name: &str, reached: f64, settings: &[&str]) -> Overview {
    let config = Config::default().with(settings).unwrap();
    Overview {
        name: name.into(),
        path: PathBuf::from("runs").join(name),
        task: "countdown".into(),
        level: config.get("level").unwrap(),
        model: "0123456789abcdef".into(),
        preset: config.get("preset").unwrap(),
        seed: config.get("seed").unwrap().parse().ok(),
        steps: 30,
        accuracies: (0..30).map(|step| 0.1 + (reached - 0.1) * f64::from(step) / 29.0).collect(),
        best_held_out: Some(HeldOut { accuracy: reached, step: 30 }),
        state: RunState::Finished,
        parent: None,
        checkpoints: vec![10, 20, 30],
        config: Some(Box::new(config)),
        engine: None,
        notes: Notes::default(),
        bytes: 12_400_000,
        troubles: Vec::new(),
    }
}

fn runs() -> Vec<Overview> {
    let mut forked = run("2026-01-03T09-00-00-lower-rate", 0.71, &["seed=1", "learning_rate=0.0001"]);
    forked.parent = Some(ForkPoint { run: "2026-01-01T09-00-00-seed1".into(), step: 20 });
    let elsewhere = Overview {
        task: String::new(),
        level: String::new(),
        preset: String::new(),
        seed: None,
        best_held_out: None,
        accuracies: vec![f64::NAN; 5],
        state: RunState::Live,
        checkpoints: Vec::new(),
        config: None,
        engine: Some("TRL"),
        troubles: vec!["completions_00003.parquet is skipped: it is cut off.".into()],
        ..run("trained-elsewhere", 0.3, &[])
    };
    let failed = Overview { state: RunState::Failed, ..run("2026-01-02T09-00-00-seed2", 0.58, &["seed=2"]) };
    forked.notes = Notes { name: "calmer".into(), tags: vec!["paper".into()], note: "Steadier.".into() };
    vec![elsewhere, forked, failed, run("2026-01-01T09-00-00-seed1", 0.64, &["seed=1"])]
}

fn with(theme: Theme, runs: Vec<Overview>) -> App {
    let mut app = App::new(theme, RunFacts::of_our_files(false));
    app.shelf = Shelf::of("runs".into());
    app.bring::<Runs>();
    app.shelf.begin();
    for run in runs {
        update(&mut app, Action::Shelved(Some(Box::new(run))));
    }
    update(&mut app, Action::Shelved(None));
    draw(&mut app, 120, 36);
    app.effects.clear();
    app
}

fn press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    draw(app, 120, 36);
    std::mem::take(&mut app.effects)
}

fn typed(app: &mut App, words: &str) -> Vec<Effect> {
    words.chars().flat_map(|c| press(app, KeyCode::Char(c))).collect()
}

#[test]
fn the_list_at_every_size() {
    for (width, height) in SIZES {
        let mut app = with(Theme::colored(), runs());
        insta::assert_snapshot!(format!("runs_{width}x{height}"), picture(&draw(&mut app, width, height)));
        let shown = text(&draw(&mut app, width, height));
        assert!(!shown.contains("NaN") && shown.contains("seed1"), "{shown}");
    }
    let mut app = with(Theme { ascii: true, ..Theme::plain() }, runs());
    assert!(text(&draw(&mut app, 120, 36)).is_ascii());
}

#[test]
fn marked_runs_stand_side_by_side_with_the_keys_that_differ() {
    let mut app = with(Theme::colored(), runs());
    press(&mut app, KeyCode::Char('v'));
    assert!(app.message.take().unwrap().text.contains("mark two runs"));
    for _ in 0..4 {
        press(&mut app, KeyCode::Char('m'));
    }
    press(&mut app, KeyCode::Char('v'));
    let shown = picture(&draw(&mut app, 120, 36));
    insta::assert_snapshot!("runs_compared", shown);
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("learning_rate") && shown.contains("0.0001") && !shown.contains("group_size"));
    assert_eq!(press(&mut app, KeyCode::Enter).len(), 1, "all that are marked are opened at once");
}

#[test]
fn words_leave_what_has_them_and_forks_stand_below_their_parents() {
    let mut app = with(Theme::colored(), runs());
    typed(&mut app, "fseed1");
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("seed1") && shown.contains("calmer"), "{shown}");
    assert!(!shown.contains("seed2") && !shown.contains("elsewhere"), "{shown}");
    press(&mut app, KeyCode::Enter);
    typed(&mut app, "t");
    let shown = text(&draw(&mut app, 120, 36));
    let (parent, fork) = (shown.find(" seed1").unwrap(), shown.find("└@20 calmer").unwrap());
    assert!(parent < fork, "{shown}");
    typed(&mut app, "f");
    press(&mut app, KeyCode::Esc);
    assert!(text(&draw(&mut app, 120, 36)).contains("elsewhere"), "all again");
}

#[test]
fn a_fork_names_a_checkpoint_and_keys_and_what_is_wrong_is_said_and_kept() {
    let mut app = with(Theme::colored(), runs());
    press(&mut app, KeyCode::Char('F'));
    assert!(app.message.take().unwrap().text.contains("only a run of this program"));
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Char('F'));
    let shown = text(&draw(&mut app, 120, 36));
    assert!(shown.contains("fork from step 30"), "{shown}");
    for (more, wrong) in
        [("learning_rat=1", "learning_rat"), ("x", "key=value"), ("learning_rate=-3", "learning_rate")]
    {
        typed(&mut app, more);
        assert_eq!(press(&mut app, KeyCode::Enter), []);
        let said = app.message.take().unwrap().text;
        assert!(said.contains(wrong), "{more}: {said}");
        more.chars().for_each(|_| drop(press(&mut app, KeyCode::Backspace)));
    }
    typed(&mut app, "learning_rate=1e-4 steps=130");
    let effects = press(&mut app, KeyCode::Enter);
    let keys = vec![("learning_rate".to_owned(), "1e-4".to_owned())];
    let run = PathBuf::from("runs/2026-01-01T09-00-00-seed1");
    assert_eq!(effects, [Effect::Fork(Box::new(Fork { run, step: 30, last_step: Some(130), keys }))]);
}

#[test]
fn a_click_goes_to_a_run_and_enter_opens_it() {
    let mut app = with(Theme::colored(), runs());
    let shown = text(&draw(&mut app, 120, 36));
    let row = shown.lines().position(|line| line.contains(" seed2")).unwrap() as u16;
    let kind = MouseEventKind::Down(MouseButton::Left);
    update(&mut app, Action::Mouse(MouseEvent { kind, column: 10, row, modifiers: KeyModifiers::NONE }));
    let effects = press(&mut app, KeyCode::Enter);
    assert_eq!(effects, [Effect::Open(vec!["runs/2026-01-02T09-00-00-seed2".into()])]);
}

#[test]
fn an_empty_folder_and_one_that_cannot_be_read_say_so() {
    let mut app = with(Theme::colored(), Vec::new());
    assert!(text(&draw(&mut app, 80, 24)).contains("there is no run in runs"));
    app.shelf.fail("Cannot list the folder runs: permission denied.".into());
    assert!(text(&draw(&mut app, 80, 24)).contains("permission denied"));
    for key in "mFftvo=#i".chars() {
        press(&mut app, KeyCode::Char(key));
        press(&mut app, KeyCode::Enter);
    }
}

#[test]
fn a_name_tags_and_a_note_are_typed_and_a_run_is_deleted_after_a_question() {
    let mut app = with(Theme::colored(), runs());
    press(&mut app, KeyCode::Char('='));
    assert!(app.message.take().unwrap().text.contains("only runs of this program"));
    press(&mut app, KeyCode::Down);
    let path = PathBuf::from("runs/2026-01-03T09-00-00-lower-rate");
    let mut notes = Notes { name: "calmer".into(), tags: vec!["paper".into()], note: "Steadier.".into() };
    typed(&mut app, "#, 2026");
    notes.tags.push("2026".into());
    assert_eq!(press(&mut app, KeyCode::Enter), [Effect::Note(path.clone(), Box::new(notes))]);
    typed(&mut app, "=/");
    assert_eq!(press(&mut app, KeyCode::Enter), [], "no name has a slash");
    assert!(text(&draw(&mut app, 120, 36)).contains("name: calmer/"), "and it can be mended");
    press(&mut app, KeyCode::Esc);
    press(&mut app, KeyCode::Delete);
    assert!(text(&draw(&mut app, 120, 36)).contains("gone for good"));
    assert_eq!(press(&mut app, KeyCode::Char('n')), []);
    press(&mut app, KeyCode::Delete);
    assert_eq!(press(&mut app, KeyCode::Char('y')), [Effect::Delete(path)]);
}
