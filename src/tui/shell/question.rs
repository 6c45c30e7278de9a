//! Destructive actions ask for confirmation: a single key may be a slip, or the rest of a broken sequence.

use std::path::PathBuf;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::effect::Effect;

/// An unconfirmed request.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What is asked.
    pub words: &'static str,
    /// What `y` does and any other key does not.
    pub keys: &'static str,
    /// What is done then.
    pub then: Box<Effect>,
}

impl Question {
    /// Whether the run should end.
    pub(super) fn end_run() -> Self {
        Self {
            words: "End the run? It writes a checkpoint first.",
            keys: "y ends it, any other key does not",
            then: Box::new(Effect::EndRun),
        }
    }

    /// Whether a run should be deleted.
    pub(in crate::tui) fn delete_run(run: PathBuf) -> Self {
        Self {
            words: "Delete this run? Its folder is gone for good.",
            keys: "y deletes it, any other key does not",
            then: Box::new(Effect::Delete(run)),
        }
    }

    /// Whether a file may be replaced.
    pub(super) fn replace_file(then: Effect) -> Self {
        Self {
            words: "A file of this name is here already. Replace it?",
            keys: "y replaces it, any other key does not",
            then: Box::new(then),
        }
    }

    /// The effect, if this key confirms it.
    pub(super) fn answer(self, key: &KeyEvent) -> Option<Effect> {
        let other = KeyModifiers::CONTROL | KeyModifiers::ALT;
        let yes = matches!(key.code, KeyCode::Char('y' | 'Y')) && !key.modifiers.intersects(other);
        yes.then_some(*self.then)
    }
}
