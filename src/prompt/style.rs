//! The prompts that can be chosen.

use std::fmt;

use crate::settings::{Allowed, Field, Named, Unbounded, Value};

/// The words around a puzzle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PromptStyle {
    /// Decided before the first step, by the model.
    #[default]
    Auto,
    /// The words that our own base models were taught.
    Ours,
    /// TinyZero's prompt for base models.
    TinyzeroBase,
    /// TinyZero's prompt for Qwen's instruct models.
    TinyzeroInstruct,
    /// The model's chat template.
    Chat,
    /// A Jinja template in a file.
    File(String),
}

/// Those that have a name.
const NAMED: [(PromptStyle, Named); 5] = [
    (
        PromptStyle::Auto,
        Named {
            name: "auto",
            doc: "`ours` for bases made by `pretrain`; for all others `chat` where the model has a chat template, else \
                  `tinyzero-base`; decided before the first step.",
        },
    ),
    (PromptStyle::Ours, Named { name: "ours", doc: "The few words that our own base models know." }),
    (
        PromptStyle::TinyzeroBase,
        Named {
            name: "tinyzero-base",
            doc: "TinyZero's prompt for base models, a conversation between User and Assistant that ends with `<think>`.",
        },
    ),
    (
        PromptStyle::TinyzeroInstruct,
        Named {
            name: "tinyzero-instruct",
            doc: "TinyZero's prompt for Qwen's instruct models, which ends with `<think>`.",
        },
    ),
    (
        PromptStyle::Chat,
        Named { name: "chat", doc: "The puzzle as a person's message, in the model's own chat template." },
    ),
];

impl PromptStyle {
    /// The style of a word, which is otherwise the path of a file. Spaces around it do not count, wherever it comes from.
    pub fn of_word(word: &str) -> Self {
        let word = word.trim();
        let named = NAMED.into_iter().find(|(_, named)| named.name == word);
        named.map_or_else(|| Self::File(word.to_owned()), |(style, _)| style)
    }

    /// What `auto` means in the file of a run: it is of an older version, which had no other prompt than ours.
    #[must_use]
    pub fn of_a_run(self) -> Self {
        if self == Self::Auto { Self::Ours } else { self }
    }
}

impl fmt::Display for PromptStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path),
            style => {
                let named = NAMED.iter().find(|(named, _)| named == style);
                f.write_str(named.map_or("auto", |(_, named)| named.name))
            }
        }
    }
}

impl Field for PromptStyle {
    fn value(&self) -> Value {
        Value::Word(self.to_string())
    }

    fn store(&mut self, value: Value) {
        if let Value::Word(word) = value {
            *self = Self::of_word(&word);
        }
    }
}

impl Unbounded for PromptStyle {
    fn allowed() -> Allowed {
        Allowed::OneOfOrFile(NAMED.into_iter().map(|(_, named)| named).collect())
    }
}
