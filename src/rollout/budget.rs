//! Thinking budgets: cut a thought off and force an answer after it.

use super::{
    Completion,
    sampler::{self, Observer, Request, RowSeed, SamplingOptions},
};
use crate::{
    model::{
        tokenizer::{StreamingDecoder, Tokenizer, TokenizerError},
        transformer::Transformer,
    },
    system::workers::Workers,
};

/// Maximum tokens of an answer once the thinking is over.
pub const ANSWER_TOKENS: usize = 24;
/// Tag that ends a thought.
pub(crate) const CLOSE: &str = "</think>";
/// Appended to a thought that is cut short.
const FORCED_ANSWER: &str = " </think> <answer>";

/// The text that forces an answer, in a tokenizer's tokens.
#[derive(Debug, Clone)]
pub(crate) struct Forcing {
    words: Vec<u32>,
    /// [`CLOSE`], if it is a single token.
    close: Option<u32>,
}

/// Everything needed to sample.
#[derive(Clone, Copy)]
pub(crate) struct Drawing<'a> {
    /// The model.
    pub model: &'a Transformer,
    /// Its tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Sampling temperature.
    pub temperature: f64,
    /// Whether a completion ends right after the closing tag of its answer.
    pub stop_at_answer: bool,
    /// Seed of the draws; each completion has its own stream.
    pub seed: u64,
    /// The threads that compute.
    pub workers: &'a Workers,
}

impl Forcing {
    /// Encodes the text with this tokenizer.
    ///
    /// # Errors
    /// If the tokenizer cannot encode it.
    pub fn of(tokenizer: &Tokenizer) -> Result<Self, TokenizerError> {
        let close = match tokenizer.encode(CLOSE)?[..] {
            [only] => Some(only),
            _ => None,
        };
        Ok(Self { words: tokenizer.encode(FORCED_ANSWER)?, close })
    }

    /// The tokens that end a thought and begin an answer.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// The index of the first token of the tag that ends a thought.
    pub(crate) fn closed_at(&self, tokenizer: &Tokenizer, tokens: &[u32]) -> Option<usize> {
        if let Some(close) = self.close {
            return tokens.iter().position(|&token| token == close);
        }
        let (mut decoder, mut text) = (StreamingDecoder::new(), String::new());
        let mut ends = Vec::with_capacity(tokens.len());
        for &token in tokens {
            text.push_str(&decoder.push(tokenizer, token));
            ends.push(text.len());
        }
        let start = text.find(CLOSE)?;
        Some(ends.partition_point(|&end| end <= start))
    }

    /// Cuts every thought off after `budget` tokens and forces an answer; completions whose thought ended
    /// within the budget remain as they are. `prompts` gives the prompt of each completion. `None` if the
    /// observer ended sampling.
    pub fn force<'p>(
        &self,
        drawing: Drawing<'_>,
        prompts: impl Fn(usize) -> &'p [u32],
        mut written: Vec<Completion>,
        budget: usize,
        observer: &dyn Observer,
    ) -> Option<Vec<Completion>> {
        let late: Vec<usize> =
            (0..written.len()).filter(|&i| self.is_late(drawing.tokenizer, &written[i], budget)).collect();
        let cut: Vec<Vec<u32>> = late
            .iter()
            .map(|&i| {
                let thought = &written[i].tokens[..budget.min(written[i].tokens.len())];
                [prompts(i), thought, &self.words].concat()
            })
            .collect();
        let requests: Vec<Request<'_>> = cut
            .iter()
            .zip(0..)
            .map(|(prompt, row)| Request { prompt, seed: RowSeed { run: drawing.seed, row } })
            .collect();
        let options = SamplingOptions::new(
            drawing.tokenizer,
            drawing.temperature,
            ANSWER_TOKENS,
            drawing.stop_at_answer,
        );
        let answers = sampler::sample_in_parts(drawing.model, &requests, options, drawing.workers, observer)?;
        for (&i, ending) in late.iter().zip(answers) {
            let completion = &mut written[i];
            completion.tokens.truncate(budget);
            completion.tokens.extend(self.words.iter().chain(&ending.tokens));
            completion.truncated = ending.truncated;
        }
        Some(written)
    }

    /// Whether the thought exceeds `budget` tokens: neither the thought nor the completion ended within them.
    pub(crate) fn is_late(&self, tokenizer: &Tokenizer, written: &Completion, budget: usize) -> bool {
        let ended = !written.truncated && written.tokens.len() <= budget;
        let within = &written.tokens[..budget.min(written.tokens.len())];
        !ended && self.closed_at(tokenizer, within).is_none()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::task::countdown::vocabulary;

    /// A tokenizer whose tokens are characters, so that a tag is many tokens.
    pub(crate) fn characters() -> Tokenizer {
        let letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<>/ ,.:=+-*()";
        of_pieces(letters.chars().map(String::from))
    }

    /// A tokenizer whose token 0 is the end token; the pieces of text are its tokens from 1 on.
    pub(crate) fn of_pieces(pieces: impl IntoIterator<Item = String>) -> Tokenizer {
        let mut vocabulary: serde_json::Map<_, _> =
            pieces.into_iter().zip(1..).map(|(piece, id)| (piece, json!(id))).collect();
        vocabulary.insert("<eos>".into(), json!(0));
        let end = json!({"id": 0, "content": "<eos>", "special": true, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false});
        let whole = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [end], "normalizer": null,
            "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "vocab": vocabulary,
                "merges": []},
        });
        Tokenizer::from_bytes(&serde_json::to_vec(&whole).unwrap(), Path::new("characters")).unwrap()
    }

    #[test]
    fn the_end_of_a_thought_is_found_whether_it_is_one_token_or_many() {
        let words =
            Tokenizer::from_bytes(vocabulary::tokenizer_json().as_bytes(), Path::new("words")).unwrap();
        for (tokenizer, text, closed) in [
            (&words, "first , 4 </think> <answer> 4", Some(3)),
            (&words, "first , 4 <think>", None),
            (&characters(), "ab </think> c", Some(3)),
            (&characters(), "</think>", Some(0)),
            (&characters(), "ab </thin", None),
        ] {
            let tokens = tokenizer.encode(text).unwrap();
            let forcing = Forcing::of(tokenizer).unwrap();
            assert_eq!(forcing.closed_at(tokenizer, &tokens), closed, "{text}");
            assert_eq!(tokenizer.decode(forcing.words()).trim(), "</think> <answer>");
        }
    }
}
