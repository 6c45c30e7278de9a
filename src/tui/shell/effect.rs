//! The effects that screens and keys request; screens never touch the engine, files or the terminal themselves.

use std::path::PathBuf;

use super::{export::Form, message::Level, question::Question};
use crate::{
    eval::rescoring::Trial,
    protocol::side::PlayRequest,
    runs::notes::Notes,
    task::Puzzle,
    tui::store::{completions::Key, desk::Wanted, shelf::Fork},
};

/// An effect outside the screen that requests it.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Says a sentence.
    Say(Level, String),
    /// Puts the message away.
    Dismiss,
    /// Goes back: nothing is open on the screen that could be closed.
    Back,
    /// Asks for confirmation.
    Confirm(Question),
    /// Opens the prompt with this text.
    Prompt(String),
    /// Sets these keys of the run to these values, from the next step on.
    Set(Vec<(String, String)>),
    /// Scores all completions under other rules.
    Rescore(Box<Trial>),
    /// Opens a completion for reading.
    Read(Key),
    /// Looks closely at a completion that may not be scored yet.
    LookAt(Key),
    /// Ends the run.
    EndRun,
    /// Pins a puzzle.
    Pin(Puzzle),
    /// Unpins it.
    Unpin(Puzzle),
    /// Asks the side engine for its models.
    Models,
    /// Lets two models answer a puzzle.
    Play(Box<PlayRequest>),
    /// Continues an answer as it was and changed.
    Resample(Wanted),
    /// Cancels the side engine's Playground job.
    GiveUp,
    /// Measures the compute frontier.
    Measure,
    /// Gives that up.
    GiveUpMeasurement,
    /// Puts text on the terminal's clipboard.
    Copy {
        /// The text, verbatim.
        text: String,
    },
    /// Writes a file, named from the current directory on.
    Write {
        /// The file's name.
        file_name: String,
        /// What to write.
        what: Contents,
        /// Whether a file of this name is replaced; else that is asked first.
        replace: bool,
    },
    /// Remembers the layout of the Charts screen.
    KeepLayout,
    /// Suspends the process.
    Suspend,
    /// Clears the terminal and draws everything.
    Redraw,
    /// Restarts a failed engine.
    Restart,
    /// Reads the folder of runs.
    ReadShelf,
    /// Opens the runs in these folders, and shows the last of them.
    Open(Vec<PathBuf>),
    /// Writes what a person says of the run in a folder.
    Note(PathBuf, Box<Notes>),
    /// Deletes the run in a folder.
    Delete(PathBuf),
    /// Starts a fork in the background, and opens it.
    Fork(Box<Fork>),
}

/// What a file is to hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Contents {
    /// This text.
    Text(String),
    /// The screen as it is drawn, in this form.
    Screen(Form),
}

impl Effect {
    /// Shows a message in answer to a key.
    pub fn info(sentence: impl Into<String>) -> Vec<Self> {
        vec![Self::Say(Level::Info, sentence.into())]
    }
}
