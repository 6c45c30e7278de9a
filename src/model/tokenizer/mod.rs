//! Text to tokens and back, with the `tokenizers` crate.

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use thiserror::Error;
use tokenizers::Tokenizer as Inner;

mod bytes;
mod growth;

use crate::{model::companions::Ends, system::quoting::shortened};

/// Why a tokenizer could not be used.
#[derive(Debug, Error)]
pub enum TokenizerError {
    /// `tokenizer.json` is broken or needs a feature that this build lacks.
    #[error("{path}: This is not a usable tokenizer.json ({reason}). Fetch or export it again.")]
    Broken {
        /// Which file.
        path: PathBuf,
        /// The parser's message.
        reason: String,
    },
    /// It has no end token.
    #[error("{path}: The tokenizer has no end token; one of {tried} is needed.")]
    NoEnd {
        /// Which file.
        path: PathBuf,
        /// The names that were tried.
        tried: String,
    },
    /// There is no prompt for a puzzle.
    #[error("{0}")]
    Prompt(String),
    /// A text could not be encoded.
    #[error("The text could not be turned into tokens: {0}.")]
    Encode(String),
}

/// Names of the end token, ours first.
const END_TOKENS: [&str; 5] = ["<eos>", "<|endoftext|>", "<|im_end|>", "</s>", "<|end_of_text|>"];

/// Most end tokens that a model may have.
const MOST_ENDS: usize = 16;

/// The tokens that end a completion: one, a few, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndTokens {
    tokens: [u32; MOST_ENDS],
    count: usize,
}

impl EndTokens {
    /// Nothing ends a completion.
    pub const NONE: Self = Self { tokens: [0; MOST_ENDS], count: 0 };

    /// This one.
    pub const fn only(token: u32) -> Self {
        let mut ends = Self { count: 1, ..Self::NONE };
        ends.tokens[0] = token;
        ends
    }

    /// These; `None` if there are too many.
    pub fn of(tokens: &[u32]) -> Option<Self> {
        let mut ends = Self { count: tokens.len(), ..Self::NONE };
        ends.tokens.get_mut(..tokens.len())?.copy_from_slice(tokens);
        Some(ends)
    }

    /// Whether this token ends a completion.
    pub fn contains(&self, token: u32) -> bool {
        self.as_slice().contains(&token)
    }

    /// All of them.
    pub fn as_slice(&self) -> &[u32] {
        &self.tokens[..self.count]
    }
}

/// A tokenizer and its end tokens.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: Arc<Inner>,
    end: EndTokens,
    /// Texts that end a completion too.
    stops: Arc<[String]>,
    size: usize,
    /// By token, whether its text has a `>`; computed on first use.
    closing: Arc<OnceLock<Vec<bool>>>,
}

impl Tokenizer {
    /// From the bytes of a `tokenizer.json`; `source` is named in errors. Its end token is the first of a few
    /// usual ones that it has.
    ///
    /// # Errors
    /// If it cannot be parsed or has no end token.
    pub fn from_bytes(bytes: &[u8], source: &Path) -> Result<Self, TokenizerError> {
        Self::with_ends(bytes, source, &Ends::default())
    }

    /// Like [`Self::from_bytes`], with the end tokens that the files beside it name, or the usual one if it
    /// has none of them.
    ///
    /// # Errors
    /// As there.
    pub fn with_ends(bytes: &[u8], source: &Path, ends: &Ends) -> Result<Self, TokenizerError> {
        let broken = |reason: String| TokenizerError::Broken { path: source.to_owned(), reason };
        growth::check(bytes).map_err(broken)?;
        // The parser is a dependency that reads a stranger's file: treat a panic in it as a broken file.
        let mut inner = std::panic::catch_unwind(|| Inner::from_bytes(bytes))
            .map_err(|_| broken("its parser panicked".into()))?
            .map_err(|e| broken(shortened(&e.to_string())))?;
        // Prompts are neither padded nor truncated; a file could ask for padding larger than memory.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| broken(shortened(&e.to_string())))?;
        // The largest id, not the count: an id beyond the embedding would be looked up there.
        let size = inner.get_vocab(true).into_values().max().map_or(0, |last| last as usize + 1);
        let mut end = ends.ids.clone();
        end.retain(|&id| inner.id_to_token(id).is_some());
        if end.is_empty() {
            let named = ends.named.as_deref().into_iter().chain(END_TOKENS);
            end.extend(named.filter_map(|name| inner.token_to_id(name)).next());
        }
        if end.is_empty() {
            return Err(TokenizerError::NoEnd { path: source.to_owned(), tried: END_TOKENS.join(", ") });
        }
        let end = EndTokens::of(&end)
            .ok_or_else(|| broken(format!("it has {} end tokens; the limit is {MOST_ENDS}", end.len())))?;
        Ok(Self { inner: Arc::new(inner), end, stops: Arc::default(), size, closing: Arc::default() })
    }

    /// The same, for completions that these texts end too.
    #[must_use]
    pub fn stopping_at(self, texts: &[String]) -> Self {
        Self { stops: texts.into(), ..self }
    }

    /// Whether any text ends a completion.
    pub fn has_stops(&self) -> bool {
        !self.stops.is_empty()
    }

    /// Whether the last of these tokens completes a text that ends a completion.
    pub fn completes_stop(&self, tokens: &[u32]) -> bool {
        self.stops.iter().any(|text| self.completes(tokens, text))
    }

    /// The text of the tokens that begin every text of this model, such as `<s>`; empty for most.
    pub fn beginning(&self) -> String {
        const ANY: &str = "1";
        let encoded = AssertUnwindSafe(|| {
            Some((self.inner.encode(ANY, true).ok()?, self.inner.encode(ANY, false).ok()?))
        });
        let Ok(Some((whole, plain))) = std::panic::catch_unwind(encoded) else { return String::new() };
        let (whole, plain) = (whole.get_ids(), plain.get_ids());
        if plain.is_empty() {
            return String::new();
        }
        let before = whole.windows(plain.len()).position(|part| part == plain).unwrap_or(0);
        whole[..before].iter().filter_map(|&token| self.token(token)).collect()
    }

    /// The tokens that end a completion.
    pub fn end(&self) -> EndTokens {
        self.end
    }

    /// How many tokens there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The id of a token; `None` if there is no token with that text.
    pub(crate) fn id_of(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The text of a token, as in the vocabulary.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The bytes of a token as they are shown where it is only part of a character: `\xE2\x82`.
    pub(crate) fn in_hexadecimal(&self, id: u32) -> String {
        bytes::in_hexadecimal(&bytes::of_token(&self.token(id).unwrap_or_default()))
    }

    /// The tokens of a text, without added special tokens: at least one, unless the text is blank.
    ///
    /// # Errors
    /// If the tokenizer refuses the text, or produces no tokens.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        // Fenced off like the parser: only here does a stranger's file take effect.
        let encoded = AssertUnwindSafe(|| self.inner.encode(text, false));
        let encoding = std::panic::catch_unwind(encoded)
            .map_err(|_| TokenizerError::Encode("the tokenizer panicked".into()))?
            .map_err(|e| TokenizerError::Encode(shortened(&e.to_string())))?;
        let tokens = encoding.get_ids().to_vec();
        if tokens.is_empty() && !text.trim().is_empty() {
            return Err(TokenizerError::Encode(format!(
                "the tokenizer has no token for any part of `{}`",
                shortened(text)
            )));
        }
        Ok(tokens)
    }

    /// The text of a completion: without the end token, with other special tokens, and for a word-level
    /// vocabulary with a space before every word, so that it can follow its prompt directly.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let tokens: Vec<u32> = tokens.iter().copied().filter(|&t| !self.end.contains(t)).collect();
        let text = self.inner.decode(&tokens, false).unwrap_or_default();
        if self.is_word_level() && !text.is_empty() { format!(" {text}") } else { text }
    }

    /// The whitespace-separated words of a text that these tokens cannot express: a word-level tokenizer
    /// refuses an unknown word, or writes another in its place.
    pub fn unknown_words(&self, text: &str) -> Vec<String> {
        let said = |word: &str| self.encode(word).is_ok_and(|tokens| self.decode(&tokens).trim() == word);
        text.split_whitespace().filter(|word| !said(word)).map(str::to_owned).collect()
    }

    /// Whether the last of these tokens completes a tag, or contains it whole. `tag` ends with `>`; it may be
    /// one token or span several.
    pub fn completes_tag(&self, tokens: &[u32], tag: &str) -> bool {
        let Some(last) = tokens.last() else { return false };
        let closing = self.closing.get_or_init(|| {
            (0..self.size as u32)
                .map(|token| self.inner.decode(&[token], false).is_ok_and(|t| t.contains('>')))
                .collect()
        });
        // Nearly every token returns here.
        if !closing.get(*last as usize).copied().unwrap_or(false) {
            return false;
        }
        self.completes(tokens, tag)
    }

    /// Whether the last of these tokens completes a text, or contains it whole.
    fn completes(&self, tokens: &[u32], text: &str) -> bool {
        // A text is a few tokens long, and no more than its bytes; look back further, because tokens without text may
        // be in between.
        let looked_back = 64 + text.len();
        let recent = &tokens[tokens.len().saturating_sub(looked_back)..];
        let Some((_, before)) = recent.split_last() else { return false };
        let before = self.decode(before);
        self.decode(recent).matches(text).count() > before.matches(text).count()
    }

    /// Whether every whitespace-separated word is one token.
    pub(crate) fn is_word_level(&self) -> bool {
        self.inner.get_decoder().is_none()
    }
}

/// Tokens without a whole character after which what they are is shown as it is. A character has at most four bytes.
const MOST_WAITING: usize = 8;

/// Decodes token by token. Its output never ends inside a character: incomplete bytes wait for the next
/// token.
#[derive(Debug, Clone, Default)]
pub struct StreamingDecoder {
    /// The newest tokens; older ones cannot change what these add.
    recent: Vec<u32>,
    /// How many of `recent` were returned as text.
    given: usize,
}

impl StreamingDecoder {
    /// At the start of a completion.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text that `token` adds, possibly none.
    pub fn push(&mut self, tokenizer: &Tokenizer, token: u32) -> String {
        self.recent.push(token);
        // Some tokenizers give the first token of a text no leading space, so decode the window and return
        // what exceeds the part already returned.
        let before = tokenizer.decode(&self.recent[..self.given]);
        let text = tokenizer.decode(&self.recent);
        // A replacement character at the end stands for an incomplete character.
        let waits = text.ends_with('\u{fffd}') && self.recent.len() - self.given < MOST_WAITING;
        let whole = !waits && text.len() > before.len();
        if !whole || !text.is_char_boundary(before.len()) {
            return String::new();
        }
        let piece = text[before.len()..].to_string();
        self.recent.drain(..self.given);
        self.given = self.recent.len();
        piece
    }
}
