//! What a base model is taught before reinforcement learning: a vocabulary and documents without end.

use rand_chacha::ChaCha8Rng;

/// Fills rows up to one length; never trained on.
pub const PAD: &str = "<pad>";
/// Ends a completion.
pub const END: &str = "<eos>";
/// Stands for every word that is not in the list.
pub const UNKNOWN: &str = "<unk>";

/// The synthetic corpus of a task's base model, and the language it is written in. The words `pad`, `end` and
/// `unknown` are [`PAD`], [`END`] and [`UNKNOWN`] in every language.
pub trait Lessons: Send + Sync {
    /// All tokens in the order of their ids.
    fn tokens(&self) -> Vec<String>;
    /// A `tokenizer.json` with these tokens, which the `tokenizers` crate and transformers read.
    fn tokenizer_json(&self) -> String;
    /// The ids of the tokens that stand for numbers, each with its value.
    fn numbers(&self) -> Vec<(usize, u32)>;
    /// One document of the mixture.
    fn document(&self, rng: &mut ChaCha8Rng) -> Document;
    /// Optimizer steps of the shipped base model.
    fn updates(&self) -> u64;
    /// How the corpus is mixed, for `recipe.json`.
    fn rules(&self) -> serde_json::Value;
    /// The same corpus mixed by other rules, in the form of [`Self::rules`].
    ///
    /// # Errors
    /// A sentence that names the rule that is unknown or has no such value.
    fn mixed_by(&self, rules: serde_json::Value) -> Result<Box<dyn Lessons>, String>;
}

/// Tokens and, for each, whether the loss looks at it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// Tokens in order, the end token not included.
    pub words: Vec<String>,
    /// As long as `words`.
    pub trained: Vec<bool>,
    /// Whether the end token follows and is learned; a drill does not end, it is cut off.
    pub ends: bool,
}

impl Document {
    /// Adds words that are parted by white space, each of them one token.
    pub fn say(&mut self, text: &str, trained: bool) {
        for word in text.split_whitespace() {
            self.push(word.to_string(), trained);
        }
    }

    /// Adds one token.
    pub fn push(&mut self, token: String, trained: bool) {
        self.words.push(token);
        self.trained.push(trained);
    }
}
