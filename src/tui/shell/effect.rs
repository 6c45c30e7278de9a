//! What a screen or a key asks of what is around it: screens touch neither engine, files nor the terminal themselves.

use super::{message::Level, question::Question};
use crate::{
    protocol::side::PlayRequest,
    task::Puzzle,
    tui::store::{completions::Key, desk::Wanted},
};

/// Something to be done outside the screen that asks for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Says a sentence.
    Say(Level, String),
    /// Puts the message away.
    Dismiss,
    /// Asks a person to confirm.
    Confirm(Question),
    /// Opens the prompt with this text.
    Prompt(String),
    /// Brings a completion to the front, to be read.
    Read(Key),
    /// Ends the run.
    EndRun,
    /// Pins a puzzle.
    Pin(Puzzle),
    /// Unpins it.
    Unpin(Puzzle),
    /// Asks the side engine which models there are.
    Models,
    /// Lets two models answer a puzzle.
    Play(Box<PlayRequest>),
    /// Continues an answer as it was and changed.
    Resample(Wanted),
    /// Gives up what the side engine does for the Playground.
    GiveUp,
    /// Measures the compute frontier.
    Measure,
    /// Gives that up.
    GiveUpMeasurement,
    /// Puts text on the terminal's clipboard.
    Copy {
        /// What to put there, word for word.
        text: String,
    },
    /// Writes a file into the current directory.
    Export {
        /// The file's name, without a folder.
        file_name: String,
        /// What to write.
        text: String,
    },
    /// Suspends the process.
    Suspend,
    /// Clears the terminal and draws everything.
    Redraw,
    /// Starts a failed engine again.
    Restart,
}

impl Effect {
    /// Answers a key with a sentence.
    pub fn info(sentence: impl Into<String>) -> Vec<Self> {
        vec![Self::Say(Level::Info, sentence.into())]
    }
}
