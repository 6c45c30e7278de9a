//! The sentence above the hint bar.

use std::time::Duration;

/// How long the answer to a key is shown.
const INFO_STAYS: Duration = Duration::from_secs(6);
/// How long a warning stays.
const WARNING_STAYS: Duration = Duration::from_secs(20);

/// How urgent a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// An answer to a key.
    Info,
    /// Something the user should know.
    Warning,
    /// Something went wrong.
    Error,
}

/// The line above the hint bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// How urgent.
    pub level: Level,
    /// One sentence.
    pub text: String,
    /// When it expires; `None` keeps it until Esc.
    pub until: Option<Duration>,
    /// Whether it disappears as soon as the engine has paused.
    pub until_paused: bool,
}

impl Message {
    /// A message shown from now on, for as long as its level requires.
    pub fn new(level: Level, text: String, now: Duration) -> Self {
        let until = match level {
            Level::Info => Some(now + INFO_STAYS),
            Level::Warning => Some(now + WARNING_STAYS),
            Level::Error => None,
        };
        Self { level, text, until, until_paused: false }
    }
}
