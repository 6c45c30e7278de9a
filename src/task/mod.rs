//! What is asked and what is right.
//!
//! A [`Task`] makes puzzles, words them as a prompt, scores completions by the answer alone, and reads which
//! reasoning behaviours they show. It is pure: no threads, no files, no tensors. The reward never looks at how an
//! answer was reached.
//!
//! Whatever depends on the task goes through this module: a further task is a further folder here, and one more
//! line in [`FAMILIES`].

pub mod answer;
pub mod countdown;
pub mod lessons;
pub mod multiplication;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::{answer::Graded, lessons::Lessons};
use crate::{
    metrics::blind::Blind,
    reasoning::Analysis,
    settings::{Choice, Named},
    system::quoting::shortened,
};

/// Every task there is. The first is the one that is meant where none is named.
pub static FAMILIES: &[&Family] = &[&countdown::FAMILY, &multiplication::FAMILY];

/// One question: numbers to use and a value to reach.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Puzzle {
    /// The given numbers, in the order in which the prompt shows them.
    pub numbers: Vec<i64>,
    /// The value to reach. Whether the prompt shows it is the task's affair.
    pub target: i64,
}

/// Which side of the hash split a puzzle is on; no held-out puzzle is ever trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Nine tenths of what there is to ask.
    Train,
    /// One tenth, by a hash.
    Heldout,
}

impl Split {
    /// The side of a puzzle whose numbers alone say what is asked: held out for one in ten, by a SHA-256 of the
    /// sorted numbers and the target, so that it depends neither on the order of the numbers nor on any seed.
    pub fn of_puzzle(puzzle: &Puzzle) -> Self {
        let mut sorted = puzzle.numbers.clone();
        sorted.sort_unstable();
        Self::of_values(sorted.iter().chain([&-1, &puzzle.target]))
    }

    /// The side of all puzzles of these numbers, whatever their target: one number set in ten is held out, by a
    /// SHA-256 of the sorted numbers. A solution of a puzzle is a way to combine its numbers, so a set that was seen
    /// with another target would give the solution away.
    pub fn of_numbers(numbers: &[i64]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        Self::of_values(sorted.iter().chain([&-2]))
    }

    fn of_values<'a>(values: impl Iterator<Item = &'a i64>) -> Self {
        let mut hash = Sha256::new();
        for value in values {
            hash.update(value.to_le_bytes());
        }
        let digest = hash.finalize();
        let word = u64::from_le_bytes([
            digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
        ]);
        if word % 10 == 0 { Self::Heldout } else { Self::Train }
    }
}

/// Which answer is graded and what it earns. Nothing else is ever rewarded.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RewardRules {
    /// For a right answer (default 1.0).
    pub correct: f64,
    /// For a well-formed answer that is wrong (default 0.1).
    pub format: f64,
    /// Which one, where a completion states several.
    #[serde(default)]
    pub answer: Graded,
}

impl Default for RewardRules {
    fn default() -> Self {
        Self { correct: 1.0, format: 0.1, answer: Graded::default() }
    }
}

/// The verdict on one completion, as `score` prints it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// What the completion earned under the [`RewardRules`].
    pub reward: f64,
    /// Whether the graded answer is right.
    pub correct: bool,
    /// Whether the graded answer is there and parses.
    pub format: bool,
    /// The text of the graded answer, trimmed.
    pub answer: Option<String>,
    /// The exact value of the answer, `78` or `7/3`.
    pub value: Option<String>,
    /// Why, in words a person understands.
    pub reason: String,
}

/// A family of puzzles with an exact verifier, at one level. Only [`draw`](Self::draw) depends on the level.
pub trait Task: Send + Sync {
    /// The name used by `--task` and in run files.
    fn name(&self) -> &'static str;
    /// Draws a puzzle of the given side of the split.
    fn draw(&self, split: Split, rng: &mut ChaCha8Rng) -> Puzzle;
    /// The text the model continues; it ends with `<think>`.
    fn prompt(&self, puzzle: &Puzzle) -> String;
    /// Scores what the model wrote after the prompt.
    fn score(&self, puzzle: &Puzzle, completion: &str, rules: &RewardRules) -> Score;
    /// Says which reasoning behaviours the completion shows; any text is taken. The reward never sees it.
    fn analyze(&self, puzzle: &Puzzle, completion: &str) -> Analysis;
    /// The form in which equal answers are the same text, for a majority vote; `None` for what is no answer.
    fn canonical_answer(&self, answer: &str) -> Option<String>;
    /// The puzzle as a person would write it in a line, `4 1 16 -> 19`, with `arrow` between question and target.
    fn in_words(&self, puzzle: &Puzzle, arrow: &str) -> String;
    /// The puzzle of numbers that a person gave. Without a target, the task takes it from the numbers: Countdown
    /// the last one, multiplication their product.
    ///
    /// # Errors
    /// A sentence that says how a puzzle is written.
    fn assemble(&self, numbers: Vec<i64>, target: Option<i64>) -> Result<Puzzle, String>;
    /// Every distinct right way that the task knows, the shortest first.
    ///
    /// # Errors
    /// A sentence that says why it cannot list them.
    fn solutions(&self, puzzle: &Puzzle) -> Result<Vec<String>, String>;
    /// What can be said of a puzzle before it is answered.
    fn prospect(&self, puzzle: &Puzzle) -> Prospect;
    /// What blind search has to draw from; `None` for a task without one.
    fn blind(&self, _puzzle: &Puzzle) -> Option<Blind> {
        None
    }
    /// What a completion tried, in order, for a task whose completions have no tree to search.
    fn outline(&self, _puzzle: &Puzzle, _completion: &str) -> Vec<Tried> {
        Vec::new()
    }
}

/// What can be said of a puzzle before it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prospect {
    /// Something reaches the target.
    Solvable,
    /// Nothing does; this comes nearest.
    Nearest {
        /// The value, `79` or `7/3`.
        value: String,
        /// What makes it.
        expression: String,
    },
    /// The numbers say what is right, in these words.
    Given(String),
    /// It cannot be searched, for this reason.
    Unknown(String),
}

/// One line of [`Task::outline`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// How deep it stands below what it belongs to.
    pub depth: usize,
    /// What was tried, `20 * 47 + 3 * 47`.
    pub words: String,
    /// What the completion says it comes to.
    pub stated: Option<String>,
    /// Whether that is right; `None` where nothing is stated.
    pub right: Option<bool>,
}

/// What is known of a task before a level is chosen.
pub struct Family {
    /// The name used by `--task` and in run files.
    pub name: &'static str,
    /// What is asked, in a few words.
    pub about: &'static str,
    /// The names of its levels; the first is the one that is meant where none is named, and the one on which the
    /// base was measured.
    pub levels: &'static [&'static str],
    /// What the levels are, in a line.
    pub levels_doc: &'static str,
    /// How a puzzle is typed, with an example.
    pub puzzle_form: &'static str,
    /// Whether the numbers alone say what the target is.
    pub target_follows: bool,
    /// Why the Search screen has nothing to search; `None` where it has.
    pub nothing_to_search: Option<&'static str>,
    /// Configuration keys that take other values than the defaults with this task.
    pub settings: &'static [(&'static str, &'static str)],
    /// The task at no level in particular: everything but drawing.
    pub reader: &'static dyn Task,
    /// The task at one of its levels.
    pub at: fn(&str) -> Result<Box<dyn Task>, String>,
    /// What its base model is taught; `false` leaves the behaviours out that RL is to bring up.
    pub lessons: fn(bool) -> Box<dyn Lessons>,
    /// The base model inside the program.
    pub base: BaseFiles,
}

impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Family({})", self.name)
    }
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Choice for &'static Family {
    fn all() -> Vec<Self> {
        FAMILIES.to_vec()
    }

    fn named(self) -> Named {
        Named { name: self.name, doc: self.about }
    }
}

/// The name of a level of some task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelName(&'static str);

impl LevelName {
    /// The name itself.
    pub fn name(self) -> &'static str {
        self.0
    }
}

impl Choice for LevelName {
    fn all() -> Vec<Self> {
        FAMILIES.iter().flat_map(|family| family.levels).map(|name| Self(name)).collect()
    }

    fn named(self) -> Named {
        let family = FAMILIES.iter().find(|family| family.levels.contains(&self.0));
        Named { name: self.0, doc: family.map_or("", |family| family.name) }
    }
}

impl Family {
    /// The level that is meant where none is named.
    pub fn first_level(&self) -> LevelName {
        LevelName(self.levels[0])
    }

    /// A puzzle to begin with.
    pub fn example(&self) -> Puzzle {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        match (self.at)(self.levels[0]) {
            Ok(task) => task.draw(Split::Heldout, &mut rng),
            Err(_) => Puzzle { numbers: Vec::new(), target: 0 },
        }
    }
}

/// The files of a base model inside the program.
pub struct BaseFiles {
    /// `config.json`.
    pub config: &'static [u8],
    /// `model.safetensors`.
    pub weights: &'static [u8],
    /// `tokenizer.json`.
    pub tokenizer: &'static [u8],
    /// `measured.json`: what was measured of it when it was made.
    pub measured: &'static [u8],
}

/// The family of a name.
///
/// # Errors
/// A sentence that names those there are.
pub fn family(name: &str) -> Result<&'static Family, String> {
    FAMILIES.iter().copied().find(|family| family.name == name).ok_or_else(|| {
        format!("There is no task `{}`; the tasks are {}.", shortened(name), names().join(", "))
    })
}

/// The task of a name at a level.
///
/// # Errors
/// A sentence that names the tasks or the levels there are.
pub fn named(name: &str, level: &str) -> Result<Box<dyn Task>, String> {
    (family(name)?.at)(level)
}

/// The task that wrote a record, to score, analyse or word it; a record without a name is the first task's.
///
/// # Errors
/// A sentence that names the tasks there are.
pub fn of_record(name: Option<&str>) -> Result<&'static dyn Task, String> {
    Ok(name.map_or(Ok(FAMILIES[0]), family)?.reader)
}

/// A puzzle of a run as a line, see [`Task::in_words`]; a task that this program does not know is worded as the first.
pub fn in_words(task: &str, puzzle: &Puzzle, arrow: &str) -> String {
    known(task).in_words(puzzle, arrow)
}

/// What is found in a completion of a run's task, see [`Task::analyze`].
pub fn analyze(task: &str, puzzle: &Puzzle, completion: &str) -> Analysis {
    known(task).analyze(puzzle, completion)
}

/// What blind search has to draw from in the puzzle asked about last: completions of a group stand side by side and
/// share their puzzle.
#[derive(Debug, Default)]
pub struct LastBlind(Option<(String, Puzzle, Option<Blind>)>);

impl LastBlind {
    /// See [`Task::blind`]; a task that this program does not know has none.
    pub fn of(&mut self, task: &str, puzzle: &Puzzle) -> Option<Blind> {
        match &self.0 {
            Some((name, last, blind)) if name == task && last == puzzle => *blind,
            _ => {
                let blind = family(task).ok().and_then(|family| family.reader.blind(puzzle));
                self.0 = Some((task.to_owned(), puzzle.clone(), blind));
                blind
            }
        }
    }
}

fn known(task: &str) -> &'static dyn Task {
    family(task).unwrap_or(FAMILIES[0]).reader
}

/// The names of all tasks.
pub fn names() -> Vec<&'static str> {
    FAMILIES.iter().map(|family| family.name).collect()
}
