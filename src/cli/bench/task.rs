//! A task for a model of any size: a prompt is tokens by chance, and a coin pays.

use std::path::Path;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use crate::{
    model::tokenizer::{Tokenizer, TokenizerError},
    reasoning::Analysis,
    task::{NumberPuzzle, Prospect, Puzzle, RewardRules, Score, Split, Task},
};

/// One completion in this many hundred is paid.
const PAID_OF_HUNDRED: u64 = 30;

/// Prompts of a given length over a vocabulary of a given size.
pub(super) struct AnyTokens {
    pub(super) vocabulary: usize,
    pub(super) length: usize,
}

/// A vocabulary with this many words. Its end token lies beyond it, so that no model of that vocabulary ever writes
/// it.
///
/// # Errors
/// Where the tokenizer's library refuses it.
pub(super) fn words(vocabulary: usize) -> Result<Tokenizer, TokenizerError> {
    let mut words: Map<String, Value> = (0..vocabulary).map(|token| (word(token), json!(token))).collect();
    words.insert("<eos>".into(), json!(vocabulary));
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "w0"},
    });
    Tokenizer::from_bytes(file.to_string().as_bytes(), Path::new("the vocabulary of the bench"))
}

fn word(token: usize) -> String {
    format!("w{token}")
}

impl Task for AnyTokens {
    fn name(&self) -> &'static str {
        "bench"
    }

    fn draw(&self, _split: Split, rng: &mut ChaCha8Rng) -> Puzzle {
        let mut token = || i64::from(rng.random_range(0..self.vocabulary as u32));
        NumberPuzzle { numbers: (0..self.length).map(|_| token()).collect(), target: 0 }.into()
    }

    fn admit(&self, puzzle: &Puzzle) -> Result<Puzzle, String> {
        Ok(puzzle.clone())
    }

    fn prompt(&self, puzzle: &Puzzle) -> String {
        let tokens = NumberPuzzle::of(puzzle).unwrap_or_default().numbers;
        let words: Vec<String> = tokens.into_iter().map(|token| word(token as usize)).collect();
        words.join(" ")
    }

    fn score(&self, _puzzle: &Puzzle, completion: &str, _rules: &RewardRules) -> Score {
        // A coin that the text tosses: what is equal is paid alike, and nothing can be learned from it.
        let hash = completion.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let paid = (hash >> 32) % 100 < PAID_OF_HUNDRED;
        Score {
            reward: f64::from(u8::from(paid)),
            correct: paid,
            format: true,
            answer: None,
            value: None,
            reason: String::new(),
        }
    }

    fn analyze(&self, _puzzle: &Puzzle, _completion: &str) -> Analysis {
        Analysis::default()
    }

    fn canonical_answer(&self, _answer: &str) -> Option<String> {
        None
    }

    fn in_words(&self, puzzle: &Puzzle, _arrow: &str) -> String {
        self.prompt(puzzle)
    }

    fn assemble(&self, _numbers: Vec<i64>, _target: Option<i64>) -> Result<Puzzle, String> {
        Err("The bench makes its own puzzles.".into())
    }

    fn solutions(&self, _puzzle: &Puzzle) -> Result<Vec<String>, String> {
        Err("The puzzles of the bench have no solutions.".into())
    }

    fn prospect(&self, _puzzle: &Puzzle) -> Prospect {
        Prospect::Unknown("The puzzles of the bench have no solutions.".into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn a_prompt_becomes_the_tokens_that_were_drawn() {
        let (task, words) = (AnyTokens { vocabulary: 172, length: 8 }, words(172).unwrap());
        let puzzle = task.draw(Split::Train, &mut ChaCha8Rng::seed_from_u64(1));
        let tokens = words.encode(&task.prompt(&puzzle)).unwrap();
        let drawn = NumberPuzzle::of(&puzzle).unwrap().numbers;
        assert_eq!(tokens, drawn.iter().map(|&token| token as u32).collect::<Vec<_>>());
        assert_eq!(words.end().as_slice(), [172], "which no model of 172 tokens writes");
    }

    #[test]
    fn about_three_in_ten_are_paid() {
        let task = AnyTokens { vocabulary: 172, length: 8 };
        let puzzle = Puzzle::from(NumberPuzzle { numbers: vec![1], target: 0 });
        let score =
            |i: usize| task.score(&puzzle, &format!("w{i} w{}", i * 7), &RewardRules::default()).reward;
        let paid = (0..1000).map(score).sum::<f64>();
        assert!((200.0..400.0).contains(&paid), "{paid}");
    }
}
