//! What a base model is taught before reinforcement learning: a vocabulary and an endless supply of
//! documents.

use rand_chacha::ChaCha8Rng;

/// Pads rows to equal length; never trained on.
pub(crate) const PAD: &str = "<pad>";
/// Ends a completion.
pub(crate) const END: &str = "<eos>";
/// Stands for every word outside the vocabulary.
pub(crate) const UNKNOWN: &str = "<unk>";

/// The synthetic corpus of a task's base model, and its language. In every language the special tokens are
/// [`PAD`], [`END`] and [`UNKNOWN`].
pub trait Lessons: Send + Sync {
    /// All tokens in order of their ids.
    fn tokens(&self) -> Vec<String>;
    /// A `tokenizer.json` of these tokens, for the `tokenizers` crate and transformers.
    fn tokenizer_json(&self) -> String;
    /// The ids of the tokens that stand for numbers, each with its value.
    fn numbers(&self) -> Vec<(usize, u32)>;
    /// Draws one document of the mixture.
    fn document(&self, rng: &mut ChaCha8Rng) -> Document;
    /// Optimizer updates that trained the shipped base model.
    fn updates(&self) -> u64;
    /// The mixture of the corpus, for `recipe.json`.
    fn rules(&self) -> serde_json::Value;
    /// The same corpus with another mixture, in the form of [`Self::rules`].
    ///
    /// # Errors
    /// A sentence that names an unknown rule or a rule with an invalid value.
    fn mixed_by(&self, rules: serde_json::Value) -> Result<Box<dyn Lessons>, String>;
}

/// Tokens and, for each, whether the loss covers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// Tokens in order, without the end token.
    pub words: Vec<String>,
    /// Whether the loss covers each word; as long as `words`.
    pub trained: Vec<bool>,
    /// Whether the end token follows and is trained on. A drill does not end; it is cut off.
    pub ends: bool,
}

impl Document {
    /// Adds words separated by white space, each of them one token.
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
