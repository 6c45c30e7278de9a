//! What keys mean while something is being typed into a field.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key, while something is being typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum Typing {
    /// A character.
    Input(char),
    /// Takes the last character back.
    Erase,
    /// What was typed is meant.
    Accept,
    /// It is not.
    Cancel,
}

impl Typing {
    /// What this key means; `None` if nothing.
    pub(in crate::tui) fn of(event: &KeyEvent) -> Option<Self> {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        match event.code {
            KeyCode::Char('c') if control => Some(Self::Cancel),
            KeyCode::Char('h') if control => Some(Self::Erase),
            KeyCode::Char(character) if !control && !event.modifiers.contains(KeyModifiers::ALT) => {
                Some(Self::Input(character))
            }
            KeyCode::Backspace => Some(Self::Erase),
            KeyCode::Enter => Some(Self::Accept),
            KeyCode::Esc => Some(Self::Cancel),
            _ => None,
        }
    }
}
