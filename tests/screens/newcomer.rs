//! The walk of a person who has never seen the lab and has not read the README. Every key that they press stands in the
//! hint bar or in the command palette at that moment; every word that they type is one that they came with.

use std::time::Duration;

use aha_lab::{
    engine::scripted::Script,
    protocol::{Capability, Command, Event, RunFacts},
    tui::{
        shell::{
            app::{Action, App, Order},
            effect::Effect,
            theme::Theme,
            update::update,
        },
        store::RunStore,
    },
};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::picture::{SIZES, draw, text};

/// What a person sees and does, at one size of the terminal.
struct Person {
    app: App,
    size: (u16, u16),
    now: Duration,
}

impl Person {
    /// Before a run that trains, with another one open beside it.
    fn at_a_run(size: (u16, u16)) -> Self {
        let store = RunStore::new(RunFacts::of_our_engine(), [RunFacts::of_our_files(false)]);
        let mut app = App::of_runs(Theme::colored(), store);
        let script = Script::new(7);
        for (run, name) in [(0, "mine"), (1, "before")] {
            let mut tell = |event| drop(update(&mut app, Action::Engine(run, event)));
            tell(Event::Started(Box::new(script.started(format!("runs/{name}").into(), 4))));
            for step in 1..=40 {
                script.group(step, 0).into_iter().for_each(|r| tell(Event::RolloutScored(Box::new(r))));
                tell(Event::StepDone(Box::new(script.metrics(step))));
            }
        }
        Self { app, size, now: Duration::ZERO }
    }

    fn sees(&mut self) -> String {
        draw(&mut self.app, self.size.0, self.size.1);
        text(&draw(&mut self.app, self.size.0, self.size.1))
    }

    fn presses(&mut self, key: KeyEvent) -> Vec<Order> {
        update(&mut self.app, Action::Key(key))
    }

    /// Presses the key that the hint bar has for a word.
    fn follows_the_hint(&mut self, word: &str) -> Vec<Order> {
        // What was said stands in the place of the hints for some seconds: they read it.
        self.now += Duration::from_secs(30);
        update(&mut self.app, Action::Clock(self.now));
        let shown = self.sees();
        let bar: Vec<char> = shown.lines().last().unwrap().chars().collect();
        let hints = self.app.picture.hints.clone();
        let says = |(area, _): &&(ratatui::layout::Rect, KeyEvent)| {
            let (from, to) = (usize::from(area.x), usize::from(area.right()).min(bar.len()));
            bar[from..to].iter().collect::<String>().ends_with(word)
        };
        let hint = hints.iter().find(says);
        let (_, key) = hint.unwrap_or_else(|| panic!("no hint says '{word}':\n{shown}"));
        self.presses(*key)
    }

    /// Looks for some words in the command palette, reads what it found, and takes the first row.
    fn asks_for(&mut self, words: &str, finds: &str) -> Vec<Order> {
        match self.size.0 {
            // Where the bar has no room for it, the help names it.
            0..60 => {
                self.follows_the_hint("help");
                let help = self.sees_all_of_the_help();
                assert!(help.contains("Ctrl+P"), "{help}");
                self.presses(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
                self.presses(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL));
            }
            _ => drop(self.follows_the_hint("commands")),
        }
        self.types(words);
        let shown = self.sees();
        let first = shown.lines().skip_while(|line| !line.contains(words)).nth(1).unwrap();
        let start: String = finds.chars().take(usize::from(self.size.0) / 4).collect();
        assert!(first.contains(&start), "'{words}' finds '{first}' and not '{finds}'\n{shown}");
        self.presses(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE))
    }

    fn sees_all_of_the_help(&mut self) -> String {
        text(&draw(&mut self.app, self.size.0, 400))
    }

    fn types(&mut self, words: &str) {
        for character in words.chars() {
            self.presses(KeyEvent::new(KeyCode::Char(character), KeyModifiers::NONE));
        }
    }
}

fn commands(orders: Vec<Order>) -> Vec<Command> {
    orders.into_iter().map(|order| order.command).collect()
}

#[test]
fn pause_read_a_false_check_change_the_learning_rate_fork_and_compare() {
    for size in SIZES {
        let mut person = Person::at_a_run(size);

        // Pause: the first hint of the first screen, or what the palette finds.
        let asked = match size.0 {
            0..60 => person.asks_for("pause", "pause within one token"),
            _ => person.follows_the_hint("pause"),
        };
        assert_eq!(commands(asked), [Command::Pause]);

        // Read a false check.
        person.asks_for("false check", "next false or misled check");
        assert_eq!(person.app.in_front().name(), "Transcripts");
        let record = person.app.listing().selected(&person.app.run().completions).unwrap().clone();
        assert!(record.analysis.false_checks + record.analysis.misled_checks > 0);
        person.sees();

        // Change the learning rate: the prompt opens with its name, and a value is all that is missing.
        assert!(person.app.obeys(Capability::Set));
        person.asks_for("learning rate", "learning_rate");
        assert!(person.sees().contains("learning_rate="));
        person.types("1e-4");
        let asked = person.presses(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE));
        let expected = Command::Set { key: "learning_rate".into(), value: "1e-4".into() };
        assert_eq!(commands(asked), [expected]);

        // Fork: the command is on the clipboard, with a checkpoint's run and a changed key.
        person.app.effects.clear();
        person.asks_for("fork", "copy the command that starts a fork");
        assert_eq!(person.app.in_front().name(), "Settings");
        let copied = person.app.effects.iter().any(
            |effect| matches!(effect, Effect::Copy { text } if text.starts_with("aha-lab run --fork runs/mine --set ")),
        );
        assert!(copied, "{:?}", person.app.effects);

        // Compare it with the other run: on the screen of all runs, and its curves in the same charts.
        person.asks_for("compare runs", "Runs: all runs");
        assert_eq!(person.app.in_front().name(), "Runs");
        person.asks_for("compare curves", "compare: the curves");
        assert!(person.app.looks.others);
        person.asks_for("live", "Live: charts");
        assert_eq!(person.app.in_front().name(), "Live");

        // And home again, by the way they came.
        for _ in 0..6 {
            person.presses(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
        }
        assert_eq!((person.app.in_front().name(), person.app.leave), ("Live", false));
    }
}
