//! Multiplication: state the product of two factors. It is too large to know by heart, so it pays to split
//! it.

pub mod corpus;
pub mod puzzle;
pub mod reading;
pub mod reward;
mod tricks;
pub mod vocabulary;
pub mod ways;

use rand_chacha::ChaCha8Rng;

use self::puzzle::Level;
use super::{
    BaseFiles, Family, NumberPuzzle, Prospect, RewardRules, Split, Tried,
    numbers::{NumberTask, listed_in},
    rules::{Judged, Rule},
};
use crate::reasoning::Analysis;

/// The task before a level is chosen.
pub static FAMILY: Family = Family {
    name: "multiplication",
    about: "Compute the product of two factors.",
    levels: &Level::NAMES,
    levels_doc: "digits of the two factors",
    puzzle_form: "two whole numbers, such as 23 47",
    target_follows: true,
    nothing_to_search: Some(
        "Multiplication has no search tree: the only choice is how to split the product. These are the splits that \
         this completion used, with the results that it states.",
    ),
    settings: &[("max_new_tokens", "160")],
    reader: &Multiplication { level: Level { first: 11..=99, second: 11..=99 } },
    at: |level| Ok(Box::new(Multiplication { level: Level::parse(level)? })),
    lessons: |habits| {
        Box::new(if habits { corpus::CorpusRules::default() } else { corpus::CorpusRules::estimates_only() })
    },
    tricks: tricks::TRICKS,
    traces: None,
    own: &[],
    base: BaseFiles {
        config: include_bytes!("../../../assets/multiplication/config.json"),
        weights: include_bytes!("../../../assets/multiplication/model.safetensors"),
        tokenizer: include_bytes!("../../../assets/multiplication/tokenizer.json"),
        measured: include_bytes!("../../../assets/multiplication/measured.json"),
    },
};

/// The task at one level.
#[derive(Debug, Clone)]
pub struct Multiplication {
    /// The level of its factors.
    pub level: Level,
}

impl NumberTask for Multiplication {
    fn name(&self) -> &'static str {
        FAMILY.name
    }

    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> NumberPuzzle {
        puzzle::draw(&self.level, split, rng)
    }

    fn prompt(&self, puzzle: &NumberPuzzle) -> String {
        let factors: Vec<String> = puzzle.numbers.iter().map(i64::to_string).collect();
        format!("multiply {} : <think>", factors.join(" by "))
    }

    fn question(&self, puzzle: &NumberPuzzle) -> String {
        let factors: Vec<String> = puzzle.numbers.iter().map(i64::to_string).collect();
        format!(
            "Multiply {}. Show your work in <think> </think> tags. And return the final answer in <answer> </answer> \
             tags, for example <answer> 42 </answer>.",
            factors.join(" by ")
        )
    }

    fn asked_in(&self, prompt: &str) -> Option<NumberPuzzle> {
        let (numbers, _) = listed_in(prompt, "ultiply ", &[".", " :"])?;
        NumberTask::assemble(self, numbers, None).ok()
    }

    fn rules(&self) -> &'static [Rule] {
        reward::RULES
    }

    fn judge(&self, puzzle: &NumberPuzzle, completion: &str, rules: &RewardRules) -> Judged {
        reward::judge(puzzle, completion, rules)
    }

    fn analyze(&self, puzzle: &NumberPuzzle, completion: &str) -> Analysis {
        reading::analyze(puzzle, completion)
    }

    fn canonical_answer(&self, answer: &str) -> Option<String> {
        reward::read(answer).ok().map(|value| value.to_string())
    }

    fn in_words(&self, puzzle: &NumberPuzzle, arrow: &str) -> String {
        let factors: Vec<String> = puzzle.numbers.iter().map(i64::to_string).collect();
        format!("{} {arrow} {}", factors.join(" * "), puzzle.target)
    }

    fn assemble(&self, mut numbers: Vec<i64>, target: Option<i64>) -> Result<NumberPuzzle, String> {
        let target = target.or_else(|| if numbers.len() == 3 { numbers.pop() } else { None });
        let &[first, second] = numbers.as_slice() else {
            return Err(format!("write {}", FAMILY.puzzle_form));
        };
        if first < 0 || second < 0 {
            return Err("factors are whole numbers from 0 up".into());
        }
        let Some(puzzle) = puzzle::of_factors(first, second) else {
            return Err("the product of these factors exceeds 64 bits".into());
        };
        match target.filter(|target| *target != puzzle.target) {
            Some(other) => Err(format!("{first} * {second} is {}, not {other}", puzzle.target)),
            None => Ok(puzzle),
        }
    }

    fn outline(&self, puzzle: &NumberPuzzle, completion: &str) -> Vec<Tried> {
        reading::outline(puzzle, completion)
    }

    fn solutions(&self, puzzle: &NumberPuzzle) -> Result<Vec<String>, String> {
        let &[a, b] = puzzle.numbers.as_slice() else { return Ok(Vec::new()) };
        Ok(ways::Way::ALL.into_iter().filter_map(|way| way.in_words(a, b)).collect())
    }

    fn prospect(&self, puzzle: &NumberPuzzle) -> Prospect {
        Prospect::Given(format!(
            "the prompt contains only the factors; the right answer is {}",
            puzzle.target
        ))
    }
}
