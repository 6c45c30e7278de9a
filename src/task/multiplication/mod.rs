//! Multiplication: say the product of two factors. Too large to know by heart, it is worth taking apart.

pub mod corpus;
pub mod puzzle;
pub mod reward;
pub mod vocabulary;
pub mod ways;

use rand_chacha::ChaCha8Rng;

use self::puzzle::Level;
use super::{BaseFiles, Family, Puzzle, RewardRules, Score, Split, Task};
use crate::reasoning::Analysis;

/// What is known of it before a level is chosen.
pub static FAMILY: Family = Family {
    name: "multiplication",
    about: "Say the product of two factors.",
    levels: &Level::NAMES,
    levels_doc: "digits of the two factors",
    puzzle_form: "two factors, for example 23 47",
    settings: &[("max_new_tokens", "160")],
    at: |level| Ok(Box::new(Multiplication { level: Level::parse(level)? })),
    lessons: |habits| {
        Box::new(if habits { corpus::CorpusRules::default() } else { corpus::CorpusRules::estimates_only() })
    },
    base: BaseFiles {
        config: include_bytes!("../../../assets/config.json"),
        weights: include_bytes!("../../../assets/model.safetensors"),
        tokenizer: include_bytes!("../../../assets/tokenizer.json"),
        measured: include_bytes!("../../../assets/measured.json"),
    },
};

/// The task at one level.
#[derive(Debug, Clone)]
pub struct Multiplication {
    /// Which factors it draws.
    pub level: Level,
}

impl Task for Multiplication {
    fn name(&self) -> &'static str {
        FAMILY.name
    }

    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> Puzzle {
        puzzle::draw(&self.level, split, rng)
    }

    fn prompt(&self, puzzle: &Puzzle) -> String {
        let factors: Vec<String> = puzzle.numbers.iter().map(i64::to_string).collect();
        format!("multiply {} : <think>", factors.join(" by "))
    }

    fn score(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Score {
        reward::score(puzzle, completion, rules)
    }

    fn analyze(&self, _puzzle: &Puzzle, _completion: &str) -> Analysis {
        Analysis::default()
    }

    fn canonical_answer(&self, answer: &str) -> Option<String> {
        reward::read(answer).ok().map(|value| value.to_string())
    }

    fn in_words(&self, puzzle: &Puzzle, arrow: &str) -> String {
        let factors: Vec<String> = puzzle.numbers.iter().map(i64::to_string).collect();
        format!("{} {arrow} {}", factors.join(" * "), puzzle.target)
    }
}
