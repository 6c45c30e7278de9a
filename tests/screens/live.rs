//! Pictures of the screen with their styles, and what must hold for every key in every state.

use std::time::Duration;

use aha_lab::{
    config::Control,
    engine::scripted::Script,
    metrics::registry,
    protocol::{Capability, Command, Event, Phase, RunFacts, StepBy, Temporality},
    record::Step,
    tui::shell::{
        app::{Action, App},
        keys::{GLOBAL_KEYS, Intent},
        message::Level,
        theme::Theme,
        update::update,
    },
};
use ratatui::{
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind},
    style::Color,
};

use crate::picture::{draw, picture};

fn tell(app: &mut App, event: Event) {
    assert!(update(app, Action::Engine(0, event)).is_empty());
}

fn empty(theme: Theme) -> App {
    App::new(theme, RunFacts::of_our_engine())
}

/// Step 31 in the middle of sampling, after 30 steps.
fn mid_run(theme: Theme) -> App {
    with_steps(theme, RunFacts::of_our_engine(), 30, true)
}

fn with_steps(theme: Theme, facts: RunFacts, steps: u64, sampling: bool) -> App {
    let script = Script::new(7);
    let mut app = App::new(theme, facts);
    tell(&mut app, Event::Started(Box::new(script.started("runs/20260101-120000-test".into(), steps))));
    for step in 1..=steps {
        tell(&mut app, Event::StepDone(Box::new(script.metrics(step))));
    }
    let step = steps + 1;
    for index in 0..script.config.sampling.group_size {
        let puzzle = script.puzzle(step, 0);
        tell(&mut app, Event::CompletionStarted { step, group: 0, index, puzzle });
        let text = script.rollout(step, 0, index).completion;
        for token in text.split(' ').skip(1).take(40) {
            tell(&mut app, Event::Token { step, group: 0, index, text: format!(" {token}") });
        }
    }
    tell(&mut app, Event::PhaseChanged { step, phase: Phase::Sample, done: 72, total: 128 });
    if !sampling {
        for record in script.group(step, 0).into_iter().chain(script.group(step, 1)) {
            tell(&mut app, Event::RolloutScored(Box::new(record)));
        }
        tell(&mut app, Event::PhaseChanged { step, phase: Phase::Update, done: 3, total: 12 });
    }
    update(&mut app, Action::Clock(Duration::from_secs(11)));
    app
}

fn key(app: &mut App, code: KeyCode) -> Vec<Command> {
    let orders = update(app, Action::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    orders.into_iter().map(|order| order.command).collect()
}

#[test]
fn live_in_three_sizes() {
    for (width, height) in [(120, 36), (80, 24), (40, 12)] {
        let mut app = mid_run(Theme::colored());
        app.message = None;
        insta::assert_snapshot!(format!("live_{width}x{height}"), picture(&draw(&mut app, width, height)));
    }
}

#[test]
fn live_in_every_state() {
    let mut app = empty(Theme::colored());
    insta::assert_snapshot!("empty_120x36", picture(&draw(&mut app, 120, 36)));
    insta::assert_snapshot!("empty_80x24", picture(&draw(&mut app, 80, 24)));

    let facts = RunFacts::of_our_engine().without(Capability::Restart);
    let mut app = with_steps(Theme::colored(), facts, 30, false);
    tell(&mut app, Event::Temporality(Temporality::Paused));
    app.message = None;
    insta::assert_snapshot!("paused_120x36", picture(&draw(&mut app, 120, 36)));

    let reason = "the adapter was lost while the policy was being updated\n(wgpu: device lost)";
    tell(&mut app, Event::Failed(reason.into()));
    insta::assert_snapshot!("failed_80x24", picture(&draw(&mut app, 80, 24)));

    let mut app = with_steps(Theme::colored(), RunFacts::of_our_files(false), 30, false);
    tell(&mut app, Event::Finished { steps: 30, run: "runs/x".into() });
    insta::assert_snapshot!("finished_80x24", picture(&draw(&mut app, 80, 24)));
}

#[test]
fn a_failed_engine_that_can_be_started_again() {
    for (width, height) in [(120, 36), (80, 24), (40, 12)] {
        let mut app = with_steps(Theme::colored(), RunFacts::of_our_engine(), 30, false);
        tell(&mut app, Event::Failed("the adapter was lost while the policy was being updated".into()));
        insta::assert_snapshot!(
            format!("failed_again_{width}x{height}"),
            picture(&draw(&mut app, width, height))
        );
    }
}

#[test]
fn no_color_and_ascii() {
    let mut app = with_steps(Theme::plain(), RunFacts::of_our_engine(), 30, false);
    app.message = None;
    let buffer = draw(&mut app, 120, 36);
    for cell in &buffer.content {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
    insta::assert_snapshot!("no_color_120x36", picture(&buffer));

    let mut app = with_steps(Theme { ascii: true, ..Theme::plain() }, RunFacts::of_our_engine(), 30, false);
    app.message = None;
    for (width, height) in [(120, 36), (80, 24), (40, 12)] {
        for help in [false, true] {
            app.help = help.then_some(0);
            let buffer = draw(&mut app, width, height);
            let strange: Vec<&str> =
                buffer.content.iter().map(|cell| cell.symbol()).filter(|symbol| !symbol.is_ascii()).collect();
            assert!(strange.is_empty(), "{width}x{height} help {help}: {strange:?}");
        }
    }
    app.help = None;
    insta::assert_snapshot!("ascii_80x30", picture(&draw(&mut app, 80, 30)));
}

#[test]
fn help_names_every_key() {
    let mut app = mid_run(Theme::colored());
    key(&mut app, KeyCode::Char('?'));
    let mut all = picture(&draw(&mut app, 120, 400));
    all.retain(|c| c != '\n');
    let is_for_all = |action: Intent| !action.is_of_several_runs() && !action.is_of_playback();
    let everywhere = GLOBAL_KEYS.iter().filter(|row| is_for_all(row.action));
    let everywhere = everywhere.map(|row| (row.shown, row.help));
    let own: Vec<_> = app.screens().iter().flat_map(|screen| screen.keys()).collect();
    for (keys, help) in everywhere.chain(own) {
        assert!(all.contains(keys) && all.contains(help), "{keys}: {help}");
    }
    for screen in app.screens() {
        assert!(all.contains(&format!("{}: {}", screen.name(), screen.about())), "{}", screen.name());
    }
}

pub fn some_keys() -> Vec<KeyEvent> {
    let chords = GLOBAL_KEYS.iter().flat_map(|row| row.chords);
    let mut keys: Vec<KeyEvent> = chords
        .map(|chord| {
            let modifiers = if chord.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            KeyEvent::new(chord.code, modifiers)
        })
        .collect();
    let app = App::new(Theme::plain(), RunFacts::of_our_engine());
    keys.extend(app.screens().iter().flat_map(|screen| screen.chords()));
    keys.extend((2..=10).map(|number| KeyEvent::new(KeyCode::F(number), KeyModifiers::NONE)));
    let more = [KeyCode::Enter, KeyCode::Backspace, KeyCode::Delete, KeyCode::Char('é'), KeyCode::F(7)];
    keys.extend(more.map(|code| KeyEvent::new(code, KeyModifiers::NONE)));
    keys
}

/// A small generator, so that a failure can be repeated.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

#[test]
fn any_keys_at_any_size_in_any_state() {
    let keys = some_keys();
    let sizes = [(120, 36), (80, 24), (40, 12), (20, 6), (7, 3), (3, 2), (1, 1), (200, 4), (2, 60)];
    let start = [
        empty(Theme::colored()),
        mid_run(Theme::colored()),
        with_steps(Theme::plain(), RunFacts::of_our_files(true), 1, false),
        with_steps(Theme { ascii: true, ..Theme::colored() }, RunFacts::of_our_files(false), 120, false),
    ];
    for (seed, mut app) in start.into_iter().enumerate() {
        let mut dice = Dice(seed as u64 + 1);
        for _ in 0..1500 {
            let key = keys[dice.below(keys.len())];
            update(&mut app, Action::Key(key));
            app.leave = false;
            let (width, height) = sizes[dice.below(sizes.len())];
            if dice.below(4) == 0 {
                let left = MouseButton::Left;
                let kind = [
                    MouseEventKind::ScrollDown,
                    MouseEventKind::ScrollUp,
                    MouseEventKind::Moved,
                    MouseEventKind::Down(left),
                    MouseEventKind::Drag(left),
                ][dice.below(5)];
                let (column, row) = (dice.below(130) as u16, dice.below(40) as u16);
                update(
                    &mut app,
                    Action::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }),
                );
            }
            draw(&mut app, width, height);
        }
    }
}

#[test]
fn odd_numbers_and_odd_text_are_drawn() {
    let script = Script::new(7);
    let mut app = mid_run(Theme::colored());
    for (step, value) in [(31, f64::NAN), (32, f64::INFINITY), (33, -1.0), (34, 1e300), (35, 0.0)] {
        let mut metrics = script.metrics(step);
        for metric in registry::ALL {
            metrics.set(metric, value);
        }
        tell(&mut app, Event::StepDone(Box::new(metrics)));
        for log in [false, true] {
            assert!(key(&mut app, KeyCode::Char('l')).is_empty() || log);
            draw(&mut app, 120, 36);
            draw(&mut app, 80, 24);
        }
    }
    let mut record = script.rollout(40, 0, 0);
    record.completion = " 数学 → 👩‍👩‍👧 é\u{301} \u{1b}[31m red \u{7} \t tab \r\n 4 ÷ 2".into();
    record.reward = f64::NAN;
    tell(&mut app, Event::RolloutScored(Box::new(record)));
    tell(&mut app, Event::CompletionStarted { step: 41, group: 0, index: 0, puzzle: script.puzzle(41, 0) });
    for text in [" 数", "学", " \u{1b}[2J", "👩‍👩‍👧", " 4 ÷ 2"] {
        tell(&mut app, Event::Token { step: 41, group: 0, index: 0, text: text.into() });
    }
    tell(&mut app, Event::Warning("a warning\nwith \u{1b}[31m control characters".into()));
    for width in 1..60 {
        let buffer = draw(&mut app, width, 20);
        assert!(buffer.content.iter().all(|cell| !cell.symbol().contains('\u{1b}')));
    }
}

#[test]
fn while_a_person_types_the_answer_stays_and_warnings_wait() {
    let mut app = mid_run(Theme::colored());
    for character in ":learning_rate".chars() {
        key(&mut app, KeyCode::Char(character));
    }
    assert_eq!(key(&mut app, KeyCode::Enter), []);
    let answer = app.message.clone().unwrap();
    update(&mut app, Action::Engine(0, Event::Warning("Dead groups.".into())));
    let soon = app.run().now + Duration::from_millis(100);
    update(&mut app, Action::Clock(soon));
    assert_eq!(app.message, Some(answer));
    key(&mut app, KeyCode::Esc);
    let soon = app.run().now + Duration::from_millis(100);
    update(&mut app, Action::Clock(soon));
    assert_eq!(app.message.as_ref().unwrap().text, "Dead groups.");
}

#[test]
fn keys_ask_the_engine_for_what_they_say() {
    let mut app = mid_run(Theme::colored());
    assert_eq!(key(&mut app, KeyCode::Char(' ')), [Command::Pause]);
    assert_eq!(app.run().temporality, Temporality::Pausing, "shown at once, before the engine has answered");
    tell(&mut app, Event::Temporality(Temporality::Paused));
    assert_eq!(key(&mut app, KeyCode::Char(' ')), [Command::Resume]);
    assert_eq!(key(&mut app, KeyCode::Char('s')), [Command::Step(StepBy::Steps(1))]);
    assert_eq!(key(&mut app, KeyCode::Char('p')), [Command::Step(StepBy::Phases(1))]);
    assert_eq!(key(&mut app, KeyCode::Char('c')), [Command::Checkpoint]);
    for character in ":learning_rate=3e-4".chars() {
        assert_eq!(key(&mut app, KeyCode::Char(character)), []);
    }
    let set = Command::Set { key: "learning_rate".into(), value: "3e-4".into() };
    assert_eq!(key(&mut app, KeyCode::Enter), [set]);
    assert_eq!(key(&mut app, KeyCode::Tab), []);
    assert_eq!(app.in_front().name(), "Transcripts");
    assert_eq!(key(&mut app, KeyCode::Char('q')), [Command::Stop]);
    assert!(!app.leave, "the engine is given time to end");
    tell(&mut app, Event::Finished { steps: 30, run: "runs/x".into() });
    assert!(app.leave);
}

#[test]
fn the_end_of_a_run_is_asked_about_and_only_y_ends_it() {
    for mode in [RunFacts::of_our_engine(), RunFacts::of_another_process()] {
        let mut app = with_steps(Theme::colored(), mode, 30, false);
        for no in [KeyCode::Char('Q'), KeyCode::Esc, KeyCode::Enter, KeyCode::Char('q'), KeyCode::F(3)] {
            assert_eq!(key(&mut app, KeyCode::Char('Q')), []);
            let (width, height) = [(120, 36), (80, 24), (40, 12)][no.to_string().len() % 3];
            assert!(crate::picture::text(&draw(&mut app, width, height)).contains("y ends it"));
            assert_eq!(key(&mut app, no), []);
            assert!(app.question.is_none() && app.quitting.is_none() && !app.leave, "{no:?}");
            assert_eq!(app.in_front().name(), "Live", "an answer is nothing else");
        }
        key(&mut app, KeyCode::Char('Q'));
        let control = KeyEvent::new(KeyCode::Char('y'), KeyModifiers::CONTROL);
        assert_eq!(update(&mut app, Action::Key(control)), []);
        key(&mut app, KeyCode::Char('Q'));
        assert_eq!(key(&mut app, KeyCode::Char('y')), [Command::Stop]);
        // Ctrl+C works whatever is asked.
        let mut app = with_steps(Theme::colored(), mode, 30, false);
        key(&mut app, KeyCode::Char('Q'));
        update(&mut app, Action::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(app.interrupted);
    }
}

#[test]
fn quitting_waits_a_bounded_time_and_a_second_q_does_not_wait() {
    let mut app = mid_run(Theme::colored());
    key(&mut app, KeyCode::Char('q'));
    update(&mut app, Action::Clock(Duration::from_secs(20)));
    assert!(!app.leave);
    update(&mut app, Action::Clock(Duration::from_secs(30)));
    assert!(app.leave);
    let mut app = mid_run(Theme::colored());
    key(&mut app, KeyCode::Char('q'));
    assert_eq!(key(&mut app, KeyCode::Char('q')), []);
    assert!(app.leave);
}

#[test]
fn a_run_that_is_only_read_is_never_commanded() {
    for mode in [RunFacts::of_our_files(true), RunFacts::of_our_files(false)] {
        let mut app = with_steps(Theme::colored(), mode, 5, false);
        for event in some_keys() {
            assert_eq!(update(&mut app, Action::Key(event)), [], "{event:?}");
            app.prompt = None;
        }
        assert!(app.leave, "q leaves at once");
    }
}

#[test]
fn the_price_is_set_on_screen_too() {
    let mut app = with_steps(Theme::colored(), RunFacts::of_our_files(false), 30, false);
    let before = app.run().cost();
    key(&mut app, KeyCode::Char('$'));
    key(&mut app, KeyCode::Char('2'));
    assert_eq!(key(&mut app, KeyCode::Enter), []);
    assert!((app.run().cost() / before - 20.0).abs() < 1e-9, "{} {}", app.run().cost(), before);
    key(&mut app, KeyCode::Char('$'));
    key(&mut app, KeyCode::Char('x'));
    key(&mut app, KeyCode::Enter);
    assert_eq!(app.message.as_ref().map(|message| message.level), Some(Level::Warning));
}

#[test]
fn the_engine_that_vanishes_is_a_failure_on_screen() {
    let mut app = mid_run(Theme::colored());
    update(&mut app, Action::EngineGone(0));
    assert!(picture(&draw(&mut app, 80, 24)).contains("the engine failed"));
    assert!(!app.leave);
    key(&mut app, KeyCode::Char('q'));
    assert!(app.leave);
}

#[test]
fn nothing_moves_when_a_number_changes_its_width() {
    let column_of = |app: &mut App, word: &str| {
        let buffer = draw(app, 120, 36);
        let rows = (0..36).map(|y| (0..120).map(|x| buffer[(x, y)].symbol().to_owned()).collect::<String>());
        rows.into_iter().find_map(|row| row.find(word).map(|at| row[..at].chars().count()))
    };
    let script = Script::new(7);
    let mut app = mid_run(Theme::colored());
    app.message = None;
    let words = ["updating", "tokens ·", "FLOP", "loss", "answered", "entropy"];
    let before: Vec<_> = words.iter().map(|word| column_of(&mut app, word)).collect();
    let mut metrics = script.metrics(31);
    metrics.set(&registry::SAMPLE_TOKENS_PER_SECOND, 98.0);
    metrics.set(&registry::UPDATE_TOKENS_PER_SECOND, 123_456.0);
    metrics.set(&registry::NUM_TOKENS, 99_999_999_u64);
    metrics.set(&registry::FLOPS, 3.0e18);
    metrics.set(&registry::LOSS, -0.123);
    tell(&mut app, Event::StepDone(Box::new(metrics)));
    tell(&mut app, Event::PhaseChanged { step: 32, phase: Phase::Sample, done: 9, total: 128 });
    app.message = None;
    let after: Vec<_> = words.iter().map(|word| column_of(&mut app, word)).collect();
    assert!(before.iter().all(Option::is_some));
    assert_eq!(before, after);
}

/// What is on screen, without its styles.
fn shown(app: &mut App, width: u16, height: u16) -> String {
    picture(&draw(app, width, height))
}

#[test]
fn the_dashed_line_of_the_reward_is_what_the_base_earns_by_the_rewards_of_the_run() {
    let line = |change: fn(&mut aha_lab::config::Config)| {
        let script = Script::new(7);
        let mut app = App::new(Theme::plain(), RunFacts::of_our_engine());
        let mut started = script.started("runs/20260101-120000-test".into(), 0);
        change(&mut started.config);
        tell(&mut app, Event::Started(Box::new(started)));
        app.run().base().unwrap().reward
    };
    let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found}, not {wanted}");
    // The scripted base is right in 11 % and well-formed in 91 % of its answers.
    close(line(|_| {}), 0.19);
    close(line(|config| config.reward.reward_format = 0.0), 0.11);
    close(line(|config| config.reward.reward_correct = 2.0), 0.3);
    close(line(|config| config.reward.control = Control::RandomReward), 0.5);
    close(line(|config| config.reward.control = Control::ShuffledReward), 0.19);
    // Where the base was not measured, the first step stands for it, by what it was paid.
    let mut app = App::new(Theme::plain(), RunFacts::of_our_engine());
    let mut started = Script::new(7).started("runs/20260101-120000-test".into(), 0);
    started.base = None;
    started.config.reward.reward_format = 0.0;
    tell(&mut app, Event::Started(Box::new(started)));
    tell(&mut app, Event::StepDone(Box::new(Step::new(1).with(&registry::REWARD, 0.47))));
    close(app.run().base().unwrap().reward, 0.47);
}

#[test]
fn a_held_out_evaluation_names_its_k() {
    let mut app = mid_run(Theme::plain());
    let told = Event::EvalDone { step: 20, accuracy: 0.65, pass_at_k: Some((4, 0.82)), puzzles: 128 };
    tell(&mut app, told);
    update(&mut app, Action::Clock(Duration::from_secs(600)));
    let shown = shown(&mut app, 160, 36);
    assert!(shown.contains("held out after step 20: 0.650 right, pass@4 0.820"), "{shown}");
}
