//! What all tasks of numbers and a target share: their puzzles are read once, here.

use rand_chacha::ChaCha8Rng;

use super::{
    NumberPuzzle, Prospect, Puzzle, RewardRules, Score, Split, Task, Tried,
    rules::{Judged, Rule},
};
use crate::{metrics::blind::Blind, record::Analysis};

/// A [`Task`] whose puzzles are numbers and a target. Each function is that of the same name there.
#[allow(missing_docs, reason = "each is explained by the function of the same name in Task")]
pub trait NumberTask: Send + Sync {
    fn name(&self) -> &'static str;
    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> NumberPuzzle;
    fn prompt(&self, puzzle: &NumberPuzzle) -> String;
    fn question(&self, puzzle: &NumberPuzzle) -> String;
    fn asked_in(&self, prompt: &str) -> Option<NumberPuzzle>;
    fn rules(&self) -> &'static [Rule];
    fn judge(&self, puzzle: &NumberPuzzle, completion: &str, rules: &RewardRules) -> Judged;
    fn analyze(&self, puzzle: &NumberPuzzle, completion: &str) -> Analysis;
    fn canonical_answer(&self, answer: &str) -> Option<String>;
    fn in_words(&self, puzzle: &NumberPuzzle, arrow: &str) -> String;
    /// # Errors
    /// A sentence that says how a puzzle is written.
    fn assemble(&self, numbers: Vec<i64>, target: Option<i64>) -> Result<NumberPuzzle, String>;
    /// # Errors
    /// A sentence that says why it cannot list them.
    fn solutions(&self, puzzle: &NumberPuzzle) -> Result<Vec<String>, String>;
    fn prospect(&self, puzzle: &NumberPuzzle) -> Prospect;
    fn blind(&self, _puzzle: &NumberPuzzle) -> Option<Blind> {
        None
    }
    fn outline(&self, _puzzle: &NumberPuzzle, _completion: &str) -> Vec<Tried> {
        Vec::new()
    }
}

/// Most numbers that one puzzle may give.
pub(crate) const MAX_NUMBERS: usize = 64;

/// A longer list of numbers is none of ours.
const LONGEST_LIST: usize = 1500;

/// The numbers between the last `opening` that is followed by some and the next of `closings`, and what follows.
pub(crate) fn listed_in<'a>(text: &'a str, opening: &str, closings: &[&str]) -> Option<(Vec<i64>, &'a str)> {
    let between = |(at, _): (usize, &str)| {
        let rest = &text[at + opening.len()..];
        let (end, closing) = closings.iter().filter_map(|close| Some((rest.find(close)?, close))).min()?;
        let list = rest.get(..end).filter(|list| list.len() <= LONGEST_LIST)?;
        let words = list.split([' ', ',', '[', ']']).filter(|word| !word.is_empty() && *word != "by");
        let numbers = words.map(|word| word.parse().ok()).collect::<Option<Vec<i64>>>()?;
        (1..=MAX_NUMBERS).contains(&numbers.len()).then(|| (numbers, &rest[end + closing.len()..]))
    };
    text.rmatch_indices(opening).find_map(between)
}

/// The whole number with which a text begins.
pub(crate) fn number_at(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches('-').len();
    let sign = text.len() - digits;
    let end = text[sign..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |end| sign + end);
    text[..end].parse().ok()
}

fn read(puzzle: &Puzzle) -> Result<NumberPuzzle, String> {
    NumberPuzzle::of(puzzle).ok_or_else(|| {
        "A puzzle of this task needs `numbers`, a list of whole numbers, and `target`, a whole number.".into()
    })
}

impl<T: NumberTask> Task for T {
    fn name(&self) -> &'static str {
        NumberTask::name(self)
    }

    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> Puzzle {
        NumberTask::draw(self, split, rng).into()
    }

    fn admit(&self, puzzle: &Puzzle) -> Result<Puzzle, String> {
        let numbers = read(puzzle)?;
        match numbers.numbers.len() {
            1..=MAX_NUMBERS => Ok(numbers.into()),
            _ => Err("`numbers` is empty or too long.".into()),
        }
    }

    fn prompt(&self, puzzle: &Puzzle) -> String {
        read(puzzle).map_or_else(|_| puzzle.to_string(), |puzzle| NumberTask::prompt(self, &puzzle))
    }

    fn question(&self, puzzle: &Puzzle) -> String {
        read(puzzle).map_or_else(|_| puzzle.to_string(), |puzzle| NumberTask::question(self, &puzzle))
    }

    fn asked_in(&self, prompt: &str) -> Option<Puzzle> {
        NumberTask::asked_in(self, prompt).map(Puzzle::from)
    }

    fn score(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Score {
        Task::judge(self, puzzle, completion, rules).score
    }

    fn rules(&self) -> &'static [Rule] {
        NumberTask::rules(self)
    }

    fn judge(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Judged {
        match read(puzzle) {
            Ok(puzzle) => NumberTask::judge(self, &puzzle, completion, rules),
            Err(reason) => {
                let score =
                    Score { reward: 0.0, correct: false, format: false, answer: None, value: None, reason };
                Judged { score, broken: None }
            }
        }
    }

    fn analyze(&self, puzzle: &Puzzle, completion: &str) -> Analysis {
        read(puzzle)
            .map_or_else(|_| Analysis::default(), |puzzle| NumberTask::analyze(self, &puzzle, completion))
    }

    fn canonical_answer(&self, answer: &str) -> Option<String> {
        NumberTask::canonical_answer(self, answer)
    }

    fn in_words(&self, puzzle: &Puzzle, arrow: &str) -> String {
        read(puzzle).map_or_else(|_| puzzle.to_string(), |puzzle| NumberTask::in_words(self, &puzzle, arrow))
    }

    fn assemble(&self, numbers: Vec<i64>, target: Option<i64>) -> Result<Puzzle, String> {
        NumberTask::assemble(self, numbers, target).map(Puzzle::from)
    }

    fn solutions(&self, puzzle: &Puzzle) -> Result<Vec<String>, String> {
        NumberTask::solutions(self, &read(puzzle)?)
    }

    fn prospect(&self, puzzle: &Puzzle) -> Prospect {
        match read(puzzle) {
            Ok(puzzle) => NumberTask::prospect(self, &puzzle),
            Err(reason) => Prospect::Unknown(reason),
        }
    }

    fn blind(&self, puzzle: &Puzzle) -> Option<Blind> {
        NumberTask::blind(self, &read(puzzle).ok()?)
    }

    fn outline(&self, puzzle: &Puzzle, completion: &str) -> Vec<Tried> {
        read(puzzle).map_or_else(|_| Vec::new(), |puzzle| NumberTask::outline(self, &puzzle, completion))
    }
}
