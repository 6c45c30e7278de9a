//! The one-line prompt: it sets a live hyperparameter, searches the screen, or names a file.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

use super::export::{Form, with_next_ending};
use crate::{config::Config, settings::Key};

/// What the prompt begins with that asks for a step of a record.
pub(super) const STEP_PROMPT: &str = "step=";

/// What a prompt asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Asks {
    /// A configuration key and its value: `lr 1e-4`, `lr=1e-4`.
    #[default]
    Setting,
    /// A text to look for on the screen.
    Search,
    /// The file that the text under the cursor is written to; its ending says in which form.
    Text,
    /// The file that the screen is written to.
    Screen,
}

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
    /// Enter: what was typed, for whatever the prompt asks but a setting.
    Written(Asks, String),
    /// Enter, but there is no key with a value; the sentence says what is missing.
    Refused(String),
}

/// The text being typed, always with the cursor at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompt {
    text: String,
    asks: Asks,
}

/// Longest accepted line, in bytes: a pasted file is not a hyperparameter.
const LONGEST: usize = 200;

impl Prompt {
    /// A prompt that begins with `text`.
    pub fn new(text: &str) -> Self {
        Self::asking(Asks::Setting, text)
    }

    /// A prompt for something, that begins with `text`.
    pub fn asking(asks: Asks, text: &str) -> Self {
        Self { text: text.to_owned(), asks }
    }

    /// What it asks for.
    pub fn asks(&self) -> Asks {
        self.asks
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
        if self.asks != Asks::Setting {
            // An empty search ends the one before.
            let asked = PromptOutcome::Written(self.asks, self.text.trim().to_owned());
            let left = self.text.trim().is_empty() && self.asks != Asks::Search;
            return if left { PromptOutcome::Left } else { asked };
        }
        if self.text.trim().is_empty() {
            return PromptOutcome::Left;
        }
        match setting(&self.text) {
            Some((key, value)) if !value.is_empty() => {
                PromptOutcome::Entered { key: key.to_owned(), value: value.to_owned() }
            }
            _ => PromptOutcome::Refused(format!(
                "'{}' is not a setting: write a key and a value, such as lr 3e-4",
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
        match self.asks {
            Asks::Setting if !self.text.contains('=') => {
                if let Some(key) = matching_keys(&self.text).first() {
                    self.text = format!("{key}=");
                }
            }
            Asks::Text | Asks::Screen => self.text = with_next_ending(&self.text),
            Asks::Setting | Asks::Search => {}
        }
    }

    /// The hint after the cursor: matching keys, or the current value where it is known.
    pub(crate) fn advice(&self, config: Option<&Config>, known: impl Fn(&str) -> bool) -> String {
        match self.asks {
            Asks::Setting => {}
            Asks::Search => return String::new(),
            Asks::Text | Asks::Screen => {
                return match Form::of(&self.text) {
                    Some(form) => format!("{}; Tab: other forms", form.words()),
                    None => format!("ends in {}", Form::endings()),
                };
            }
        }
        match setting(&self.text) {
            None => {
                let keys = matching_keys(&self.text);
                let shown: Vec<&str> = keys.iter().copied().take(4).collect();
                match (keys.is_empty(), keys.len() > shown.len()) {
                    (true, _) => "no such key".to_owned(),
                    (_, more) => format!("{}{}", shown.join("  "), if more { " ..." } else { "" }),
                }
            }
            Some((key, _)) => config
                .filter(|_| known(key))
                .and_then(|config| config.get(key).ok())
                .map(|value| {
                    let long = !self.text.contains(key);
                    if long { format!("{key}, now {value}") } else { format!("now {value}") }
                })
                .unwrap_or_default(),
        }
    }
}

/// The key and the value of `lr 1e-4`, `lr=1e-4` or `:lr 1e-4`, a short name written out; `None` while there is no key.
pub(super) fn setting(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start().trim_start_matches(':').trim_start();
    let (key, value) = match text.split_once('=') {
        Some(pair) => pair,
        None => text.split_once(char::is_whitespace)?,
    };
    let key = key.trim();
    let name = Config::called(key).map_or(key, |key| key.name);
    (!key.is_empty()).then(|| (name, value.trim()))
}

/// Keys that may change during a run and begin with `start`, or whose short name does.
fn matching_keys(start: &str) -> Vec<&'static str> {
    let start = start.trim().trim_start_matches(':').trim_start();
    let fits = |key: &&Key| key.name.starts_with(start) || key.short.is_some_and(|s| s.starts_with(start));
    let mut keys: Vec<&Key> = Config::keys().filter(|key| key.live).filter(fits).collect();
    // What is called exactly this comes first.
    keys.sort_by_key(|key| key.short != Some(start));
    keys.into_iter().map(|key| key.name).collect()
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
        for short in ["lr 3e-4", "lr=3e-4", ":lr 3e-4", ": lr = 3e-4", "learning_rate 3e-4"] {
            assert_eq!(press(&mut typed(short), KeyCode::Enter), expected, "{short}");
        }
        for bad in ["learning_rate", "learning_rate=", "=3", ":"] {
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
