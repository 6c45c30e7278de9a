//! Pictures of the Playground with their styles, and what its keys do.

use aha_lab::tui::screens::playground::Playground;
use aha_lab::{
    engine::scripted::Script,
    protocol::{
        Command, Event, RunFacts,
        side::{
            Answer, Answering, Arm, Edit, JobEnd, ModelName, Models, Resampled, SideCommand, SideEvent,
            SideJob, Source, WrittenToken,
        },
    },
    record::NumberPuzzle,
    tui::{
        screens::playground::Zone,
        shell::{
            app::{Action, App},
            theme::Theme,
            update::update,
        },
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::at::at;
use crate::picture::{SIZES, draw, picture, text};

fn press(app: &mut App, code: KeyCode) -> Vec<Command> {
    let orders = update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    orders.into_iter().map(|order| order.command).collect()
}

fn keys(app: &mut App, text: &str) {
    for character in text.chars() {
        press(app, KeyCode::Char(character));
    }
}

/// What the side engine was asked since the last time.
fn asked(app: &mut App) -> Vec<SideCommand> {
    std::mem::take(&mut app.asked).into_iter().map(|(_, command)| command).collect()
}

fn job(app: &mut App) -> (u64, SideJob) {
    match asked(app).pop() {
        Some(SideCommand::Job { id, job }) => (id, job),
        other => panic!("{other:?}"),
    }
}

fn tell(app: &mut App, event: SideEvent) {
    update(app, Action::Side(0, event));
}

/// The Playground of a run with these models.
fn playground(theme: Theme, names: &[ModelName], now: Option<u64>) -> App {
    let script = Script::new(7);
    let mut app = App::new(
        theme,
        if now.is_some() { RunFacts::of_our_engine() } else { RunFacts::of_our_files(false) },
    );
    let started = script.started("runs/20260101-120000-test".into(), 31);
    update(&mut app, Action::Engine(0, Event::Started(Box::new(started))));
    press(&mut app, KeyCode::F(8));
    assert_eq!(app.in_front().name(), "Playground");
    assert!(asked(&mut app).contains(&SideCommand::Models));
    let models = Models { names: names.to_vec(), base: ModelName::Embedded, now };
    tell(&mut app, SideEvent::Models(Ok(models)));
    app
}

const ALL: [ModelName; 4] =
    [ModelName::Embedded, ModelName::Checkpoint(0), ModelName::Checkpoint(20), ModelName::Now];

const BASE: &str = " first , 4 + 1 = 5 , 16 + 5 = 21 . </think> <answer> 16 + ( 4 + 1 ) </answer>";
const NOW: &str = " first , 4 + 1 = 5 , 16 + 5 = 21 . wait , 21 is not 19 . try again : 4 + 16 = 20 , 20 - 1 = 19 . \
     check : 19 , yes . </think> <answer> ( 4 + 16 ) - 1 </answer>";

fn tokens(text: &str) -> Vec<WrittenToken> {
    let word = |(id, word): (usize, &str)| WrittenToken {
        id: id as u32,
        text: format!(" {word}"),
        source: Source::Model,
    };
    text.split_whitespace().enumerate().map(word).collect()
}

fn end() -> WrittenToken {
    WrittenToken { id: 1, text: String::new(), source: Source::End }
}

fn verdict(correct: bool, value: &str, tokens: usize) -> Box<Answer> {
    Box::new(Answer {
        reward: if correct { 1.0 } else { 0.1 },
        correct,
        answer: Some("16 + ( 4 + 1 )".into()),
        value: Some(value.into()),
        reason: if correct {
            "The expression uses every number once and equals the target.".into()
        } else {
            format!("The expression equals {value}, and the target is 19.")
        },
        tokens,
        thought: tokens - 8,
        forced: false,
        waits: 0,
        truncated: false,
    })
}

/// Both answer, whole or in part.
fn answering(app: &mut App, whole: bool) -> u64 {
    press(app, KeyCode::Enter);
    let (id, job) = job(app);
    assert!(matches!(job, SideJob::Play(_)));
    let who = |model, step| Answering { model, step: Some(step), prompt: String::new(), unknown: Vec::new() };
    let sides = [who(ModelName::Embedded, 0), who(ModelName::Now, 31)];
    tell(app, SideEvent::Answering { job: id, sides });
    for (side, text) in [BASE, NOW].into_iter().enumerate() {
        let mut tokens = tokens(text);
        if whole {
            tokens.push(end());
        } else {
            tokens.truncate(16);
        }
        let count = tokens.len();
        for token in tokens {
            tell(app, SideEvent::Written { job: id, side, token });
        }
        if whole {
            let answer = verdict(side == 1, if side == 1 { "19" } else { "21" }, count);
            tell(app, SideEvent::Answered { job: id, side, answer });
        }
    }
    if whole {
        tell(app, SideEvent::Ended { job: id, how: JobEnd::Done });
    }
    id
}

fn pictures(name: &str, app: &mut App) {
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), picture(&draw(app, width, height)));
    }
}

/// An answer of B whose first wait was left out, with its figures.
fn changed(theme: Theme) -> App {
    let mut app = playground(theme, &ALL, Some(31));
    let play = answering(&mut app, true);
    press(&mut app, KeyCode::Char('b'));
    assert_eq!(at::<Playground>(&app).zone, Zone::Answer(1));
    press(&mut app, KeyCode::Backspace);
    let (id, job) = job(&mut app);
    let SideJob::Resample(request) = job else { panic!("{job:?}") };
    let wait = tokens(NOW).iter().position(|token| token.text == " wait").unwrap();
    assert_eq!((request.of, request.side, request.before.len(), request.samples), (play, 1, wait, 32));
    assert_eq!(request.edit, Edit::Delete(wait as u32));
    tell(&mut app, SideEvent::Progress { job: id, done: 12, total: 64 });
    let screen = text(&draw(&mut app, 120, 36));
    assert!(screen.contains("12 of 64"), "{screen}");
    let arm = |right, mean_length| Arm { samples: 32, right, mean_length, forced: 0 };
    let result = Resampled { original: arm(27, 58.2), edited: arm(12, 41.4), again: Some(9) };
    tell(&mut app, SideEvent::Resampled { job: id, result: Box::new(result) });
    tell(&mut app, SideEvent::Ended { job: id, how: JobEnd::Done });
    app
}

#[test]
fn before_anything_is_asked() {
    pictures("playground_fields", &mut playground(Theme::colored(), &ALL, Some(31)));
}

#[test]
fn two_answers_being_written_and_written() {
    let mut app = playground(Theme::colored(), &ALL, Some(31));
    answering(&mut app, false);
    insta::assert_snapshot!("playground_writing_120x36", picture(&draw(&mut app, 120, 36)));
    let mut app = playground(Theme::colored(), &ALL, Some(31));
    answering(&mut app, true);
    pictures("playground_answers", &mut app);
    insta::assert_snapshot!("playground_stacked_60x30", picture(&draw(&mut app, 60, 30)));
}

#[test]
fn an_answer_changed_at_one_token() {
    pictures("playground_change", &mut changed(Theme::colored()));
    insta::assert_snapshot!(
        "playground_no_color_80x24",
        picture(&draw(&mut changed(Theme::plain()), 80, 24))
    );
    let ascii = Theme { ascii: true, ..Theme::plain() };
    let screen = text(&draw(&mut changed(ascii), 80, 24));
    assert!(screen.is_ascii(), "{screen}");
}

#[test]
fn a_forced_answer_and_waits_that_were_put_in_say_so() {
    let mut app = playground(Theme::colored(), &ALL, Some(31));
    press(&mut app, KeyCode::Enter);
    let (job, _) = job(&mut app);
    let written = |app: &mut App, token| tell(app, SideEvent::Written { job, side: 0, token });
    let put = |text: &str| WrittenToken { id: 9, text: text.into(), source: Source::Put };
    tokens("4 + 1 = 5 . </think>").into_iter().for_each(|token| written(&mut app, token));
    tell(&mut app, SideEvent::TakenBack { job, side: 0, kept: 6 });
    [" wait", " ,"].into_iter().for_each(|text| written(&mut app, put(text)));
    tokens("16 + 5").into_iter().for_each(|token| written(&mut app, token));
    [" </think>", " <answer>"].into_iter().for_each(|text| written(&mut app, put(text)));
    tokens("16 + 4 - 1 </answer>").into_iter().for_each(|token| written(&mut app, token));
    let answer = Answer { forced: true, waits: 1, thought: 11, ..*verdict(true, "19", 18) };
    tell(&mut app, SideEvent::Answered { job, side: 0, answer: Box::new(answer) });
    let screen = text(&draw(&mut app, 120, 36));
    assert!(screen.contains("4 + 1 = 5 . {wait ,} 16 + 5 {</think> <answer>}"), "{screen}");
    assert!(screen.contains("answer forced") && screen.contains("inserted waits: 1"), "{screen}");
}

#[test]
fn what_is_typed_is_judged_as_it_is_typed() {
    let mut app = playground(Theme::colored(), &ALL, Some(31));
    let shows = |app: &mut App, words: &str| {
        let screen = text(&draw(app, 120, 36));
        assert!(screen.contains(words), "{words}:\n{screen}");
    };
    shows(&mut app, "a solution exists");
    press(&mut app, KeyCode::Char('i'));
    shows(&mut app, "numbers 4 1 16▌");
    keys(&mut app, " x");
    shows(&mut app, "'4 1 16 x' is not 2 to 6 whole numbers");
    press(&mut app, KeyCode::Enter);
    assert!(app.in_front().captures_text(), "refused, and still being typed");
    press(&mut app, KeyCode::Esc);
    shows(&mut app, "numbers 4 1 16 ");
    // A whole puzzle, which nothing solves.
    press(&mut app, KeyCode::Char('i'));
    (0..6).for_each(|_| drop(press(&mut app, KeyCode::Backspace)));
    keys(&mut app, "3, 7, 25 = 78");
    press(&mut app, KeyCode::Enter);
    shows(&mut app, "target 78");
    shows(&mut app, "no solution exists; the nearest reachable value is 82 = ");
    // Every other field, by typing and by its neighbours.
    for (typed, shown) in [
        ("83", "target 83"),
        ("20", "A checkpoint 20"),
        ("base", "B embedded base"),
        ("0.7", "temperature 0.7"),
    ] {
        press(&mut app, KeyCode::Right);
        press(&mut app, KeyCode::Char('i'));
        keys(&mut app, typed);
        press(&mut app, KeyCode::Enter);
        shows(&mut app, shown);
    }
    press(&mut app, KeyCode::Right);
    press(&mut app, KeyCode::Char('i'));
    keys(&mut app, "off");
    press(&mut app, KeyCode::Enter);
    shows(&mut app, "thinking budget off");
    press(&mut app, KeyCode::Right);
    press(&mut app, KeyCode::Up);
    press(&mut app, KeyCode::Up);
    shows(&mut app, "keep thinking 2x");
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Up);
    shows(&mut app, "pace 80/s");
    press(&mut app, KeyCode::Enter);
    let (_, job) = job(&mut app);
    let SideJob::Play(request) = job else { panic!("{job:?}") };
    let asked = NumberPuzzle { numbers: vec![3, 7, 25], target: 83 };
    assert_eq!(NumberPuzzle::of(&request.puzzle), Some(asked));
    assert_eq!(request.models, [ModelName::Checkpoint(20), ModelName::Embedded]);
    let options = request.options;
    assert_eq!((options.temperature, options.budget, options.keep_thinking), (0.7, None, 2));
    assert_eq!((options.seed, options.pace), (0, Some(80)));
}

#[test]
fn what_cannot_be_done_is_said() {
    // A screen without a side engine.
    let mut app = App::new(Theme::colored(), RunFacts::of_our_engine());
    press(&mut app, KeyCode::F(8));
    asked(&mut app);
    update(&mut app, Action::SideGone(0));
    press(&mut app, KeyCode::Enter);
    assert!(asked(&mut app).is_empty());
    insta::assert_snapshot!("playground_nobody_80x24", picture(&draw(&mut app, 80, 24)));
    // A run without checkpoints.
    let mut app = playground(Theme::colored(), &[ModelName::Embedded], None);
    let screen = text(&draw(&mut app, 120, 36));
    assert!(screen.contains("this run has no checkpoints: only the embedded base can answer"), "{screen}");
    press(&mut app, KeyCode::Backspace);
    assert!(app.message.as_ref().unwrap().text.contains("Go to an answer's tokens first"));
    press(&mut app, KeyCode::Char('a'));
    assert!(app.message.as_ref().unwrap().text.contains("Nothing written there yet"));
    // A job that fails, and one that is given up.
    press(&mut app, KeyCode::Enter);
    let (id, _) = job(&mut app);
    let how = JobEnd::Failed("checkpoints/step-000020 is damaged.".into());
    tell(&mut app, SideEvent::Ended { job: id, how });
    assert!(text(&draw(&mut app, 80, 24)).contains("step-000020 is damaged."));
    press(&mut app, KeyCode::Enter);
    let (id, _) = job(&mut app);
    press(&mut app, KeyCode::Esc);
    assert_eq!(asked(&mut app), [SideCommand::Cancel { id }]);
    // Words that the model does not have.
    let unknown = vec!["100".to_owned()];
    let who = Answering { model: ModelName::Embedded, step: Some(0), prompt: String::new(), unknown };
    tell(&mut app, SideEvent::Answering { job: id, sides: [who.clone(), who] });
    assert!(text(&draw(&mut app, 120, 36)).contains("A has no word for 100 and sees an unknown token there"));
    // What an older job tells is passed over.
    let token = tokens("stray").remove(0);
    tell(&mut app, SideEvent::Written { job: id - 1, side: 0, token });
    assert!(app.run().desk.panes[0].tokens.is_empty());
}

#[test]
fn the_cursor_goes_token_by_token_and_line_by_line() {
    let mut app = playground(Theme::colored(), &ALL, Some(31));
    answering(&mut app, true);
    press(&mut app, KeyCode::Char('b'));
    let wait = tokens(NOW).iter().position(|token| token.text == " wait").unwrap();
    let cursor = |app: &App| at::<Playground>(app).cursor(1, &app.run().desk);
    assert_eq!(cursor(&app), wait, "the first wait is what one most likely wants");
    press(&mut app, KeyCode::Home);
    draw(&mut app, 80, 24);
    press(&mut app, KeyCode::Right);
    press(&mut app, KeyCode::Down);
    let below = cursor(&app);
    assert!(below > 2, "{below}");
    press(&mut app, KeyCode::Up);
    assert_eq!(cursor(&app), 1, "as far from the beginning of its line as it was");
    press(&mut app, KeyCode::Left);
    assert_eq!(cursor(&app), 0);
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Backspace);
    assert!(app.message.as_ref().unwrap().text.contains("This is the end"));
    press(&mut app, KeyCode::Char('I'));
    let (_, first) = job(&mut app);
    assert!(matches!(&first, SideJob::Resample(request) if request.edit == Edit::Wait), "{first:?}");
    press(&mut app, KeyCode::Char('i'));
    keys(&mut app, "hmm ,");
    press(&mut app, KeyCode::Enter);
    let (_, second) = job(&mut app);
    let text = Edit::Insert("hmm ,".into());
    assert!(matches!(&second, SideJob::Resample(request) if request.edit == text), "{second:?}");
    // Space pauses training from here, as everywhere.
    assert_eq!(press(&mut app, KeyCode::Char(' ')), [Command::Pause]);
}
