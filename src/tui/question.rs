//! What ends or deletes something asks first: one key may be a slip, or the rest of a sequence that was cut.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    app::{App, Level, Mode},
    pinning, travel,
    update::{control, quit},
};
use crate::protocol::Command;

/// What a key asked for and a person has not confirmed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// To end the run.
    EndRun,
    /// To ask the pinned puzzle that is shown no more.
    Unpin,
    /// To give up what the Frontier measures.
    GiveUpMeasurement,
}

impl Question {
    /// What is asked, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::EndRun => "End the run? It writes a checkpoint first.",
            Self::Unpin => {
                "Unpin this puzzle? What it was answered with stays; the steps until it is pinned again are lost."
            }
            Self::GiveUpMeasurement => "Give up the measurement? What is whole is kept.",
        }
    }

    /// What `y` does and any other key does not, in words.
    pub fn keys(self) -> &'static str {
        match self {
            Self::EndRun => "y ends it, any other key does not",
            Self::Unpin => "y unpins it, any other key does not",
            Self::GiveUpMeasurement => "y gives it up, any other key does not",
        }
    }
}

/// Asks it.
pub(super) fn ask(app: &mut App, question: Question) {
    app.dirty = true;
    app.question = Some(question);
}

/// Takes the answer.
pub(super) fn answer(app: &mut App, question: Question, key: &KeyEvent) -> Vec<Command> {
    app.question = None;
    let other = KeyModifiers::CONTROL | KeyModifiers::ALT;
    if !matches!(key.code, KeyCode::Char('y' | 'Y')) || key.modifiers.intersects(other) {
        return Vec::new();
    }
    match question {
        Question::EndRun if app.mode == Mode::Control => quit(app),
        Question::EndRun => control(app, |app| {
            app.say(Level::Warning, "asked the run to write a checkpoint and end");
            Command::Stop
        }),
        Question::Unpin => pinning::perform(app, travel::Action::Unpin),
        Question::GiveUpMeasurement => {
            if app.frontier.is_measuring() {
                let command = app.frontier.measure();
                app.asked.push(command);
            }
            Vec::new()
        }
    }
}
