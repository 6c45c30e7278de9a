//! Countdown: combine the given numbers, each exactly once, with `+ - * /` to reach the target.

pub mod attempt;
mod blind;
pub mod corpus;
pub mod expression;
pub mod prospect;
pub mod puzzle;
pub mod reward;
pub mod search;
pub mod solver;
mod thoughts;
mod tricks;
pub mod vocabulary;

use rand_chacha::ChaCha8Rng;

use self::{corpus::Corpus, puzzle::Level};
use super::{
    BaseFiles, Family, NumberPuzzle, Own, Prospect, RewardRules, Split,
    numbers::{NumberTask, listed_in, number_at},
    rules::{Judged, Rule},
};
use crate::{
    metrics::blind::Blind,
    reasoning::{self, Analysis},
};

/// The task before a level is chosen.
pub static FAMILY: Family = Family {
    name: "countdown",
    about: "Combine the given numbers, each exactly once, to reach the target.",
    levels: &Level::NAMES,
    levels_doc: "3 or 4 numbers of 1..20, or TinyZero's 3-4 numbers of 1..99",
    puzzle_form: "2 to 6 whole numbers and then the target, such as 4 1 16 = 19",
    target_follows: false,
    nothing_to_search: None,
    settings: &[],
    reader: &Countdown { level: Level::FIRST },
    at: |level| Ok(Box::new(Countdown { level: Level::parse(level)? })),
    lessons: |habits| Box::new(Corpus::FIRST.with_habits(habits)),
    tricks: tricks::TRICKS,
    traces: Some(thoughts::write),
    own: &[Own {
        level: "tinyzero",
        settings: &[
            ("max_new_tokens", "640"),
            ("kl_coef", "0.02"),
            ("learning_rate_decay", "linear"),
            ("decay_steps", "240"),
            ("decay_to", "0.2"),
        ],
        lessons: |habits| Box::new(Corpus::TINYZERO.with_habits(habits)),
        base: BaseFiles {
            config: include_bytes!("../../../assets/tinyzero/config.json"),
            weights: include_bytes!("../../../assets/tinyzero/model.safetensors"),
            tokenizer: include_bytes!("../../../assets/tinyzero/tokenizer.json"),
            measured: include_bytes!("../../../assets/tinyzero/measured.json"),
        },
    }],
    base: BaseFiles {
        config: include_bytes!("../../../assets/config.json"),
        weights: include_bytes!("../../../assets/model.safetensors"),
        tokenizer: include_bytes!("../../../assets/tokenizer.json"),
        measured: include_bytes!("../../../assets/measured.json"),
    },
};

/// The task at one level.
#[derive(Debug, Clone)]
pub struct Countdown {
    /// The level of its puzzles.
    pub level: Level,
}

impl NumberTask for Countdown {
    fn name(&self) -> &'static str {
        FAMILY.name
    }

    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> NumberPuzzle {
        puzzle::draw(&self.level, split, rng)
    }

    fn prompt(&self, puzzle: &NumberPuzzle) -> String {
        let numbers: Vec<String> = puzzle.numbers.iter().map(i64::to_string).collect();
        format!("use {} make {} : <think>", numbers.join(" "), puzzle.target)
    }

    /// As TinyZero words it (`examples/data_preprocess/countdown.py` of <https://github.com/Jiayi-Pan/TinyZero>).
    fn question(&self, puzzle: &NumberPuzzle) -> String {
        format!(
            "Using the numbers {:?}, create an equation that equals {}. You can use basic arithmetic operations \
             (+, -, *, /) and each number can only be used once. Show your work in <think> </think> tags. And return \
             the final answer in <answer> </answer> tags, for example <answer> (1 + 2) / 3 </answer>.",
            puzzle.numbers, puzzle.target
        )
    }

    fn asked_in(&self, prompt: &str) -> Option<NumberPuzzle> {
        let (numbers, rest) = listed_in(prompt, "sing the numbers ", &[", create an equation that equals "])
            .or_else(|| listed_in(prompt, "use ", &[" make "]))?;
        Some(NumberPuzzle { numbers, target: number_at(rest)? })
    }

    fn rules(&self) -> &'static [Rule] {
        reward::RULES
    }

    fn judge(&self, puzzle: &NumberPuzzle, completion: &str, rules: &RewardRules) -> Judged {
        reward::judge(puzzle, completion, rules)
    }

    fn analyze(&self, puzzle: &NumberPuzzle, completion: &str) -> Analysis {
        reasoning::analyze(puzzle, completion)
    }

    fn canonical_answer(&self, answer: &str) -> Option<String> {
        expression::parse(answer).ok().map(|parsed| parsed.canonical())
    }

    fn in_words(&self, puzzle: &NumberPuzzle, arrow: &str) -> String {
        let numbers: Vec<String> = puzzle.numbers.iter().map(i64::to_string).collect();
        format!("{} {arrow} {}", numbers.join(" "), puzzle.target)
    }

    fn assemble(&self, mut numbers: Vec<i64>, target: Option<i64>) -> Result<NumberPuzzle, String> {
        match target.or_else(|| numbers.pop()) {
            Some(target) if (2..=solver::MAX_NUMBERS).contains(&numbers.len()) => {
                Ok(NumberPuzzle { numbers, target })
            }
            _ => Err(format!("write {}", FAMILY.puzzle_form)),
        }
    }

    fn solutions(&self, puzzle: &NumberPuzzle) -> Result<Vec<String>, String> {
        solver::solve(&puzzle.numbers, puzzle.target, usize::MAX).map_err(|error| error.to_string())
    }

    fn prospect(&self, puzzle: &NumberPuzzle) -> Prospect {
        prospect::prospect(puzzle)
    }

    fn blind(&self, puzzle: &NumberPuzzle) -> Option<Blind> {
        Some(blind::blind(puzzle))
    }
}
