//! The one-line prompt that sets a live hyperparameter.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

use crate::config::Config;

/// What the prompt begins with that asks for a step of a record.
pub(super) const STEP_PROMPT: &str = "step=";

/// What a key did to the prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptOutcome {
    /// It goes on.
    Editing,
    /// It was left.
    Left,
    /// Enter: the key and the value, both trimmed.
    Entered {
        /// The configuration key.
        key: String,
        /// Its value.
        value: String,
    },
    /// Enter, but there is no `key=value`; the sentence says what is missing.
    Refused(String),
}

/// The text being typed, always with the cursor at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompt {
    text: String,
}

/// Longest accepted line, in bytes: a pasted file is not a hyperparameter.
const LONGEST: usize = 200;

impl Prompt {
    /// A prompt that begins with `text`.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned() }
    }

    /// What is typed so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Appends typed or pasted text; line ends and other control characters are left out.
    pub fn insert(&mut self, text: &str) {
        for character in text.chars().filter(|character| !character.is_control()) {
            if self.text.len() + character.len_utf8() <= LONGEST {
                self.text.push(character);
            }
        }
    }

    /// Handles one key.
    pub fn key(&mut self, event: &KeyEvent) -> PromptOutcome {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.contains(KeyModifiers::ALT);
        match event.code {
            KeyCode::Esc => return PromptOutcome::Left,
            KeyCode::Enter => return self.enter(),
            KeyCode::Char('c') if ctrl => return PromptOutcome::Left,
            KeyCode::Char('u') if ctrl => self.text.clear(),
            KeyCode::Char('w') if ctrl => self.delete_word(),
            KeyCode::Char(character) if !ctrl && !alt => self.insert(character.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => {
                let end = self.text.grapheme_indices(true).next_back().map_or(0, |(start, _)| start);
                self.text.truncate(end);
            }
            KeyCode::Tab | KeyCode::Right => self.complete(),
            _ => {}
        }
        PromptOutcome::Editing
    }

    fn enter(&self) -> PromptOutcome {
        if self.text.trim().is_empty() {
            return PromptOutcome::Left;
        }
        match self.text.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() && !value.trim().is_empty() => {
                PromptOutcome::Entered { key: key.trim().to_owned(), value: value.trim().to_owned() }
            }
            _ => PromptOutcome::Refused(format!(
                "'{}' is not a setting: write key=value, such as learning_rate=3e-4",
                self.text.trim()
            )),
        }
    }

    fn delete_word(&mut self) {
        let kept = self.text.trim_end().trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
        let shorter = if kept == self.text.len() { self.text.len().saturating_sub(1) } else { kept };
        let end = (0..=shorter).rev().find(|end| self.text.is_char_boundary(*end)).unwrap_or(0);
        self.text.truncate(end);
    }

    fn complete(&mut self) {
        if !self.text.contains('=')
            && let Some(key) = matching_keys(&self.text).first()
        {
            self.text = format!("{key}=");
        }
    }

    /// The hint after the cursor: matching keys, or the current value where it is known.
    pub(crate) fn advice(&self, config: Option<&Config>, known: impl Fn(&str) -> bool) -> String {
        match self.text.split_once('=') {
            None => {
                let keys = matching_keys(&self.text);
                let shown: Vec<&str> = keys.iter().copied().take(4).collect();
                match (keys.is_empty(), keys.len() > shown.len()) {
                    (true, _) => "no such key".to_owned(),
                    (_, more) => format!("{}{}", shown.join("  "), if more { " ..." } else { "" }),
                }
            }
            Some((key, _)) => config
                .filter(|_| known(key.trim()))
                .and_then(|config| config.get(key).ok())
                .map(|value| format!("now {value}"))
                .unwrap_or_default(),
        }
    }
}

/// Keys that may change during a run and begin with `start`.
fn matching_keys(start: &str) -> Vec<&'static str> {
    Config::live_keys().filter(|key| key.starts_with(start.trim())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    fn press(prompt: &mut Prompt, code: KeyCode) -> PromptOutcome {
        prompt.key(&KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn typed(text: &str) -> Prompt {
        let mut prompt = Prompt::default();
        for character in text.chars() {
            press(&mut prompt, KeyCode::Char(character));
        }
        prompt
    }

    #[test]
    fn a_pair_is_entered_and_anything_else_is_refused() {
        let entered = press(&mut typed(" learning_rate = 3e-4 "), KeyCode::Enter);
        let expected = PromptOutcome::Entered { key: "learning_rate".into(), value: "3e-4".into() };
        assert_eq!(entered, expected);
        for bad in ["learning_rate", "learning_rate=", "=3"] {
            assert!(matches!(press(&mut typed(bad), KeyCode::Enter), PromptOutcome::Refused(_)), "{bad}");
        }
        assert_eq!(press(&mut typed("  "), KeyCode::Enter), PromptOutcome::Left);
    }

    #[test]
    fn completion_and_advice() {
        let mut prompt = typed("learn");
        press(&mut prompt, KeyCode::Tab);
        assert_eq!(prompt.text(), "learning_rate=");
        assert_eq!(prompt.advice(Some(&Config::default()), |_| true), "now 0.0004");
        assert_eq!(prompt.advice(Some(&Config::default()), |key| key != "learning_rate"), "");
        assert_eq!(typed("xyz").advice(None, |_| true), "no such key");
    }

    #[test]
    fn editing_keeps_whole_characters() {
        let mut prompt = typed("a=é👩‍👩‍👧");
        press(&mut prompt, KeyCode::Backspace);
        assert_eq!(prompt.text(), "a=é");
        for _ in 0..6 {
            prompt.key(&KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL));
        }
        assert_eq!(prompt.text(), "");
        prompt.insert(&"é\n".repeat(500));
        assert!(prompt.text().len() <= LONGEST && !prompt.text().contains('\n'));
    }
}
